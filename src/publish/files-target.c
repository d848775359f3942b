/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/files.h"

#include <errno.h>
#include <grp.h>
#include <string.h>

#include "base/error.h"
#include "conf/template.h"

static struct file_target *file_target_of(struct target *base)
{
    return (struct file_target *)base; /* base is its first member */
}

static struct file_place *place_free(struct file_place *place)
{
    wish_unref(place->waiting);
    free(place->key);
    free(place->output);
    free(place);
    return NULL;
}
CLEANUP_DEFINE(struct file_place *, place_free)

static void put_key(struct buf *key, struct place place)
{
    buf_put_text(key, place.path);
    if (place.index > 0) {
        buf_put_byte(key, '#');
        buf_put_int(key, place.index);
    }
}

/* Only the first certificate of a file is served; others matter where each has its own path. */
static bool takes_place(const struct file_target *target, struct place place)
{
    if (file_target_is_command(target)) {
        return true; /* it may be for any of them */
    }
    return target->template && (place.index == 0 || template_is_unique(target->template));
}

/* Where the staple of @place goes. */
struct file_paths {
    struct buf der;
    struct buf snippet; /* empty: none */
};

static void paths_deinit(struct file_paths *paths)
{
    buf_deinit(&paths->der);
    buf_deinit(&paths->snippet);
}

static int paths_expand(const struct file_target *target, struct place place,
                        const struct cert_facts *cert, struct file_paths *ret_paths)
{
    struct buf name = BUF_INIT(8192);
    int r;

    ret_paths->der = BUF_INIT(65536);
    ret_paths->snippet = BUF_INIT(8192);
    if (file_target_is_command(target)) {
        buf_put_text(&ret_paths->der, FILES_KIND_COMMAND ":");
        buf_put_text(&ret_paths->der, target->base.config->command);
        buf_put_byte(&ret_paths->der, ':');
        put_key(&ret_paths->der, place);
        return buf_status(&ret_paths->der) ? -ENOMEM : 0;
    }
    if (target->kind == &file_kinds[TARGET_HITCH]) {
        return hitch_put_path(&ret_paths->der, target, place, cert);
    }
    if (target->kind == &file_kinds[TARGET_FOLDER]) {
        folder_put_path(&ret_paths->der, target, cert);
        return buf_status(&ret_paths->der) ? -ENOMEM : 0;
    }
    template_expand(&name, target->template, place, cert);
    if (target->kind->snippet) {
        nginx_put_paths(&ret_paths->der, &ret_paths->snippet, target, slice_of_buf(&name));
    } else {
        buf_put_slice(&ret_paths->der, slice_of_buf(&name));
    }
    r = buf_status(&name) || buf_status(&ret_paths->der) || buf_status(&ret_paths->snippet);
    buf_deinit(&name);
    return r ? -ENOMEM : 0;
}

static void unwait(struct files *files, struct file_place *place)
{
    struct file_place **at = &files->waiting;

    if (!place->waiting) {
        return;
    }
    while (*at != place) {
        at = &(*at)->next_waiting;
    }
    *at = place->next_waiting;
    place->next_waiting = NULL;
    place->waiting = wish_unref(place->waiting);
}

/* @place gets @entry, which shows @wish from now on. */
static void assign(struct file_place *place, struct file_entry *entry, struct wish *wish)
{
    struct files *files = entry->target->files;

    if (place->entry != entry) {
        place->entry = entry;
        ++entry->users;
    }
    if (!entry->place) {
        entry->place = text_copy(slice_of_text(place->key));
    }
    entry->target = place->target;
    files_unstage(entry);
    files->orphans -= entry->step == FILE_ORPHAN;
    memcpy(entry->leaf, wish->leaf, SHA256_SIZE);
    entry->urgent |= wish->urgent;
    entry->quiet = false;
    wish_ref(wish);
    wish_unref(entry->wish);
    entry->wish = wish;
    entry->step = FILE_WRITE;
    if (entry->failures > 0) { /* new content, new luck; `told` stays until it works */
        entry->failures = 0;
        --files->failing;
    }
    files_schedule(entry, 0);
}

static bool may_have(const struct file_place *place, const struct file_entry *entry,
                     const struct wish *wish)
{
    unsigned others = entry->users - (place->entry == entry);

    return others == 0 || memcmp(entry->leaf, wish->leaf, SHA256_SIZE) == 0;
}

