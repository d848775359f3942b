/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/der-server.h"

#include <string.h>

#include "sim/must.h"

#define SSL_FOLDER  "/etc/ssl"
#define DIRECTIVE   "ssl_stapling_file "
#define PATH_MOST   256
#define STAPLE_MOST (64 * 1024)

struct server_place {
    char *path; /* of the certificate's file */
    uint32_t cert;
    uint32_t loaded_cert;
    uint32_t loaded; /* by nginx for that one */
    uint32_t file;   /* the answer that stands in the other server's file */
    bool ready;      /* what stands here is not of a certificate before this one */
    bool torn;
    uint32_t told;     /* what the world knows to be shown */
    uint32_t promised; /* and what it is to see as long as the servers show... */
    uint32_t promised_for;
    int64_t promised_ms; /* true time: until then; INSTANT_NEVER: nothing is */
};

struct derserver {
    struct world *world;
    const struct derbytes *bytes;
    const struct simdisk *disk;
    bool nginx;
    bool off;
    struct server_place *places;
    uint32_t place_count;
    uint32_t *place_of; /* by certificate; DERSERVER_NOWHERE */
    uint32_t junk;      /* the answer that stands for what is broken; ANSWER_NONE: not needed yet */
};

struct derserver *derserver_new(struct world *world, const struct derbytes *bytes,
                                const struct simdisk *disk, bool nginx)
{
    struct derserver *server = sim_grow(NULL, 0, 1, sizeof(*server));

    server->world = world;
    server->bytes = bytes;
    server->disk = disk;
    server->nginx = nginx;
    server->place_of = sim_grow(NULL, 0, world->cert_count + 1, sizeof(*server->place_of));
    memset(server->place_of, 0xff, (world->cert_count + 1) * sizeof(*server->place_of));
    return server;
}

struct derserver *derserver_free(struct derserver *server)
{
    if (server) {
        for (uint32_t i = 0; i < server->place_count; i++) {
            free(server->places[i].path);
        }
        free(server->places);
        free(server->place_of);
        free(server);
    }
    return NULL;
}

static void put_numbered(struct buf *path, const char *folder, uint32_t place, const char *ending)
{
    buf_put_text(path, folder);
    buf_put_text(path, "/p");
    buf_put_int(path, place);
    buf_put_text(path, ending);
    must(!buf_status(path));
}

static uint32_t new_place(struct derserver *server)
{
    uint32_t number = server->place_count++;
    struct buf path = BUF_INIT(PATH_MOST);

    server->places = sim_grow(server->places, number, number + 1, sizeof(*server->places));
    put_numbered(&path, SSL_FOLDER, number, ".pem");
    server->places[number] = (struct server_place){
        .path = text_copy(slice_of_buf(&path)),
        .loaded_cert = DERSERVER_NOWHERE,
        .promised_ms = INSTANT_NEVER,
    };
    must(server->places[number].path);
    buf_deinit(&path);
    return number;
}

void derserver_leave(struct derserver *server, uint32_t cert)
{
    struct server_place *place = &server->places[server->place_of[cert]];

    place->cert = DERSERVER_NOWHERE;
    server->place_of[cert] = DERSERVER_NOWHERE;
}

bool derserver_has(const struct derserver *server, uint32_t cert)
{
    return server->place_of[cert] != DERSERVER_NOWHERE;
}

const char *derserver_path(const struct derserver *server, uint32_t cert)
{
    return server->places[server->place_of[cert]].path;
}

/* Which answer is the content of @path? *@ret_there: there is one, known or not. */
static uint32_t answer_at(const struct derserver *server, const char *path, bool *ret_there)
{
    struct buf content = BUF_INIT(STAPLE_MOST);
    uint32_t answer = ANSWER_NONE;

    *ret_there = simdisk_read(server->disk, path, &content) == 0;
    if (*ret_there) {
        answer = derbytes_find_answer(server->bytes, slice_of_buf(&content));
    }
    buf_deinit(&content);
    return answer;
}

static uint32_t file_shows(const struct derserver *server, uint32_t number, bool *ret_there)
{
    struct buf path = BUF_INIT(PATH_MOST);
    uint32_t answer;

    put_numbered(&path, SSL_FOLDER, number, ".pem.ocsp");
    answer = answer_at(server, buf_text(&path), ret_there);
    buf_deinit(&path);
    return answer;
}

/* Through the snippet; *@ret_there: there is one. */
static uint32_t nginx_shows(const struct derserver *server, uint32_t number, bool *ret_there)
{
    struct buf path = BUF_INIT(PATH_MOST), snippet = BUF_INIT(4096);
    uint32_t answer = ANSWER_NONE;
    char *start, *end;
    bool there;

    put_numbered(&path, DERSERVER_FOLDER, number, ".conf");
    *ret_there = simdisk_read(server->disk, buf_text(&path), &snippet) == 0;
    start = *ret_there && snippet.size ? strstr((char *)snippet.data, DIRECTIVE) : NULL;
    end = start ? strchr(start, ';') : NULL;
    if (end) {
        *end = 0;
        answer = answer_at(server, start + sizeof(DIRECTIVE) - 1, &there);
    }
    buf_deinit(&path);
    buf_deinit(&snippet);
    return answer;
}

