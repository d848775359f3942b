/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/starttls.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"

#define QUOTE_MOST 160 /* octets told of what a server says */
#define SAID_MAX   1024

/* RFC 2606 keeps this name free: it is nobody's. */
#define OUR_NAME "clinch.invalid"

/* RFC 4511 4.14.1: StartTLS is an ExtendedRequest with this name; messageID 1. */
#define LDAP_REQUEST  "\x30\x1d\x02\x01\x01\x77\x18\x80\x16" LDAP_STARTTLS
#define LDAP_STARTTLS "1.3.6.1.4.1.1466.20037"

/* SSLRequest: its length, and the code 80877103. */
#define POSTGRES_REQUEST "\x00\x00\x00\x08\x04\xd2\x16\x2f"

/* A handshake response that breaks off behind its flags (PROTOCOL_41, SSL, SECURE_CONNECTION), the
 * largest packet and the character set: packet 1, of 32 octets. */
#define MYSQL_REQUEST                                                                              \
    "\x20\x00\x00\x01\x00\x8a\x00\x00\x00\x00\x00\x01\x21\x00\x00\x00\x00\x00"                     \
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
#define MYSQL_HEADER 4
#define MYSQL_SSL    0x08 /* in the second octet of the flags */

enum { STEP_GREETING, STEP_OFFER, STEP_REPLY };

enum {
    TAG_INTEGER = 0x02,
    TAG_OCTET_STRING = 0x04,
    TAG_ENUMERATED = 0x0a,
    TAG_SEQUENCE = 0x30,
    TAG_EXTENDED_RESPONSE = 0x78,
};

static int take_smtp(struct starttls *dialogue, struct buf *out);
static int take_imap(struct starttls *dialogue, struct buf *out);
static int take_pop3(struct starttls *dialogue, struct buf *out);
static int take_ldap(struct starttls *dialogue, struct buf *out);
static int take_xmpp(struct starttls *dialogue, struct buf *out);
static int take_postgres(struct starttls *dialogue, struct buf *out);
static int take_ftp(struct starttls *dialogue, struct buf *out);
static int take_mysql(struct starttls *dialogue, struct buf *out);

static const struct {
    const char *name;
    unsigned port;
    int (*take)(struct starttls *dialogue, struct buf *out);
} protocols[STARTTLS_PROTOCOLS] = {
    [STARTTLS_NONE] = {"", 443, NULL},
    [STARTTLS_SMTP] = {"smtp", 25, take_smtp},
    [STARTTLS_IMAP] = {"imap", 143, take_imap},
    [STARTTLS_POP3] = {"pop3", 110, take_pop3},
    [STARTTLS_LDAP] = {"ldap", 389, take_ldap},
    [STARTTLS_XMPP] = {"xmpp", 5222, take_xmpp},
    [STARTTLS_POSTGRES] = {"postgres", 5432, take_postgres},
    [STARTTLS_FTP] = {"ftp", 21, take_ftp},
    [STARTTLS_MYSQL] = {"mysql", 3306, take_mysql},
};

enum starttls_protocol starttls_by_name(const char *name)
{
    for (int protocol = STARTTLS_NONE + 1; protocol < STARTTLS_PROTOCOLS; protocol++) {
        if (text_equal(protocols[protocol].name, name)) {
            return (enum starttls_protocol)protocol;
        }
    }
    return STARTTLS_NONE;
}

const char *starttls_name(enum starttls_protocol protocol)
{
    return protocols[protocol].name;
}

unsigned starttls_port(enum starttls_protocol protocol)
{
    return protocols[protocol].port;
}

static struct slice rest_of(const struct starttls *dialogue)
{
    return slice_of(dialogue->in.data + dialogue->at, dialogue->in.size - dialogue->at);
}

/* "it answers EHLO with `502 no`" */
static int fail(struct starttls *dialogue, const char *what, struct slice quote)
{
    buf_clear(&dialogue->said);
    buf_put_text(&dialogue->said, what);
    if (quote.size) {
        buf_put_text(&dialogue->said, " `");
        buf_put_printable(&dialogue->said, quote, QUOTE_MOST);
        buf_put_byte(&dialogue->said, '`');
    }
    return STARTTLS_E_FAILED;
}

/* The server has agreed. */
static int agree(struct starttls *dialogue)
{
    size_t behind = dialogue->in.size - dialogue->at;

    if (!behind) {
        return 0;
    }
    fail(dialogue, "behind its agreement to begin TLS came", SLICE_NULL);
    buf_put_byte(&dialogue->said, ' ');
    buf_put_int(&dialogue->said, (int64_t)behind);
    buf_put_text(&dialogue->said,
                 " octets without TLS: somebody on the way may have put them there");
    return STARTTLS_E_FAILED;
}

