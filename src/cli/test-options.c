/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/cli.h"

enum { WORDS_MAX = 16 };

/* Splits @line at blanks and reads it; a word "-" alone stays one, "''" is the empty word. */
struct reading {
    char text[512];
    char *argv[WORDS_MAX + 1];
    int argc;
    struct options options;
    struct buf fault;
    int r;
};

static void reading_init(struct reading *reading, const char *line)
{
    char *rest = reading->text, *word;

    *reading = (struct reading){.fault = BUF_INIT(4096)};
    assert_true(text_length(line) < sizeof(reading->text));
    memcpy(reading->text, line, text_length(line) + 1);
    while ((word = strsep(&rest, " "))) {
        assert_true(reading->argc < WORDS_MAX);
        reading->argv[reading->argc++] = text_equal(word, "''") ? word + 2 : word;
    }
    reading->r = options_read(&reading->options, reading->argc, reading->argv, &reading->fault);
}

static void reading_deinit(struct reading *reading)
{
    buf_deinit(&reading->fault);
    options_deinit(&reading->options);
}

static void test_options_may_stand_anywhere(void **state)
{
    static const char *const lines[] = {
        "clinch once --state /s --wait 20 /a /b",
        "clinch --state /s once /a --wait 20 /b",
        "clinch once /a /b --wait=20s --state=/s",
        "clinch --wait 20000ms --state /s once -- /a /b",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct reading reading;

        reading_init(&reading, lines[i]);
        assert_int_equal(reading.r, 0);
        assert_string_equal(reading.options.command, "once");
        assert_string_equal(reading.options.state_dir, "/s");
        assert_int_equal(reading.options.wait_s, 20);
        assert_int_equal(reading.options.path_count, 2);
        assert_string_equal(reading.options.paths[0], "/a");
        assert_string_equal(reading.options.paths[1], "/b");
        reading_deinit(&reading);
    }
}

static void test_setup_takes_a_server_and_its_options(void **state)
{
    struct reading reading;

    (void)state;
    reading_init(&reading, "clinch setup nginx /a.pem --check --server-config - --program /p "
                           "--socket /s");
    assert_int_equal(reading.r, 0);
    assert_string_equal(reading.options.paths[0], "nginx");
    assert_int_equal(reading.options.path_count, 2);
    assert_true(reading.options.check);
    assert_string_equal(reading.options.server_config, "-");
    assert_string_equal(reading.options.program, "/p");
    assert_string_equal(reading.options.socket, "/s");
    reading_deinit(&reading);
    reading_init(&reading, "clinch setup");
    assert_int_equal(reading.r, OPTIONS_E_WRONG);
    assert_string_equal(buf_text(&reading.fault),
                        "clinch setup needs a server: clinch setup SERVER [CERT...]");
    reading_deinit(&reading);
    reading_init(&reading, "clinch discover /etc");
    assert_int_equal(reading.r, OPTIONS_E_WRONG);
    reading_deinit(&reading);
}

static void test_every_option_is_read(void **state)
{
    struct reading reading;

    (void)state;
    reading_init(&reading, "clinch once -vc /c --issuer /i --issuer /j --allow-loopback --strict "
                           "--json --wait 2min x");
    assert_int_equal(reading.r, 0);
    assert_true(reading.options.verbose);
    assert_string_equal(reading.options.config_file, "/c");
    assert_int_equal(reading.options.issuer_count, 2);
    assert_string_equal(reading.options.issuers[0], "/i");
    assert_string_equal(reading.options.issuers[1], "/j");
    assert_true(reading.options.allow_loopback);
    assert_true(reading.options.strict);
    assert_true(reading.options.json);
    assert_int_equal(reading.options.wait_s, 120);
    reading_deinit(&reading);
    reading_init(&reading, "clinch staple --or-empty x");
    assert_int_equal(reading.r, 0);
    assert_true(reading.options.or_empty);
    assert_int_equal(reading.options.wait_s, -1);
    assert_false(reading.options.offline);
    reading_deinit(&reading);
    reading_init(&reading, "clinch explain --offline x");
    assert_int_equal(reading.r, 0);
    assert_true(reading.options.offline);
    reading_deinit(&reading);
}

