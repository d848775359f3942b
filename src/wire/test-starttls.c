/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "wire/starttls.h"

#define TEXT(text_)                                                                                \
    {                                                                                              \
        (const uint8_t *)(text_), sizeof(text_) - 1                                                \
    }

#define OID "1.3.6.1.4.1.1466.20037"

/* A whole dialogue: what the server says in turn, and what the client says to each. */
struct play {
    enum starttls_protocol protocol;
    const char *first; /* of the client; "" where the server begins */
    struct {
        struct slice server;
        const char *client;
    } turns[4];
    int r;            /* in the end */
    const char *said; /* with STARTTLS_E_FAILED */
};

/* Gives @bytes in pieces of @size octets. The first outcome that is not STARTTLS_E_MORE stays. */
static int give(struct starttls *dialogue, struct slice bytes, size_t size, struct buf *out)
{
    int r = STARTTLS_E_MORE;

    while (bytes.size && r == STARTTLS_E_MORE) {
        size_t piece = size < bytes.size ? size : bytes.size;

        r = starttls_take(dialogue, slice_of(bytes.data, piece), out);
        bytes = slice_of(bytes.data + piece, bytes.size - piece);
    }
    /* A piece that comes later comes too late to be noticed here: TLS would stumble over it. */
    return r;
}

static void run(const struct play *play, size_t size)
{
    struct starttls dialogue;
    struct buf out = BUF_INIT(1024);
    int r = starttls_begin(&dialogue, play->protocol, "host.example", &out);

    assert_int_equal(r, STARTTLS_E_MORE);
    assert_true(slice_equal(slice_of_buf(&out), slice_of_text(play->first)) ||
                play->protocol == STARTTLS_POSTGRES);
    for (size_t i = 0; i < ARRAY_SIZE(play->turns) && play->turns[i].server.size; i++) {
        assert_int_equal(r, STARTTLS_E_MORE);
        buf_clear(&out);
        r = give(&dialogue, play->turns[i].server, size, &out);
        assert_string_equal(buf_text(&out), play->turns[i].client);
    }
    assert_int_equal(r, play->r);
    assert_string_equal(buf_text(&dialogue.said), play->said);
    starttls_deinit(&dialogue);
    buf_deinit(&out);
}

#define XMPP_FIRST                                                                                 \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "                                   \
    "xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='host.example'>"
#define XMPP_SECOND "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define XMPP_OFFER                                                                                 \
    "<?xml version='1.0'?><stream:stream id='1' from='host.example' version='1.0'>"                \
    "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"    \
    "</stream:features>"
#define LDAP_FIRST "\x30\x1d\x02\x01\x01\x77\x18\x80\x16" OID

/* Protocol 10, version "8", and the flags behind thread, salt and a NUL. */
#define MYSQL_TLS "\x08"
#define MYSQL_GREETING(flags_)                                                                     \
    TEXT("\x12\0\0\0"                                                                              \
         "\x0a"                                                                                    \
         "8\0"                                                                                     \
         "\1\0\0\0"                                                                                \
         "12345678"                                                                                \
         "\0"                                                                                      \
         "\0" flags_)

