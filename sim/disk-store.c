/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "host/ports.h"
#include "sim/disk-private.h"
#include "sim/must.h"

#define ANSWER_MOST LIMIT_ANSWER_SIZE

static void clear_record(struct simdisk_record *record)
{
    buf_deinit(&record->answers[STORE_SLOT_HELD]);
    buf_deinit(&record->answers[STORE_SLOT_PENDING]);
}

static void clear_note(struct simdisk_note *note)
{
    for (size_t i = 0; i < ARRAY_SIZE(note->texts); i++) {
        free(note->texts[i]);
    }
}

void simdisk_store_deinit(struct simdisk *disk)
{
    for (size_t i = 0; i < disk->record_count; i++) {
        clear_record(&disk->records[i]);
    }
    for (size_t i = 0; i < disk->issuer_count; i++) {
        free(disk->issuers[i].url);
        buf_deinit(&disk->issuers[i].der);
    }
    for (size_t i = 0; i < disk->published_count; i++) {
        clear_note(&disk->published[i]);
    }
    free(disk->records);
    free(disk->issuers);
    free(disk->published);
    disk->records = NULL;
    disk->issuers = NULL;
    disk->published = NULL;
    disk->record_count = disk->issuer_count = disk->published_count = 0;
}

void simdisk_store_lose(struct simdisk *disk)
{
    simdisk_store_deinit(disk);
    disk->losses++;
}

unsigned simdisk_store_losses(const struct simdisk *disk)
{
    return disk->losses;
}

static struct simdisk_record *find_record(const struct simdisk *disk, const uint8_t *leaf_sha256)
{
    for (size_t i = 0; i < disk->record_count; i++) {
        if (memcmp(disk->records[i].leaf_sha256, leaf_sha256, SHA256_SIZE) == 0) {
            return &disk->records[i];
        }
    }
    return NULL;
}

static struct simdisk_record *open_record(struct simdisk *disk, const uint8_t *leaf_sha256)
{
    struct simdisk_record *record = find_record(disk, leaf_sha256);

    if (!record) {
        disk->records = simdisk_grow(disk->records, disk->record_count, sizeof(*disk->records));
        record = &disk->records[disk->record_count++];
        *record = (struct simdisk_record){
            .next_try_s = INSTANT_NEVER,
            .answers = {BUF_INIT(ANSWER_MOST), BUF_INIT(ANSWER_MOST)},
        };
        memcpy(record->leaf_sha256, leaf_sha256, SHA256_SIZE);
    }
    return record;
}

static void forget_record(struct simdisk *disk, const uint8_t *leaf_sha256)
{
    struct simdisk_record *record = find_record(disk, leaf_sha256);

    if (record) {
        clear_record(record);
        *record = disk->records[--disk->record_count];
    }
}

static void put_issuer(struct simdisk *disk, const char *url, struct slice der)
{
    struct simdisk_issuer *issuer = NULL;

    for (size_t i = 0; i < disk->issuer_count && !issuer; i++) {
        issuer = text_equal(disk->issuers[i].url, url) ? &disk->issuers[i] : NULL;
    }
    if (!issuer) {
        disk->issuers = simdisk_grow(disk->issuers, disk->issuer_count, sizeof(*disk->issuers));
        issuer = &disk->issuers[disk->issuer_count++];
        *issuer =
            (struct simdisk_issuer){text_copy(slice_of_text(url)), BUF_INIT(LIMIT_ISSUER_SIZE)};
        must(issuer->url);
    }
    buf_clear(&issuer->der);
    buf_put_slice(&issuer->der, der);
    must(!buf_status(&issuer->der));
}

static void apply(struct simdisk *disk, const struct store_change *change)
{
    struct simdisk_record *record;

    if (change->type == STORE_PUT_ISSUER) {
        put_issuer(disk, change->url, change->der);
        return;
    }
    if (change->type == STORE_FORGET) {
        forget_record(disk, change->leaf_sha256);
        return;
    }
    record = open_record(disk, change->leaf_sha256);
    if (change->type == STORE_PUT_ANSWER || change->type == STORE_DROP_ANSWER) {
        buf_clear(&record->answers[change->slot]);
        buf_put_slice(&record->answers[change->slot], change->der);
        must(!buf_status(&record->answers[change->slot]));
    } else if (change->type == STORE_TOMBSTONE) {
        record->tombstone = change->tombstone;
    }
    if (change->row) {
        record->next_try_s = change->row->next_try_s;
    }
}

