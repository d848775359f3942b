/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test-world.h"

#define OK(body_, length_) "HTTP/1.1 200 OK\r\nContent-Length: " length_ "\r\n\r\n" body_

static const struct reply replies[] = {
    {"/good", OK("answer", "6"), THEN_KEEP, ""},
    {"/to/file", "HTTP/1.1 302 x\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
     THEN_KEEP, ""},
    {"/to/gopher",
     "HTTP/1.1 302 x\r\nLocation: gopher://127.0.0.1:25/x\r\n"
     "Content-Length: 0\r\n\r\n",
     THEN_KEEP, ""},
    {"/to/secret",
     "HTTP/1.1 302 x\r\nLocation: http://me:pass@127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
     THEN_KEEP, ""},
    {"/to/metadata",
     "HTTP/1.1 302 x\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n",
     THEN_KEEP, ""},
    {"/to/name",
     "HTTP/1.1 302 x\r\nLocation: http://metadata.example/x\r\nContent-Length: 0\r\n\r\n",
     THEN_KEEP, ""},
    {"/loop", "HTTP/1.1 302 x\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n", THEN_KEEP, ""},
    {"/three", "HTTP/1.1 301 x\r\nLocation: /two\r\nContent-Length: 0\r\n\r\n", THEN_KEEP, ""},
    {"/two", "HTTP/1.1 307 x\r\nLocation: /one\r\nContent-Length: 1\r\n\r\nx", THEN_KEEP, ""},
    {"/one", "HTTP/1.1 308 x\r\nLocation: /good\r\nContent-Length: 0\r\n\r\n", THEN_KEEP, ""},
    {"/slow/3", "HTTP/1.1 302 x\r\nLocation: /slow/2\r\nContent-Length: 30\r\n\r\n", THEN_DRIP,
     "y"},
    {"/slow/2", "HTTP/1.1 302 x\r\nLocation: /slow/1\r\nContent-Length: 30\r\n\r\n", THEN_DRIP,
     "y"},
    {"/slow/1", "HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n", THEN_DRIP, "y"},
    /* as a proxy */
    {"http://public.example/inward",
     "HTTP/1.1 302 x\r\nLocation: http://10.0.0.1/admin\r\nContent-Length: 0\r\n\r\n", THEN_KEEP,
     ""},
    {"http://10.9.8.7/inside",
     "HTTP/1.1 302 x\r\nLocation: http://10.0.0.1/other\r\nContent-Length: 0\r\n\r\n", THEN_KEEP,
     ""},
    {"http://10.0.0.1/other", OK("inner", "5"), THEN_KEEP, ""},
    {"http://public.example/", OK("proxied", "7"), THEN_KEEP, ""},
    {"tls.example:443", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", THEN_CLOSE, ""},
};

static struct world *world_usual(void)
{
    return world_new(replies, ARRAY_SIZE(replies));
}

static void test_redirects_share_one_timeout(void **state)
{
    struct world *world = world_usual();
    uint64_t begun, took_ms;

    (void)state;
    world->settings.timeout_ms = 800;
    begun = uv_hrtime();
    assert_ends(ask(world, "/slow/3", NULL), FETCH_TIMEOUT, "within 800 ms");
    took_ms = (uv_hrtime() - begun) / 1000000;
    /* The first two hops take 150 ms each. */
    assert_true(took_ms >= 790 && took_ms < 1050);
    assert_true(world->server.requests >= 2);
    world_free(world);
}

static void test_addresses_no_certificate_may_lead_to_are_refused(void **state)
{
    static const char *const urls[] = {
        "http://169.254.169.254/latest",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://[fe80::1]/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[fd00:ec2::254]/",
        "http://metadata.example/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://2852039166/",
    };
    struct world *world = world_usual();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
        assert_ends(ask(world, urls[i], NULL), FETCH_FORBIDDEN_ADDRESS, ": not asked");
    }
    ask(world, "http://metadata.example/", NULL);
    assert_string_equal(world->seen[0].detail,
                        "metadata.example is at 169.254.169.254, a link-local address: not asked");
    ask(world, "http://169.254.169.254/", NULL);
    assert_string_equal(world->seen[0].detail, "169.254.169.254, a link-local address: not asked");
    world_free(world);
}

