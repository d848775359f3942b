/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cli/setup.h"
#include "io/clock.h"

struct discovery {
    const struct options *options;
    const char *config_path;
    struct setup *setups;
    size_t count;
};

/* It must be one that clinch itself takes; else the first fault is told. */
static bool is_valid(struct slice yaml, const char *what)
{
    struct buf faults = BUF_INIT(LIMIT_CONFIG_SIZE);
    struct config *config = NULL;
    bool good = config_read(&config, what, yaml, &faults) == 0;

    if (!good) {
        cli_complain("what was found makes no valid clinch.yaml: %.*s",
                     (int)strcspn(buf_text(&faults), "\n"), buf_text(&faults));
    }
    config_free(config);
    buf_deinit(&faults);
    return good;
}

/* "nginx (process 812, nginx -T)" */
static void put_title(struct buf *to, const struct setup *setup)
{
    buf_put_text(to, setup->traits->title);
    if (setup->server.pid) {
        buf_put_text(to, " (process ");
        buf_put_int(to, setup->server.pid);
    } else {
        buf_put_text(to, " (installed, not running");
    }
    if (setup->inventory.how.size) {
        buf_put_text(to, "; ");
        buf_put_text(to, buf_text(&setup->inventory.how));
    }
    buf_put_byte(to, ')');
}

static bool takes_staples(const struct setup *setup)
{
    return setup_kinds[setup->kind].put_targets && setup_has_listed(setup);
}

/* One server whose part would be no valid clinch.yaml must not spoil the others'. */
static bool is_usable(struct setup *setup)
{
    struct page page = PAGE_INIT;
    bool good;

    page_put(&page, "certificates: [/]\npublish:\n");
    setup_kinds[setup->kind].put_targets(setup, &page, true);
    good = !buf_status(&page.out) && is_valid(slice_of_buf(&page.out), setup->traits->title);
    buf_deinit(&page.out);
    return good;
}

static void put_certificates(const struct discovery *discovery, struct page *page)
{
    struct map seen = MAP_NULL;

    page_put(page, "\ncertificates:\n");
    for (size_t i = 0; i < discovery->count; i++) {
        const struct setup *setup = &discovery->setups[i];
        struct buf title = BUF_INIT(65536);

        if (setup_has_listed(setup)) {
            size_t before = page->out.size, titled;

            put_title(&title, setup);
            page->comment = "  # ";
            page_say(page, "%s", buf_text(&title));
            titled = page->out.size;
            setup_put_certificates(setup, page, &seen);
            if (page->out.size == titled) { /* all are there already */
                page->out.size = before;
            }
        }
        buf_deinit(&title);
    }
    map_deinit(&seen);
}

static void put_targets(const struct discovery *discovery, struct page *page, bool only)
{
    bool begun = false;

    for (size_t i = 0; i < discovery->count; i++) {
        struct setup *setup = &discovery->setups[i];
        struct buf title = BUF_INIT(65536);

        if (takes_staples(setup)) {
            page_put(page, begun ? "" : "\npublish:\n");
            begun = true;
            put_title(&title, setup);
            page->comment = "  # ";
            page_say(page, "%s", buf_text(&title));
            setup_kinds[setup->kind].put_targets(setup, page, only);
        }
        buf_deinit(&title);
    }
}

/* Every line of @text as a comment. */
static void put_commented(struct page *page, struct slice text)
{
    while (text.size) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        size_t size = end ? (size_t)(end - text.data) : text.size;

        buf_put_text(&page->out, size ? "# " : "#");
        buf_put(&page->out, text.data, size);
        buf_put_byte(&page->out, '\n');
        size += end != NULL;
        text = slice_of(text.data + size, text.size - size);
    }
}

/* What the server's own configuration still needs, and what is wrong with its certificates. */
static void put_needs(struct setup *setup, struct page *page)
{
    struct page server = PAGE_INIT;
    struct buf title = BUF_INIT(65536), trouble = BUF_INIT(65536);
    struct slice left = slice_of_buf(&setup->inventory.trouble);

    put_title(&title, setup);
    page->comment = "# ";
    page_put(page, "\n");
    page_say(page, "%s. What it still needs (as `clinch setup %s` prints it):", buf_text(&title),
             setup->traits->name);
    while (left.size) {
        size_t size = strcspn((const char *)left.data, "\n");

        page_say(page, "WARNING: %.*s", (int)size, (const char *)left.data);
        left = slice_of(left.data + size + 1, left.size - size - 1);
    }
    if (setup->cert_count || setup->inventory.dump->cert_count) {
        setup_kinds[setup->kind].put_server(setup, &server); /* says what is refused */
        setup_put_faults(setup, page);
        put_commented(page, slice_of_buf(&server.out));
        page->out.status = page->out.status ? page->out.status : buf_status(&server.out);
    } else if (setup->inventory.how.size) {
        page_say(page, "Nothing: it names no certificate.");
    } else {
        page_say(page, "WARNING: it could not be read: `clinch setup %s --server-config FILE`.",
                 setup->traits->name);
    }
    buf_deinit(&server.out);
    buf_deinit(&title);
    buf_deinit(&trouble);
}

