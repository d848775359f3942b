/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/probe.h"

#define TEXT_MOST 2048

static json_t *json_text(struct slice text)
{
    struct buf printable = BUF_INIT(2 * TEXT_MOST);
    json_t *json;

    buf_put_printable(&printable, text, TEXT_MOST);
    json = json_string(buf_text(&printable));
    buf_deinit(&printable);
    return json;
}

static json_t *json_hex(struct slice octets)
{
    struct buf hex = BUF_INIT(256);
    json_t *json;

    buf_put_hex(&hex, octets);
    json = json_string(buf_text(&hex));
    buf_deinit(&hex);
    return json;
}

static json_t *json_way(const struct probe_report *report, enum tls_way way)
{
    static const char *const outcomes[] = {
        [TLS_NOT_TRIED] = "not-tried", [TLS_SEEN] = "seen",     [TLS_NOT_OFFERED] = "not-offered",
        [TLS_REFUSED] = "refused",     [TLS_FAILED] = "failed",
    };
    const struct tls_sight *sight = &report->result->sights[way];
    const struct probe_shown *shown = probe_shown_by(report, way);
    bool rsa = way == TLS_13_RSA || way == TLS_12_RSA;
    json_t *json = json_pack("{s:s, s:s, s:s}", "version",
                             way == TLS_13_RSA || way == TLS_13_ECDSA ? "1.3" : "1.2", "key",
                             rsa ? "rsa" : "ecdsa", "outcome", outcomes[sight->outcome]);

    json_object_set_new(json, "trouble",
                        sight->detail[0] ? json_text(slice_of_text(sight->detail)) : json_null());
    json_object_set_new(json, "shows",
                        shown ? json_integer((json_int_t)(shown - report->shown)) : json_null());
    return json;
}

static json_t *json_chain(const struct served *served)
{
    json_t *names = json_array();
    struct cert_view view;
    const char *fault;

    for (unsigned i = 0; i < served->cert_count; i++) {
        json_array_append_new(names, cert_read(served->certs[i], &view, &fault)
                                         ? json_null()
                                         : json_text(view.common_name));
    }
    return names;
}

static json_t *json_issuer(const struct found_cert *cert)
{
    static const char *const sources[] = {
        [ISSUER_SAME_FILE] = "chain",
        [ISSUER_CONFIGURED] = "configured",
        [ISSUER_FETCHED] = "store",
    };

    if (!cert->issuer) {
        return json_null();
    }
    return json_pack("{s:o, s:s}", "name", json_text(cert->issuer->view.common_name), "source",
                     sources[cert->source]);
}

static json_t *json_store(const struct probe_shown *shown)
{
    static const char *const matches[] = {
        [PROBE_NO_MATCH] = NULL, [PROBE_SAME] = "same",   [PROBE_RECEIVED] = "as-received",
        [PROBE_NEWER] = "newer", [PROBE_OLDER] = "older", [PROBE_OTHER] = "other",
    };

    return json_pack("{s:s, s:s?}", "state", kept_state_name(shown->kept.state), "staple",
                     matches[shown->match]);
}

static json_t *json_urls(const struct cert_facts *facts)
{
    json_t *urls = json_array();

    for (unsigned i = 0; i < facts->url_count; i++) {
        json_array_append_new(urls, json_string(facts->urls[i]));
    }
    return urls;
}

static void add_cert(json_t *json, const struct probe_shown *shown)
{
    const struct found_cert *cert = shown->cert;
    const struct cert_facts *facts = cert->facts;
    struct slice answer = shown->sight->served.answer;

    json_object_set_new(json, "name", json_string(facts->name));
    json_object_set_new(json, "serial", json_hex(slice_of(facts->serial, facts->serial_size)));
    json_object_set_new(json, "leaf_sha256", json_hex(slice_of(facts->leaf_sha256, SHA256_SIZE)));
    json_object_set_new(json, "not_before", json_integer(facts->not_before_s));
    json_object_set_new(json, "not_after", json_integer(facts->not_after_s));
    json_object_set_new(json, "must_staple", json_boolean(facts->must_staple));
    json_object_set_new(json, "ocsp_urls", json_urls(facts));
    json_object_set_new(json, "chain", json_chain(&shown->sight->served));
    json_object_set_new(json, "issuer", json_issuer(cert));
    json_object_set_new(json, "size",
                        shown->staple == PROBE_ANSWER ? json_integer((json_int_t)answer.size)
                                                      : json_null());
    json_object_set_new(json, "expected", json_boolean(shown->expected));
    json_object_set_new(json, "store", json_store(shown));
}

static json_t *json_shown(const struct probe_shown *shown)
{
    static const char *const staples[] = {
        [PROBE_NONE] = "none",     [PROBE_ANSWER] = "answer",       [PROBE_EMPTY] = "empty",
        [PROBE_BROKEN] = "broken", [PROBE_TOO_LARGE] = "too-large",
    };
    json_t *json = json_pack("{s:b, s:s}", "ok", !shown->bad, "staple", staples[shown->staple]);

    json_object_set_new(json, "trouble",
                        shown->cert ? json_null() : json_text(slice_of_buf(&shown->fault)));
    if (shown->cert) {
        add_cert(json, shown);
    }
    json_object_set_new(json, "answer",
                        shown->judged ? verify_json(&shown->verification) : json_null());
    return json;
}

json_t *probe_json(const struct probe_report *report)
{
    const char *starttls = starttls_name(report->starttls);
    json_t *ways = json_array(), *certs = json_array(), *trouble;
    struct buf fault = BUF_INIT(2 * TEXT_MOST);
    bool ok = !probe_fault(report, &fault);

    for (int way = 0; !report->result->fault && way < TLS_WAYS; way++) {
        json_array_append_new(ways, json_way(report, (enum tls_way)way));
    }
    for (unsigned i = 0; i < report->count; i++) {
        ok &= !report->shown[i].bad;
        json_array_append_new(certs, json_shown(&report->shown[i]));
    }
    trouble = fault.size ? json_text(slice_of_buf(&fault)) : json_null();
    buf_deinit(&fault);
    return json_pack("{s:b, s:s, s:i, s:o, s:s?, s:s?, s:o, s:o, s:o}", "ok", ok, "host",
                     report->host, "port", (int)report->port, "address",
                     report->result->address[0] ? json_string(report->result->address)
                                                : json_null(),
                     "servername", report->servername, "starttls", *starttls ? starttls : NULL,
                     "trouble", trouble, "handshakes", ways, "certs", certs);
}