static void test_loopback_is_asked_only_with_permission(void **state)
{
    struct world *world = world_usual();

    (void)state;
    world->settings.allow_loopback = false;
    assert_ends(ask(world, "/good", NULL), FETCH_FORBIDDEN_ADDRESS, "--allow-loopback permits it");
    assert_ends(ask(world, "http://localhost/", NULL), FETCH_FORBIDDEN_ADDRESS, "loopback");
    assert_ends(ask(world, "http://[::1]/", NULL), FETCH_FORBIDDEN_ADDRESS, "loopback");
    assert_ends(ask(world, "http://responder.example/", NULL), FETCH_FORBIDDEN_ADDRESS,
                "responder.example is at 127.0.0.1, a loopback address");
    assert_int_equal(world->server.accepted, 0);
    world_free(world);
}

static void test_the_next_address_is_tried_when_one_is_refused(void **state)
{
    struct world *world = world_usual();
    char url[100];

    (void)state;
    snprintf(url, sizeof(url), "http://both.example:%d/good", world->server.port);
    assert_ends(ask(world, url, NULL), FETCH_ANSWER, "");
    world_free(world);
}

static void test_urls_that_are_not_asked(void **state)
{
    struct world *world = world_usual();
    char url[3000];

    (void)state;
    assert_ends(ask(world, "file:///etc/passwd", NULL), FETCH_BROKEN, "only http and https");
    assert_ends(ask(world, "ldap://127.0.0.1/x", NULL), FETCH_BROKEN, "only http and https");
    assert_ends(ask(world, "http://me:pass@127.0.0.1/", NULL), FETCH_BROKEN,
                "a URL is not asked: it holds a user name or password");
    assert_ends(ask(world, "http://me@127.0.0.1/", NULL), FETCH_BROKEN, "user name");
    assert_ends(ask(world, "http://a b/", NULL), FETCH_BROKEN, "malformed");
    assert_ends(ask(world, "http://a\r\nHost: b/", NULL), FETCH_BROKEN, "malformed");
    assert_ends(ask(world, "http://", NULL), FETCH_BROKEN, "malformed");
    assert_ends(ask(world, "junk", NULL), FETCH_BROKEN, "malformed");
    assert_ends(ask(world, "", NULL), FETCH_BROKEN, "malformed");
    memset(url, 'a', sizeof(url));
    memcpy(url, "http://", 7);
    url[sizeof(url) - 1] = 0;
    assert_ends(ask(world, url, NULL), FETCH_BROKEN, "longer than 2048 bytes");
    world_free(world);
}

static void test_three_redirects_are_followed(void **state)
{
    struct world *world = world_usual();

    (void)state;
    assert_ends(ask(world, "/three", NULL), FETCH_ANSWER, "");
    assert_string_equal(world->seen[0].body, "answer");
    assert_int_equal(world->server.requests, 4);
    assert_int_equal(world->server.accepted, 4); /* each address was judged anew */
    world_free(world);
}

static void test_a_redirected_post_stays_a_post(void **state)
{
    struct world *world = world_usual();

    (void)state;
    assert_ends(ask(world, "/three", "question"), FETCH_ANSWER, "");
    assert_memory_equal(buf_text(&world->server.last), "POST /good HTTP/1.1\r\n", 21);
    assert_non_null(strstr(buf_text(&world->server.last), "\r\n\r\nquestion"));
    world_free(world);
}

static void test_a_redirect_loop_ends(void **state)
{
    struct world *world = world_usual();

    (void)state;
    assert_ends(ask(world, "/loop", NULL), FETCH_BAD_REDIRECT, "there were 3 before it");
    assert_int_equal(world->server.requests, 4);
    world_free(world);
}

static void test_redirects_that_are_not_followed(void **state)
{
    struct world *world = world_usual();

    (void)state;
    assert_ends(ask(world, "/to/file", NULL), FETCH_BAD_REDIRECT,
                "redirect to file:///etc/passwd is not followed: only http and https");
    assert_ends(ask(world, "/to/gopher", NULL), FETCH_BAD_REDIRECT, "only http and https");
    assert_ends(ask(world, "/to/secret", NULL), FETCH_BAD_REDIRECT, "user name or password");
    assert_ends(ask(world, "/to/metadata", NULL), FETCH_BAD_REDIRECT,
                "redirect to 169.254.169.254, a link-local address, is not followed");
    assert_ends(
        ask(world, "/to/name", NULL), FETCH_BAD_REDIRECT,
        "redirect to metadata.example, 169.254.169.254, a link-local address, is not followed");
    world_free(world);
}