static void test_a_path_may_look_like_an_option_behind_two_dashes(void **state)
{
    struct reading reading;

    (void)state;
    reading_init(&reading, "clinch status -- --json");
    assert_int_equal(reading.r, 0);
    assert_false(reading.options.json);
    assert_int_equal(reading.options.path_count, 1);
    assert_string_equal(reading.options.paths[0], "--json");
    reading_deinit(&reading);
}

static void test_help_and_version_win(void **state)
{
    static const struct {
        const char *line;
        int r;
        const char *command;
    } cases[] = {
        {"clinch --help", OPTIONS_E_HELP, NULL},
        {"clinch help", OPTIONS_E_HELP, NULL},
        {"clinch help staple", OPTIONS_E_HELP, "staple"},
        {"clinch staple --help", OPTIONS_E_HELP, "staple"},
        {"clinch -h staple", OPTIONS_E_HELP, "staple"},
        {"clinch --version", OPTIONS_E_VERSION, NULL},
        {"clinch status --version", OPTIONS_E_VERSION, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct reading reading;

        reading_init(&reading, cases[i].line);
        assert_int_equal(reading.r, cases[i].r);
        if (cases[i].command) {
            assert_string_equal(reading.options.command, cases[i].command);
        } else {
            assert_null(reading.options.command);
        }
        reading_deinit(&reading);
    }
}

static void test_wrong_usage_is_one_clear_line(void **state)
{
    static const struct {
        const char *line;
        const char *fault;
    } cases[] = {
        {"clinch", "a command is missing"},
        {"clinch --json", "a command is missing"},
        {"clinch statsu", "there is no command statsu (did you mean status?)"},
        {"clinch frobnicate", "there is no command frobnicate"},
        {"clinch help frobnicate", "there is no command frobnicate"},
        {"clinch status --jsno", "there is no option --jsno (did you mean --json?)"},
        {"clinch status /a --nonsense /b", "there is no option --nonsense"},
        {"clinch status --nonsense=5", "there is no option --nonsense=5"},
        {"clinch status -x", "there is no option -x"},
        {"clinch status -vx", "there is no option -x"},
        {"clinch status --state", "option --state needs a value"},
        {"clinch status -c", "option -c needs a value"},
        {"clinch status --state ''", "option --state needs a value"},
        {"clinch once --metrics", "clinch once does not take --metrics"},
        {"clinch status --metrics --json",
         "--json and --metrics are two ways to print: give one of them"},
        {"clinch status --json=yes", "option --json takes no value"},
        {"clinch status --strict", "clinch status does not take --strict"},
        {"clinch run --only", "clinch run does not take --only"},
        {"clinch run --wait 5 /a", "clinch run does not take --wait"},
        {"clinch explain", "clinch explain needs a certificate: clinch explain CERT.pem..."},
        {"clinch verify --cert a", "clinch verify needs an answer: clinch verify RESPONSE.der"},
        {"clinch verify a", "clinch verify needs the certificate: --cert FILE"},
        {"clinch probe", "clinch probe needs a server: clinch probe HOST[:PORT]"},
        {"clinch probe a b", "clinch probe asks one server at a time"},
        {"clinch probe --servername '' a", "option --servername needs a value"},
        {"clinch status --starttls smtp", "clinch status does not take --starttls"},
        {"clinch verify --cert a b c", "clinch verify judges one answer at a time"},
        {"clinch verify --cert a --max-age old b",
         "--max-age takes seconds or a duration such as 7d (0: no limit), not old"},
        {"clinch verify --cert a --at= b", "option --at needs a value"},
        {"clinch explain --at 1 b", "clinch explain does not take --at"},
        {"clinch once --offline /a", "clinch once does not take --offline"},
        {"clinch staple a b", "clinch staple writes one staple, so it takes one certificate"},
        {"clinch once ''", "a path is empty"},
        {"clinch once --wait soon /a",
         "--wait takes seconds or a duration such as 2min, up to 1d, not soon"},
        {"clinch once --wait -5 /a",
         "--wait takes seconds or a duration such as 2min, up to 1d, not -5"},
        {"clinch once --wait 999999999999999999999 /a",
         "--wait takes seconds or a duration such as 2min, up to 1d, not 999999999999999999999"},
        {"clinch once --wait 2d /a",
         "--wait takes seconds or a duration such as 2min, up to 1d, not 2d"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct reading reading;

        reading_init(&reading, cases[i].line);
        assert_int_equal(reading.r, OPTIONS_E_WRONG);
        assert_string_equal(buf_text(&reading.fault), cases[i].fault);
        reading_deinit(&reading);
    }
}

static void test_every_command_lists_its_options(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMANDS; i++) {
        struct buf list = BUF_INIT(4096);

        options_list(&list, &commands[i]);
        /* import copies files, and needs to know nothing of clinch's own. */
        assert_int_equal(strstr(buf_text(&list), "--config FILE") != NULL,
                         !text_equal(commands[i].name, "import"));
        assert_int_equal(strstr(buf_text(&list), "--to DIR") != NULL,
                         text_equal(commands[i].name, "import"));
        assert_int_equal(strstr(buf_text(&list), "--or-empty") != NULL,
                         text_equal(commands[i].name, "staple"));
        buf_deinit(&list);
    }
}

static void test_verify_takes_its_settings(void **state)
{
    struct reading reading;

    (void)state;
    reading_init(&reading, "clinch verify --cert l.pem --issuer i.pem --at 5 --audience rfc6960 "
                           "--max-age 0 --json -");
    assert_int_equal(reading.r, 0);
    assert_string_equal(reading.options.cert, "l.pem");
    assert_string_equal(reading.options.issuers[0], "i.pem");
    assert_string_equal(reading.options.at, "5");
    assert_string_equal(reading.options.audience, "rfc6960");
    assert_int_equal(reading.options.max_age_s, 0);
    assert_true(reading.options.json);
    assert_string_equal(reading.options.paths[0], "-");
    reading_deinit(&reading);
    reading_init(&reading, "clinch verify --cert l.pem --max-age 2h x.der");
    assert_int_equal(reading.options.max_age_s, 7200);
    assert_null(reading.options.at);
    reading_deinit(&reading);
    reading_init(&reading, "clinch verify --cert l.pem x.der");
    assert_int_equal(reading.options.max_age_s, -1);
    reading_deinit(&reading);
}

static void test_probe_takes_its_settings(void **state)
{
    struct reading reading;

    (void)state;
    reading_init(&reading, "clinch probe mx.example:25 --starttls smtp --servername a.example "
                           "--issuer i.pem --json");
    assert_int_equal(reading.r, 0);
    assert_string_equal(reading.options.paths[0], "mx.example:25");
    assert_string_equal(reading.options.starttls, "smtp");
    assert_string_equal(reading.options.servername, "a.example");
    assert_string_equal(reading.options.issuers[0], "i.pem");
    assert_true(reading.options.json);
    reading_deinit(&reading);
    reading_init(&reading, "clinch probe [::1]:443");
    assert_null(reading.options.starttls);
    assert_null(reading.options.servername);
    reading_deinit(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_may_stand_anywhere),
        cmocka_unit_test(test_verify_takes_its_settings),
        cmocka_unit_test(test_setup_takes_a_server_and_its_options),
        cmocka_unit_test(test_probe_takes_its_settings),
        cmocka_unit_test(test_every_option_is_read),
        cmocka_unit_test(test_a_path_may_look_like_an_option_behind_two_dashes),
        cmocka_unit_test(test_help_and_version_win),
        cmocka_unit_test(test_wrong_usage_is_one_clear_line),
        cmocka_unit_test(test_every_command_lists_its_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
