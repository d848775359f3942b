/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "io/control.h"

#define LIMIT_MS 20000

struct world {
    uv_loop_t loop;
    struct control *control;
    struct log log;
    char folder[40];
    char path[60];
    unsigned asked;
    struct control_call *held; /* when hold: a call that waits */
    bool hold;
    size_t rows;
};

static struct cert_row example_row(void)
{
    struct cert_row row = {.name = "example.com", .path = "/x.pem", .last = "it went well"};

    memset(row.leaf_sha256, 'a', sizeof(row.leaf_sha256) - 1);
    return row;
}

static void on_asked(void *context, struct control_call *call, const json_t *request)
{
    struct world *world = context;
    struct cert_row row = example_row();
    json_t *rows = json_array();

    world->asked++;
    if (world->hold) {
        world->held = call;
        json_decref(rows);
        return;
    }
    for (size_t i = 0; i < world->rows; i++) {
        json_array_append_new(rows, control_row_to_json(&row));
    }
    control_answer(call, json_pack("{s:b, s:O, s:o}", "ok", 1, "do", json_object_get(request, "do"),
                                   "certs", rows));
}

static struct world *world_new(void)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    log_open(&world->log);
    world->log.least = NOTE_ERROR + 1; /* what is told is told on purpose */
    snprintf(world->folder, sizeof(world->folder), "/tmp/clinch-control-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->path, sizeof(world->path), "%s/control.sock", world->folder);
    assert_int_equal(uv_loop_init(&world->loop), 0);
    return world;
}

static int world_listen(struct world *world)
{
    return control_new(&world->control, &world->loop, world->path, &world->log, on_asked, world);
}

static void world_free(struct world *world)
{
    if (world->control) {
        control_close(world->control);
    }
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    assert_int_equal(rmdir(world->folder), 0); /* the socket is gone */
    free(world);
}

/* The asking side waits, so that it runs on a thread beside the loop. */

struct asker {
    uv_work_t work;
    uv_loop_t *loop;
    const char *path;
    const char *request; /* JSON */
    int64_t limit_ms;
    json_t *answer;
    int r;
    struct buf fault;
    bool done;
};

static void ask_work(uv_work_t *work)
{
    struct asker *asker = work->data;
    json_t *request = json_loads(asker->request, 0, NULL);

    asker->answer = control_ask(asker->path, request, asker->limit_ms, &asker->r, &asker->fault);
    json_decref(request);
}

static void ask_done(uv_work_t *work, int status)
{
    struct asker *asker = work->data;

    (void)status;
    asker->done = true;
    uv_stop(asker->loop);
}

static void ask_init(struct asker *asker, struct world *world, const char *request)
{
    *asker = (struct asker){
        .loop = &world->loop,
        .path = world->path,
        .request = request,
        .limit_ms = LIMIT_MS,
        .fault = BUF_INIT(1000),
    };
    asker->work.data = asker;
}

static void ask_begin(struct asker *asker)
{
    assert_int_equal(uv_queue_work(asker->loop, &asker->work, ask_work, ask_done), 0);
}

static void ask_finish(struct asker *asker)
{
    while (!asker->done) {
        uv_run(asker->loop, UV_RUN_DEFAULT);
    }
}

static void ask_deinit(struct asker *asker)
{
    json_decref(asker->answer);
    buf_deinit(&asker->fault);
}

/* Raw sides: a socket that this test drives by hand. */