static void proxy_use(struct world *world, char *proxy, size_t size)
{
    snprintf(proxy, size, "http://me:secret@127.0.0.1:%d", world->server.port);
    world->settings.proxy = proxy;
    world->settings.allow_loopback = false; /* a proxy may be anywhere all the same */
}

static void test_a_proxy_is_asked_with_the_whole_url(void **state)
{
    struct world *world = world_usual();
    char proxy[100];

    (void)state;
    proxy_use(world, proxy, sizeof(proxy));
    assert_ends(ask(world, "http://public.example/x", "question"), FETCH_ANSWER, "");
    assert_string_equal(world->seen[0].body, "proxied");
    assert_memory_equal(buf_text(&world->server.last), "POST http://public.example/x HTTP/1.1", 37);
    world_free(world);
}

static void test_a_proxy_of_the_environment_is_used_and_no_proxy_obeyed(void **state)
{
    struct world *world = world_usual();
    char proxy[100];

    (void)state;
    proxy_use(world, proxy, sizeof(proxy));
    world->settings.proxy = NULL;
    world->settings.allow_loopback = true;
    assert_int_equal(setenv("http_proxy", proxy, 1), 0);
    assert_int_equal(setenv("no_proxy", "127.0.0.0/8", 1), 0);
    assert_ends(ask(world, "http://public.example/x", NULL), FETCH_ANSWER, "");
    assert_string_equal(world->seen[0].body, "proxied");
    assert_ends(ask(world, "/good", NULL), FETCH_ANSWER, "");
    assert_string_equal(world->seen[0].body, "answer");
    unsetenv("http_proxy");
    unsetenv("no_proxy");
    world_free(world);
}

static void test_no_proxy_reaches_what_may_not_be_asked(void **state)
{
    struct world *world = world_usual();
    char proxy[100];

    (void)state;
    proxy_use(world, proxy, sizeof(proxy));
    assert_ends(ask(world, "http://169.254.169.254/", NULL), FETCH_FORBIDDEN_ADDRESS, "link-local");
    assert_ends(ask(world, "http://localhost/", NULL), FETCH_FORBIDDEN_ADDRESS, "loopback");
    assert_ends(ask(world, "http://127.1./", NULL), FETCH_FORBIDDEN_ADDRESS, "loopback");
    assert_int_equal(world->server.requests, 0);
    assert_ends(ask(world, "http://public.example/inward", NULL), FETCH_BAD_REDIRECT,
                "redirect from a public address to 10.0.0.1, a private address, is not followed");
    assert_ends(ask(world, "http://10.9.8.7/inside", NULL), FETCH_ANSWER, "");
    assert_string_equal(world->seen[0].body, "inner");
    world_free(world);
}

static void test_trouble_with_a_proxy_names_the_proxy_without_its_password(void **state)
{
    struct world *world = world_usual();
    char proxy[100];

    (void)state;
    proxy_use(world, proxy, sizeof(proxy));
    assert_ends(ask(world, "https://tls.example/x", NULL), FETCH_BROKEN,
                "answered CONNECT with HTTP status 403");
    assert_null(strstr(world->seen[0].detail, "secret"));
    fetch_close(world->fetch);
    world->fetch = NULL;
    world->settings.proxy = "http://me:secret@127.0.0.1:1";
    assert_ends(ask(world, "http://public.example/", NULL), FETCH_BROKEN,
                "the proxy 127.0.0.1:1 refused the connection");
    fetch_close(world->fetch);
    world->fetch = NULL;
    world->settings.proxy = "http://me:secret@proxy.invalid:1";
    assert_ends(ask(world, "http://public.example/", NULL), FETCH_BROKEN,
                "could not resolve the name of the proxy");
    world_free(world);
}

#define T(name_) cmocka_unit_test(test_##name_)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(redirects_share_one_timeout),
        T(addresses_no_certificate_may_lead_to_are_refused),
        T(loopback_is_asked_only_with_permission),
        T(the_next_address_is_tried_when_one_is_refused),
        T(urls_that_are_not_asked),
        T(three_redirects_are_followed),
        T(a_redirected_post_stays_a_post),
        T(a_redirect_loop_ends),
        T(redirects_that_are_not_followed),
        T(a_proxy_is_asked_with_the_whole_url),
        T(a_proxy_of_the_environment_is_used_and_no_proxy_obeyed),
        T(no_proxy_reaches_what_may_not_be_asked),
        T(trouble_with_a_proxy_names_the_proxy_without_its_password),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
