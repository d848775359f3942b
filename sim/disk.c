/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/disk.h"

#include <string.h>

#include "base/map.h"
#include "sim/disk-private.h"
#include "sim/must.h"

#define FILE_MOST (1024 * 1024)
#define PATH_MOST 4096

void *simdisk_grow(void *array, size_t count, size_t size)
{
    if (count & (count - 1)) {
        return array;
    }
    array = realloc(array, (count ? count * 2 : 1) * size);
    must(array);
    return array;
}

struct simdisk *simdisk_new(uint64_t seed, const struct simdisk_calls *calls)
{
    struct simdisk *disk = calloc(1, sizeof(*disk));

    must(disk);
    disk->rng = (struct rng){seed};
    disk->calls = *calls;
    return disk;
}

struct simdisk *simdisk_free(struct simdisk *disk)
{
    if (!disk) {
        return NULL;
    }
    while (disk->inodes) {
        struct simdisk_inode *inode = disk->inodes;

        disk->inodes = inode->next;
        buf_deinit(&inode->content);
        free(inode);
    }
    for (size_t i = 0; i < disk->name_count; i++) {
        free(disk->names[i].path);
    }
    free(disk->names);
    simdisk_store_deinit(disk);
    free(disk);
    return NULL;
}

bool simdisk_is_down(const struct simdisk *disk)
{
    return disk->down;
}

int simdisk_step(struct simdisk *disk, enum simdisk_kind kind)
{
    enum simdisk_word word =
        disk->down ? SIMDISK_STOP : disk->calls.gate(disk->calls.context, kind);

    disk->down = word == SIMDISK_STOP;
    if (disk->down) {
        return SIMDISK_E_DOWN;
    }
    return word == SIMDISK_NO_ROOM && kind != SIMDISK_OTHER ? SIMDISK_E_FULL : 0;
}

static struct slice folder_of(const char *path)
{
    size_t size = text_length(path);

    while (size && path[size - 1] != '/') {
        size--;
    }
    return slice_of(path, size);
}

static struct simdisk_name *find_name(const struct simdisk *disk, const char *path)
{
    uint64_t hash = map_hash(slice_of_text(path));

    for (size_t i = 0; i < disk->name_count; i++) {
        if (disk->names[i].hash == hash && text_equal(disk->names[i].path, path)) {
            return &disk->names[i];
        }
    }
    return NULL;
}

/* Its place in the table: pointers do not last. */
static size_t open_name(struct simdisk *disk, const char *path)
{
    struct simdisk_name *name = find_name(disk, path);

    if (!name) {
        disk->names = simdisk_grow(disk->names, disk->name_count, sizeof(*disk->names));
        name = &disk->names[disk->name_count++];
        *name = (struct simdisk_name){.path = text_copy(slice_of_text(path)),
                                      .hash = map_hash(slice_of_text(path)),
                                      .folder = map_hash(folder_of(path))};
        must(name->path);
    }
    return (size_t)(name - disk->names);
}

static void mark_used(struct simdisk_inode *inode)
{
    if (inode) {
        inode->used = true;
    }
}

static void free_unused(struct simdisk *disk)
{
    struct simdisk_inode **link = &disk->inodes;
    size_t kept = 0;

    for (size_t i = 0; i < disk->name_count; i++) {
        if (disk->names[i].now || disk->names[i].durable) {
            mark_used(disk->names[i].now);
            mark_used(disk->names[i].durable);
            disk->names[kept++] = disk->names[i];
        } else {
            free(disk->names[i].path);
        }
    }
    disk->name_count = kept;
    while (*link) {
        struct simdisk_inode *inode = *link;

        if (inode->used) {
            inode->used = false;
            link = &inode->next;
            continue;
        }
        *link = inode->next;
        buf_deinit(&inode->content);
        free(inode);
    }
}

static struct simdisk_inode *new_inode(struct simdisk *disk)
{
    struct simdisk_inode *inode = calloc(1, sizeof(*inode));

    must(inode);
    inode->content = BUF_INIT(FILE_MOST);
    inode->next = disk->inodes;
    disk->inodes = inode;
    return inode;
}

