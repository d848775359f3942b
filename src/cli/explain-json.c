/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "cli/explain.h"
#include "cli/verify.h"

static json_t *json_hex(struct slice octets)
{
    struct buf hex = BUF_INIT(1024);
    json_t *json;

    buf_put_hex(&hex, octets);
    json = json_string(buf_text(&hex));
    buf_deinit(&hex);
    return json;
}

static json_t *json_printable(struct slice text)
{
    struct buf printable = BUF_INIT(2 * LIMIT_URL_SIZE);
    json_t *json;

    buf_put_printable(&printable, text, LIMIT_URL_SIZE);
    json = json_string(buf_text(&printable));
    buf_deinit(&printable);
    return json;
}

static json_t *json_issuer(const struct found_cert *cert)
{
    if (!cert->issuer) {
        return json_null();
    }
    return json_pack("{s:o, s:s, s:o}", "name", json_printable(cert->issuer->view.common_name),
                     "source", explain_source_name(cert->source), "where",
                     json_printable(slice_of_buf(&cert->where)));
}

static json_t *json_hashes(const struct issuer *issuer, enum certid_hash hash, size_t size)
{
    return json_pack("{s:o, s:o}", "issuer_name_hash",
                     json_hex(slice_of(issuer->name_hash[hash], size)), "issuer_key_hash",
                     json_hex(slice_of(issuer->key_hash[hash], size)));
}

static json_t *json_certid(const struct found_cert *cert)
{
    if (!cert->issuer) {
        return json_null();
    }
    return json_pack("{s:o, s:o}", "sha1", json_hashes(cert->issuer, CERTID_SHA1, SHA1_SIZE),
                     "sha256", json_hashes(cert->issuer, CERTID_SHA256, SHA256_SIZE));
}

static json_t *json_requests(const struct cert_facts *facts, int64_t wall_s)
{
    struct buf url = BUF_INIT(LIMIT_URL_SIZE + 1);
    json_t *requests = json_array();
    size_t size;

    for (unsigned i = 0; !explain_nothing_to_ask(facts, wall_s) && i < facts->url_count; i++) {
        bool get = explain_request(&url, facts, i, &size);

        json_array_append_new(requests, json_pack("{s:s, s:s, s:I}", "method", get ? "GET" : "POST",
                                                  "url", buf_text(&url), "size", (json_int_t)size));
    }
    buf_deinit(&url);
    return requests;
}

static json_t *json_urls(const struct cert_facts *facts)
{
    json_t *urls = json_array();

    for (unsigned i = 0; i < facts->url_count; i++) {
        json_array_append_new(urls, json_string(facts->urls[i]));
    }
    return urls;
}

/* What each client would make of what is kept, as `verify` tells it. */
static json_t *json_clients(const struct judgement *judgement)
{
    json_t *object = json_object();

    for (unsigned i = 0; i < CLIENT_COUNT; i++) {
        struct buf text = BUF_INIT(128);

        verify_put_client(&text, judgement, (enum client)i);
        json_object_set_new(object, clients[i].name, json_string(buf_text(&text)));
        buf_deinit(&text);
    }
    return object;
}

static json_t *json_kept(const struct kept *kept)
{
    static const char *const states[] = {"nothing",   "good",     "unfit",     "revoked",
                                         "no-issuer", "no-store", "unreadable"};
    json_t *json = json_pack("{s:s}", "state", states[kept->state]);

    if (kept->state == KEPT_GOOD) {
        json_object_set_new(json, "size", json_integer((json_int_t)kept->served.size));
        json_object_set_new(json, "serve_until", json_integer(kept->judgement.serve.until_s));
        json_object_set_new(json, "next_update", json_integer(kept->facts.next_update_s));
    } else if (kept->state == KEPT_UNFIT) {
        json_object_set_new(json, "reason", json_string(reason_name(kept->judgement.reason)));
    } else if (kept->state == KEPT_REVOKED) {
        json_object_set_new(json, "revoked_at", json_integer(kept->facts.revoked_at_s));
    }
    if (kept->state == KEPT_GOOD || kept->state == KEPT_UNFIT) {
        json_object_set_new(json, "clients", json_clients(&kept->judgement));
    }
    return json;
}

json_t *explain_json(const struct found_cert *cert, const struct explain_at *at)
{
    const struct cert_facts *facts = cert->facts;
    json_t *json = json_pack("{s:o, s:s, s:o, s:o, s:I, s:I, s:b, s:b, s:b}", "path",
                             json_printable(slice_of_text(at->path)), "name", facts->name, "serial",
                             json_hex(slice_of(facts->serial, facts->serial_size)), "leaf_sha256",
                             json_hex(slice_of(facts->leaf_sha256, SHA256_SIZE)), "not_before",
                             (json_int_t)facts->not_before_s, "not_after",
                             (json_int_t)facts->not_after_s, "must_staple", facts->must_staple,
                             "is_ca", facts->is_ca, "self_signed", facts->self_signed);

    json_object_set_new(json, "issuer", json_issuer(cert));
    json_object_set_new(json, "ocsp_urls", json_urls(facts));
    json_object_set_new(json, "certid", json_certid(cert));
    json_object_set_new(json, "requests", json_requests(facts, at->wall_s));
    json_object_set_new(json, "kept", json_kept(at->kept));
    return json;
}
