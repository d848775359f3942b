/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "cli/explain.h"

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
    struct buf url = BUF_INIT(LIMIT_URL_SIZE + 1), body = BUF_INIT(LIMIT_ANSWER_SIZE);
    json_t *requests = json_array();

    for (unsigned i = 0; !explain_nothing_to_ask(facts, wall_s) && i < facts->url_count; i++) {
        bool post = explain_request(facts, i, false, &url, &body);
        size_t size = post ? body.size : url.size;

        json_array_append_new(requests,
                              json_pack("{s:s, s:s, s:I}", "method", post ? "POST" : "GET", "url",
                                        buf_text(&url), "size", (json_int_t)size));
    }
    buf_deinit(&url);
    buf_deinit(&body);
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

static json_t *json_kept(const struct kept *kept)
{
    json_t *json = json_pack("{s:s}", "state", kept_state_name(kept->state));

    if (kept->state == KEPT_GOOD) {
        json_object_set_new(json, "size", json_integer((json_int_t)kept->served.size));
    } else if (kept->state == KEPT_UNFIT) {
        json_object_set_new(json, "reason", json_string(reason_name(kept->unfit)));
    } else if (kept->state == KEPT_REVOKED) {
        json_object_set_new(json, "revoked_at", json_integer(kept->revoked_at_s));
    }
    json_object_set_new(json, "answer",
                        kept->received.size ? verify_json(&kept->verification) : json_null());
    return json;
}

static json_t *json_attempt(const struct explain_attempt *attempt)
{
    json_t *json = json_pack(
        "{s:s, s:s, s:o, s:I, s:I, s:I}", "to", attempt->issuer ? "issuer" : "responder", "method",
        attempt->post ? "POST" : "GET", "url", json_printable(slice_of_buf(&attempt->url)), "size",
        (json_int_t)attempt->request_size, "ms", (json_int_t)attempt->took_ms, "answer_size",
        (json_int_t)attempt->size);

    json_object_set_new(json, "http_status",
                        attempt->http_status ? json_integer(attempt->http_status) : json_null());
    json_object_set_new(json, "trouble",
                        attempt->detail.size ? json_printable(slice_of_buf(&attempt->detail))
                                             : json_null());
    json_object_set_new(json, "reason",
                        attempt->judged ? json_string(reason_name(attempt->reason)) : json_null());
    return json;
}

/* Null when nobody was to be asked. */
static json_t *json_live(const struct explain_report *report)
{
    const struct explain_live *live = &report->live;
    json_t *asked = json_array();

    if (!live->count) {
        json_decref(asked);
        return json_null();
    }
    for (unsigned i = 0; i < live->count; i++) {
        json_array_append_new(asked, json_attempt(&live->attempts[i]));
    }
    return json_pack("{s:o, s:o, s:b, s:b}", "asked", asked, "answer",
                     live->received.size ? verify_json(&live->verification) : json_null(),
                     "is_kept", explain_is_kept(report), "older_than_kept", live->older);
}

json_t *explain_json(const struct explain_report *report)
{
    const struct found_cert *cert = report->cert;
    const struct cert_facts *facts = cert->facts;
    json_t *json = json_pack("{s:o, s:s, s:o, s:o, s:I, s:I, s:b, s:b, s:b}", "path",
                             json_printable(slice_of_text(report->path)), "name", facts->name,
                             "serial", json_hex(slice_of(facts->serial, facts->serial_size)),
                             "leaf_sha256", json_hex(slice_of(facts->leaf_sha256, SHA256_SIZE)),
                             "not_before", (json_int_t)facts->not_before_s, "not_after",
                             (json_int_t)facts->not_after_s, "must_staple", facts->must_staple,
                             "is_ca", facts->is_ca, "self_signed", facts->self_signed);

    json_object_set_new(json, "issuer", json_issuer(cert));
    json_object_set_new(json, "ocsp_urls", json_urls(facts));
    json_object_set_new(json, "certid", json_certid(cert));
    json_object_set_new(json, "requests", json_requests(facts, report->wall_s));
    json_object_set_new(json, "kept", json_kept(&report->kept));
    json_object_set_new(json, "last_trouble",
                        report->last.size ? json_printable(slice_of_buf(&report->last))
                                          : json_null());
    json_object_set_new(json, "live", json_live(report));
    return json;
}
