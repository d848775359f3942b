/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "cli/probe.h"
#include "cli/report.h"
#include "pki/test-mint.h"

#define URL "http://ocsp.example/"

/* A server's two certificates, and all that is needed to judge what it shows. */
struct world {
    struct config *config;
    struct lookup *lookup;
    struct log log;
    X509 *ca, *leaf, *plain, *strict;
    struct buf ca_der, leaf_der, plain_der, strict_der; /* strict: must-staple */
    struct buf answer, older;
    struct tls_sight sights[TLS_WAYS];
    struct tls_probe_result result;
    struct probe_report report;
    struct buf text;
};

static void mint_for(struct buf *answer, const struct world *world, int64_t this_update_s)
{
    mint_answer(answer, &(struct mint_answer){
                            .singles = {{.cert = world->leaf,
                                         .issuer = world->ca,
                                         .reason = -1,
                                         .this_update_s = this_update_s}},
                            .signer = world->ca,
                            .signer_key = MINT_RSA,
                        });
}

static X509 *mint_named(const struct world *world, const char *name, const char *serial,
                        const char *access)
{
    return mint_cert(&(struct mint_cert){
        .name = name,
        .key = MINT_EC,
        .issuer_key = MINT_RSA,
        .issuer = world->ca,
        .serial_hex = serial,
        .extensions = {{access ? "authorityInfoAccess" : NULL, access},
                       {strcmp(name, "strict.example") == 0 ? "tlsfeature" : NULL,
                        "status_request"}},
    });
}

static void mint_world(struct world *world)
{
    world->ca = mint_cert(&(struct mint_cert){
        .name = "Example CA",
        .key = MINT_RSA,
        .issuer_key = MINT_RSA,
        .extensions = {{"basicConstraints", "critical,CA:TRUE"}},
    });
    world->leaf = mint_named(world, "shop.example", "1001", "OCSP;URI:" URL);
    world->plain = mint_named(world, "plain.example", "1002", NULL);
    world->strict = mint_named(world, "strict.example", "1003", "OCSP;URI:" URL);
    mint_der(world->ca, &world->ca_der);
    mint_der(world->leaf, &world->leaf_der);
    mint_der(world->plain, &world->plain_der);
    mint_der(world->strict, &world->strict_der);
    mint_for(&world->answer, world, 0);
    mint_for(&world->older, world, MINT_NOW - 2 * MINT_DAY_S);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct buf *bufs[] = {&world->ca_der, &world->leaf_der, &world->plain_der, &world->strict_der,
                          &world->answer, &world->older,    &world->text};

    assert_non_null(world);
    for (size_t i = 0; i < ARRAY_SIZE(bufs); i++) {
        *bufs[i] = BUF_INIT(1 << 20);
    }
    log_open(&world->log);
    assert_int_equal(config_new(&world->config), 0);
    assert_int_equal(config_set_state_dir(world->config, "/nowhere/clinch"), 0);
    assert_int_equal(lookup_new(&world->lookup, world->config, &world->log), 0);
    mint_world(world);
    world->result = (struct tls_probe_result){.address = "192.0.2.1:443", .sights = world->sights};
    world->report = (struct probe_report){
        .host = "shop.example",
        .port = 443,
        .servername = "shop.example",
        .state_dir = world->config->state_dir,
        .wall_s = MINT_NOW,
        .result = &world->result,
    };
    for (int way = 0; way < TLS_WAYS; way++) {
        world->sights[way].outcome = TLS_NOT_OFFERED;
    }
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    struct buf *bufs[] = {&world->ca_der, &world->leaf_der, &world->plain_der, &world->strict_der,
                          &world->answer, &world->older,    &world->text};

    probe_report_deinit(&world->report);
    X509_free(world->ca);
    X509_free(world->leaf);
    X509_free(world->plain);
    X509_free(world->strict);
    for (size_t i = 0; i < ARRAY_SIZE(bufs); i++) {
        buf_deinit(bufs[i]);
    }
    lookup_free(world->lookup);
    config_free(world->config);
    free(world);
    return 0;
}