/* What the server says next must be the answer to @command: none may have come already. */
static int ask(struct starttls *dialogue, const char *command, struct buf *out)
{
    struct slice rest = rest_of(dialogue);

    if (rest.size) {
        return fail(dialogue, "it answers before it was asked:", rest);
    }
    buf_put_text(out, command);
    return STARTTLS_E_MORE;
}

/* Takes a line off what has come, without its end. */
static bool take_line(struct starttls *dialogue, struct slice *ret_line)
{
    struct slice rest = rest_of(dialogue);
    const uint8_t *end = rest.size ? memchr(rest.data, '\n', rest.size) : NULL;
    size_t size;

    if (!end) {
        return false;
    }
    size = (size_t)(end - rest.data);
    dialogue->at += size + 1;
    *ret_line = slice_of(rest.data, size && rest.data[size - 1] == '\r' ? size - 1 : size);
    return true;
}

/* Does @line begin with @word, in letters of either case, and end or go on with a blank there? */
static bool begins(struct slice line, const char *word)
{
    size_t size = text_length(word);

    if (line.size < size || (line.size > size && line.data[size] != ' ')) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        uint8_t c = line.data[i];

        if ((c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c) != word[i]) {
            return false;
        }
    }
    return true;
}

/* A whole reply of one code: 0, its last line; or STARTTLS_E_MORE, STARTTLS_E_FAILED. */
static int take_reply(struct starttls *dialogue, const char *code, const char *what)
{
    struct slice line;

    while (take_line(dialogue, &line)) {
        if (line.size < 3 || memcmp(line.data, code, 3) != 0 ||
            (line.size > 3 && line.data[3] != ' ' && line.data[3] != '-')) {
            return fail(dialogue, what, line);
        }
        dialogue->offered |=
            line.size > 4 && begins(slice_of(line.data + 4, line.size - 4), "STARTTLS");
        if (line.size == 3 || line.data[3] == ' ') {
            return 0;
        }
    }
    return STARTTLS_E_MORE;
}

static int take_smtp(struct starttls *dialogue, struct buf *out)
{
    int r;

    switch (dialogue->step) {
    case STEP_GREETING:
        r = take_reply(dialogue, "220", "it greets with");
        dialogue->offered = false; /* whatever it says of itself there */
        dialogue->step += r == 0;
        return r ? r : ask(dialogue, "EHLO " OUR_NAME "\r\n", out);
    case STEP_OFFER:
        r = take_reply(dialogue, "250", "it answers EHLO with");
        if (!r && !dialogue->offered) {
            return fail(dialogue, "it does not offer STARTTLS", SLICE_NULL);
        }
        dialogue->step += r == 0;
        return r ? r : ask(dialogue, "STARTTLS\r\n", out);
    default:
        r = take_reply(dialogue, "220", "it answers STARTTLS with");
        return r ? r : agree(dialogue);
    }
}

static int take_imap(struct starttls *dialogue, struct buf *out)
{
    struct slice line;

    while (take_line(dialogue, &line)) {
        if (dialogue->step == STEP_GREETING) {
            dialogue->step = STEP_REPLY;
            return begins(line, "* OK") ? ask(dialogue, "a1 STARTTLS\r\n", out)
                                        : fail(dialogue, "it greets with", line);
        }
        if (begins(line, "A1 OK")) {
            return agree(dialogue);
        }
        if (!begins(line, "*")) {
            return fail(dialogue, "it answers STARTTLS with", line);
        }
    }
    return STARTTLS_E_MORE;
}

static int take_pop3(struct starttls *dialogue, struct buf *out)
{
    bool greeting = dialogue->step == STEP_GREETING;
    struct slice line;

    if (!take_line(dialogue, &line)) {
        return STARTTLS_E_MORE;
    }
    if (!begins(line, "+OK")) {
        return fail(dialogue, greeting ? "it greets with" : "it answers STLS with", line);
    }
    dialogue->step = STEP_REPLY;
    return greeting ? ask(dialogue, "STLS\r\n", out) : agree(dialogue);
}

enum { BER_WHOLE, BER_MORE, BER_BAD };