static void put_page(struct discovery *discovery, struct page *page, const char *state_dir)
{
    size_t takers = 0;
    struct buf now = BUF_INIT(64);
    struct page needs = PAGE_INIT;

    cli_put_time(&now, clock_now().wall_s);
    page_say(page, "clinch.yaml, as `clinch discover` found this machine at %s.", buf_text(&now));
    page_say(page, "What the servers' own configurations still need stands below as comments.");
    for (size_t i = 0; i < discovery->count; i++) {
        struct setup *setup = &discovery->setups[i];

        put_needs(setup, &needs);
        if (takes_staples(setup) && !is_usable(setup)) {
            setup_refuse_all(setup);
        }
        takers += takes_staples(setup);
    }
    if (discovery->setups[0].own_state) {
        page_put(page, "\nstate: ");
        page_quote_yaml(&page->out, state_dir);
        page_put(page, "\n");
    }
    put_certificates(discovery, page);
    put_targets(discovery, page, takers > 1);
    buf_put_slice(&page->out, slice_of_buf(&needs.out));
    page->out.status = page->out.status ? page->out.status : buf_status(&needs.out);
    buf_deinit(&needs.out);
    buf_deinit(&now);
}

static int print(struct discovery *discovery, const char *state_dir)
{
    struct page page = PAGE_INIT;
    int code;

    put_page(discovery, &page, state_dir);
    if (buf_status(&page.out)) {
        cli_complain("out of memory");
        code = EXIT_USAGE;
    } else if (!is_valid(slice_of_buf(&page.out), "clinch discover")) {
        code = EXIT_USAGE;
    } else {
        code = cli_write(slice_of_buf(&page.out));
    }
    buf_deinit(&page.out);
    return code;
}

static int open_setups(struct discovery *discovery, const struct config *config,
                       struct lookup *lookup)
{
    struct setup_order order = {
        .options = discovery->options,
        .config = config,
        .lookup = lookup,
        .config_path = discovery->config_path,
    };
    struct found_server *servers;
    size_t count;
    int code = 0;

    if (find_servers(-1, &servers, &count)) {
        cli_complain("out of memory");
        return EXIT_USAGE;
    }
    discovery->setups = calloc(count + 1, sizeof(*discovery->setups));
    for (size_t i = 0; i < count; i++) {
        order.instance = 1;
        for (size_t k = 0; k < discovery->count; k++) {
            order.instance += discovery->setups[k].kind == servers[i].kind;
        }
        if (discovery->setups && !code) {
            code = setup_open(&discovery->setups[discovery->count], &order, &servers[i]);
            setup_tell_trouble(&discovery->setups[discovery->count++]);
        }
        found_server_deinit(&servers[i]);
    }
    free(servers);
    return discovery->setups ? code : EXIT_USAGE;
}

static int discover(struct discovery *discovery, const char *state_dir)
{
    size_t certs = 0;

    for (size_t i = 0; i < discovery->count; i++) {
        certs += discovery->setups[i].cert_count;
    }
    if (!discovery->count) {
        cli_complain("no server found, neither running nor installed: `clinch setup` knows which "
                     "there could be");
        return EXIT_NOT_DONE;
    }
    if (!certs) {
        cli_complain("no server was found to name a certificate that can be read");
        return EXIT_NOT_DONE;
    }
    return print(discovery, state_dir);
}

int command_discover(const struct options *options)
{
    struct discovery discovery = {.options = options};
    struct lookup *lookup = NULL;
    struct config *config = NULL;
    struct buf path = BUF_INIT(8192);
    struct log log;
    int code;

    cli_log(&log, options);
    code = setup_read_config(options, &path, &config);
    discovery.config_path = buf_text(&path);
    if (!code && lookup_new(&lookup, config, &log)) {
        cli_complain("out of memory");
        code = EXIT_USAGE;
    }
    code = code ? code : open_setups(&discovery, config, lookup);
    code = code ? code : discover(&discovery, config->state_dir);
    for (size_t i = 0; i < discovery.count; i++) {
        setup_deinit(&discovery.setups[i]);
    }
    free(discovery.setups);
    lookup_free(lookup);
    config_free(config);
    buf_deinit(&path);
    return code;
}