/* Two certificates, one path: the first keeps it. */
static int wait_for(struct file_place *place, struct file_entry *entry, struct wish *wish)
{
    struct file_target *target = place->target;
    const struct log *log = target->files->context->log;

    if (place->entry == entry) {
        place->entry = NULL;
        --entry->users;
    }
    unwait(target->files, place);
    place->waiting = wish_ref(wish);
    place->next_waiting = target->files->waiting;
    target->files->waiting = place;
    log_say(log, entry->conflict_told ? NOTE_DEBUG : NOTE_ERROR,
            "%s and %s are different certificates, and `publish` (line %u) gives both the path %s; "
            "the first keeps it: use {name}, {stem} or {sha256} there, or `only`",
            entry->place ? entry->place : "another", place->key, target->base.config->line,
            entry->output);
    entry->conflict_told = true;
    return 0;
}

/* Who waits for the path of @entry may have it now. */
static bool promote_waiting(struct file_entry *entry)
{
    struct files *files = entry->target->files;
    bool promoted = false;

    for (struct file_place *place = files->waiting, *next; place; place = next) {
        next = place->next_waiting;
        if (text_equal(place->output, entry->output) && may_have(place, entry, place->waiting)) {
            _cleanup_(wish_unrefp)
            struct wish *wish = wish_ref(place->waiting);

            unwait(files, place);
            free(entry->place);
            entry->place = NULL;
            assign(place, entry, wish);
            promoted = true;
        }
    }
    return promoted;
}

/* @place does not want its entry any more. */
static void leave(struct file_place *place, bool quiet)
{
    struct file_entry *entry = place->entry;

    place->entry = NULL;
    if (!entry || --entry->users > 0) {
        return;
    }
    if (!promote_waiting(entry)) {
        files_hide(entry, quiet);
    }
}

/* The place's record, made when there is none; what it had at another path is withdrawn. */
static int open_place(struct file_target *target, struct place where, const char *output,
                      struct file_place **ret_place)
{
    struct buf key = BUF_INIT(8192);
    struct file_place *place;
    char *copy = text_copy(slice_of_text(output));

    put_key(&key, where);
    place = buf_status(&key) || !copy ? NULL : table_get(&target->places, buf_text(&key));
    if (place && !text_equal(place->output, output)) {
        unwait(target->files, place);
        leave(place, true);
        free(place->output);
        place->output = steal(&copy);
    } else if (!place && copy) {
        _cleanup_(place_freep)
        struct file_place *new = calloc(1, sizeof(*new));

        if (new) {
            new->key = text_copy(slice_of_buf(&key));
            new->output = steal(&copy);
            new->target = target;
        }
        if (new &&new->key && table_set(&target->places, new->key, new) == 0) {
            place = steal(&new);
        }
    }
    free(copy);
    buf_deinit(&key);
    *ret_place = place;
    return place ? 0 : -ENOMEM;
}

static int show(struct file_target *target, struct place where, const struct cert_facts *cert,
                struct wish *wish)
{
    _cleanup_(paths_deinit)
    struct file_paths paths = {0};
    struct file_place *place;
    struct file_entry *entry;
    int r;

    r = paths_expand(target, where, cert, &paths);
    if (!r) {
        r = open_place(target, where, buf_text(&paths.der), &place);
    }
    if (!r) {
        r = files_open_entry(target, buf_text(&paths.der),
                             target->kind->snippet ? buf_text(&paths.snippet) : NULL, &entry);
    }
    if (r) {
        return error_trace(r);
    }
    if (!may_have(place, entry, wish)) {
        return wait_for(place, entry, wish);
    }
    unwait(target->files, place);
    assign(place, entry, wish);
    promote_waiting(entry); /* the same certificate elsewhere */
    return 0;
}

/* Nobody has published anything here in this run; an earlier one may have. An empty file is not
 * ours: HAProxy is given such ones so that it makes an entry. */
static void hide_unknown(struct file_target *target, struct place where,
                         const struct cert_facts *cert, bool quiet)
{
    _cleanup_(paths_deinit)
    struct file_paths paths = {0};
    struct file_entry *entry;

    if (!takes_place(target, where) ||
        (!cert && target->template && template_is_unique(target->template)) ||
        paths_expand(target, where, cert, &paths) ||
        table_get(&target->files->outputs, buf_text(&paths.der))) {
        return;
    }
    if (!table_get(&target->files->rows, buf_text(&paths.der)) &&
        (file_target_is_command(target) || !disk_is_there(buf_text(&paths.der)))) {
        return;
    }
    if (files_open_entry(target, buf_text(&paths.der),
                         target->kind->snippet ? buf_text(&paths.snippet) : NULL, &entry) == 0) {
        files_hide(entry, quiet);
    }
}