/* Takes one element with @tag off @left: BER_WHOLE, BER_MORE (its end has not come), BER_BAD. */
static int take_ber(struct slice *left, uint8_t tag, struct slice *ret_content)
{
    size_t header = 2, size, octets;

    if (left->size && left->data[0] != tag) {
        return BER_BAD;
    }
    if (left->size < 2) {
        return BER_MORE;
    }
    size = left->data[1];
    octets = size & 0x80 ? size & 0x7f : 0;
    if (size == 0x80 || octets > 4) {
        return BER_BAD;
    }
    if (left->size < header + octets) {
        return BER_MORE;
    }
    if (octets) {
        size = 0;
        for (size_t i = 0; i < octets; i++) {
            size = size << 8 | left->data[header + i];
        }
        header += octets;
    }
    if (size > LIMIT_STARTTLS) {
        return BER_BAD;
    }
    if (size > left->size - header) {
        return BER_MORE;
    }
    *ret_content = slice_of(left->data + header, size);
    *left = slice_of(left->data + header + size, left->size - header - size);
    return BER_WHOLE;
}

/* RFC 4511 4.14.2. Message 0 is a notice of disconnection. */
static int take_ldap(struct starttls *dialogue, struct buf *out)
{
    struct slice left = rest_of(dialogue), message, response, id, code, ignored, text;
    int r = take_ber(&left, TAG_SEQUENCE, &message);

    (void)out;
    if (r == BER_MORE) {
        return STARTTLS_E_MORE;
    }
    if (r == BER_BAD || take_ber(&message, TAG_INTEGER, &id) ||
        take_ber(&message, TAG_EXTENDED_RESPONSE, &response) ||
        take_ber(&response, TAG_ENUMERATED, &code) ||
        take_ber(&response, TAG_OCTET_STRING, &ignored) ||
        take_ber(&response, TAG_OCTET_STRING, &text)) {
        return fail(dialogue, "what came is no LDAP answer to StartTLS", SLICE_NULL);
    }
    if (!slice_equal(id, slice_of("\x01", 1)) || !slice_equal(code, slice_of("\x00", 1))) {
        return fail(dialogue, text.size ? "it refuses StartTLS:" : "it refuses StartTLS", text);
    }
    dialogue->at = dialogue->in.size - left.size;
    return agree(dialogue);
}

/* Where @text stands in what is left; NULL. */
static const uint8_t *find(const struct starttls *dialogue, const char *text)
{
    struct slice rest = rest_of(dialogue);

    return rest.size ? memmem(rest.data, rest.size, text, text_length(text)) : NULL;
}

static void pass(struct starttls *dialogue, const uint8_t *at, const char *text)
{
    dialogue->at = (size_t)(at - dialogue->in.data) + text_length(text);
}