static const struct play agreements[] = {
    {STARTTLS_SMTP,
     "",
     {{TEXT("220 mx.example ESMTP\r\n"), "EHLO clinch.invalid\r\n"},
      {TEXT("250-mx.example\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 HELP\r\n"), "STARTTLS\r\n"},
      {TEXT("220 go on\r\n"), ""}},
     0,
     ""},
    /* Several lines of greeting, lower case, bare line feeds, a code alone. */
    {STARTTLS_SMTP,
     "",
     {{TEXT("220-hello\n220-you\n220 there\n"), "EHLO clinch.invalid\r\n"},
      {TEXT("250-mx\n250 starttls\n"), "STARTTLS\r\n"},
      {TEXT("220\r\n"), ""}},
     0,
     ""},
    {STARTTLS_IMAP,
     "",
     {{TEXT("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n"), "a1 STARTTLS\r\n"},
      {TEXT("* CAPABILITY IMAP4rev1\r\na1 OK begin\r\n"), ""}},
     0,
     ""},
    {STARTTLS_POP3,
     "",
     {{TEXT("+OK POP3 ready <1@x>\r\n"), "STLS\r\n"}, {TEXT("+OK begin\r\n"), ""}},
     0,
     ""},
    {STARTTLS_LDAP,
     LDAP_FIRST,
     {{TEXT("\x30\x24\x02\x01\x01\x78\x1f\x0a\x01\x00\x04\x00\x04\x00\x8a\x16" OID), ""}},
     0,
     ""},
    /* Active Directory's lengths have four octets. */
    {STARTTLS_LDAP,
     LDAP_FIRST,
     {{TEXT("\x30\x84\x00\x00\x00\x28\x02\x01\x01\x78\x84\x00\x00\x00\x1f\x0a\x01\x00\x04\x00"
            "\x04\x00\x8a\x16" OID),
       ""}},
     0,
     ""},
    {STARTTLS_XMPP,
     XMPP_FIRST,
     {{TEXT(XMPP_OFFER), XMPP_SECOND},
      {TEXT("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"), ""}},
     0,
     ""},
    {STARTTLS_XMPP,
     XMPP_FIRST,
     {{TEXT(XMPP_OFFER), XMPP_SECOND},
      {TEXT("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'></proceed>"), ""}},
     0,
     ""},
    {STARTTLS_POSTGRES, "", {{TEXT("S"), ""}}, 0, ""},
    {STARTTLS_FTP,
     "",
     {{TEXT("220 ready\r\n"), "AUTH TLS\r\n"}, {TEXT("234 go on\r\n"), ""}},
     0,
     ""},
    /* Between the first line and the last there may be anything. */
    {STARTTLS_FTP,
     "",
     {{TEXT("220-hello\r\n you\r\n230 there\r\n220-\r\n220 now\r\n"), "AUTH TLS\r\n"},
      {TEXT("234\n"), ""}},
     0,
     ""},
    {STARTTLS_MYSQL, "", {{MYSQL_GREETING(MYSQL_TLS), " "}}, 0, ""},
};

static void test_servers_that_agree_are_understood_in_any_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(agreements); i++) {
        run(&agreements[i], 4096);
        run(&agreements[i], 1);
        run(&agreements[i], 7);
    }
}

