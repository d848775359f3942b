/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/test-fake.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/instant.h"
#include "wire/haproxy.h"
#include "wire/single.h"

struct peer {
    struct fake *fake;
    uv_pipe_t pipe;
    uv_write_t write;
    struct buf in;
    struct buf out;
    char chunk[65536];
    bool answered;
};

static void on_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;

    buf_deinit(&peer->in);
    buf_deinit(&peer->out);
    free(peer);
}

static void peer_close(struct peer *peer)
{
    if (!uv_is_closing((uv_handle_t *)&peer->pipe)) {
        uv_close((uv_handle_t *)&peer->pipe, on_closed);
    }
}

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    peer_close(write->data);
}

/* "YYYY-MM-DDTHH:MM:SSZ" as OpenSSL prints it. */
static void put_time(struct buf *out, const char *name, int64_t wall_s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct buf iso = BUF_INIT(64);
    char line[128];
    int f[6];

    buf_put_time(&iso, wall_s, 'T');
    assert(sscanf(buf_text(&iso), "%d-%d-%dT%d:%d:%dZ", &f[0], &f[1], &f[2], &f[3], &f[4], &f[5]) ==
           6);
    snprintf(line, sizeof(line), "    %s: %.3s %2d %02d:%02d:%02d %d GMT\n", name,
             months + (size_t)(f[1] - 1) * 3, f[2], f[3], f[4], f[5], f[0]);
    buf_put_text(out, line);
    buf_deinit(&iso);
}

static bool decode(const char *base64, size_t size, struct single *ret_single, uint8_t *ret_serial)
{
    struct buf der = BUF_INIT(65536);
    bool good = buf_put_base64_decoded(&der, slice_of(base64, size)) &&
                single_read(slice_of_buf(&der), 0, ret_single);

    if (good) {
        *ret_serial = ret_single->certid.data[ret_single->certid.size - 1];
    }
    buf_deinit(&der);
    return good;
}

static void answer_push(struct fake *fake, const char *base64, size_t size, struct buf *out)
{
    struct single single;
    uint8_t serial;

    ++fake->pushes;
    if (!decode(base64, size, &single, &serial)) {
        buf_put_text(out, "Unable to parse OCSP response.\n\n");
    } else if (single.next_update_s <= fake->wall_s) {
        buf_put_text(out, "OCSP single response: no longer valid.\n\n");
    } else if (!fake->entries[serial]) {
        buf_put_text(out, "OCSP single response: Certificate ID does not match any certificate "
                          "or issuer.\n\n");
    } else {
        if (fake->mood != FAKE_LIAR) {
            fake->this_update_s[serial] = single.this_update_s;
            fake->next_update_s[serial] = single.next_update_s;
        }
        buf_put_text(out, "OCSP Response updated!\n\n");
        fake->entries[serial] &= serial != fake->vanishing;
    }
}

static void answer_show(struct fake *fake, const char *hex, size_t size, struct buf *out)
{
    char digits[3] = {hex[size - 2], hex[size - 1], 0};
    unsigned serial = (unsigned)strtoul(digits, NULL, 16);

    if (!fake->entries[serial]) {
        buf_put_text(out, "Certificate ID does not match any certificate.\n\n");
        return;
    }
    buf_put_text(out, "OCSP Response Data:\n    OCSP Response Status: successful (0x0)\n");
    put_time(out, "This Update", fake->this_update_s[serial]);
    put_time(out, "Next Update", fake->next_update_s[serial]);
    buf_put_text(out, " \n\n");
}

static void answer_list(struct fake *fake, struct buf *out)
{
    if (fake->mood == FAKE_DENYING) {
        buf_put_text(out, "Can't allocate memory!\n\n");
        return;
    }
    if (*fake->transaction) {
        buf_put_text(out, "# transaction\n*");
        buf_put_text(out, fake->transaction);
        buf_put_byte(out, '\n');
    }
    buf_put_text(out, "# filename\n");
    for (size_t i = 0; i < ARRAY_SIZE(fake->loaded) && fake->loaded[i]; ++i) {
        buf_put_text(out, fake->loaded[i]);
        buf_put_byte(out, '\n');
    }
    buf_put_byte(out, '\n');
}