static bool is_about(const struct derserver *server, uint32_t answer, uint32_t cert)
{
    return answer == ANSWER_NONE ||
           (cert != DERSERVER_NOWHERE && answers_get(&server->world->answers, answer)->certid ==
                                             server->world->certs[cert].certid);
}

/* Is there something that no client could read, or that keeps nginx from starting? */
static void look(struct derserver *server, uint32_t number)
{
    struct server_place *place = &server->places[number];
    bool file_there, snippet_there;
    uint32_t snippet = nginx_shows(server, number, &snippet_there);

    place->file = file_shows(server, number, &file_there);
    place->torn = place->torn || (file_there && place->file == ANSWER_NONE) ||
                  (snippet_there && snippet == ANSWER_NONE);
    place->ready = place->ready || (is_about(server, place->file, place->cert) &&
                                    is_about(server, snippet, place->cert));
    if (place->torn && server->junk == ANSWER_NONE) {
        server->junk = answers_add(&server->world->answers, &(struct answer){.flaw = FLAW_JUNK});
    }
}

void derserver_settle(struct derserver *server, uint32_t cert)
{
    uint32_t number = DERSERVER_NOWHERE;

    for (uint32_t i = 0; i < server->place_count && number == DERSERVER_NOWHERE; i++) {
        if (server->places[i].cert == DERSERVER_NOWHERE) {
            number = i;
        }
    }
    if (number == DERSERVER_NOWHERE) {
        number = new_place(server);
    }
    server->places[number].cert = cert;
    server->places[number].told = ANSWER_NONE;
    server->places[number].promised_ms = INSTANT_NEVER;
    server->places[number].ready = false;
    server->place_of[cert] = number;
    look(server, number);
}

void derserver_changed(struct derserver *server, const char *path)
{
    static const char *const folders[] = {SSL_FOLDER "/p", DERSERVER_FOLDER "/p"};
    uint32_t number = 0;

    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        if (text_starts_with(path, folders[i])) {
            for (path += text_length(folders[i]); *path >= '0' && *path <= '9'; path++) {
                number = number * 10 + (uint32_t)(*path - '0');
            }
            must(number < server->place_count);
            look(server, number);
            return;
        }
    }
}

int derserver_reload(struct derserver *server)
{
    bool there;

    for (uint32_t i = 0; i < server->place_count; i++) {
        if (server->places[i].torn) {
            return 1; /* nginx keeps what it has */
        }
    }
    for (uint32_t i = 0; i < server->place_count; i++) {
        if (server->places[i].ready) {
            server->places[i].loaded_cert = server->places[i].cert;
            server->places[i].loaded = nginx_shows(server, i, &there);
        }
    }
    return 0;
}

void derserver_restart(struct derserver *server)
{
    for (uint32_t i = 0; i < server->place_count; i++) {
        server->places[i].loaded_cert = DERSERVER_NOWHERE;
        server->places[i].loaded = ANSWER_NONE;
        server->places[i].ready = false;
        look(server, i);
    }
}

void derserver_switch(struct derserver *server, bool on)
{
    server->off = !on;
}

void derserver_promise(struct derserver *server, uint32_t cert, uint32_t answer)
{
    struct server_place *place = &server->places[server->place_of[cert]];

    place->promised = answer;
    place->promised_for = derserver_actual(server, cert);
    place->promised_ms = server->world->now_ms + DERSERVER_LAG_MS;
}

int64_t derserver_deadline_ms(const struct derserver *server)
{
    int64_t due_ms = INSTANT_NEVER;

    for (uint32_t i = 0; i < server->place_count; i++) {
        due_ms = time_min(due_ms, server->places[i].promised_ms);
    }
    return due_ms;
}

void derserver_tell(struct derserver *server)
{
    for (uint32_t i = 0; i < server->place_count; i++) {
        struct server_place *place = &server->places[i];
        uint32_t shows;

        if (place->cert == DERSERVER_NOWHERE) {
            continue;
        }
        if (derserver_actual(server, place->cert) != place->promised_for ||
            server->world->now_ms >= place->promised_ms) {
            place->promised_ms = INSTANT_NEVER;
        }
        shows = derserver_shows(server, place->cert);
        if (shows != place->told) {
            place->told = shows;
            world_mark(server->world, "shows", place->cert, shows, server->nginx);
            world_shown(server->world, place->cert);
        }
    }
}

uint32_t derserver_actual(const struct derserver *server, uint32_t cert)
{
    uint32_t number = server->place_of[cert];
    const struct server_place *place;

    if (number == DERSERVER_NOWHERE || server->off) {
        return ANSWER_NONE;
    }
    place = &server->places[number];
    if (place->torn) {
        return server->junk;
    }
    if (!server->nginx) {
        return place->ready ? place->file : ANSWER_NONE;
    }
    return place->loaded_cert == cert ? place->loaded : ANSWER_NONE;
}

uint32_t derserver_shows(const struct derserver *server, uint32_t cert)
{
    uint32_t number = server->place_of[cert];

    return number != DERSERVER_NOWHERE && server->places[number].promised_ms != INSTANT_NEVER
               ? server->places[number].promised
               : derserver_actual(server, cert);
}
