/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/haproxy.h"

#include <string.h>

#include "wire/single.h"

#define PUSH_COMMAND "set ssl ocsp-response "
#define SHOW_COMMAND "show ssl ocsp-response "
#define SHOW_START   "OCSP Response Data:"

/* Where @text begins in @whole, or NULL. */
static const uint8_t *find(struct slice whole, const char *text)
{
    struct slice part = slice_of_text(text);

    return whole.size ? memmem(whole.data, whole.size, part.data, part.size) : NULL;
}

static bool has(struct slice whole, const char *text)
{
    return find(whole, text) != NULL;
}

/* What lies behind @end (inside @whole). */
static struct slice behind(struct slice whole, const uint8_t *end)
{
    return slice_of(end, (size_t)(whole.data + whole.size - end));
}

void haproxy_put_next(struct buf *line)
{
    if (line->size > 0) {
        buf_put_byte(line, ';');
    }
}

void haproxy_add_push(struct buf *line, struct slice staple)
{
    haproxy_put_next(line);
    buf_put_text(line, PUSH_COMMAND);
    buf_put_base64(line, staple);
}

size_t haproxy_push_size(struct slice staple)
{
    return sizeof(PUSH_COMMAND) + (staple.size + 2) / 3 * 4; /* its NUL counts for the ';' */
}

void haproxy_put_push(struct buf *command, struct slice staple)
{
    buf_put_text(command, PUSH_COMMAND);
    buf_put_base64(command, staple);
    buf_put_byte(command, '\n');
}

enum haproxy_reply haproxy_read_push(struct slice reply)
{
    if (has(reply, "OCSP Response updated!")) {
        return HAPROXY_UPDATED;
    }
    if (has(reply, "does not match any certificate")) {
        return HAPROXY_NO_ENTRY;
    }
    if (has(reply, "Permission denied")) {
        return HAPROXY_DENIED;
    }
    return HAPROXY_REFUSED;
}

bool haproxy_next_reply(struct slice *replies, struct slice *ret_reply)
{
    const uint8_t *end = find(*replies, "\n\n");

    if (!end) {
        return false;
    }
    *ret_reply = slice_of(replies->data, (size_t)(end - replies->data));
    *replies = behind(*replies, end + 2);
    return true;
}

bool haproxy_path_usable(const char *cert_path)
{
    static const char others[] = "/._-+=@,:~%^";
    struct slice path = slice_of_text(cert_path);

    for (size_t i = 0; i < path.size; ++i) {
        uint8_t c = path.data[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
            !(c >= 0x80) && !memchr(others, c, sizeof(others) - 1)) {
            return false;
        }
    }
    return path.size > 0 && path.size < 1024;
}

void haproxy_put_list(struct buf *command)
{
    buf_put_text(command, "show ssl cert\n");
}

bool haproxy_is_list(struct slice reply)
{
    return has(reply, "# filename\n") || has(reply, "# transaction\n");
}

/* Lines are "# filename", "# transaction", "/path", and "*" before the path of a transaction. */
bool haproxy_next_loaded(struct slice *left, struct slice *ret_path, bool *ret_open)
{
    while (left->size > 0) {
        const uint8_t *end = memchr(left->data, '\n', left->size);
        struct slice line = *left;

        if (end) {
            line.size = (size_t)(end - left->data);
            *left = behind(*left, end + 1);
        } else {
            *left = SLICE_NULL;
        }
        if (line.size == 0 || line.data[0] == '#') {
            continue;
        }
        *ret_open = line.data[0] == '*';
        *ret_path = *ret_open ? slice_of(line.data + 1, line.size - 1) : line;
        return true;
    }
    return false;
}

void haproxy_put_identity(struct buf *command, const char *cert_path)
{
    buf_put_text(command, "show ssl cert ");
    buf_put_text(command, cert_path);
    buf_put_byte(command, '\n');
}

/* HAProxy prints the number's octets without the 00 that DER puts before a high bit. */
bool haproxy_read_identity(struct slice reply, struct slice certid)
{
    struct buf line = BUF_INIT(256);
    struct slice serial = single_serial(certid);
    bool found;

    while (serial.size > 1 && serial.data[0] == 0) {
        serial = slice_of(serial.data + 1, serial.size - 1);
    }
    buf_put_hex(&line, serial);
    for (size_t i = 0; i < line.size; ++i) {
        if (line.data[i] >= 'a') {
            line.data[i] = (uint8_t)(line.data[i] - 'a' + 'A');
        }
    }
    buf_put_byte(&line, '\n');
    found = serial.size > 0 && !buf_status(&line) && has(reply, "Serial: ");
    if (found) {
        const uint8_t *at = find(reply, "Serial: ") + strlen("Serial: ");
        struct slice rest = behind(reply, at);

        found = rest.size >= line.size && memcmp(rest.data, line.data, line.size) == 0;
    }
    buf_deinit(&line);
    return found;
}