/* Handshake @way shows @leaf with the CA behind it, and @answer (NULL: no status). */
static void show(struct world *world, enum tls_way way, const struct buf *leaf,
                 const struct buf *answer)
{
    struct tls_sight *sight = &world->sights[way];

    *sight = (struct tls_sight){.outcome = TLS_SEEN};
    sight->served.certs[0] = slice_of_buf(leaf);
    sight->served.certs[1] = slice_of_buf(&world->ca_der);
    sight->served.cert_count = 2;
    sight->served.status = answer ? SERVED_ANSWER : SERVED_NONE;
    sight->served.answer = answer ? slice_of_buf(answer) : SLICE_NULL;
}

/* The report as on a terminal of 80 columns. */
static const char *tell(struct world *world)
{
    struct buf text = BUF_INIT(1 << 20);

    probe_put_text(&text, &world->report);
    buf_clear(&world->text);
    report_fit(&world->text, slice_of_buf(&text), 80);
    buf_deinit(&text);
    for (const char *at = buf_text(&world->text); *at; at += strcspn(at, "\n") + 1) {
        assert_true(strcspn(at, "\n") <= 80);
    }
    return buf_text(&world->text);
}

static void look(struct world *world)
{
    assert_int_equal(probe_look(&world->report, world->lookup), 0);
}

static void assert_says(struct world *world, const char *text)
{
    if (!strstr(tell(world), text)) {
        print_error("%s\n", tell(world));
        fail_msg("it does not say: %s", text);
    }
}

#define HEAD                                                                                       \
    "shop.example at 192.0.2.1:443, asked for shop.example\n"                                      \
    "  TLS 1.3 RSA   not offered\n"                                                                \
    "  TLS 1.3 ECDSA shop.example, with a staple\n"                                                \
    "  TLS 1.2 RSA   not offered\n"                                                                \
    "  TLS 1.2 ECDSA shop.example, with a staple\n"                                                \
    "\n"                                                                                           \
    "shop.example\n"                                                                               \
    "  serial        1001\n"

#define TAIL                                                                                       \
    "  chain         2 certificates: shop.example, Example CA\n"                                   \
    "  issuer        Example CA, in the chain\n"                                                   \
    "  must-staple   no\n"                                                                         \
    "  OCSP URL      " URL "\n"

static void test_a_good_staple_is_told_once_for_all_handshakes(void **state)
{
    struct world *world = *state;
    const char *text;

    show(world, TLS_13_ECDSA, &world->leaf_der, &world->answer);
    show(world, TLS_12_ECDSA, &world->leaf_der, &world->answer);
    look(world);
    assert_int_equal(world->report.count, 1);
    assert_false(world->report.shown[0].bad);
    assert_false(probe_fault(&world->report, &world->text));
    text = tell(world);
    assert_true(text_starts_with(text, HEAD));
    assert_non_null(strstr(text, TAIL));
    assert_non_null(strstr(text, "  store         there is none in /nowhere/clinch\n"));
    assert_non_null(
        strstr(text, "  Verdict       WELL STAPLED: nobody of the audience would fail"));
    assert_non_null(strstr(text, "    Go          accept\n"));
}

static void test_a_staple_is_judged_as_it_is_shown(void **state)
{
    struct world *world = *state;
    struct buf embedding = BUF_INIT(1 << 20);
    struct mint_answer spec = {
        .singles = {{.cert = world->leaf, .issuer = world->ca, .reason = -1}},
        .signer = world->ca,
        .signer_key = MINT_RSA,
    };

    /* Firefox takes eight certificates inside and no more: clinch would drop them. */
    for (size_t i = 0; i < 9; i++) {
        spec.embedded[i] = world->plain;
    }
    mint_answer(&embedding, &spec);
    show(world, TLS_12_ECDSA, &world->leaf_der, &embedding);
    look(world);
    assert_true(world->report.shown[0].bad);
    assert_says(world, "  Verdict       BADLY STAPLED: ");
    assert_says(world, "    Firefox     fails: ");
    buf_deinit(&embedding);
}

static void test_a_missing_staple_names_who_fails(void **state)
{
    struct world *world = *state;

    show(world, TLS_13_ECDSA, &world->leaf_der, NULL);
    look(world);
    assert_true(world->report.shown[0].bad);
    assert_says(world, "  staple        NONE\n"
                       "                without it these fail: OpenSSL (--cert-status), NSS (fail "
                       "hard)\n");
}

static void test_a_missing_staple_of_a_must_staple_certificate(void **state)
{
    struct world *world = *state;

    show(world, TLS_13_ECDSA, &world->strict_der, NULL);
    look(world);
    assert_true(world->report.shown[0].bad);
    assert_says(world, "  must-staple   yes\n");
    assert_says(world, "without it these fail: Firefox, GnuTLS, ");
}