static const struct play refusals[] = {
    {STARTTLS_SMTP,
     "",
     {{TEXT("554 go away\r\n"), ""}},
     STARTTLS_E_FAILED,
     "it greets with `554 go away`"},
    {STARTTLS_SMTP,
     "",
     {{TEXT("220 mx\r\n"), "EHLO clinch.invalid\r\n"}, {TEXT("250-mx\r\n250 8BITMIME\r\n"), ""}},
     STARTTLS_E_FAILED,
     "it does not offer STARTTLS"},
    /* An offer is one of EHLO, not of the greeting. */
    {STARTTLS_SMTP,
     "",
     {{TEXT("220 STARTTLS\r\n"), "EHLO clinch.invalid\r\n"}, {TEXT("250 mx\r\n"), ""}},
     STARTTLS_E_FAILED,
     "it does not offer STARTTLS"},
    {STARTTLS_SMTP,
     "",
     {{TEXT("220 mx\r\n"), "EHLO clinch.invalid\r\n"},
      {TEXT("250 STARTTLS\r\n"), "STARTTLS\r\n"},
      {TEXT("454 4.7.0 TLS not\tavailable\r\n"), ""}},
     STARTTLS_E_FAILED,
     "it answers STARTTLS with `454 4.7.0 TLS not?available`"},
    {STARTTLS_SMTP,
     "",
     {{TEXT("SSH-2.0-OpenSSH_9.2\r\n"), ""}},
     STARTTLS_E_FAILED,
     "it greets with `SSH-2.0-OpenSSH_9.2`"},
    {STARTTLS_IMAP,
     "",
     {{TEXT("* PREAUTH hello\r\n"), ""}},
     STARTTLS_E_FAILED,
     "it greets with `* PREAUTH hello`"},
    {STARTTLS_IMAP,
     "",
     {{TEXT("* OK\r\n"), "a1 STARTTLS\r\n"}, {TEXT("a1 BAD no\r\n"), ""}},
     STARTTLS_E_FAILED,
     "it answers STARTTLS with `a1 BAD no`"},
    {STARTTLS_POP3,
     "",
     {{TEXT("+OK\r\n"), "STLS\r\n"}, {TEXT("-ERR unknown\r\n"), ""}},
     STARTTLS_E_FAILED,
     "it answers STLS with `-ERR unknown`"},
    {STARTTLS_LDAP,
     LDAP_FIRST,
     {{TEXT("\x30\x11\x02\x01\x01\x78\x0c\x0a\x01\x02\x04\x00\x04\x05no TLS"), ""}},
     STARTTLS_E_FAILED,
     "it refuses StartTLS: `no TL`"},
    /* A notice of disconnection is no agreement. */
    {STARTTLS_LDAP,
     LDAP_FIRST,
     {{TEXT("\x30\x0c\x02\x01\x00\x78\x07\x0a\x01\x00\x04\x00\x04\x00"), ""}},
     STARTTLS_E_FAILED,
     "it refuses StartTLS"},
    {STARTTLS_LDAP,
     LDAP_FIRST,
     {{TEXT("\x30\x05\x02\x01\x01\x65\x00"), ""}},
     STARTTLS_E_FAILED,
     "what came is no LDAP answer to StartTLS"},
    {STARTTLS_LDAP,
     LDAP_FIRST,
     {{TEXT("\x30\x84\x7f\xff\xff\xff"), ""}},
     STARTTLS_E_FAILED,
     "what came is no LDAP answer to StartTLS"},
    {STARTTLS_LDAP,
     LDAP_FIRST,
     {{TEXT("HTTP/1.1 400 Bad Request\r\n"), ""}},
     STARTTLS_E_FAILED,
     "what came is no LDAP answer to StartTLS"},
    {STARTTLS_XMPP,
     XMPP_FIRST,
     {{TEXT("<stream:stream><stream:features><mechanisms/></stream:features>"), ""}},
     STARTTLS_E_FAILED,
     "it does not offer STARTTLS"},
    {STARTTLS_XMPP,
     XMPP_FIRST,
     {{TEXT("<stream:stream><stream:features/>"), ""}},
     STARTTLS_E_FAILED,
     "it does not offer STARTTLS"},
    /* What ends first counts, in whatever pieces it comes. */
    {STARTTLS_XMPP,
     XMPP_FIRST,
     {{TEXT("<starttls/><stream:features/></stream:features>"), ""}},
     STARTTLS_E_FAILED,
     "it does not offer STARTTLS"},
    {STARTTLS_XMPP,
     XMPP_FIRST,
     {{TEXT("<stream:stream><stream:error><host-unknown/>"), ""}},
     STARTTLS_E_FAILED,
     "it ends the stream with an error"},
    {STARTTLS_XMPP,
     XMPP_FIRST,
     {{TEXT(XMPP_OFFER), XMPP_SECOND}, {TEXT("<failure/>"), ""}},
     STARTTLS_E_FAILED,
     "it answers STARTTLS with a failure"},
    {STARTTLS_POSTGRES,
     "",
     {{TEXT("N"), ""}},
     STARTTLS_E_FAILED,
     "it has no TLS, or none for this client"},
    {STARTTLS_POSTGRES,
     "",
     {{TEXT("E\0\0\0\5"), ""}},
     STARTTLS_E_FAILED,
     "what came is no PostgreSQL answer to SSLRequest"},
    {STARTTLS_FTP, "", {{TEXT("421 no\r\n"), ""}}, STARTTLS_E_FAILED, "it greets with `421 no`"},
    {STARTTLS_FTP,
     "",
     {{TEXT("220 ready\r\n"), "AUTH TLS\r\n"}, {TEXT("530 Please login\r\n"), ""}},
     STARTTLS_E_FAILED,
     "it answers AUTH TLS with `530 Please login`"},
    {STARTTLS_MYSQL,
     "",
     {{MYSQL_GREETING("\xf7"), ""}},
     STARTTLS_E_FAILED,
     "it does not offer TLS"},
    {STARTTLS_MYSQL,
     "",
     {{TEXT("\x0a\0\0\0\xff\x6a\x04too many"), ""}},
     STARTTLS_E_FAILED,
     "it refuses: `too man`"},
    {STARTTLS_MYSQL,
     "",
     {{TEXT("SSH-2.0"), ""}},
     STARTTLS_E_FAILED,
     "what came is no greeting of MySQL"},
    {STARTTLS_MYSQL,
     "",
     {{TEXT("\x05\0\0\0\x0a"
            "8\0\1\0"),
       ""}},
     STARTTLS_E_FAILED,
     "what came is no greeting of MySQL"},
};

