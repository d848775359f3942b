/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/template.h"

#include <assert.h>

enum field { FIELD_DIR, FIELD_FILE, FIELD_STEM, FIELD_NAME, FIELD_SHA256, FIELD_SERIAL, FIELDS };

static const char *const field_names[FIELDS] = {"dir", "file", "stem", "name", "sha256", "serial"};

/* File names that every certificate has: the folder says which one it is. */
static const char *const common_stems[] = {"fullchain", "cert", "tls", "certificate"};

/* Endings of certificate files; {stem} and {name} go without them. */
static const char *const endings[] = {"pem", "crt", "cer", "cert", "chain", "der"};

/* HAProxy's bundles: shop.pem.rsa and shop.pem.ecdsa are two certificates of one name. */
static const char *const key_types[] = {"rsa", "ecdsa", "dsa"};

/* One piece of a template: literal text, or a field. */
struct piece {
    struct slice text; /* a literal; empty: a field */
    enum field field;
};

static bool slice_is(struct slice slice, const char *text)
{
    return slice_equal(slice, slice_of_text(text));
}

static bool slice_is_any(struct slice slice, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        if (slice_is(slice, texts[i])) {
            return true;
        }
    }
    return false;
}

static bool field_find(struct slice name, enum field *ret_field)
{
    for (unsigned i = 0; i < FIELDS; ++i) {
        if (slice_is(name, field_names[i])) {
            *ret_field = (enum field)i;
            return true;
        }
    }
    return false;
}

/* Takes the first piece off @left. NULL, or what is wrong with it. */
static const char *piece_next(struct slice *left, struct piece *ret_piece)
{
    const uint8_t *data = left->data;
    size_t size = 0;

    assert(left->size > 0);
    if (data[0] == '}') {
        return "has a closing brace without an opening one";
    }
    if (data[0] != '{') {
        while (size < left->size && data[size] != '{' && data[size] != '}') {
            ++size;
        }
        *ret_piece = (struct piece){slice_of(data, size), FIELDS};
        *left = slice_of(data + size, left->size - size);
        return NULL;
    }
    while (size < left->size && data[size] != '}') {
        ++size;
    }
    if (size == left->size) {
        return "has an opening brace without a closing one";
    }
    *ret_piece = (struct piece){SLICE_NULL, FIELDS};
    if (!field_find(slice_of(data + 1, size - 1), &ret_piece->field)) {
        return "has an unknown placeholder (known are {dir}, {file}, {stem}, {name}, {sha256}, "
               "{serial})";
    }
    *left = slice_of(data + size + 1, left->size - size - 1);
    return NULL;
}

/* What is wrong with @text whatever it is used for. */
static const char *check_pieces(const char *text)
{
    struct slice left = slice_of_text(text);

    if (left.size == 0) {
        return "is empty";
    }
    while (left.size > 0) {
        struct piece piece;
        const char *fault = piece_next(&left, &piece);

        if (fault) {
            return fault;
        }
    }
    return NULL;
}

static bool has_octet(const char *text, char octet)
{
    struct slice slice = slice_of_text(text);

    for (size_t i = 0; i < slice.size; ++i) {
        if (slice.data[i] == (uint8_t)octet) {
            return true;
        }
    }
    return false;
}

/* A path component that is "..": it would leave the folder that the operator sees written. */
static bool has_dot_dot(const char *text)
{
    struct slice slice = slice_of_text(text);
    size_t start = 0;

    for (size_t i = 0; i <= slice.size; ++i) {
        if (i < slice.size && slice.data[i] != '/') {
            continue;
        }
        if (slice_is(slice_of(slice.data + start, i - start), "..")) {
            return true;
        }
        start = i + 1;
    }
    return false;
}

/* {dir} anywhere but at the beginning puts a whole path into the middle of another. */
static bool has_inner_dir(const char *text)
{
    struct slice left = slice_of_text(text);
    bool first = true;

    while (left.size > 0) {
        struct piece piece;

        if (piece_next(&left, &piece)) {
            return false;
        }
        if (!first && piece.text.size == 0 && piece.field == FIELD_DIR) {
            return true;
        }
        first = false;
    }
    return false;
}

const char *template_check_path(const char *text)
{
    const char *fault = check_pieces(text);

    if (fault) {
        return fault;
    }
    if (text[0] != '/' && !text_starts_with(text, "{dir}/")) {
        return "is no absolute path (begin it with / or {dir}/)";
    }
    if (has_dot_dot(text)) {
        return "has \"..\" in it";
    }
    if (has_inner_dir(text)) {
        return "has {dir} elsewhere than at its beginning";
    }
    if (text[text_length(text) - 1] == '/') {
        return "names a folder, not a file";
    }
    return NULL;
}

