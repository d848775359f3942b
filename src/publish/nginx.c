/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "publish/files.h"
#include "wire/single.h"

#define MARKER      "# Written by clinch. It is here only while there is a staple to show.\n"
#define DER_END     ".ocsp"
#define SNIPPET_END ".conf"

/* Names come from file names, which are the tenant's to choose, and end up in nginx's
 * configuration and in globs: what could mean anything there becomes '_'. */
static void put_safe_name(struct buf *text, struct slice name)
{
    static const char others[] = "._-+=@,";

    for (size_t i = 0; i < name.size; ++i) {
        uint8_t c = name.data[i];
        bool safe = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                    memchr(others, c, sizeof(others) - 1);

        buf_put_byte(text, safe && (i > 0 || c != '.') ? c : '_');
    }
}

static void put_path(struct buf *path, const char *folder, struct slice name, const char *ending)
{
    buf_clear(path);
    buf_put_text(path, folder);
    if (!text_length(folder) || folder[text_length(folder) - 1] != '/') {
        buf_put_byte(path, '/');
    }
    put_safe_name(path, name);
    buf_put_text(path, ending);
}

void nginx_put_paths(struct buf *der, struct buf *snippet, const struct file_target *target,
                     struct slice name)
{
    put_path(der, target->folder, name, DER_END);
    put_path(snippet, target->folder, name, SNIPPET_END);
}

/* A parameter of nginx's configuration; the folder is the operator's and may hold a space. */
static void put_parameter(struct buf *content, const char *text)
{
    buf_put_byte(content, '"');
    for (; *text; ++text) {
        if (*text == '"' || *text == '\\') {
            buf_put_byte(content, '\\');
        }
        buf_put_byte(content, (uint8_t)*text);
    }
    buf_put_byte(content, '"');
}

void nginx_put_snippet(struct buf *content, const char *der_path)
{
    buf_put_text(content, MARKER "ssl_stapling on;\nssl_stapling_file ");
    if (strpbrk(der_path, " \t\r\n;{}\"'\\#$")) {
        put_parameter(content, der_path);
    } else {
        buf_put_text(content, der_path);
    }
    buf_put_text(content, ";\n");
}

struct walk {
    struct file_target *target;
    int64_t wall_s;
};

bool nginx_is_ours(const char *snippet_path)
{
    struct buf content = BUF_INIT(16384);
    bool ours = *snippet_path && disk_read(snippet_path, &content) == 0 &&
                text_starts_with(buf_text(&content), MARKER);

    buf_deinit(&content);
    return ours;
}

/* The paths of the snippet "NAME.conf", if it is one of ours. */
static bool find_ours(const struct file_target *target, const char *file_name, struct buf *der,
                      struct buf *snippet)
{
    struct slice name = slice_of(file_name, strlen(file_name) - (sizeof(SNIPPET_END) - 1));

    nginx_put_paths(der, snippet, target, name);
    return nginx_is_ours(buf_text(snippet)) && !buf_status(der) && !buf_status(snippet);
}

/* When the answer in @der_path goes, by itself and by what the store remembers of it (@row; NULL:
 * nothing); 0: there is none. */
static int64_t ends_at(const char *der_path, const struct file_row *row)
{
    struct buf content = BUF_INIT(LIMIT_ANSWER_SIZE);
    struct single single;
    int64_t end_s = 0;

    if (disk_read(der_path, &content) == 0 && single_read(slice_of_buf(&content), 0, &single)) {
        end_s = single.next_update_s;
        if (row && files_row_is_of(row->command, row->shown.der_hash, slice_of_buf(&content))) {
            end_s = files_end_s(end_s, row->shown.keep_until_s);
        }
    }
    buf_deinit(&content);
    return end_s;
}

static void repair_one(void *data, const char *file_name)
{
    struct walk *walk = data;
    struct file_target *target = walk->target;
    const struct log *log = target->files->context->log;
    struct buf der = BUF_INIT(8192);
    struct buf snippet = BUF_INIT(8192);
    struct buf fault = BUF_INIT(8192);
    struct file_entry *entry;

    if (find_ours(target, file_name, &der, &snippet) &&
        ends_at(buf_text(&der), table_get(&target->files->rows, buf_text(&der))) <= walk->wall_s) {
        int r = disk_remove(buf_text(&snippet), &fault);

        if (r == DISK_E_FAILED) {
            log_say(log, NOTE_ERROR, "%s", buf_text(&fault));
        } else {
            log_say(log, NOTE_INFO, "%s is withdrawn: its staple is missing or has ended",
                    buf_text(&snippet));
        }
        if (files_open_entry(target, buf_text(&der), buf_text(&snippet), &entry) == 0) {
            entry->known = true; /* nginx may have loaded it */
            files_hide(entry, false);
        }
    }
    buf_deinit(&der);
    buf_deinit(&snippet);
    buf_deinit(&fault);
}

