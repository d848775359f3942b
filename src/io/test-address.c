/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

#include "io/address.h"

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(80)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        memcpy(&address, &v4, sizeof(v4));
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
        memcpy(&address, &v6, sizeof(v6));
    }
    return address;
}

static void assert_class(const char *text, enum address_class class)
{
    struct sockaddr_storage address = address_of(text);
    enum address_class got = address_classify((struct sockaddr *)&address, sizeof(address));

    if (got != class) {
        fail_msg("%s is taken for %s", text, address_class_words(got));
    }
}

struct example {
    const char *text;
    enum address_class class;
};

static void assert_classes(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_class(examples[i].text, examples[i].class);
    }
}

static void test_each_ipv4_block_has_its_class_up_to_its_edges(void **state)
{
    static const struct example examples[] = {
        {"0.0.0.0", ADDRESS_UNSPECIFIED},
        {"0.255.255.255", ADDRESS_UNSPECIFIED},
        {"1.0.0.0", ADDRESS_PUBLIC},
        {"9.255.255.255", ADDRESS_PUBLIC},
        {"10.0.0.0", ADDRESS_PRIVATE},
        {"10.255.255.255", ADDRESS_PRIVATE},
        {"11.0.0.0", ADDRESS_PUBLIC},
        {"100.63.255.255", ADDRESS_PUBLIC},
        {"100.64.0.0", ADDRESS_PRIVATE},
        {"100.127.255.255", ADDRESS_PRIVATE},
        {"100.128.0.0", ADDRESS_PUBLIC},
        {"126.255.255.255", ADDRESS_PUBLIC},
        {"127.0.0.1", ADDRESS_LOOPBACK},
        {"127.255.255.254", ADDRESS_LOOPBACK},
        {"128.0.0.0", ADDRESS_PUBLIC},
        {"169.253.255.255", ADDRESS_PUBLIC},
        {"169.254.0.1", ADDRESS_LINK_LOCAL},
        {"169.254.169.254", ADDRESS_LINK_LOCAL},
        {"169.255.0.0", ADDRESS_PUBLIC},
        {"172.15.255.255", ADDRESS_PUBLIC},
        {"172.16.0.0", ADDRESS_PRIVATE},
        {"172.31.255.255", ADDRESS_PRIVATE},
        {"172.32.0.0", ADDRESS_PUBLIC},
        {"192.167.255.255", ADDRESS_PUBLIC},
        {"192.168.0.0", ADDRESS_PRIVATE},
        {"192.168.255.255", ADDRESS_PRIVATE},
        {"192.169.0.0", ADDRESS_PUBLIC},
        {"198.17.255.255", ADDRESS_PUBLIC},
        {"198.19.255.255", ADDRESS_PRIVATE},
        {"198.20.0.0", ADDRESS_PUBLIC},
        {"223.255.255.255", ADDRESS_PUBLIC},
        {"224.0.0.1", ADDRESS_MULTICAST},
        {"239.255.255.255", ADDRESS_MULTICAST},
        {"240.0.0.1", ADDRESS_PRIVATE},
        {"255.255.255.254", ADDRESS_PRIVATE},
        {"255.255.255.255", ADDRESS_BROADCAST},
    };

    (void)state;
    assert_classes(examples, ARRAY_SIZE(examples));
}

static void test_each_ipv6_block_has_its_class_up_to_its_edges(void **state)
{
    static const struct example examples[] = {
        {"::", ADDRESS_UNSPECIFIED},          {"::1", ADDRESS_LOOPBACK},
        {"2001:db8::1", ADDRESS_PUBLIC},      {"2a00::1", ADDRESS_PUBLIC},
        {"fbff::1", ADDRESS_PUBLIC},          {"fc00::1", ADDRESS_PRIVATE},
        {"fdff:ffff::1", ADDRESS_PRIVATE},    {"fe00::1", ADDRESS_PUBLIC},
        {"fe7f::1", ADDRESS_PUBLIC},          {"fe80::1", ADDRESS_LINK_LOCAL},
        {"febf:ffff::1", ADDRESS_LINK_LOCAL}, {"fec0::1", ADDRESS_PRIVATE},
        {"ff02::1", ADDRESS_MULTICAST},       {"64:ff9b:1::1", ADDRESS_PRIVATE},
        {"64:ff9b:2::1", ADDRESS_PUBLIC},
    };

    (void)state;
    assert_classes(examples, ARRAY_SIZE(examples));
}