const char *template_check_name(const char *text)
{
    const char *fault = check_pieces(text);

    if (fault) {
        return fault;
    }
    if (has_octet(text, '/')) {
        return "has a / in it (it is a file name in the folder, not a path)";
    }
    if (text_starts_with(text, "{dir}") || has_inner_dir(text)) {
        return "has {dir} in it (it is a file name in the folder, not a path)";
    }
    if (text[0] == '.') {
        return "begins with a dot";
    }
    return NULL;
}

const char *template_check(const char *text)
{
    const char *fault = check_pieces(text);

    if (fault) {
        return fault;
    }
    if (has_octet(text, '/') || text_starts_with(text, "{dir}")) {
        return template_check_path(text);
    }
    return template_check_name(text);
}

bool template_is_unique(const char *text)
{
    struct slice left = slice_of_text(text);

    while (left.size > 0) {
        struct piece piece;

        if (piece_next(&left, &piece)) {
            return false;
        }
        if (piece.text.size == 0 && (piece.field == FIELD_SHA256 || piece.field == FIELD_SERIAL)) {
            return true;
        }
    }
    return false;
}

/* Splits @whole at its last @octet. False, all of it in *@ret_tail, when it has none. */
static bool split_last(struct slice whole, char octet, struct slice *ret_head,
                       struct slice *ret_tail)
{
    for (size_t i = whole.size; i > 0; --i) {
        if (whole.data[i - 1] == (uint8_t)octet) {
            *ret_head = slice_of(whole.data, i - 1);
            *ret_tail = slice_of(whole.data + i, whole.size - i);
            return true;
        }
    }
    *ret_head = SLICE_NULL;
    *ret_tail = whole;
    return false;
}

struct names {
    struct slice dir;
    struct slice file;
    struct slice stem;
    struct slice folder;   /* the last component of dir */
    struct slice key_type; /* "rsa" of shop.pem.rsa; empty otherwise */
};

/* The file name without its ending, where that is an ending of certificates. */
static struct slice stem_of(struct slice file)
{
    struct slice head;
    struct slice tail;

    if (split_last(file, '.', &head, &tail) && head.size > 0 &&
        slice_is_any(tail, endings, ARRAY_SIZE(endings))) {
        return head;
    }
    return file;
}

static struct names names_of(const char *path)
{
    struct names names = {0};
    struct slice head;
    struct slice tail;

    split_last(slice_of_text(path), '/', &names.dir, &names.file);
    split_last(names.dir, '/', &head, &names.folder);
    names.stem = stem_of(names.file);
    if (split_last(names.file, '.', &head, &tail) && head.size > 0 &&
        slice_is_any(tail, key_types, ARRAY_SIZE(key_types))) {
        names.key_type = tail;
        names.stem = stem_of(head);
    }
    return names;
}

static void put_keyed(struct buf *path, struct slice base, struct slice key_type)
{
    buf_put_slice(path, base);
    if (key_type.size > 0) {
        buf_put_byte(path, '.');
        buf_put_slice(path, key_type);
    }
}

static void put_field(struct buf *path, enum field field, const struct names *names,
                      const struct cert_facts *cert)
{
    switch (field) {
    case FIELD_DIR:
        buf_put_slice(path, names->dir);
        break;
    case FIELD_FILE:
        buf_put_slice(path, names->file);
        break;
    case FIELD_STEM:
        put_keyed(path, names->stem, names->key_type);
        break;
    case FIELD_NAME:
        if (names->folder.size > 0 &&
            slice_is_any(names->stem, common_stems, ARRAY_SIZE(common_stems))) {
            put_keyed(path, names->folder, names->key_type);
        } else {
            put_keyed(path, names->stem, names->key_type);
        }
        break;
    case FIELD_SHA256:
        if (cert) {
            buf_put_hex(path, slice_of(cert->leaf_sha256, SHA256_SIZE));
        }
        break;
    case FIELD_SERIAL:
        if (cert) {
            buf_put_hex(path, slice_of(cert->serial, cert->serial_size));
        }
        break;
    case FIELDS:
        break;
    }
}

void template_expand(struct buf *path, const char *text, struct place place,
                     const struct cert_facts *cert)
{
    struct names names = names_of(place.path);
    struct slice left = slice_of_text(text);

    while (left.size > 0) {
        struct piece piece;

        if (piece_next(&left, &piece)) {
            return; /* template_check() has refused it */
        }
        if (piece.text.size > 0) {
            buf_put_slice(path, piece.text);
        } else {
            put_field(path, piece.field, &names, cert);
        }
    }
}