static void test_a_certificate_without_ocsp_needs_no_staple(void **state)
{
    struct world *world = *state;

    show(world, TLS_13_ECDSA, &world->plain_der, NULL);
    look(world);
    assert_false(world->report.shown[0].bad);
    assert_says(world, "  OCSP URL      none\n"
                       "  staple        none, nor is one expected: without an OCSP URL there is "
                       "none to\n                get\n");
}

static void test_two_certificates_are_numbered(void **state)
{
    struct world *world = *state;

    show(world, TLS_13_ECDSA, &world->leaf_der, &world->answer);
    show(world, TLS_12_ECDSA, &world->plain_der, NULL);
    look(world);
    assert_int_equal(world->report.count, 2);
    assert_says(world, "  TLS 1.3 ECDSA 1: shop.example, with a staple\n");
    assert_says(world, "  TLS 1.2 ECDSA 2: plain.example, without a staple\n");
    assert_says(world, "\n2: plain.example\n");
}

static void test_one_certificate_with_two_staples_is_told_twice(void **state)
{
    struct world *world = *state;

    show(world, TLS_13_ECDSA, &world->leaf_der, &world->answer);
    show(world, TLS_12_ECDSA, &world->leaf_der, &world->older);
    look(world);
    assert_int_equal(world->report.count, 2);
    assert_says(world, "\n2: shop.example again, otherwise stapled\n");
}

static void test_what_is_no_staple_is_told_as_what_it_is(void **state)
{
    struct buf empty = BUF_INIT(1);
    struct world *world = *state;

    show(world, TLS_13_RSA, &world->leaf_der, &empty);
    show(world, TLS_13_ECDSA, &world->leaf_der, NULL);
    world->sights[TLS_13_ECDSA].served.status = SERVED_BROKEN;
    show(world, TLS_12_RSA, &world->leaf_der, NULL);
    world->sights[TLS_12_RSA].too_large = true;
    show(world, TLS_12_ECDSA, &world->leaf_der, &world->leaf_der);
    look(world);
    assert_int_equal(world->report.count, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(world->report.shown[i].bad);
    }
    assert_says(world, "shop.example, with an EMPTY certificate status\n");
    assert_says(world, "  staple        EMPTY: ");
    assert_says(world, "  staple        BROKEN: ");
    assert_says(world, "  staple        TOO LARGE: ");
    assert_says(world, "[malformed]");
}

static void test_without_its_issuer_nothing_is_judged(void **state)
{
    struct world *world = *state;

    show(world, TLS_13_ECDSA, &world->leaf_der, &world->answer);
    world->sights[TLS_13_ECDSA].served.cert_count = 1;
    look(world);
    assert_true(world->report.shown[0].bad);
    assert_false(world->report.shown[0].judged);
    assert_says(world, "  issuer        not found: ");
    assert_says(world, "NOT JUDGED");
}

static void test_a_certificate_that_cannot_be_read_is_told(void **state)
{
    struct world *world = *state;

    show(world, TLS_13_ECDSA, &world->answer, NULL);
    look(world);
    assert_true(world->report.shown[0].bad);
    assert_null(world->report.shown[0].cert);
    assert_says(world, "\n(no name)\n  certificate   ");
}

/* The words for each state of what is kept, whatever brought it there. */
static void test_the_store_is_compared(void **state)
{
    static const struct {
        enum kept_state state;
        enum probe_match match;
        const char *text;
    } cases[] = {
        {KEPT_GOOD, PROBE_SAME, "holds the same octets, served until 2026-"},
        {KEPT_GOOD, PROBE_OLDER, "holds a NEWER one: the server has not taken it, served"},
        {KEPT_GOOD, PROBE_NEWER, "holds an OLDER one: "},
        {KEPT_GOOD, PROBE_OTHER, "holds ANOTHER one, "},
        {KEPT_GOOD, PROBE_NO_MATCH, "holds a good one: the server has NOT TAKEN it, "},
        {KEPT_NOTHING, PROBE_NO_MATCH, "holds nothing for this certificate\n"},
        {KEPT_REVOKED, PROBE_NO_MATCH, "holds the news that it was REVOKED on "},
        {KEPT_REVOKED, PROBE_SAME, "Z: this\n"},
        {KEPT_NO_ISSUER, PROBE_OTHER, "cannot be checked without the issuer\n"},
        {KEPT_UNREADABLE, PROBE_NO_MATCH, "cannot be read\n"},
    };
    struct world *world = *state;
    struct probe_shown *shown = &world->report.shown[0];

    show(world, TLS_13_ECDSA, &world->leaf_der, &world->answer);
    look(world);
    shown->kept.revoked_at_s = MINT_NOW;
    shown->kept.verification.judgement.serve.until_s = MINT_NOW + 86400;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        shown->kept.state = cases[i].state;
        shown->match = cases[i].match;
        assert_says(world, cases[i].text);
    }
}

