/* SPDX-License-Identifier: Apache-2.0 */
#include "test-world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names. Nothing here may ask a real resolver, so that this program's own getaddrinfo() stands
 * before the C library's: libcurl finds it. */

sem_t hang_begun, hang_may_end, hang_ended;

static struct addrinfo *make_info(const char *text, const char *service, struct addrinfo *next)
{
    /* One piece of memory, as freeaddrinfo() of glibc expects it. */
    struct addrinfo *info = calloc(1, sizeof(*info) + sizeof(struct sockaddr_in));
    struct sockaddr_in *address = (struct sockaddr_in *)(info + 1);

    uv_ip4_addr(text, service ? (int)strtol(service, NULL, 10) : 0, address);
    info->ai_family = AF_INET;
    info->ai_socktype = SOCK_STREAM;
    info->ai_protocol = IPPROTO_TCP;
    info->ai_addrlen = sizeof(*address);
    info->ai_addr = (struct sockaddr *)address;
    info->ai_next = next;
    return info;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret_info)
{
    (void)hints;
    if (strcmp(name, "hang.example") == 0) {
        sem_post(&hang_begun);
        sem_wait(&hang_may_end);
        sem_post(&hang_ended);
        return EAI_AGAIN;
    }
    if (strcmp(name, "responder.example") == 0) {
        *ret_info = make_info("127.0.0.1", service, NULL);
        return 0;
    }
    if (strcmp(name, "metadata.example") == 0) {
        *ret_info = make_info("169.254.169.254", service, NULL);
        return 0;
    }
    if (strcmp(name, "both.example") == 0) {
        *ret_info = make_info("169.254.169.254", service, make_info("127.0.0.1", service, NULL));
        return 0;
    }
    return EAI_NONAME;
}

static void on_done(void *context, const struct fetch_result *result)
{
    struct world *world = context;
    struct seen *seen = &world->seen[world->count++];

    uv_stop(&world->loop); /* for run_until() */
    assert_false(world->inside);
    assert_true(world->count <= RESULTS_MAX);
    memset(seen, 0, sizeof(*seen));
    seen->id = result->id;
    seen->outcome = result->outcome;
    seen->http_status = result->http_status;
    seen->hints = result->hints;
    snprintf(seen->etag, sizeof(seen->etag), "%s", result->etag ? result->etag : "");
    seen->size = result->body.size;
    if (result->body.size) {
        memcpy(seen->body, result->body.data, result->body.size < 199 ? result->body.size : 199);
    }
    if (result->outcome != FETCH_ANSWER) {
        assert_non_null(result->detail);
    }
    snprintf(seen->detail, sizeof(seen->detail), "%s", result->detail ? result->detail : "");
    if (world->also) {
        world->also(world);
    }
}

struct world *world_new(const struct reply *replies, size_t count)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->settings = (struct fetch_settings){
        .allow_loopback = true,
        .proxy = "",
        .connect_timeout_ms = 20000,
        .timeout_ms = 30000,
        .user_agent = "clinch/test",
    };
    sem_init(&hang_begun, 0, 0);
    sem_init(&hang_may_end, 0, 0);
    sem_init(&hang_ended, 0, 0);
    assert_int_equal(uv_loop_init(&world->loop), 0);
    server_open(&world->server, &world->loop, replies, count);
    return world;
}

void world_begin(struct world *world)
{
    assert_int_equal(fetch_new(&world->fetch, &world->loop, &world->settings, on_done, world), 0);
}

void world_free(struct world *world)
{
    if (world->fetch) {
        fetch_close(world->fetch);
    }
    server_close(&world->server);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    server_deinit(&world->server);
    free(world);
}

void start(struct world *world, uint64_t id, const char *path, const char *post)
{
    char url[4096];
    struct fetch_order order = world->order;

    order.id = id;
    order.url = url;
    if (path[0] == '/') {
        snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", world->server.port, path);
    } else {
        snprintf(url, sizeof(url), "%s", path);
    }
    if (post) {
        order.body = slice_of_text(post);
    }
    world->inside = true;
    fetch_start(world->fetch, &order);
    world->inside = false;
}

void run_until(struct world *world, unsigned count)
{
    while (world->count < count) {
        uv_run(&world->loop, UV_RUN_DEFAULT);
    }
}

const struct seen *ask(struct world *world, const char *path, const char *post)
{
    if (!world->fetch) {
        world_begin(world);
    }
    world->count = 0;
    start(world, 7, path, post);
    run_until(world, 1);
    assert_int_equal(world->seen[0].id, 7);
    return &world->seen[0];
}

void assert_ends(const struct seen *seen, enum fetch_outcome outcome, const char *detail)
{
    if (!strstr(seen->detail, detail) || seen->outcome != outcome) {
        fail_msg("outcome %d: %s", seen->outcome, seen->detail);
    }
}
