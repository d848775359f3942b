/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/vfs.h>

#include "base/error.h"
#include "base/instant.h"
#include "base/limits.h"
#include "io/clock.h"
#include "io/scan-file.h"
#include "io/scan-private.h"

#define SCAN_YOUNG_S 2 /* two writes may share one tick of a file system's clock */

/* A folder that is being walked, and those above it. */
struct step {
    const struct step *up;
    dev_t dev;
    ino_t ino;
    unsigned depth;
};

struct entry {
    char *name;
    unsigned char type;
};

struct entries {
    struct entry *list;
    size_t count, capacity;
    bool issuers; /* at least one name ends in .issuer */
};

static void entries_deinit(struct entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        free(entries->list[i].name);
    }
    free(entries->list);
}

static bool identity_equal(const struct scan_identity *a, const struct scan_identity *b)
{
    return memcmp(a, b, sizeof(*a)) == 0; /* only 64-bit fields: no padding */
}

static void content_wipe(struct scan *scan)
{
    if (scan->content.data) {
        explicit_bzero(scan->content.data, scan->content.size);
    }
    buf_clear(&scan->content);
}

static void put_issuer_path(struct buf *issuer, const char *path)
{
    buf_put_text(issuer, path);
    buf_put_text(issuer, ".issuer");
}

/* Puts what X.issuer holds behind what X holds. A fault there is told, and X goes on without. */
static int content_put_issuer(struct scan *scan, struct scan_item *item)
{
    _cleanup_(buf_deinit)
    struct buf path = BUF_INIT(SCAN_PATH_MAX);
    size_t start = scan->content.size;
    int r;

    put_issuer_path(&path, item->path);
    if (buf_status(&path)) {
        return buf_status(&path) == -ENOMEM ? -ENOMEM : 0;
    }
    buf_put_byte(&scan->content, '\n');
    r = scan_file_read(buf_text(&path), LIMIT_CERT_FILE_SIZE, &scan->content, &item->issuer,
                       &scan->fault);
    if (!r) {
        return 0;
    }
    item->issuer = (struct scan_identity){0}; /* so that it is tried again */
    scan->content.size = start;
    return scan_fault_tell(scan, buf_text(&path), r);
}

/* A file with "key" in its name that may not be read, in a folder, is how it ought to be. */
static bool is_closed_key(const char *path, int r)
{
    const char *name = strrchr(path, '/');

    return r == -EACCES && strcasestr(name ? name + 1 : path, "key");
}

/* Reads a file that is new, changed or young, and hands on what is new. */
static int file_read(struct scan *scan, struct scan_item *item, bool issuer, bool in_folder)
{
    struct scan_identity identity;
    int64_t age_s;
    uint64_t hash;
    int r;

    r = scan_file_read(item->path, LIMIT_CERT_FILE_SIZE, &scan->content, &identity, &scan->fault);
    if (r) {
        return in_folder && (r == -ENOENT || is_closed_key(item->path, r))
                   ? 0
                   : scan_fault_tell(scan, item->path, r);
    }
    item->issuer = (struct scan_identity){0};
    if (issuer) {
        r = content_put_issuer(scan, item);
        if (r) {
            content_wipe(scan);
            return error_trace(r);
        }
    }
    hash = scan_hash(slice_of_buf(&scan->content));
    if (!item->known || hash != item->content) {
        scan->sink->read(scan->sink->context, item->path, slice_of_buf(&scan->content), in_folder);
    }
    content_wipe(scan);
    age_s = clock_now().wall_s - time_max(identity.ctime_s, item->issuer.ctime_s);
    item->young = age_s >= -SCAN_YOUNG_S && age_s <= SCAN_YOUNG_S;
    item->file = identity;
    item->content = hash;
    item->known = true;
    return 0;
}

/* @beside: X.issuer may exist. */
static int file_look(struct scan *scan, const char *path, const struct stat *st, bool beside,
                     bool in_folder)
{
    struct scan_item *item = scan_table_get(&scan->items, slice_of_text(path));
    struct scan_identity identity = scan_identity_of(st), issuer = {0};

    if (!item) {
        return -ENOMEM;
    }
    if (item->file_run == scan->run) {
        return 0; /* named twice */
    }
    item->file_run = scan->run;
    if (!S_ISREG(st->st_mode)) {
        buf_clear(&scan->fault);
        scan_file_explain_type(path, st->st_mode, &scan->fault);
        return scan_fault_tell(scan, path, -ENXIO);
    }
    if (beside) {
        _cleanup_(buf_deinit)
        struct buf other = BUF_INIT(SCAN_PATH_MAX);
        struct stat other_st;

        put_issuer_path(&other, path);
        beside = !buf_status(&other) && stat(buf_text(&other), &other_st) == 0;
        issuer = beside ? scan_identity_of(&other_st) : issuer;
    }
    if (item->known && !item->young && identity_equal(&identity, &item->file) &&
        identity_equal(&issuer, &item->issuer)) {
        return 0;
    }
    return file_read(scan, item, beside, in_folder);
}