static int loaded_index(const struct fake *fake, const char *path)
{
    for (size_t i = 0; i < ARRAY_SIZE(fake->loaded) && fake->loaded[i]; ++i) {
        if (strcmp(fake->loaded[i], path) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static void answer_identity(struct fake *fake, const char *path, struct buf *out)
{
    int index = loaded_index(fake, path);
    char text[128];

    snprintf(text, sizeof(text), "Filename: x\nStatus: Used\nSerial: %02X\nnotBefore: x\n\n",
             (unsigned)index + 1);
    buf_put_text(out, index < 0 ? "Can't display the certificate: Not found\n\n" : text);
}

static void answer_set(struct fake *fake, const char *text, struct buf *out)
{
    const char *base64 = strstr(text, "<<\n") + 3;
    struct single single;
    uint8_t serial = 0;
    char path[256];
    size_t size = strcspn(text, " ");

    snprintf(path, sizeof(path), "%.*s", (int)(size - strlen(".ocsp")), text);
    if (loaded_index(fake, path) < 0) {
        buf_put_text(out, "Can't replace a certificate which is not referenced by the "
                          "configuration!\nCan't update it!\n\n");
        return;
    }
    if (!*fake->transaction) {
        snprintf(fake->transaction, sizeof(fake->transaction), "%s", path);
    }
    if (decode(base64, strcspn(base64, "\n"), &single, &serial)) {
        fake->pending = serial;
        fake->this_update_s[serial] = single.this_update_s;
        fake->next_update_s[serial] = single.next_update_s;
    }
    buf_put_text(out, "Transaction created for certificate ");
    buf_put_text(out, fake->transaction);
    buf_put_text(out, "!\n\n");
}

static void answer_end(struct fake *fake, const char *path, bool commit, struct buf *out)
{
    if (strcmp(path, fake->transaction) != 0) {
        buf_put_text(out, "No ongoing transaction! !\nCan't commit!\n\n");
        return;
    }
    if (commit) {
        ++fake->commits;
        /* Only an answer about the very certificate makes an entry; success is said anyway. */
        if (fake->pending == loaded_index(fake, path) + 1) {
            fake->entries[fake->pending] = true;
        }
    } else {
        ++fake->aborts;
    }
    *fake->transaction = 0;
    buf_put_text(out, commit ? "Committing.\nSuccess!\n\n" : "Transaction aborted!\n\n");
}

static void answer_info(struct fake *fake, struct buf *out)
{
    char text[256];

    snprintf(text, sizeof(text),
             "Name: HAProxy\nVersion: 2.6.12\nPid: %d\nUptime_sec: %d\nX: 0\n\n", fake->pid,
             fake->uptime_s);
    buf_put_text(out, text);
}

static void answer_one(struct fake *fake, char *text, struct buf *out)
{
    static const char push[] = "set ssl ocsp-response ";
    static const char show[] = "show ssl ocsp-response ";
    static const char identity[] = "show ssl cert ";
    static const char set[] = "set ssl cert ";
    static const char commit[] = "commit ssl cert ";
    static const char abort_it[] = "abort ssl cert ";

    if (strncmp(text, push, sizeof(push) - 1) == 0) {
        text += sizeof(push) - 1;
        answer_push(fake, text, strlen(text), out);
    } else if (strncmp(text, show, sizeof(show) - 1) == 0) {
        text += sizeof(show) - 1;
        answer_show(fake, text, strlen(text), out);
    } else if (strcmp(text, "show ssl cert") == 0) {
        answer_list(fake, out);
    } else if (strncmp(text, identity, sizeof(identity) - 1) == 0) {
        answer_identity(fake, text + sizeof(identity) - 1, out);
    } else if (strncmp(text, set, sizeof(set) - 1) == 0) {
        answer_set(fake, text + sizeof(set) - 1, out);
    } else if (strncmp(text, commit, sizeof(commit) - 1) == 0) {
        answer_end(fake, text + sizeof(commit) - 1, true, out);
    } else if (strncmp(text, abort_it, sizeof(abort_it) - 1) == 0) {
        answer_end(fake, text + sizeof(abort_it) - 1, false, out);
    } else if (strcmp(text, "show info") == 0) {
        answer_info(fake, out);
    } else {
        buf_put_text(out, "Unknown command\n\n");
    }
}

static void spoil(struct fake *fake, struct buf *out)
{
    switch (fake->mood) {
    case FAKE_SHORT:
        out->size /= 2;
        break;
    case FAKE_GARBAGE:
        buf_clear(out);
        buf_put(out, "\xff\x00\n\n;;;\n\n\n\n\x80", 11);
        break;
    case FAKE_ENDLESS:
        buf_put_pad(out, 5 * 1024 * 1024, 'x');
        break;
    default:
        break;
    }
}

static void answer(struct peer *peer)
{
    struct fake *fake = peer->fake;
    bool is_info = text_starts_with(buf_text(&peer->in), "show info");
    char *text = text_copy(slice_of_buf(&peer->in));
    bool has_payload = strstr(text, "<<") != NULL;
    char *rest = text;
    uv_buf_t out;

    peer->answered = true;
    if (!has_payload) {
        text[strcspn(text, "\n")] = 0;
    }
    if (!has_payload && strlen(text) >= HAPROXY_LINE_MAX) {
        free(text); /* the real one answers it when it comes in one piece */
        return;
    }
    while (rest) {
        char *next = has_payload ? NULL : strchr(rest, ';');

        if (next) {
            *next++ = 0;
        }
        answer_one(fake, rest, &peer->out);
        rest = next;
    }
    free(text);
    if (!is_info || !fake->only_items) {
        if (fake->mood == FAKE_SILENT) {
            return;
        }
        spoil(fake, &peer->out);
    }
    out = uv_buf_init((char *)peer->out.data, (unsigned)peer->out.size);
    peer->write.data = peer;
    uv_write(&peer->write, (uv_stream_t *)&peer->pipe, &out, 1, on_written);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *ret_buf)
{
    struct peer *peer = handle->data;

    (void)size;
    *ret_buf = uv_buf_init(peer->chunk, sizeof(peer->chunk));
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *chunk)
{
    struct peer *peer = stream->data;
    const char *text;

    if (size < 0) {
        peer_close(peer);
        return;
    }
    buf_put(&peer->in, chunk->base, (size_t)size);
    text = buf_text(&peer->in);
    if (!peer->answered && strstr(text, strstr(text, "<<") ? "\n\n" : "\n")) {
        answer(peer);
    }
}

static void on_connection(uv_stream_t *server, int status)
{
    struct fake *fake = server->data;
    struct peer *peer = calloc(1, sizeof(*peer));

    assert(peer && status == 0);
    ++fake->connections;
    peer->fake = fake;
    peer->in = BUF_INIT(65536);
    peer->out = BUF_INIT(8 * 1024 * 1024);
    uv_pipe_init(fake->loop, &peer->pipe, 0);
    peer->pipe.data = peer;
    uv_accept(server, (uv_stream_t *)&peer->pipe);
    uv_read_start((uv_stream_t *)&peer->pipe, on_alloc, on_read);
}

void fake_begin(struct fake *fake, uv_loop_t *loop, const char *path)
{
    *fake = (struct fake){.loop = loop, .pid = 100, .uptime_s = 5};
    snprintf(fake->path, sizeof(fake->path), "%s", path);
}

void fake_listen(struct fake *fake)
{
    int r;

    unlink(fake->path);
    uv_pipe_init(fake->loop, &fake->server, 0);
    fake->server.data = fake;
    r = uv_pipe_bind(&fake->server, fake->path);
    assert(r == 0);
    r = uv_listen((uv_stream_t *)&fake->server, 16, on_connection);
    assert(r == 0);
    (void)r;
    fake->listening = true;
}

void fake_stop(struct fake *fake)
{
    if (fake->listening) {
        fake->listening = false;
        uv_close((uv_handle_t *)&fake->server, NULL);
    }
}

void fake_restart(struct fake *fake)
{
    ++fake->pid;
    fake->uptime_s = 0;
    memset(fake->entries, 0, sizeof(fake->entries));
    memset(fake->next_update_s, 0, sizeof(fake->next_update_s));
    *fake->transaction = 0;
}
