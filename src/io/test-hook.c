/* SPDX-License-Identifier: Apache-2.0 */
#include "io/test-files.h"

#include "io/hook.h"

struct world {
    struct test_dir *dir;
    struct log log;
    uv_loop_t loop;
    struct hook *hook;
    struct cert_facts cert;
    struct note note;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    void *dir;

    assert_non_null(world);
    test_dir_setup(&dir);
    world->dir = dir;
    unsetenv("JOURNAL_STREAM");
    log_open(&world->log);
    world->cert = (struct cert_facts){.name = "shop.example", .serial = {0x1a}, .serial_size = 1};
    memset(world->cert.leaf_sha256, 0xab, SHA256_SIZE);
    world->note = (struct note){
        .kind = NOTE_REVOKED,
        .level = NOTE_ERROR,
        .cert = &world->cert,
        .path = "/etc/ssl/shop.pem",
        .url = "http://ocsp.example/",
    };
    assert_int_equal(uv_loop_init(&world->loop), 0);
    assert_int_equal(hook_new(&world->hook, &world->loop, &world->log), 0);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    void *dir = world->dir;

    hook_close(world->hook);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    test_dir_teardown(&dir);
    free(world);
    return 0;
}

static void set_script(struct world *world, const char *script)
{
    const char *const program[] = {"/bin/sh", "-c", script};

    hook_set(world->hook, program, 3);
}

/* What was told in the meantime. */
static const char *run(struct world *world)
{
    hook_note(world->hook, &world->note);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_false(hook_busy(world->hook));
    return test_told(world->dir);
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part)) {
        fail_msg("no \"%s\" in: %s", part, text);
    }
}

static void test_the_program_finds_all_in_its_environment(void **state)
{
    struct world *world = *state;
    const char *told;

    set_script(world, "env | grep ^CLINCH_ | sort; exit 1");
    told = run(world);
    assert_has(told, "on_revoked_command for shop.example failed with exit code 1: ");
    assert_has(told, "CLINCH_EVENT=revoked; CLINCH_MESSAGE=http://ocsp.example/: REVOKED");
    assert_has(told, "; CLINCH_NAME=shop.example; CLINCH_PATH=/etc/ssl/shop.pem; "
                     "CLINCH_SERIAL=1a; CLINCH_SHA256=abababababababab");
    assert_has(told, "; CLINCH_URL=http://ocsp.example/\n");
    world->note.kind = NOTE_REVOCATION_UNDONE;
    world->note.level = NOTE_WARNING;
    world->note.path = world->note.url = NULL;
    told = run(world);
    assert_has(told, "CLINCH_EVENT=not-revoked;");
    assert_has(told, "CLINCH_PATH=;");
    assert_has(told, "CLINCH_URL=\n");
}

static void test_no_shell_reads_names(void **state)
{
    struct world *world = *state;
    const char *const program[] = {"/usr/bin/printenv", "CLINCH_NAME", "CLINCH_PATH"};

    world->cert.name = "$(echo gone).example; echo 'x";
    world->note.path = "/etc/ssl/a b`c\xff.pem";
    hook_set(world->hook, program, 3);
    assert_has(run(world), "was run: $(echo gone).example; echo 'x; /etc/ssl/a b`c?.pem\n");
}

static void test_only_alarms_run_it(void **state)
{
    struct world *world = *state;
    static const enum note_kind others[] = {NOTE_ACCEPTED, NOTE_REFUSED, NOTE_GOOD_AFTER_REVOKED,
                                            NOTE_CLOCK_WRONG, NOTE_GRACE};

    set_script(world, "echo ran");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        world->note.kind = others[i];
        assert_string_equal(run(world), "");
    }
    world->note.kind = NOTE_REVOKED;
    world->note.level = NOTE_DEBUG; /* no news */
    assert_string_equal(run(world), "");
    world->note.level = NOTE_ERROR;
    assert_has(run(world), "was run: ran\n");
    hook_set(world->hook, NULL, 0);
    assert_string_equal(run(world), "");
}

static void test_alarms_are_handled_one_at_a_time_and_in_order(void **state)
{
    struct world *world = *state;
    const char *told;

    set_script(world, "echo begins; sleep 0.05; echo ends $CLINCH_NAME");
    for (unsigned i = 0; i < 5; i++) {
        char name[] = {(char)('a' + i), 0};

        world->cert.name = name;
        hook_note(world->hook, &world->note);
        assert_true(hook_busy(world->hook));
    }
    uv_run(&world->loop, UV_RUN_DEFAULT);
    told = test_told(world->dir);
    assert_int_equal(test_lines(told), 5);
    for (unsigned i = 0; i < 5; i++) {
        char line[100];

        snprintf(line, sizeof(line), "for %c was run: begins; ends %c\n", 'a' + i, 'a' + i);
        assert_has(told, line);
        told = strchr(told, '\n') + 1;
    }
}

static void test_a_flood_of_alarms_is_bounded_and_told(void **state)
{
    struct world *world = *state;
    const char *const program[] = {"/bin/true"};

    set_script(world, "sleep 0.05");
    for (unsigned i = 0; i < HOOK_WAITING_MAX + 8; i++) {
        hook_note(world->hook, &world->note);
    }
    hook_set(world->hook, program, 1);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_has(test_told(world->dir), "on_revoked_command was not run for 7 more certificates\n");
}

static void test_a_program_that_is_not_there_is_told(void **state)
{
    struct world *world = *state;
    const char *const program[] = {"/nonexistent/alarm"};

    hook_set(world->hook, program, 1);
    assert_has(run(world), "/nonexistent/alarm cannot be run: no such file or directory\n");
}

static void test_closing_ends_what_runs(void **state)
{
    struct world *world = *state;

    set_script(world, "sleep 600"); /* longer than a test may take */
    hook_note(world->hook, &world->note);
    hook_note(world->hook, &world->note);
    hook_close(world->hook);
    world->hook = NULL;
    uv_run(&world->loop, UV_RUN_DEFAULT);
}

#define T(name_) cmocka_unit_test_setup_teardown(test_##name_, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_program_finds_all_in_its_environment),
        T(no_shell_reads_names),
        T(only_alarms_run_it),
        T(alarms_are_handled_one_at_a_time_and_in_order),
        T(a_flood_of_alarms_is_bounded_and_told),
        T(a_program_that_is_not_there_is_told),
        T(closing_ends_what_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