static void test_servers_that_refuse_are_quoted(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        run(&refusals[i], 4096);
    }
}

#define INJECTED(count_)                                                                           \
    "behind its agreement to begin TLS came " count_                                               \
    " octets without TLS: somebody on the way may have put them there"

static const struct play injections[] = {
    {STARTTLS_SMTP,
     "",
     {{TEXT("220 mx\r\n"), "EHLO clinch.invalid\r\n"},
      {TEXT("250 STARTTLS\r\n"), "STARTTLS\r\n"},
      {TEXT("220 go on\r\n250 mine\r\n"), ""}},
     STARTTLS_E_FAILED,
     INJECTED("10")},
    {STARTTLS_IMAP,
     "",
     {{TEXT("* OK\r\n"), "a1 STARTTLS\r\n"}, {TEXT("a1 OK\r\n* BYE\r\n"), ""}},
     STARTTLS_E_FAILED,
     INJECTED("7")},
    {STARTTLS_POP3,
     "",
     {{TEXT("+OK\r\n"), "STLS\r\n"}, {TEXT("+OK\r\n+OK\r\n"), ""}},
     STARTTLS_E_FAILED,
     INJECTED("5")},
    {STARTTLS_LDAP,
     LDAP_FIRST,
     {{TEXT("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00\x30\x00"), ""}},
     STARTTLS_E_FAILED,
     INJECTED("2")},
    {STARTTLS_XMPP,
     XMPP_FIRST,
     {{TEXT(XMPP_OFFER), XMPP_SECOND}, {TEXT("<proceed/><message/>"), ""}},
     STARTTLS_E_FAILED,
     INJECTED("10")},
    {STARTTLS_POSTGRES, "", {{TEXT("SS"), ""}}, STARTTLS_E_FAILED, INJECTED("1")},
    {STARTTLS_FTP,
     "",
     {{TEXT("220\r\n"), "AUTH TLS\r\n"}, {TEXT("234 go on\r\n230 in\r\n"), ""}},
     STARTTLS_E_FAILED,
     INJECTED("8")},
    {STARTTLS_MYSQL,
     "",
     {{TEXT("\x12\0\0\0"
            "\x0a"
            "8\0"
            "\1\0\0\0"
            "12345678"
            "\0"
            "\0" MYSQL_TLS "x"),
       ""}},
     STARTTLS_E_FAILED,
     INJECTED("1")},
    /* Answers to questions that were not asked yet. */
    {STARTTLS_IMAP,
     "",
     {{TEXT("* OK\r\na1 OK\r\n"), ""}},
     STARTTLS_E_FAILED,
     "it answers before it was asked: `a1 OK??`"},
    {STARTTLS_POP3,
     "",
     {{TEXT("+OK\r\n+OK\r\n"), ""}},
     STARTTLS_E_FAILED,
     "it answers before it was asked: `+OK??`"},
    {STARTTLS_SMTP,
     "",
     {{TEXT("220 mx\r\n"), "EHLO clinch.invalid\r\n"}, {TEXT("250 STARTTLS\r\n220 go on\r\n"), ""}},
     STARTTLS_E_FAILED,
     "it answers before it was asked: `220 go on??`"},
};