void haproxy_put_create(struct buf *command, const char *cert_path, struct slice staple)
{
    buf_put_text(command, "set ssl cert ");
    buf_put_text(command, cert_path);
    buf_put_text(command, ".ocsp <<\n");
    buf_put_base64(command, staple);
    buf_put_text(command, "\n\n");
}

/* "Transaction created for certificate PATH!": it must be ours. While somebody else's is open,
 * HAProxy 2.6 puts what we set into that one and says so. */
enum haproxy_reply haproxy_read_create(struct slice reply, const char *cert_path)
{
    const uint8_t *at = find(reply, "for certificate ");
    struct slice path = slice_of_text(cert_path);

    if (has(reply, "not referenced by the configuration")) {
        return HAPROXY_NOT_LOADED;
    }
    if (has(reply, "Permission denied")) {
        return HAPROXY_DENIED;
    }
    if (at && has(reply, "Transaction ")) {
        struct slice rest = behind(reply, at + strlen("for certificate "));

        if (rest.size > path.size && memcmp(rest.data, path.data, path.size) == 0 &&
            rest.data[path.size] == '!') {
            return HAPROXY_UPDATED;
        }
    }
    return HAPROXY_REFUSED;
}

void haproxy_put_commit(struct buf *command, const char *cert_path)
{
    buf_put_text(command, "commit ssl cert ");
    buf_put_text(command, cert_path);
    buf_put_byte(command, '\n');
}

void haproxy_put_abort(struct buf *command, const char *cert_path)
{
    buf_put_text(command, "abort ssl cert ");
    buf_put_text(command, cert_path);
    buf_put_byte(command, '\n');
}

enum haproxy_reply haproxy_read_commit(struct slice reply)
{
    if (has(reply, "Success!")) {
        return HAPROXY_UPDATED;
    }
    if (has(reply, "Permission denied")) {
        return HAPROXY_DENIED;
    }
    return HAPROXY_REFUSED;
}

void haproxy_add_show(struct buf *line, struct slice certid)
{
    haproxy_put_next(line);
    buf_put_text(line, SHOW_COMMAND);
    buf_put_hex(line, certid);
}

void haproxy_put_show(struct buf *command, struct slice certid)
{
    buf_put_text(command, SHOW_COMMAND);
    buf_put_hex(command, certid);
    buf_put_byte(command, '\n');
}

bool haproxy_next_show(struct slice *replies, struct slice *ret_reply)
{
    const uint8_t *start = find(*replies, SHOW_START);
    const uint8_t *next;
    struct slice rest;

    if (!start) {
        return false;
    }
    rest = behind(*replies, start + strlen(SHOW_START));
    next = find(rest, SHOW_START);
    if (!next) {
        next = rest.data + rest.size;
    }
    *ret_reply = slice_of(start, (size_t)(next - start));
    *replies = behind(*replies, next);
    return true;
}

/* "Nov 22 14:00:00 2026 GMT", the day padded by a space: ASN1_GENERALIZEDTIME_print(). */
static void put_openssl_time(struct buf *text, int64_t wall_s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct buf iso = BUF_INIT(64);
    const char *t;

    buf_put_time(&iso, wall_s, 'T');
    t = buf_text(&iso);
    if (iso.size == 20) {
        unsigned month = (unsigned)(t[5] - '0') * 10 + (unsigned)(t[6] - '0');

        buf_put(text, months + (size_t)(month - 1) * 3, 3);
        buf_put_byte(text, ' ');
        buf_put_byte(text, t[8] == '0' ? ' ' : (uint8_t)t[8]);
        buf_put_byte(text, (uint8_t)t[9]);
        buf_put_byte(text, ' ');
        buf_put(text, t + 11, 8);
        buf_put_byte(text, ' ');
        buf_put(text, t, 4);
        buf_put_text(text, " GMT\n");
    }
    buf_deinit(&iso);
}

bool haproxy_read_show(struct slice reply, int64_t this_update_s, int64_t next_update_s)
{
    struct buf this_line = BUF_INIT(128);
    struct buf next_line = BUF_INIT(128);
    bool found;

    buf_put_text(&this_line, "This Update: ");
    put_openssl_time(&this_line, this_update_s);
    buf_put_text(&next_line, "Next Update: ");
    put_openssl_time(&next_line, next_update_s);
    found = !buf_status(&this_line) && !buf_status(&next_line) &&
            has(reply, buf_text(&this_line)) && has(reply, buf_text(&next_line));
    buf_deinit(&this_line);
    buf_deinit(&next_line);
    return found;
}