/* Before anything is published: nginx could not start with a snippet that names nothing, and
 * would show a staple that has ended. */
void nginx_repair(struct file_target *target, int64_t wall_s)
{
    struct walk walk = {target, wall_s};

    disk_list(target->folder, SNIPPET_END, repair_one, &walk);
}

static void adopt_one(void *data, const char *file_name)
{
    struct walk *walk = data;
    struct file_target *target = walk->target;
    struct publish_context *context = target->files->context;
    struct buf der = BUF_INIT(8192);
    struct buf snippet = BUF_INIT(8192);
    struct file_entry *entry;

    if (find_ours(target, file_name, &der, &snippet) &&
        !table_get(&target->files->outputs, buf_text(&der)) &&
        files_open_entry(target, buf_text(&der), buf_text(&snippet), &entry) == 0) {
        int64_t left_s = time_max(time_sub(ends_at(buf_text(&der), NULL), walk->wall_s), 0);

        entry->step = FILE_ORPHAN;
        ++target->files->orphans;
        files_schedule(entry, time_add(context->clock().mono_ms,
                                       left_s < INT64_MAX / 1000 ? left_s * 1000 : INSTANT_NEVER));
    }
    buf_deinit(&der);
    buf_deinit(&snippet);
}

/* Where the store was lost, a snippet of an earlier run may belong to a certificate whose staple
 * has not been fetched again yet: it stays until it ends. */
void nginx_adopt(struct file_target *target)
{
    struct walk walk = {target, publish_now(target->files->context).wall_s};

    disk_list(target->folder, SNIPPET_END, adopt_one, &walk);
}

/* NAME of D/NAME.ocsp. */
static struct slice name_of_output(const char *output)
{
    const char *slash = strrchr(output, '/');
    struct slice name = slice_of_text(slash ? slash + 1 : output);

    return slice_of(name.data, name.size - (sizeof(DER_END) - 1));
}

static int compare_names(const void *a, const void *b)
{
    struct slice first = name_of_output(*(const char *const *)a);
    struct slice second = name_of_output(*(const char *const *)b);
    size_t both = first.size < second.size ? first.size : second.size;
    int order = both ? memcmp(first.data, second.data, both) : 0;

    return order ? order : (first.size > second.size) - (first.size < second.size);
}

static void warn_prefix(struct file_target *target, const char *shorter, const char *longer)
{
    struct slice a = name_of_output(shorter);
    struct slice b = name_of_output(longer);

    if (a.size >= b.size || memcmp(a.data, b.data, a.size) != 0) {
        return;
    }
    target->prefix_told = true;
    log_say(target->files->context->log, NOTE_WARNING,
            "nginx: `include %s/%.*s*.conf;` would also take the snippet of %.*s; write "
            "`include %s/%.*s[.]conf;` instead (the same goes for every such pair of names)",
            target->folder, (int)a.size, (const char *)a.data, (int)b.size, (const char *)b.data,
            target->folder, (int)a.size, (const char *)a.data);
}

/* In sorted order the name behind a prefix of any other begins with it, too. */
void nginx_warn_prefixes(struct file_target *target)
{
    const char **outputs;
    struct file_place *place;
    size_t cursor = 0;
    size_t count = 0;

    if (target->prefix_told || target->places.count < 2) {
        return;
    }
    outputs = calloc(target->places.count, sizeof(*outputs));
    while (outputs && (place = table_next(&target->places, &cursor))) {
        outputs[count++] = place->output;
    }
    if (outputs) {
        qsort(outputs, count, sizeof(*outputs), compare_names);
    }
    for (size_t i = 1; i < count && !target->prefix_told; ++i) {
        warn_prefix(target, outputs[i - 1], outputs[i]);
    }
    free(outputs);
}