static void test_an_embedded_ipv4_address_says_the_class(void **state)
{
    static const struct example examples[] = {
        {"::ffff:127.0.0.1", ADDRESS_LOOPBACK},
        {"::ffff:169.254.169.254", ADDRESS_LINK_LOCAL},
        {"::ffff:10.0.0.1", ADDRESS_PRIVATE},
        {"::ffff:8.8.8.8", ADDRESS_PUBLIC},
        {"::ffff:0:127.0.0.1", ADDRESS_LOOPBACK},
        {"::127.0.0.1", ADDRESS_LOOPBACK},
        {"::10.0.0.1", ADDRESS_PRIVATE},
        {"64:ff9b::127.0.0.1", ADDRESS_LOOPBACK},
        {"64:ff9b::a9fe:a9fe", ADDRESS_LINK_LOCAL},
        {"64:ff9b::8.8.8.8", ADDRESS_PUBLIC},
        {"2002:7f00:1::1", ADDRESS_LOOPBACK},
        {"2002:a9fe:a9fe::", ADDRESS_LINK_LOCAL},
        {"2002:c0a8:101::1", ADDRESS_PRIVATE},
        {"2002:808:808::1", ADDRESS_PUBLIC},
        {"2002:ffff:ffff::", ADDRESS_BROADCAST},
    };

    (void)state;
    assert_classes(examples, ARRAY_SIZE(examples));
}

static void test_metadata_addresses_outside_link_local_are_known(void **state)
{
    static const struct example examples[] = {
        {"fd00:ec2::254", ADDRESS_METADATA},
        {"fd00:ec2::253", ADDRESS_PRIVATE},
        {"fd20:ce::254", ADDRESS_METADATA},
        {"100.100.100.200", ADDRESS_METADATA},
        {"192.0.0.192", ADDRESS_METADATA},
        {"168.63.129.16", ADDRESS_METADATA},
        {"::ffff:100.100.100.200", ADDRESS_METADATA},
    };

    (void)state;
    assert_classes(examples, ARRAY_SIZE(examples));
}

static void test_what_is_no_internet_address_is_strange(void **state)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct sockaddr_storage address = address_of("8.8.8.8");

    (void)state;
    assert_int_equal(address_classify((struct sockaddr *)&local, sizeof(local)), ADDRESS_STRANGE);
    /* too short to be what its family says */
    assert_int_equal(address_classify((struct sockaddr *)&address, 7), ADDRESS_STRANGE);
    assert_int_equal(address_judge(ADDRESS_STRANGE, ADDRESS_STRANGE, true), ADDRESS_FORBIDDEN);
}

static void test_only_public_private_and_permitted_loopback_are_asked(void **state)
{
    (void)state;
    for (int class = 0; class < ADDRESS_CLASSES; class ++) {
        bool may = class == ADDRESS_PUBLIC || class == ADDRESS_PRIVATE;

        assert_int_equal(address_judge(class, ADDRESS_STRANGE, false) == ADDRESS_ALLOWED, may);
        may = may || class == ADDRESS_LOOPBACK;
        assert_int_equal(address_judge(class, ADDRESS_STRANGE, true) == ADDRESS_ALLOWED, may);
    }
}