static void tell_changed(const struct simdisk *disk, const struct simdisk_name *name)
{
    if (disk->calls.changed) {
        disk->calls.changed(disk->calls.context, name->path);
    }
}

static void sync_folder(struct simdisk *disk, struct slice folder)
{
    uint64_t hash = map_hash(folder);

    for (size_t i = 0; i < disk->name_count; i++) {
        if (disk->names[i].folder == hash && slice_equal(folder_of(disk->names[i].path), folder)) {
            disk->names[i].durable = disk->names[i].now;
        }
    }
    free_unused(disk);
}

/* "FOLDER/.NAME.XXXXXXXXXXXX.tmp" */
static void put_temporary(struct buf *path, struct simdisk *disk, const char *of)
{
    struct slice folder = folder_of(of);
    uint64_t number = ++disk->temporaries;
    uint8_t digits[6];

    for (size_t i = 0; i < sizeof(digits); i++) {
        digits[i] = (uint8_t)(number >> (8 * (sizeof(digits) - 1 - i)));
    }
    buf_put_slice(path, folder);
    buf_put_byte(path, '.');
    buf_put_text(path, of + folder.size);
    buf_put_byte(path, '.');
    buf_put_hex(path, slice_of(digits, sizeof(digits)));
    buf_put_text(path, ".tmp");
    must(!buf_status(path));
}

bool simdisk_is_temporary(const char *path)
{
    size_t size = text_length(path);

    return path[folder_of(path).size] == '.' && size > 4 && text_equal(path + size - 4, ".tmp");
}

/* What was made so far of a file that found no room goes again. */
static int give_up(struct simdisk *disk, struct simdisk_name *temp)
{
    if (!temp->now) {
        return SIMDISK_E_FULL;
    }
    if (simdisk_step(disk, SIMDISK_OTHER)) {
        return SIMDISK_E_DOWN;
    }
    temp->now = NULL;
    return SIMDISK_E_FULL;
}

/* Makes the file, writes half of it, and the rest. */
static int fill(struct simdisk *disk, struct simdisk_name *temp, struct slice content)
{
    size_t half = content.size / 2;
    int r = simdisk_step(disk, SIMDISK_SPACE);

    if (!r) {
        temp->now = new_inode(disk);
        r = simdisk_step(disk, SIMDISK_SPACE);
    }
    if (!r) {
        buf_put(&temp->now->content, content.data, half);
        r = simdisk_step(disk, SIMDISK_SPACE);
    }
    if (!r) {
        buf_put(&temp->now->content, content.data + half, content.size - half);
    }
    return r == SIMDISK_E_FULL ? give_up(disk, temp) : r;
}

int simdisk_stage(struct simdisk *disk, const char *path, struct slice content, char **ret_temp)
{
    struct buf temporary = BUF_INIT(PATH_MOST);
    const struct simdisk_name *there = find_name(disk, path);
    size_t name;
    int r;

    if (!disk->down && there && there->now &&
        slice_equal(slice_of_buf(&there->now->content), content)) {
        return SIMDISK_E_SAME;
    }
    put_temporary(&temporary, disk, path);
    name = open_name(disk, buf_text(&temporary));
    r = fill(disk, &disk->names[name], content);
    if (!r) {
        *ret_temp = text_copy(slice_of_buf(&temporary));
        must(*ret_temp);
    }
    buf_deinit(&temporary);
    return r;
}

int simdisk_sync(struct simdisk *disk, const char *path)
{
    struct simdisk_name *name = find_name(disk, path);

    if (!disk->down && (!name || !name->now)) {
        return SIMDISK_E_ABSENT;
    }
    if (simdisk_step(disk, SIMDISK_OTHER)) {
        return SIMDISK_E_DOWN;
    }
    name->now->synced = true;
    return 0;
}

int simdisk_sync_folder(struct simdisk *disk, const char *path)
{
    if (simdisk_step(disk, SIMDISK_OTHER)) {
        return SIMDISK_E_DOWN;
    }
    sync_folder(disk, folder_of(path));
    return 0;
}