static int begin_commit(struct simdisk *disk)
{
    int r = simdisk_step(disk, SIMDISK_COMMIT);

    return r == SIMDISK_E_FULL ? -ENOSPC : r ? -EIO : 0;
}

int simdisk_store_commit(struct simdisk *disk, const struct store_change *changes, size_t count)
{
    int r = begin_commit(disk);

    for (size_t i = 0; !r && i < count; i++) {
        apply(disk, &changes[i]);
    }
    return r;
}

int simdisk_store_read(const struct simdisk *disk, const uint8_t leaf_sha256[SHA256_SIZE],
                       struct store_record *ret_record)
{
    const struct simdisk_record *record = find_record(disk, leaf_sha256);

    buf_clear(&ret_record->held);
    buf_clear(&ret_record->pending);
    ret_record->tombstone = (struct tombstone){0};
    ret_record->next_try_s = INSTANT_NEVER;
    if (disk->down) {
        return -EIO;
    }
    if (!record) {
        return STORE_E_NONE;
    }
    buf_put_slice(&ret_record->held, slice_of_buf(&record->answers[STORE_SLOT_HELD]));
    buf_put_slice(&ret_record->pending, slice_of_buf(&record->answers[STORE_SLOT_PENDING]));
    ret_record->tombstone = record->tombstone;
    ret_record->next_try_s = record->next_try_s;
    must(!buf_status(&ret_record->held) && !buf_status(&ret_record->pending));
    return ret_record->held.size || ret_record->pending.size || ret_record->tombstone.present
               ? 0
               : STORE_E_NONE;
}

int simdisk_store_read_issuer(const struct simdisk *disk, const char *url, struct buf *ret_der)
{
    buf_clear(ret_der);
    if (disk->down) {
        return -EIO;
    }
    for (size_t i = 0; i < disk->issuer_count; i++) {
        if (text_equal(disk->issuers[i].url, url)) {
            buf_put_slice(ret_der, slice_of_buf(&disk->issuers[i].der));
            return 0;
        }
    }
    return STORE_E_NONE;
}

void simdisk_store_each(const struct simdisk *disk,
                        void (*each)(void *context, const uint8_t *leaf_sha256,
                                     const struct store_record *record),
                        void *context)
{
    for (size_t i = 0; i < disk->record_count; i++) {
        const struct simdisk_record *record = &disk->records[i];

        each(context, record->leaf_sha256,
             &(struct store_record){.held = record->answers[STORE_SLOT_HELD],
                                    .pending = record->answers[STORE_SLOT_PENDING],
                                    .tombstone = record->tombstone,
                                    .next_try_s = record->next_try_s});
    }
}

static struct simdisk_note *find_note(const struct simdisk *disk, const char *path)
{
    for (size_t i = 0; i < disk->published_count; i++) {
        if (text_equal(disk->published[i].texts[0], path)) {
            return &disk->published[i];
        }
    }
    return NULL;
}

int simdisk_store_put_published(struct simdisk *disk, const struct simdisk_published *published)
{
    const char *const texts[] = {published->path, published->snippet, published->command,
                                 published->kind, published->leaf_hex};
    struct simdisk_note *note;
    int r = begin_commit(disk);

    if (r) {
        return r;
    }
    note = find_note(disk, published->path);
    if (note) {
        clear_note(note);
    } else {
        disk->published =
            simdisk_grow(disk->published, disk->published_count, sizeof(*disk->published));
        note = &disk->published[disk->published_count++];
    }
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        note->texts[i] = text_copy(slice_of_text(texts[i]));
        must(note->texts[i]);
    }
    note->next_update_s = published->next_update_s;
    note->der_hash = published->der_hash;
    return 0;
}

int simdisk_store_drop_published(struct simdisk *disk, const char *path)
{
    struct simdisk_note *note;
    int r = begin_commit(disk);

    if (r) {
        return r;
    }
    note = find_note(disk, path);
    if (note) {
        clear_note(note);
        *note = disk->published[--disk->published_count];
    }
    return 0;
}

void simdisk_store_each_published(const struct simdisk *disk,
                                  void (*each)(void *context,
                                               const struct simdisk_published *published),
                                  void *context)
{
    for (size_t i = 0; i < disk->published_count; i++) {
        const struct simdisk_note *note = &disk->published[i];

        each(context, &(struct simdisk_published){note->texts[0], note->texts[1], note->texts[2],
                                                  note->texts[3], note->texts[4],
                                                  note->next_update_s, note->der_hash});
    }
}