static void file_withdraw(struct target *base, struct place where, const struct cert_facts *cert,
                          bool quiet)
{
    struct file_target *target = file_target_of(base);
    struct buf key = BUF_INIT(8192);
    struct file_place *place;
    const uint8_t *leaf;

    put_key(&key, where);
    place = table_get(&target->places, buf_text(&key));
    buf_deinit(&key);
    if (!place) {
        hide_unknown(target, where, cert, quiet);
        return;
    }
    leaf = place->entry ? place->entry->leaf : place->waiting ? place->waiting->leaf : NULL;
    if (cert && leaf && memcmp(leaf, cert->leaf_sha256, SHA256_SIZE) != 0) {
        return; /* another certificate's staple has taken its place already */
    }
    unwait(target->files, place);
    leave(place, quiet);
    table_remove(&target->places, place->key);
    place_free(place);
}

static int file_publish(struct target *base, struct place where, const struct cert_facts *cert,
                        struct wish *wish)
{
    struct file_target *target = file_target_of(base);

    if (!takes_place(target, where)) {
        return 0;
    }
    if (wish->revoked && target->kind->no_revoked) {
        log_say(target->files->context->log, NOTE_INFO,
                "%s: %s can do nothing with a revoked staple: it gets none", where.path,
                target->kind->name);
        file_withdraw(base, where, cert, false);
        return 0;
    }
    return show(target, where, cert, wish);
}

/* With a snippet only what nginx really shows counts: a DER alone is one that was withdrawn. */
static int file_recall(struct target *base, struct place where, const struct cert_facts *cert,
                       struct buf *ret_der)
{
    struct file_target *target = file_target_of(base);
    _cleanup_(paths_deinit)
    struct file_paths paths = {0};
    struct buf real = BUF_INIT(8192);
    struct buf fault = BUF_INIT(8192);
    int r = STORE_E_NONE;

    if (!file_target_is_command(target) && takes_place(target, where) &&
        paths_expand(target, where, cert, &paths) == 0 &&
        (!target->kind->snippet || disk_is_there(buf_text(&paths.snippet))) &&
        disk_resolve(buf_text(&paths.der), target->files->context->state_dir, &real, &fault) == 0 &&
        disk_read(buf_text(&real), ret_der) == 0 && ret_der->size > 0) {
        r = 0;
    }
    buf_deinit(&real);
    buf_deinit(&fault);
    return r;
}

static void file_reconcile(struct target *base)
{
    struct file_target *target = file_target_of(base);

    if (target->kind->snippet) {
        nginx_adopt(target);
        nginx_warn_prefixes(target);
    }
    if (target->kind == &file_kinds[TARGET_FOLDER]) {
        folder_adopt(target);
    }
}

static void file_free(struct target *base)
{
    struct file_target *target = file_target_of(base);
    size_t cursor = 0;
    struct file_place *place;

    while ((place = table_next(&target->places, &cursor))) {
        place_free(place);
    }
    table_deinit(&target->places);
    free(target->runners);
    free(target->runner_configs);
    free(target);
}

/* A name or a number. */
static gid_t find_group(const struct log *log, const struct target_config *config)
{
    struct group *group;
    char *end;
    unsigned long number;

    if (!config->group) {
        return (gid_t)-1;
    }
    group = getgrnam(config->group);
    if (group) {
        return group->gr_gid;
    }
    number = strtoul(config->group, &end, 10);
    if (*end == 0 && end != config->group && number < (gid_t)-1) {
        return (gid_t)number;
    }
    log_say(log, NOTE_ERROR,
            "publish (line %u): there is no group `%s` on this machine; files keep clinch's own",
            config->line, config->group);
    return (gid_t)-1;
}

static const struct target_ops file_ops = {
    .publish = file_publish,
    .withdraw = file_withdraw,
    .recall = file_recall,
    .reconcile = file_reconcile,
    .free = file_free,
};

int file_target_new(struct file_target **ret_target, struct files *files,
                    const struct file_settings *settings)
{
    struct file_target *target = calloc(1, sizeof(*target));

    if (!target) {
        return -ENOMEM;
    }
    target->base = (struct target){&file_ops, settings->config};
    target->files = files;
    target->kind = settings->kind;
    target->template = settings->template;
    target->folder = settings->folder;
    target->gid = find_group(files->context->log, settings->config);
    target->mode = settings->config->mode ? (mode_t)settings->config->mode & 0777 : 0644;
    target->places = TABLE_INIT(rng_next(&files->context->rng));
    *ret_target = target;
    return 0;
}

int file_target_add_runner(struct file_target *target, struct runner *runner,
                           const struct target_config *config)
{
    size_t count = target->runner_count + 1;
    struct runner **runners = realloc(target->runners, count * sizeof(*runners));
    const struct target_config **configs;

    if (!runners) {
        return -ENOMEM;
    }
    target->runners = runners;
    configs = realloc(target->runner_configs, count * sizeof(*configs));
    if (!configs) {
        return -ENOMEM;
    }
    target->runner_configs = configs;
    target->runners[count - 1] = runner;
    target->runner_configs[count - 1] = config;
    target->runner_count = count;
    return 0;
}