static void test_octets_behind_the_agreement_are_not_the_beginning_of_tls(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(injections); i++) {
        run(&injections[i], 4096);
    }
}

static void test_a_server_that_speaks_without_end_is_stopped(void **state)
{
    static const struct {
        enum starttls_protocol protocol;
        struct slice piece;
    } talkers[] = {
        {STARTTLS_SMTP, TEXT("220-one more line\r\n")},
        {STARTTLS_SMTP, TEXT("a line without end ")},
        {STARTTLS_IMAP, TEXT("* ")},
        {STARTTLS_XMPP, TEXT("<stream:features>")},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(talkers); i++) {
        struct starttls dialogue;
        struct buf out = BUF_INIT(1024);
        size_t sent = 0;
        int r = starttls_begin(&dialogue, talkers[i].protocol, "host.example", &out);

        while (r == STARTTLS_E_MORE && sent < 10 * LIMIT_STARTTLS) {
            r = starttls_take(&dialogue, talkers[i].piece, &out);
            sent += talkers[i].piece.size;
        }
        assert_int_equal(r, STARTTLS_E_FAILED);
        assert_string_equal(buf_text(&dialogue.said), "it speaks without end");
        assert_true(sent <= LIMIT_STARTTLS + talkers[i].piece.size);
        starttls_deinit(&dialogue);
        buf_deinit(&out);
    }
}

static void test_a_name_cannot_leave_its_attribute(void **state)
{
    struct starttls dialogue;
    struct buf out = BUF_INIT(1024);

    (void)state;
    starttls_begin(&dialogue, STARTTLS_XMPP, "a'><b>&\"c", &out);
    assert_non_null(strstr(buf_text(&out), " to='abc'>"));
    starttls_deinit(&dialogue);
    buf_deinit(&out);
}

static void test_the_request_to_mysql_is_one_packet(void **state)
{
    static const struct slice greeting = MYSQL_GREETING(MYSQL_TLS);
    struct starttls dialogue;
    struct buf out = BUF_INIT(1024);

    (void)state;
    assert_int_equal(starttls_begin(&dialogue, STARTTLS_MYSQL, "a", &out), STARTTLS_E_MORE);
    assert_int_equal(starttls_take(&dialogue, greeting, &out), 0);
    assert_int_equal(out.size, 36);
    assert_memory_equal(out.data, "\x20\0\0\x01\0\x8a\0\0", 8);
    starttls_deinit(&dialogue);
    buf_deinit(&out);
}

static void test_protocols_have_names_and_ports(void **state)
{
    (void)state;
    assert_int_equal(starttls_by_name("smtp"), STARTTLS_SMTP);
    assert_int_equal(starttls_by_name("postgres"), STARTTLS_POSTGRES);
    assert_int_equal(starttls_by_name(""), STARTTLS_NONE);
    assert_int_equal(starttls_by_name("SMTP"), STARTTLS_NONE);
    assert_int_equal(starttls_port(STARTTLS_NONE), 443);
    assert_int_equal(starttls_port(STARTTLS_LDAP), 389);
    for (int i = STARTTLS_NONE + 1; i < STARTTLS_PROTOCOLS; i++) {
        enum starttls_protocol protocol = (enum starttls_protocol)i;

        assert_int_equal(starttls_by_name(starttls_name(protocol)), protocol);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_servers_that_agree_are_understood_in_any_pieces),
        cmocka_unit_test(test_servers_that_refuse_are_quoted),
        cmocka_unit_test(test_octets_behind_the_agreement_are_not_the_beginning_of_tls),
        cmocka_unit_test(test_a_server_that_speaks_without_end_is_stopped),
        cmocka_unit_test(test_a_name_cannot_leave_its_attribute),
        cmocka_unit_test(test_the_request_to_mysql_is_one_packet),
        cmocka_unit_test(test_protocols_have_names_and_ports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
