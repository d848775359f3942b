/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/verify.h"

static json_t *json_time(bool known, int64_t wall_s)
{
    return known && wall_s != INSTANT_NEVER ? json_integer((json_int_t)wall_s) : json_null();
}

static json_t *json_status(const struct ocsp_facts *facts)
{
    static const char *const names[] = {
        [CERT_STATUS_GOOD] = "good",
        [CERT_STATUS_REVOKED] = "revoked",
        [CERT_STATUS_UNKNOWN] = "unknown",
    };

    return facts->has_single ? json_string(names[status_in_effect(facts)]) : json_null();
}

static json_t *json_signer(const struct ocsp_facts *facts)
{
    switch (facts->signer) {
    case OCSP_SIGNER_ISSUER:
        return json_string("issuer");
    case OCSP_SIGNER_DELEGATE:
        return json_string("delegate");
    case OCSP_SIGNER_NONE:
        break;
    }
    return json_null();
}

static json_t *json_reasons(uint32_t reasons)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < REASON_COUNT; i++) {
        if (reasons >> i & 1) {
            json_array_append_new(list, json_string(reason_name((enum reason)i)));
        }
    }
    return list;
}

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

/* Who asks the responder before it fails. */
static json_t *json_asks(const struct judgement *judgement)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < CLIENT_COUNT; i++) {
        if (judgement->asks & CLIENT_BIT(i)) {
            json_array_append_new(list, json_string(clients[i].name));
        }
    }
    return list;
}

/* What no staple at all does to each client. */
static json_t *json_without(const struct cert_facts *cert)
{
    json_t *object = json_object();

    for (unsigned i = 0; i < CLIENT_COUNT; i++) {
        bool fatal =
            cert->must_staple ? clients[i].none_is_fatal_must_staple : clients[i].none_is_fatal;
        const char *word = !fatal ? "ok" : clients[i].asks_for_none ? "asks" : "fatal";

        json_object_set_new(object, clients[i].name, json_string(word));
    }
    return object;
}

static const char *verdict_word(const struct judgement *judgement)
{
    return judgement->verdict == VERDICT_STAPLE ? "staple" : "refuse";
}

/* The same of the octets as they came, before surplus certificates are dropped. */
static json_t *json_received(const struct judgement *judgement)
{
    return json_pack("{s:s, s:s, s:o, s:o}", "verdict", verdict_word(judgement), "reason",
                     reason_name(judgement->reason), "clients", json_clients(judgement), "asks",
                     json_asks(judgement));
}

static void add_warning(void *context, const char *sentence, enum reason reason)
{
    struct buf text = BUF_INIT(1024);

    buf_put_text(&text, sentence);
    if (reason != REASON_GOOD) {
        buf_put_text(&text, " [");
        buf_put_text(&text, reason_name(reason));
        buf_put_byte(&text, ']');
    }
    json_array_append_new(context, json_string(buf_text(&text)));
    buf_deinit(&text);
}

json_t *verify_json(const struct verification *v)
{
    const struct ocsp_facts *facts = &v->facts;
    const struct judgement *judgement = &v->judgement;
    json_t *warnings = json_array();

    verify_each_warning(v, add_warning, warnings);
    return json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o}",
        "verdict", verdict_word(judgement), "reason", reason_name(judgement->reason), "reasons",
        json_reasons(judgement->reasons), "status", json_status(facts), "this_update",
        json_time(facts->has_single, facts->this_update_s), "next_update",
        json_time(facts->has_single, facts->next_update_s), "produced_at",
        json_time(facts->form == REASON_GOOD, facts->produced_at_s), "signer", json_signer(facts),
        "serve_from", json_time(facts->has_single, judgement->serve.from_s), "serve_until",
        json_time(facts->has_single, judgement->serve.until_s), "repaired", v->repaired, "clients",
        json_clients(judgement), "asks", json_asks(judgement), "without", json_without(v->cert),
        "as_received", json_received(&v->received_judgement), "warnings", warnings);
}

void verify_put_json(struct buf *out, const struct verification *v)
{
    json_t *root = verify_json(v);
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;

    if (text) {
        buf_put(out, text, strlen(text));
        buf_put_byte(out, '\n');
        free(text);
    } else {
        out->status = -1;
    }
    json_decref(root);
}