/* A number of at most four digits off @text, behind blanks, and the sign behind it. */
static bool take_number(struct slice *text, char behind_it, int *ret_number)
{
    size_t at = 0, first;
    int number = 0;

    while (at < text->size && text->data[at] == ' ') {
        ++at;
    }
    for (first = at;
         at < text->size && at - first < 4 && text->data[at] >= '0' && text->data[at] <= '9';
         ++at) {
        number = number * 10 + (text->data[at] - '0');
    }
    if (at == first || at == text->size || text->data[at] != (uint8_t)behind_it) {
        return false;
    }
    *text = behind(*text, text->data + at + 1);
    *ret_number = number;
    return true;
}

/* "Nov 22 14:00:00 2026 GMT". */
static bool read_openssl_time(struct slice text, int64_t *ret_wall_s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int fields[6];

    if (text.size < 4) {
        return false;
    }
    for (int month = 0; month < 12; ++month) {
        if (memcmp(months + (size_t)month * 3, text.data, 3) == 0) {
            fields[1] = month + 1;
            text = behind(text, text.data + 3);
            return take_number(&text, ' ', &fields[2]) && take_number(&text, ':', &fields[3]) &&
                   take_number(&text, ':', &fields[4]) && take_number(&text, ' ', &fields[5]) &&
                   take_number(&text, ' ', &fields[0]) && time_from_civil(fields, ret_wall_s);
        }
    }
    return false;
}

bool haproxy_read_shown(struct slice reply, bool *ret_good, int64_t *ret_next_update_s)
{
    static const char status[] = "Cert Status: ", next[] = "Next Update: ";
    const uint8_t *at = find(reply, next);
    int64_t next_update_s;

    if (!at || !has(reply, status) ||
        !read_openssl_time(behind(reply, at + sizeof(next) - 1), &next_update_s)) {
        return false;
    }
    *ret_good = has(reply, "Cert Status: good\n");
    *ret_next_update_s = next_update_s;
    return true;
}

void haproxy_put_info(struct buf *command)
{
    buf_put_text(command, "show info\n");
}

/* The number behind "\n@name: ". */
static bool read_number(struct slice reply, const char *name, int64_t *ret_value)
{
    const uint8_t *at = find(reply, name);
    struct slice rest;
    int64_t value = 0;
    size_t i = 0;

    if (!at) {
        return false;
    }
    rest = behind(reply, at + text_length(name));
    while (i < rest.size && i < 18 && rest.data[i] >= '0' && rest.data[i] <= '9') {
        value = value * 10 + (rest.data[i] - '0');
        ++i;
    }
    *ret_value = value;
    return i > 0 && i < rest.size && rest.data[i] == '\n';
}

bool haproxy_read_info(struct slice reply, int64_t *ret_pid, int64_t *ret_uptime_s)
{
    int64_t pid;
    int64_t uptime_s;

    if (!read_number(reply, "\nPid: ", &pid) || !read_number(reply, "\nUptime_sec: ", &uptime_s)) {
        return false;
    }
    *ret_pid = pid;
    *ret_uptime_s = uptime_s;
    return true;
}

/* "YYYYMMDDHHMMSSZ" out of "YYYY-MM-DDTHH:MM:SSZ". */
static bool put_generalized_time(struct buf *text, int64_t wall_s)
{
    struct buf iso = BUF_INIT(64);

    buf_put_time(&iso, wall_s, 'T');
    if (iso.size == 20) {
        for (size_t i = 0; i < iso.size; ++i) {
            if (!memchr("-T:", iso.data[i], 3)) {
                buf_put_byte(text, iso.data[i]);
            }
        }
    }
    buf_deinit(&iso);
    return text->size == 15 && !buf_status(text);
}

bool haproxy_make_tombstone(struct buf *tombstone, struct slice staple, int64_t until_s)
{
    struct buf time = BUF_INIT(64);
    struct single single;
    bool good;

    buf_clear(tombstone);
    buf_put_slice(tombstone, staple);
    good = put_generalized_time(&time, until_s) && !buf_status(tombstone) &&
           single_read(staple, 0, &single);
    for (unsigned i = 0; good && single_read(staple, i, &single); ++i) {
        if (single.next_update.size != time.size) {
            good = false;
            break;
        }
        memcpy(tombstone->data + (single.next_update.data - staple.data), time.data, time.size);
    }
    buf_deinit(&time);
    return good;
}