static int take_features(struct starttls *dialogue, struct buf *out)
{
    const uint8_t *none = find(dialogue, "<stream:features/>");
    const uint8_t *end = find(dialogue, "</stream:features>"), *offer = find(dialogue, "<starttls");

    if (!end && !none) {
        return STARTTLS_E_MORE;
    }
    if (!end || (none && none < end) || !offer || offer > end) {
        return fail(dialogue, "it does not offer STARTTLS", SLICE_NULL);
    }
    pass(dialogue, end, "</stream:features>");
    dialogue->step = STEP_REPLY;
    buf_put_text(out, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    return STARTTLS_E_MORE;
}

/* Not a reader of XML: what is looked for is not to be found in any other place of a stream that
 * means well, and one that does not gains no more than a handshake. */
static int take_xmpp(struct starttls *dialogue, struct buf *out)
{
    const uint8_t *proceed, *end;

    if (find(dialogue, "<stream:error")) {
        return fail(dialogue, "it ends the stream with an error", SLICE_NULL);
    }
    if (dialogue->step == STEP_GREETING) {
        return take_features(dialogue, out);
    }
    if (find(dialogue, "<failure")) {
        return fail(dialogue, "it answers STARTTLS with a failure", SLICE_NULL);
    }
    proceed = find(dialogue, "<proceed");
    if (!proceed) {
        return STARTTLS_E_MORE;
    }
    pass(dialogue, proceed, "<proceed");
    end = find(dialogue, ">");
    if (end && end[-1] == '/') {
        pass(dialogue, end, ">");
        return agree(dialogue);
    }
    end = find(dialogue, "</proceed>");
    if (end) {
        pass(dialogue, end, "</proceed>");
        return agree(dialogue);
    }
    dialogue->at = (size_t)(proceed - dialogue->in.data);
    return STARTTLS_E_MORE;
}

static int take_postgres(struct starttls *dialogue, struct buf *out)
{
    uint8_t answer = dialogue->in.data[dialogue->at];

    (void)out;
    if (answer == 'S') {
        dialogue->at++;
        return agree(dialogue);
    }
    return fail(dialogue,
                answer == 'N' ? "it has no TLS, or none for this client"
                              : "what came is no PostgreSQL answer to SSLRequest",
                SLICE_NULL);
}

/* As take_reply(), but what stands between the first line and the last may be anything. */
static int take_ftp_reply(struct starttls *dialogue, const char *code, const char *what)
{
    size_t begin = dialogue->at;
    bool is_first = true;
    struct slice line;

    while (take_line(dialogue, &line)) {
        bool coded = line.size >= 3 && memcmp(line.data, code, 3) == 0;

        if (coded && (line.size == 3 || line.data[3] == ' ')) {
            return 0;
        }
        if (is_first && !(coded && line.data[3] == '-')) {
            return fail(dialogue, what, line);
        }
        is_first = false;
    }
    dialogue->at = begin;
    return STARTTLS_E_MORE;
}

static int take_ftp(struct starttls *dialogue, struct buf *out)
{
    bool greeting = dialogue->step == STEP_GREETING;
    int r = greeting ? take_ftp_reply(dialogue, "220", "it greets with")
                     : take_ftp_reply(dialogue, "234", "it answers AUTH TLS with");

    if (r) {
        return r;
    }
    dialogue->step = STEP_REPLY;
    return greeting ? ask(dialogue, "AUTH TLS\r\n", out) : agree(dialogue);
}

/* Its greeting, "10 VERSION\0 THREAD(4) SALT(8) 0 FLAGS(2)...", or an error, "255 NUMBER(2) TEXT".
 * The server answers our request with nothing but TLS. */
static int take_mysql(struct starttls *dialogue, struct buf *out)
{
    struct slice rest = rest_of(dialogue), packet;
    const uint8_t *flags;
    int r;

    if (rest.size < MYSQL_HEADER) {
        return STARTTLS_E_MORE;
    }
    packet.data = rest.data + MYSQL_HEADER;
    packet.size = (size_t)rest.data[0] | (size_t)rest.data[1] << 8 | (size_t)rest.data[2] << 16;
    if (rest.data[3] || packet.size < 3 || packet.size > LIMIT_STARTTLS) {
        return fail(dialogue, "what came is no greeting of MySQL", SLICE_NULL);
    }
    if (rest.size - MYSQL_HEADER < packet.size) {
        return STARTTLS_E_MORE;
    }
    if (packet.data[0] == 0xff) {
        return fail(dialogue, "it refuses:", slice_of(packet.data + 3, packet.size - 3));
    }
    flags = packet.data[0] == 10 ? memchr(packet.data, 0, packet.size) : NULL;
    if (!flags || packet.data + packet.size - flags < 16) {
        return fail(dialogue, "what came is no greeting of MySQL", SLICE_NULL);
    }
    if (!(flags[15] & MYSQL_SSL)) {
        return fail(dialogue, "it does not offer TLS", SLICE_NULL);
    }
    dialogue->at += MYSQL_HEADER + packet.size;
    r = agree(dialogue);
    if (!r) {
        buf_put(out, MYSQL_REQUEST, sizeof(MYSQL_REQUEST) - 1);
    }
    return r;
}

static void put_xml(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (!strchr("<>&'\"", *text)) {
            buf_put_byte(out, (uint8_t)*text);
        }
    }
}

static void put_stream(struct buf *out, const char *name)
{
    buf_put_text(out, "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
                      "xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='");
    put_xml(out, name);
    buf_put_text(out, "'>");
}

int starttls_begin(struct starttls *dialogue, enum starttls_protocol protocol, const char *name,
                   struct buf *out)
{
    *dialogue = (struct starttls){
        .protocol = protocol,
        .in = BUF_INIT(LIMIT_STARTTLS),
        .said = BUF_INIT(SAID_MAX),
    };
    switch (protocol) {
    case STARTTLS_LDAP:
        buf_put(out, LDAP_REQUEST, sizeof(LDAP_REQUEST) - 1);
        break;
    case STARTTLS_XMPP:
        put_stream(out, name);
        break;
    case STARTTLS_POSTGRES:
        buf_put(out, POSTGRES_REQUEST, sizeof(POSTGRES_REQUEST) - 1);
        break;
    default:
        break;
    }
    return protocol == STARTTLS_NONE ? 0 : STARTTLS_E_MORE;
}

int starttls_take(struct starttls *dialogue, struct slice bytes, struct buf *out)
{
    assert(dialogue->protocol != STARTTLS_NONE);
    buf_put_slice(&dialogue->in, bytes);
    if (buf_status(&dialogue->in)) {
        return fail(dialogue,
                    buf_status(&dialogue->in) == BUF_E_FULL ? "it speaks without end"
                                                            : "there is no memory left",
                    SLICE_NULL);
    }
    return bytes.size ? protocols[dialogue->protocol].take(dialogue, out) : STARTTLS_E_MORE;
}

void starttls_deinit(struct starttls *dialogue)
{
    buf_deinit(&dialogue->in);
    buf_deinit(&dialogue->said);
}