/* The ending because of which a file in a folder is not looked at, or NULL. */
const char *scan_name_skipped(const char *name)
{
    static const char *const endings[] = {
        ".key", ".ocsp", ".issuer", ".sctl", ".csr", ".tmp", ".bak", "~",    ".conf",
        ".txt", ".md",   ".sh",     ".srl",  ".der", ".p12", ".pfx", ".crl", "README",
    };
    size_t size = strlen(name);

    for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
        size_t ending = strlen(endings[i]);

        if (size >= ending && strcasecmp(name + size - ending, endings[i]) == 0) {
            return endings[i];
        }
    }
    return NULL;
}

static int entry_compare(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int entries_add(struct entries *entries, const struct dirent *found)
{
    struct entry entry = {strdup(found->d_name), found->d_type};

    if (entry.name && entries->count == entries->capacity) {
        size_t capacity = entries->capacity ? entries->capacity * 2 : 64;
        struct entry *list = reallocarray(entries->list, capacity, sizeof(*list));

        if (list) {
            entries->list = list;
            entries->capacity = capacity;
        } else {
            free(steal(&entry.name));
        }
    }
    if (!entry.name) {
        return -ENOMEM;
    }
    entries->list[entries->count++] = entry;
    entries->issuers |= strstr(entry.name, ".issuer") != NULL;
    return 0;
}

/* The names in a folder in a fixed order, so that the same folder is told the same way twice. */
static int entries_read(struct entries *entries, const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *found;
    int r = 0;

    if (!dir) {
        return -errno;
    }
    while (!r && entries->count <= LIMIT_SOURCE_ENTRIES && (errno = 0, found = readdir(dir))) {
        if (found->d_name[0] != '.') {
            r = entries_add(entries, found);
        }
    }
    if (!r && entries->count <= LIMIT_SOURCE_ENTRIES && errno) {
        r = -errno;
    }
    closedir(dir);
    if (!r && entries->count) {
        qsort(entries->list, entries->count, sizeof(*entries->list), entry_compare);
    }
    return r;
}

static bool entries_have(const struct entries *entries, const char *name)
{
    struct entry key = {(char *)name, 0};

    return entries->count &&
           bsearch(&key, entries->list, entries->count, sizeof(key), entry_compare);
}

/* Our own state directory below a folder of certificates. */
static bool entries_are_state(const struct entries *entries)
{
    return entries_have(entries, "clinch.lock") && entries_have(entries, "store.db");
}

static bool entries_have_issuer(const struct entries *entries, const char *name)
{
    _cleanup_(buf_deinit)
    struct buf issuer = BUF_INIT(SCAN_PATH_MAX);

    if (!entries->issuers) {
        return false;
    }
    put_issuer_path(&issuer, name);
    return !buf_status(&issuer) && entries_have(entries, buf_text(&issuer));
}

static int folder_walk(struct scan *scan, const char *path, const struct stat *st,
                       const struct step *up);

static bool is_cut(const struct scan *scan)
{
    return scan->looked > LIMIT_FILES || scan->source_looked > LIMIT_SOURCE_ENTRIES;
}

/* Too much in all is one fault, at the first path that is too much; nothing is gone in such a run.
 * Too much of one source is told by scan_path_look(). */
static int count_look(struct scan *scan, const char *path, bool *ret_stop)
{
    scan->looked++;
    scan->source_looked++;
    *ret_stop = is_cut(scan);
    return scan->looked == LIMIT_FILES + 1
               ? scan_fault_tell_text(
                     scan, path, SCAN_FAULT_TOO_MANY,
                     " and what follows is not looked at: there are more than 2000000 "
                     "files under the sources; name fewer folders")
               : 0;
}

/* Not files but what the kernel has to say: endless, and some of it does things when it is read. */
static bool is_pseudo(const char *path)
{
    static const uint32_t kinds[] = {
        PROC_SUPER_MAGIC,
        SYSFS_MAGIC,
        DEBUGFS_MAGIC,
        TRACEFS_MAGIC,
        SECURITYFS_MAGIC,
        CGROUP_SUPER_MAGIC,
        CGROUP2_SUPER_MAGIC,
        BPF_FS_MAGIC,
        PSTOREFS_MAGIC,
        EFIVARFS_MAGIC,
        DEVPTS_SUPER_MAGIC,
        SELINUX_MAGIC,
        SMACK_MAGIC,
        RDTGROUP_SUPER_MAGIC,
        BINFMTFS_MAGIC,
        NSFS_MAGIC,
        0x62656570 /* configfs */,
        0x19800202 /* POSIX message queues */,
        0x65735543 /* fusectl */,
    };
    struct statfs fs;

    if (statfs(path, &fs)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if ((uint32_t)fs.f_type == kinds[i]) {
            return true;
        }
    }
    return false;
}

static int tell_pseudo(struct scan *scan, const char *path)
{
    return scan_fault_tell_text(scan, path, SCAN_FAULT_PSEUDO,
                                " belongs to a file system of the kernel's own (as /proc and /sys "
                                "do); it is not looked at");
}

/* >0: the folder's other entries cannot be looked at either. */
static int entry_look(struct scan *scan, const char *path, const struct entries *entries,
                      const struct entry *entry, const struct step *step)
{
    bool skipped = scan_name_skipped(entry->name);
    struct stat st;
    bool stop;
    int r;

    r = count_look(scan, path, &stop);
    if (r || stop || (skipped && entry->type == DT_REG)) {
        return r ? error_trace(r) : stop;
    }
    if (entry->type == DT_LNK || entry->type == DT_UNKNOWN) {
        r = scan_way_tell(scan, slice_of_text(path));
        if (r) {
            return error_trace(r);
        }
    }
    r = stat(path, &st) ? -errno : 0;
    if (!r && st.st_dev != step->dev && is_pseudo(path)) {
        return skipped ? 0 : tell_pseudo(scan, path);
    }
    if (!r && S_ISDIR(st.st_mode)) {
        return folder_walk(scan, path, &st, step); /* example.sh is a name of a site, too */
    }
    if (skipped) {
        return 0; /* also X.ocsp as a link to a staple that is not there now */
    }
    if (!r) {
        return file_look(scan, path, &st, entries_have_issuer(entries, entry->name), true);
    }
    if (lstat(path, &st)) {
        return errno == EACCES; /* a folder that may be read but not entered */
    }
    return r == -ENOENT ? scan_fault_tell_error(scan, path, r)
                        : scan_fault_tell_blind(scan, path, r);
}

static int entries_look(struct scan *scan, const char *folder, const struct entries *entries,
                        const struct step *step)
{
    _cleanup_(buf_deinit)
    struct buf path = BUF_INIT(SCAN_PATH_MAX);
    int r = 0;

    for (size_t i = 0; !r && i < entries->count; i++) {
        buf_clear(&path);
        buf_put_text(&path, folder);
        buf_put_text(&path, text_equal(folder, "/") ? "" : "/");
        buf_put_text(&path, entries->list[i].name);
        if (buf_status(&path)) {
            return buf_status(&path) == -ENOMEM ? -ENOMEM : 0;
        }
        r = entry_look(scan, buf_text(&path), entries, &entries->list[i], step);
    }
    if (r > 0 && !is_cut(scan)) {
        return scan_fault_tell_blind(scan, folder, -EACCES);
    }
    return r > 0 ? 0 : r;
}

static int folder_walk(struct scan *scan, const char *path, const struct stat *st,
                       const struct step *up)
{
    _cleanup_(entries_deinit)
    struct entries entries = {0};
    struct step step = {up, st->st_dev, st->st_ino, up ? up->depth + 1 : 0};
    int r;

    for (const struct step *above = up; above; above = above->up) {
        if (above->dev == step.dev && above->ino == step.ino) {
            return scan_fault_tell_text(
                scan, path, SCAN_FAULT_LOOP,
                " leads back to a folder above it (a loop); it is not followed");
        }
    }
    if (step.depth > LIMIT_FOLDER_DEPTH) {
        return scan_fault_tell_text(
            scan, path, SCAN_FAULT_DEEP,
            " lies more than 8 folders deep and is not looked into; name it as "
            "a source of its own");
    }
    r = scan_directory_tell(scan, slice_of_text(path));
    if (r) {
        return error_trace(r);
    }
    r = entries_read(&entries, path);
    if (r) {
        return r == -ENOMEM ? r : r == -ENOENT ? 0 : scan_fault_tell_blind(scan, path, r);
    }
    return entries_are_state(&entries) ? 0 : entries_look(scan, path, &entries, &step);
}

static int path_look(struct scan *scan, const char *path)
{
    struct stat st;
    int r;

    if (is_pseudo(path)) {
        return tell_pseudo(scan, path);
    }
    r = scan_way_tell(scan, slice_of_text(path));
    if (r) {
        return error_trace(r);
    }
    if (stat(path, &st) == 0) {
        return S_ISDIR(st.st_mode) ? folder_walk(scan, path, &st, NULL)
                                   : file_look(scan, path, &st, true, false);
    }
    r = -errno;
    if (r == -ENOENT || r == -ENOTDIR) {
        return scan_fault_tell_error(scan, path, -ENOENT);
    }
    return scan_fault_tell_blind(scan, path, r);
}

/* A path that was named by itself or by a glob. */
int scan_path_look(struct scan *scan, const char *path)
{
    bool stop;
    int r = count_look(scan, path, &stop);

    if (!r && !stop) {
        r = path_look(scan, path);
    }
    if (!r && scan->source_looked > LIMIT_SOURCE_ENTRIES) {
        r = scan_fault_tell_cut(scan, path);
    }
    return r ? error_trace(r) : 0;
}