static void test_no_redirect_leads_from_a_public_address_inward(void **state)
{
    (void)state;
    assert_int_equal(address_judge(ADDRESS_PUBLIC, ADDRESS_PUBLIC, false), ADDRESS_ALLOWED);
    assert_int_equal(address_judge(ADDRESS_PRIVATE, ADDRESS_PUBLIC, false), ADDRESS_INWARD);
    assert_int_equal(address_judge(ADDRESS_LOOPBACK, ADDRESS_PUBLIC, true), ADDRESS_INWARD);
    assert_int_equal(address_judge(ADDRESS_LOOPBACK, ADDRESS_PUBLIC, false), ADDRESS_FORBIDDEN);
    assert_int_equal(address_judge(ADDRESS_PRIVATE, ADDRESS_PRIVATE, false), ADDRESS_ALLOWED);
    assert_int_equal(address_judge(ADDRESS_PUBLIC, ADDRESS_PRIVATE, false), ADDRESS_ALLOWED);
    assert_int_equal(address_judge(ADDRESS_LINK_LOCAL, ADDRESS_PRIVATE, true), ADDRESS_FORBIDDEN);
}

static void test_hosts_that_are_addresses_are_seen_through_their_spelling(void **state)
{
    static const struct example loopbacks[] = {
        {"127.0.0.1", ADDRESS_LOOPBACK},
        {"127.0.0.1.", ADDRESS_LOOPBACK},
        {"127.1", ADDRESS_LOOPBACK},
        {"0x7f000001", ADDRESS_LOOPBACK},
        {"2130706433", ADDRESS_LOOPBACK},
        {"0177.0.0.1", ADDRESS_LOOPBACK},
        {"localhost", ADDRESS_LOOPBACK},
        {"LOCALHOST.", ADDRESS_LOOPBACK},
        {"a.localhost", ADDRESS_LOOPBACK},
        {"[::1]", ADDRESS_LOOPBACK},
        {"::1", ADDRESS_LOOPBACK},
        {"[::ffff:127.0.0.1]", ADDRESS_LOOPBACK},
        {"[fe80::1%eth0]", ADDRESS_LINK_LOCAL},
        {"[fe80::1%25eth0]", ADDRESS_LINK_LOCAL},
        {"0", ADDRESS_UNSPECIFIED},
        {"192.168.1.1", ADDRESS_PRIVATE},
    };
    struct sockaddr_storage address;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(loopbacks); i++) {
        assert_true(address_of_host(loopbacks[i].text, &address));
        assert_int_equal(address_classify((struct sockaddr *)&address, sizeof(address)),
                         loopbacks[i].class);
    }
}

static void test_hosts_that_are_names_are_names(void **state)
{
    static const char *const names[] = {
        "ocsp.example.com", "127.0.0.1.example", "notlocalhost", "localhost.example", "", ".", "[]",
        "1.2.3.4.5"};
    struct sockaddr_storage address;
    char longer[400];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        assert_false(address_of_host(names[i], &address));
    }
    memset(longer, '1', sizeof(longer));
    longer[sizeof(longer) - 1] = 0;
    assert_false(address_of_host(longer, &address));
}

static void test_addresses_are_written_as_people_write_them(void **state)
{
    static const char *const texts[][2] = {{"192.0.2.1", "192.0.2.1:80"},
                                           {"2001:db8::1", "[2001:db8::1]:80"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct sockaddr_storage address = address_of(texts[i][0]);
        struct buf buf = BUF_INIT(100);

        address_put(&buf, (struct sockaddr *)&address, sizeof(address), false);
        assert_string_equal(buf_text(&buf), texts[i][0]);
        buf_clear(&buf);
        address_put(&buf, (struct sockaddr *)&address, sizeof(address), true);
        assert_string_equal(buf_text(&buf), texts[i][1]);
        buf_deinit(&buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_ipv4_block_has_its_class_up_to_its_edges),
        cmocka_unit_test(test_each_ipv6_block_has_its_class_up_to_its_edges),
        cmocka_unit_test(test_an_embedded_ipv4_address_says_the_class),
        cmocka_unit_test(test_metadata_addresses_outside_link_local_are_known),
        cmocka_unit_test(test_what_is_no_internet_address_is_strange),
        cmocka_unit_test(test_only_public_private_and_permitted_loopback_are_asked),
        cmocka_unit_test(test_no_redirect_leads_from_a_public_address_inward),
        cmocka_unit_test(test_hosts_that_are_addresses_are_seen_through_their_spelling),
        cmocka_unit_test(test_hosts_that_are_names_are_names),
        cmocka_unit_test(test_addresses_are_written_as_people_write_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