int simdisk_move(struct simdisk *disk, const char *temp, const char *path)
{
    size_t to = open_name(disk, path);
    struct simdisk_name *from = find_name(disk, temp);

    if (!disk->down && (!from || !from->now)) {
        return SIMDISK_E_ABSENT;
    }
    if (simdisk_step(disk, SIMDISK_OTHER)) {
        return SIMDISK_E_DOWN;
    }
    disk->names[to].now = from->now;
    from->now = NULL;
    tell_changed(disk, &disk->names[to]);
    return 0;
}

int simdisk_drop(struct simdisk *disk, const char *path)
{
    struct simdisk_name *name = find_name(disk, path);

    if (!disk->down && (!name || !name->now)) {
        return SIMDISK_E_ABSENT;
    }
    if (simdisk_step(disk, SIMDISK_OTHER)) {
        return SIMDISK_E_DOWN;
    }
    name->now = NULL;
    if (!simdisk_is_temporary(path)) {
        tell_changed(disk, name);
    }
    return 0;
}

int simdisk_read(const struct simdisk *disk, const char *path, struct buf *ret_content)
{
    const struct simdisk_name *name = find_name(disk, path);

    buf_clear(ret_content);
    if (disk->down) {
        return SIMDISK_E_DOWN;
    }
    if (!name || !name->now) {
        return SIMDISK_E_ABSENT;
    }
    buf_put_slice(ret_content, slice_of_buf(&name->now->content));
    must(!buf_status(ret_content));
    return 0;
}

void simdisk_clean(struct simdisk *disk, const char *folder)
{
    struct buf prefix = BUF_INIT(PATH_MOST);

    buf_put_text(&prefix, folder);
    if (!prefix.size || prefix.data[prefix.size - 1] != '/') {
        buf_put_byte(&prefix, '/');
    }
    for (size_t i = 0; i < disk->name_count; i++) {
        struct simdisk_name *name = &disk->names[i];

        if (name->now && simdisk_is_temporary(name->path) &&
            slice_equal(folder_of(name->path), slice_of_buf(&prefix)) &&
            simdisk_step(disk, SIMDISK_OTHER) == 0) {
            name->now = NULL;
        }
    }
    buf_deinit(&prefix);
}

void simdisk_each(const struct simdisk *disk, void (*each)(void *context, const char *path),
                  void *context)
{
    for (size_t i = 0; i < disk->name_count; i++) {
        if (disk->names[i].now) {
            each(context, disk->names[i].path);
        }
    }
}

/* What a power failure makes of a file that was not synced. */
static void damage(struct simdisk *disk, struct simdisk_inode *inode)
{
    struct buf *content = &inode->content;

    switch (rng_below(&disk->rng, 4)) {
    case 0:
        break;
    case 1:
        content->size = 0;
        break;
    case 2:
        content->size = (size_t)rng_below(&disk->rng, content->size + 1);
        break;
    default:
        if (content->size) {
            memset(content->data, 0, content->size);
        }
        break;
    }
    inode->synced = true;
}

/* One name after a power failure. */
static void recover(struct simdisk *disk, struct simdisk_name *name)
{
    const struct simdisk_inode *before = name->now;

    if (name->now != name->durable && rng_below(&disk->rng, 2) == 0) {
        name->now = name->durable;
    }
    name->durable = name->now;
    if (name->now && !name->now->synced) {
        damage(disk, name->now);
        tell_changed(disk, name);
    } else if (name->now != before) {
        tell_changed(disk, name);
    }
}

void simdisk_restart(struct simdisk *disk, bool power)
{
    disk->down = false;
    for (size_t i = 0; power && i < disk->name_count; i++) {
        recover(disk, &disk->names[i]);
    }
    free_unused(disk);
}

void simdisk_wipe(struct simdisk *disk)
{
    for (size_t i = 0; i < disk->name_count; i++) {
        disk->names[i].now = disk->names[i].durable = NULL;
    }
    for (size_t i = 0; i < disk->name_count; i++) {
        tell_changed(disk, &disk->names[i]);
    }
    free_unused(disk);
}
