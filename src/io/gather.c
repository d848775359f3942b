/* SPDX-License-Identifier: Apache-2.0 */
#include "io/gather.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/map.h"
#include "io/scan.h"

#define DENIED_MAX 65536

/* A file read once, however often it is included. */
struct gathered {
    char *path;
    struct buf text;
    bool failed;
};

/* A pattern and what it names. */
struct pattern {
    char *text;
    glob_t matches;
};

struct gather {
    struct gathered *files;
    size_t file_count;
    struct map file_by_path;
    struct pattern *patterns;
    size_t pattern_count;
    struct map by_pattern;
    size_t left; /* octets that may still be read */
    struct buf denied;
};

int gather_new(struct gather **ret_gather)
{
    struct gather *gather = calloc(1, sizeof(*gather));

    if (!gather) {
        return -ENOMEM;
    }
    gather->left = LIMIT_DUMP_READ;
    gather->denied = BUF_INIT(DENIED_MAX);
    *ret_gather = gather;
    return 0;
}

struct gather *gather_free(struct gather *gather)
{
    if (!gather) {
        return NULL;
    }
    for (size_t i = 0; i < gather->file_count; i++) {
        free(gather->files[i].path);
        buf_deinit(&gather->files[i].text);
    }
    for (size_t i = 0; i < gather->pattern_count; i++) {
        free(gather->patterns[i].text);
        globfree(&gather->patterns[i].matches);
    }
    free(gather->files);
    free(gather->patterns);
    map_deinit(&gather->file_by_path);
    map_deinit(&gather->by_pattern);
    buf_deinit(&gather->denied);
    free(gather);
    return NULL;
}

static void deny(struct gather *gather, const char *path)
{
    buf_put_text(&gather->denied, path);
    buf_put_byte(&gather->denied, '\n');
}

/* glob() takes a folder that it may not read for an empty one. */
static void look_at_folder(struct gather *gather, const char *pattern)
{
    struct buf folder = BUF_INIT(8192);
    size_t size = strcspn(pattern, "*?[");

    while (size > 1 && pattern[size - 1] != '/') {
        size--;
    }
    buf_put(&folder, pattern, size);
    if (size && access(buf_text(&folder), R_OK | X_OK) && errno == EACCES) {
        deny(gather, buf_text(&folder));
    }
    buf_deinit(&folder);
}

static struct pattern *find_pattern(struct gather *gather, const char *text)
{
    uint64_t hash = map_hash(slice_of_text(text));
    struct pattern *grown;
    size_t at;

    for (uint32_t v = map_first(&gather->by_pattern, hash, &at); v != MAP_NONE;
         v = map_more(&gather->by_pattern, hash, &at)) {
        if (text_equal(gather->patterns[v].text, text)) {
            return &gather->patterns[v];
        }
    }
    grown = realloc(gather->patterns, (gather->pattern_count + 1) * sizeof(*grown));
    if (!grown) {
        return NULL;
    }
    gather->patterns = grown;
    grown += gather->pattern_count;
    *grown = (struct pattern){.text = text_copy(slice_of_text(text))};
    if (!grown->text || map_add(&gather->by_pattern, hash, (uint32_t)gather->pattern_count)) {
        free(grown->text);
        return NULL;
    }
    gather->pattern_count++;
    if (glob(text, 0, NULL, &grown->matches) && dump_glob_is_magic(text)) {
        look_at_folder(gather, text);
    }
    return grown;
}

static struct gathered *find_file(struct gather *gather, const char *path)
{
    uint64_t hash = map_hash(slice_of_text(path));
    struct gathered *grown;
    size_t at;

    for (uint32_t v = map_first(&gather->file_by_path, hash, &at); v != MAP_NONE;
         v = map_more(&gather->file_by_path, hash, &at)) {
        if (text_equal(gather->files[v].path, path)) {
            return &gather->files[v];
        }
    }
    grown = realloc(gather->files, (gather->file_count + 1) * sizeof(*grown));
    if (!grown) {
        return NULL;
    }
    gather->files = grown;
    grown += gather->file_count;
    *grown = (struct gathered){
        .path = text_copy(slice_of_text(path)), .text = BUF_INIT(LIMIT_DUMP_SIZE), .failed = true};
    if (!grown->path || map_add(&gather->file_by_path, hash, (uint32_t)gather->file_count)) {
        free(grown->path);
        return NULL;
    }
    gather->file_count++;
    return grown;
}

/* The file at @path, read now if it is new; NULL when it cannot be read. */
static struct gathered *read_file(struct gather *gather, const char *path)
{
    size_t before = gather->file_count;
    struct gathered *file = find_file(gather, path);
    struct buf fault = BUF_INIT(16384);

    if (file && gather->file_count > before) {
        size_t most = gather->left < LIMIT_DUMP_SIZE ? gather->left : LIMIT_DUMP_SIZE;

        int r = scan_read_file(path, most, &file->text, &fault);

        file->failed = r != 0;
        if (r == -EACCES) {
            deny(gather, path);
        }
        gather->left -= file->failed ? 0 : file->text.size;
    }
    buf_deinit(&fault);
    return file && !file->failed ? file : NULL;
}

static bool gather_include(void *context, const char *pattern, size_t *cursor,
                           const char **ret_path, struct slice *ret_text)
{
    struct gather *gather = context;
    const struct pattern *found = find_pattern(gather, pattern);

    while (found && *cursor < found->matches.gl_pathc) {
        struct gathered *file = read_file(gather, found->matches.gl_pathv[(*cursor)++]);

        if (file) {
            *ret_path = file->path;
            *ret_text = slice_of_buf(&file->text);
            return true;
        }
    }
    return false;
}

struct dump_source gather_source(struct gather *gather)
{
    return (struct dump_source){gather, gather_include};
}

struct slice gather_denied(const struct gather *gather)
{
    return slice_of_buf(&gather->denied);
}