static void assert_fault(struct world *world, const char *text)
{
    struct buf fault = BUF_INIT(4096);

    assert_true(probe_fault(&world->report, &fault));
    assert_string_equal(buf_text(&fault), text);
    buf_deinit(&fault);
}

static void fail_with(struct tls_sight *sight, enum tls_outcome outcome, unsigned alert,
                      const char *detail)
{
    *sight = (struct tls_sight){.outcome = outcome, .alert = alert};
    snprintf(sight->detail, sizeof(sight->detail), "%s", detail);
}

static void test_nothing_seen_is_a_fault(void **state)
{
    struct world *world = *state;

    look(world);
    assert_fault(world, "it has neither TLS 1.3 nor TLS 1.2");
    fail_with(&world->sights[2], TLS_FAILED, 0, "the connection broke off");
    assert_fault(world, "the connection broke off");
    fail_with(&world->sights[0], TLS_FAILED, 0, "what it says is not TLS");
    assert_fault(world, "what it says is not TLS");
    world->result.fault = "its host name is not known";
    assert_fault(world, "its host name is not known");
}

static void test_alerts_are_told_with_what_to_do(void **state)
{
    struct world *world = *state;

    look(world);
    for (int way = 0; way < TLS_WAYS; way++) {
        fail_with(&world->sights[way], TLS_REFUSED, TLS_ALERT_UNRECOGNIZED_NAME, "it says no");
    }
    assert_fault(world, "it answers with the alert unrecognized_name: it does not know "
                        "shop.example; --servername NAME asks for another");
    fail_with(&world->sights[3], TLS_NOT_OFFERED, TLS_ALERT_PROTOCOL_VERSION, "it says no");
    world->report.servername = NULL;
    assert_fault(world, "it answers with the alerts unrecognized_name and protocol_version: it "
                        "wants to be asked for a name; --servername NAME does");
    fail_with(&world->sights[0], TLS_FAILED, 0, "it hung up");
    assert_fault(world, "it hung up");
}

static void test_json_says_the_same(void **state)
{
    struct world *world = *state;
    json_t *root, *cert;

    show(world, TLS_13_ECDSA, &world->leaf_der, &world->answer);
    look(world);
    root = probe_json(&world->report);
    assert_non_null(root);
    assert_true(json_is_true(json_object_get(root, "ok")));
    assert_string_equal(json_string_value(json_object_get(root, "address")), "192.0.2.1:443");
    assert_int_equal(json_array_size(json_object_get(root, "handshakes")), TLS_WAYS);
    cert = json_array_get(json_object_get(root, "certs"), 0);
    assert_string_equal(json_string_value(json_object_get(cert, "staple")), "answer");
    assert_string_equal(json_string_value(json_object_get(cert, "name")), "shop.example");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(cert, "answer"), "verdict")), "staple");
    json_decref(root);
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

static int end(void **state)
{
    (void)state;
    mint_deinit();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_good_staple_is_told_once_for_all_handshakes),
        TEST(test_a_staple_is_judged_as_it_is_shown),
        TEST(test_a_missing_staple_names_who_fails),
        TEST(test_a_missing_staple_of_a_must_staple_certificate),
        TEST(test_a_certificate_without_ocsp_needs_no_staple),
        TEST(test_two_certificates_are_numbered),
        TEST(test_one_certificate_with_two_staples_is_told_twice),
        TEST(test_what_is_no_staple_is_told_as_what_it_is),
        TEST(test_without_its_issuer_nothing_is_judged),
        TEST(test_a_certificate_that_cannot_be_read_is_told),
        TEST(test_the_store_is_compared),
        TEST(test_nothing_seen_is_a_fault),
        TEST(test_alerts_are_told_with_what_to_do),
        TEST(test_json_says_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, end);
}