static int raw_connect(struct world *world)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, world->path, strlen(world->path) + 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Runs the loop until @fd has ended; what came is in @ret_text. */
static void raw_read(struct world *world, int fd, char *ret_text, size_t size)
{
    size_t have = 0;

    for (;;) {
        ssize_t got = recv(fd, ret_text + have, size - 1 - have, MSG_DONTWAIT);

        if (got == 0 || (got < 0 && errno == ECONNRESET)) {
            break;
        }
        have += got > 0 ? (size_t)got : 0;
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    ret_text[have] = 0;
}

static void assert_raw_answer(struct world *world, const char *bytes, size_t size,
                              const char *answer)
{
    char text[1000];
    int fd = raw_connect(world);

    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
    raw_read(world, fd, text, sizeof(text));
    if (!strstr(text, answer)) {
        fail_msg("%s", text);
    }
    close(fd);
}

/* Asks as @uid and @gid, with @groups beside them; what comes back is in @ret_text. Root only. */
static void ask_as(struct world *world, uid_t uid, gid_t gid, gid_t group, char *ret_text,
                   size_t size)
{
    int ends[2];
    pid_t child;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        ssize_t got;

        memcpy(address.sun_path, world->path, strlen(world->path) + 1);
        if (setgroups(1, &group) || setgid(gid) || setuid(uid) ||
            connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
            send(fd, "{\"do\":\"status\"}\n", 16, MSG_NOSIGNAL) != 16) {
            got = send(ends[1], "no way in", 9, 0);
            _exit(1);
        }
        while ((got = recv(fd, ret_text, size, 0)) > 0) {
            got = send(ends[1], ret_text, (size_t)got, 0);
        }
        _exit(0);
    }
    close(ends[1]);
    raw_read(world, ends[0], ret_text, size);
    close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_only_root_the_owner_and_the_group_may_ask(void **state)
{
    struct world *world;
    char text[1000];

    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    world = world_new();
    assert_int_equal(chmod(world->folder, 0755), 0);
    assert_int_equal(world_listen(world), 0);
    ask_as(world, 65534, 65534, 65534, text, sizeof(text));
    assert_string_equal(text, "no way in"); /* by the mode */
    ask_as(world, 65534, 0, 65534, text, sizeof(text));
    assert_non_null(strstr(text, "\"ok\":true"));
    ask_as(world, 65534, 65534, 0, text, sizeof(text)); /* a supplementary group */
    assert_non_null(strstr(text, "\"ok\":true"));
    assert_int_equal(chmod(world->path, 0666), 0);
    ask_as(world, 65534, 65534, 65534, text, sizeof(text));
    assert_non_null(strstr(text, "you may not ask"));
    ask_as(world, 65534, 0, 65534, text, sizeof(text));
    assert_non_null(strstr(text, "\"ok\":true"));
    world_free(world);
}

static void test_a_request_is_answered(void **state)
{
    struct world *world = world_new();
    struct asker asker;
    struct cert_row row;

    (void)state;
    world->rows = 2;
    assert_int_equal(world_listen(world), 0);
    ask_init(&asker, world, "{\"do\":\"status\"}");
    ask_begin(&asker);
    ask_finish(&asker);
    assert_non_null(asker.answer);
    assert_int_equal(asker.r, 0);
    assert_true(json_is_true(json_object_get(asker.answer, "ok")));
    assert_int_equal(json_array_size(json_object_get(asker.answer, "certs")), 2);
    assert_true(
        control_row_from_json(json_array_get(json_object_get(asker.answer, "certs"), 1), &row));
    assert_string_equal(row.name, "example.com");
    ask_deinit(&asker);
    world_free(world);
}

static void test_an_answer_of_many_rows_comes_whole(void **state)
{
    struct world *world = world_new();
    struct asker asker;

    (void)state;
    world->rows = 20000;
    assert_int_equal(world_listen(world), 0);
    ask_init(&asker, world, "{\"do\":\"status\"}");
    ask_begin(&asker);
    ask_finish(&asker);
    assert_non_null(asker.answer);
    assert_int_equal(json_array_size(json_object_get(asker.answer, "certs")), 20000);
    ask_deinit(&asker);
    world_free(world);
}

static void test_an_answer_may_come_later(void **state)
{
    struct world *world = world_new();
    struct asker asker;

    (void)state;
    world->hold = true;
    assert_int_equal(world_listen(world), 0);
    ask_init(&asker, world, "{\"do\":\"ensure\",\"paths\":[\"/x\"],\"deadline_s\":20}");
    ask_begin(&asker);
    while (!world->held) {
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    control_answer(world->held, json_pack("{s:b}", "ok", 1));
    ask_finish(&asker);
    assert_true(json_is_true(json_object_get(asker.answer, "ok")));
    ask_deinit(&asker);
    world_free(world);
}

static void test_the_socket_is_closed_to_others(void **state)
{
    struct world *world = world_new();
    mode_t old = umask(0);
    struct stat file;

    (void)state;
    assert_int_equal(world_listen(world), 0);
    umask(old);
    assert_int_equal(stat(world->path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0660);
    control_close(world->control);
    umask(0077);
    assert_int_equal(world_listen(world), 0);
    umask(old);
    assert_int_equal(stat(world->path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0660);
    world_free(world);
}

static void test_what_is_no_request_is_told_so(void **state)
{
    static const struct {
        const char *request;
        const char *answer;
    } cases[] = {
        {"\n", "not JSON"},
        {"junk\n", "not JSON"},
        {"{\"do\":\"status\"\n", "not JSON"},
        {"{\"do\":\"status\"} x\n", "not JSON"},
        {"{\"do\":\"status\",\"do\":\"ensure\"}\n", "not JSON"},
        {"\xff\xfe\n", "not JSON"},
        {"[]\n", "an object with"},
        {"\"status\"\n", "not JSON"},
        {"{}\n", "an object with"},
        {"{\"do\":1}\n", "an object with"},
        {"{\"do\":\"die\"}\n", "knows only"},
        {"{\"do\":\"ensure\"}\n", "array of strings"},
        {"{\"do\":\"ensure\",\"paths\":\"/x\"}\n", "array of strings"},
        {"{\"do\":\"ensure\",\"paths\":[\"/x\",1]}\n", "array of strings"},
        {"{\"do\":\"ensure\",\"paths\":[],\"deadline_s\":-1}\n", "number of seconds"},
        {"{\"do\":\"ensure\",\"paths\":[],\"deadline_s\":\"1\"}\n", "number of seconds"},
    };
    struct world *world = world_new();

    (void)state;
    assert_int_equal(world_listen(world), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_raw_answer(world, cases[i].request, strlen(cases[i].request), cases[i].answer);
        assert_raw_answer(world, cases[i].request, strlen(cases[i].request), "{\"ok\":false");
    }
    assert_int_equal(world->asked, 0);
    assert_raw_answer(world, "{\"do\":\"status\"}\nmore\n", 21, "{\"ok\":true");
    assert_int_equal(world->asked, 1);
    world_free(world);
}

static void test_deep_nesting_is_no_request(void **state)
{
    struct world *world = world_new();
    char text[60000];

    (void)state;
    assert_int_equal(world_listen(world), 0);
    memset(text, '[', sizeof(text));
    text[sizeof(text) - 1] = '\n';
    assert_raw_answer(world, text, sizeof(text), "not JSON");
    world_free(world);
}

static void test_a_request_without_end_is_cut_off(void **state)
{
    struct world *world = world_new();
    char text[1000] = "", filler[4096];
    size_t sent = 0;
    int fd;

    (void)state;
    assert_int_equal(world_listen(world), 0);
    fd = raw_connect(world);
    memset(filler, 'x', sizeof(filler));
    for (ssize_t got = 0; got >= 0;) {
        got = send(fd, filler, sizeof(filler), MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += got > 0 ? (size_t)got : 0;
        got = got < 0 && errno == EAGAIN ? 0 : got;
        uv_run(&world->loop, UV_RUN_NOWAIT);
        assert_true(sent < 10 * 1024 * 1024);
    }
    raw_read(world, fd, text, sizeof(text));
    assert_non_null(strstr(text, "too long"));
    close(fd);
    world_free(world);
}

static void test_a_request_that_does_not_come_is_given_up(void **state)
{
    struct world *world = world_new();
    char text[1000] = "";
    int fd;

    (void)state;
    assert_int_equal(world_listen(world), 0);
    fd = raw_connect(world);
    assert_int_equal(send(fd, "{\"do\":", 6, MSG_NOSIGNAL), 6);
    raw_read(world, fd, text, sizeof(text));
    assert_non_null(strstr(text, "within 5 s"));
    close(fd);
    world_free(world);
}

static void test_an_asker_who_goes_away_harms_nobody(void **state)
{
    struct world *world = world_new();
    int fd;

    (void)state;
    world->hold = true;
    assert_int_equal(world_listen(world), 0);
    fd = raw_connect(world);
    assert_int_equal(send(fd, "{\"do\":\"status\"}\n", 16, MSG_NOSIGNAL), 16);
    while (!world->held) {
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    close(fd);
    uv_run(&world->loop, UV_RUN_NOWAIT);
    control_answer(world->held, json_pack("{s:b}", "ok", 1));
    fd = raw_connect(world);
    close(fd); /* without a word */
    uv_run(&world->loop, UV_RUN_NOWAIT);
    world->hold = false;
    assert_raw_answer(world, "{\"do\":\"status\"}\n", 16, "{\"ok\":true");
    world_free(world);
}

static void test_closing_ends_calls_without_answer(void **state)
{
    struct world *world = world_new();
    char text[100] = "x";
    int fd;

    (void)state;
    world->hold = true;
    assert_int_equal(world_listen(world), 0);
    fd = raw_connect(world);
    assert_int_equal(send(fd, "{\"do\":\"status\"}\n", 16, MSG_NOSIGNAL), 16);
    while (!world->held) {
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    control_close(world->control);
    world->control = NULL;
    raw_read(world, fd, text, sizeof(text));
    assert_string_equal(text, "");
    close(fd);
    world_free(world);
}

static void test_the_33rd_asker_is_turned_away(void **state)
{
    struct world *world = world_new();
    char text[1000] = "";
    int fds[33];

    (void)state;
    assert_int_equal(world_listen(world), 0);
    for (int i = 0; i < 33; i++) {
        fds[i] = raw_connect(world);
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    raw_read(world, fds[32], text, sizeof(text));
    assert_non_null(strstr(text, "try again later"));
    assert_int_equal(send(fds[0], "{\"do\":\"status\"}\n", 16, MSG_NOSIGNAL), 16);
    raw_read(world, fds[0], text, sizeof(text));
    assert_non_null(strstr(text, "\"ok\":true"));
    assert_raw_answer(world, "{\"do\":\"status\"}\n", 16, "{\"ok\":true"); /* a place is free */
    for (int i = 0; i < 33; i++) {
        close(fds[i]);
    }
    world_free(world);
}

static void test_a_second_daemon_is_refused_and_the_first_not_harmed(void **state)
{
    struct world *world = world_new();
    struct control *second = NULL;

    (void)state;
    assert_int_equal(world_listen(world), 0);
    assert_int_equal(control_new(&second, &world->loop, world->path, &world->log, on_asked, world),
                     -EADDRINUSE);
    uv_run(&world->loop, UV_RUN_NOWAIT);
    assert_null(second);
    assert_raw_answer(world, "{\"do\":\"status\"}\n", 16, "{\"ok\":true");
    world_free(world);
}

static void test_the_socket_of_a_dead_daemon_is_replaced(void **state)
{
    struct world *world = world_new();
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    memcpy(address.sun_path, world->path, strlen(world->path) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 5), 0);
    close(fd);
    assert_int_equal(world_listen(world), 0);
    assert_raw_answer(world, "{\"do\":\"status\"}\n", 16, "{\"ok\":true");
    world_free(world);
}

static void test_what_is_no_socket_is_left_alone(void **state)
{
    struct world *world = world_new();
    FILE *file = fopen(world->path, "we");
    struct stat status;

    (void)state;
    fclose(file);
    assert_int_equal(world_listen(world), -EADDRINUSE);
    assert_int_equal(lstat(world->path, &status), 0);
    assert_true(S_ISREG(status.st_mode));
    assert_int_equal(unlink(world->path), 0);
    assert_int_equal(symlink("/etc/passwd", world->path), 0);
    assert_int_equal(world_listen(world), -EADDRINUSE);
    assert_int_equal(lstat(world->path, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(unlink(world->path), 0);
    world_free(world);
}

static void test_closing_leaves_a_socket_that_is_not_ours(void **state)
{
    struct world *world = world_new();
    struct world other = *world;

    (void)state;
    assert_int_equal(world_listen(world), 0);
    assert_int_equal(unlink(world->path), 0); /* somebody cleaned up, another daemon began */
    assert_int_equal(
        control_new(&other.control, &world->loop, world->path, &world->log, on_asked, world), 0);
    control_close(world->control);
    world->control = other.control;
    assert_raw_answer(world, "{\"do\":\"status\"}\n", 16, "{\"ok\":true");
    world_free(world);
}

static void test_paths_that_no_socket_can_have_are_told(void **state)
{
    struct world *world = world_new();
    struct control *control = NULL;
    struct asker asker;
    char path[200];

    (void)state;
    memset(path, 'x', sizeof(path));
    path[0] = '/';
    path[sizeof(path) - 1] = 0;
    assert_int_equal(control_new(&control, &world->loop, path, &world->log, on_asked, world),
                     -ENAMETOOLONG);
    assert_int_equal(
        control_new(&control, &world->loop, "/nonexistent/x.sock", &world->log, on_asked, world),
        -ENOENT);
    ask_init(&asker, world, "{\"do\":\"status\"}");
    asker.path = path;
    ask_begin(&asker);
    ask_finish(&asker);
    assert_null(asker.answer);
    assert_int_equal(asker.r, -ENAMETOOLONG);
    ask_deinit(&asker);
    world_free(world);
}

static void assert_no_answer(struct world *world, int64_t limit_ms, int r, const char *fault)
{
    struct asker asker;

    ask_init(&asker, world, "{\"do\":\"status\"}");
    asker.limit_ms = limit_ms;
    ask_begin(&asker);
    ask_finish(&asker);
    assert_null(asker.answer);
    assert_int_equal(asker.r, r);
    if (!strstr(buf_text(&asker.fault), fault)) {
        fail_msg("%s", buf_text(&asker.fault));
    }
    ask_deinit(&asker);
}

static void test_the_asker_is_told_why_there_is_no_answer(void **state)
{
    struct world *world = world_new();
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_no_answer(world, LIMIT_MS, -ENOENT, "clinch does not run");
    memcpy(address.sun_path, world->path, strlen(world->path) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_no_answer(world, LIMIT_MS, -ECONNREFUSED, "is gone");
    assert_int_equal(listen(fd, 0), 0); /* takes connections in but never answers */
    assert_no_answer(world, 50, -ETIMEDOUT, "in time");
    assert_no_answer(world, 50, -ETIMEDOUT, "in time"); /* now its backlog is full */
    close(fd);
    unlink(world->path);
    world_free(world);
}

static void serve_once(void *argument)
{
    const char **answer = argument;
    int fd = accept4((int)(intptr_t)answer[1], NULL, NULL, SOCK_CLOEXEC);
    char text[100];

    assert_true(fd >= 0);
    assert_true(recv(fd, text, sizeof(text), 0) > 0);
    assert_true(send(fd, answer[0], strlen(answer[0]), MSG_NOSIGNAL) >= 0);
    close(fd);
}

static void test_junk_is_no_answer_and_an_end_is_worth_another_try(void **state)
{
    static const char *const answers[] = {"junk\n", "{\"ok\":true}", "[1]\n", "\n",
                                          "{\"ok\":true,\"ok\":false}\n"};
    struct world *world = world_new();
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    memcpy(address.sun_path, world->path, strlen(world->path) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 5), 0);
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        const char *argument[] = {answers[i], (const char *)(intptr_t)fd};
        uv_thread_t thread;

        assert_int_equal(uv_thread_create(&thread, serve_once, argument), 0);
        assert_no_answer(world, LIMIT_MS, answers[i][0] ? -EPROTO : -ECONNRESET,
                         answers[i][0] ? "is no answer" : "try again");
        uv_thread_join(&thread);
    }
    close(fd);
    unlink(world->path);
    world_free(world);
}

#define T(name_) cmocka_unit_test(test_##name_)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(only_root_the_owner_and_the_group_may_ask),
        T(a_request_is_answered),
        T(an_answer_of_many_rows_comes_whole),
        T(an_answer_may_come_later),
        T(the_socket_is_closed_to_others),
        T(what_is_no_request_is_told_so),
        T(deep_nesting_is_no_request),
        T(a_request_without_end_is_cut_off),
        T(a_request_that_does_not_come_is_given_up),
        T(an_asker_who_goes_away_harms_nobody),
        T(closing_ends_calls_without_answer),
        T(the_33rd_asker_is_turned_away),
        T(a_second_daemon_is_refused_and_the_first_not_harmed),
        T(the_socket_of_a_dead_daemon_is_replaced),
        T(what_is_no_socket_is_left_alone),
        T(closing_leaves_a_socket_that_is_not_ours),
        T(paths_that_no_socket_can_have_are_told),
        T(the_asker_is_told_why_there_is_no_answer),
        T(junk_is_no_answer_and_an_end_is_worth_another_try),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
