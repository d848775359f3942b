/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/config-tree.h"

#include <libfyaml.h>
#include <string.h>

#include "base/error.h"

struct tree_level {
    struct tree_node *node;
    struct tree_node *last; /* its last child */
    struct tree_node key;   /* a key that waits for its value */
    bool has_key;
};

struct tree_reader {
    struct config_memory *memory;
    struct tree_fault *fault;
    struct tree_node *root;
    unsigned documents;
    unsigned depth;
    struct tree_level levels[TREE_DEPTH_MAX];
};

static int tree_refuse(struct tree_reader *reader, const struct fy_mark *mark, const char *why)
{
    reader->fault->line = mark && mark->line >= 0 ? (unsigned)mark->line + 1 : 1;
    reader->fault->column = mark && mark->column >= 0 ? (unsigned)mark->column + 1 : 1;
    buf_put_text(reader->fault->sentence, why);
    return TREE_E_INVALID;
}

static void tree_append(struct tree_reader *reader, struct tree_node *node)
{
    struct tree_level *level;

    if (!reader->depth) {
        reader->root = node;
        return;
    }
    level = &reader->levels[reader->depth - 1];
    if (level->last) {
        level->last->next = node;
    } else {
        level->node->first = node;
    }
    level->last = node;
    if (level->has_key) {
        node->key = level->key.text;
        node->key_line = level->key.line;
        node->key_column = level->key.column;
        if (node->is_null) {
            node->line = node->key_line;
            node->column = node->key_column;
        }
        level->has_key = false;
    }
}

static bool tree_wants_key(const struct tree_reader *reader)
{
    const struct tree_level *level = reader->depth ? &reader->levels[reader->depth - 1] : NULL;

    return level && level->node->type == TREE_MAP && !level->has_key;
}

static bool tree_is_quoted(struct fy_token *token)
{
    enum fy_scalar_style style = fy_token_scalar_style(token);

    return style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
}

static int tree_scalar(struct tree_reader *reader, const struct fy_mark *mark,
                       struct fy_token *token)
{
    struct tree_node node = {.type = TREE_SCALAR}, *value;
    size_t size = 0;
    const char *text = token ? fy_token_get_text(token, &size) : NULL;

    if (text && memchr(text, 0, size)) {
        return tree_refuse(reader, mark, "a NUL character cannot be part of a setting");
    }
    node.is_null = !mark || mark->line < 0;
    node.line = node.is_null ? 1 : (unsigned)mark->line + 1;
    node.column = node.is_null ? 1 : (unsigned)mark->column + 1;
    if (token && node.column > 1 && tree_is_quoted(token)) {
        node.column--; /* libfyaml marks what is behind the quote */
    }
    node.text = config_memory_copy(reader->memory, slice_of(text, text ? size : 0));
    if (!node.text) {
        return -ENOMEM;
    }
    if (tree_wants_key(reader)) {
        reader->levels[reader->depth - 1].key = node;
        reader->levels[reader->depth - 1].has_key = true;
        return 0;
    }
    value = config_memory_get(reader->memory, sizeof(*value));
    if (!value) {
        return -ENOMEM;
    }
    *value = node;
    tree_append(reader, value);
    return 0;
}

static int tree_enter(struct tree_reader *reader, const struct fy_mark *mark, enum tree_type type)
{
    struct tree_node *node;

    if (tree_wants_key(reader)) {
        return tree_refuse(reader, mark, "a key must be a plain word");
    }
    if (reader->depth == TREE_DEPTH_MAX) {
        return tree_refuse(reader, mark, "nested deeper than any setting is");
    }
    node = config_memory_get(reader->memory, sizeof(*node));
    if (!node) {
        return -ENOMEM;
    }
    node->type = type;
    node->line = mark ? (unsigned)mark->line + 1 : 1;
    node->column = mark ? (unsigned)mark->column + 1 : 1;
    tree_append(reader, node);
    reader->levels[reader->depth++] = (struct tree_level){.node = node};
    return 0;
}

static int tree_event(struct tree_reader *reader, struct fy_event *event)
{
    const struct fy_mark *mark = fy_event_start_mark(event);

    if (fy_event_get_tag_token(event)) {
        return tree_refuse(reader, mark, "tags (`!word`) are not used in settings");
    }
    switch (event->type) {
    case FYET_DOCUMENT_START:
        if (++reader->documents > 1) {
            mark = fy_document_state_start_mark(event->document_start.document_state);
            return tree_refuse(reader, mark, "a second document begins here; there may be one");
        }
        return 0;
    case FYET_ALIAS:
        return tree_refuse(reader, mark,
                           "aliases (`*word`) are not used in settings; a text that "
                           "begins with `*` needs quotes");
    case FYET_SCALAR:
        return tree_scalar(reader, mark, event->scalar.value);
    case FYET_MAPPING_START:
        return tree_enter(reader, mark, TREE_MAP);
    case FYET_SEQUENCE_START:
        return tree_enter(reader, mark, TREE_LIST);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        reader->depth--;
        return 0;
    default:
        return 0;
    }
}

/* The first error is where the text stops being YAML; what libfyaml says after it follows from
 * it. */
static int tree_syntax(struct tree_reader *reader, struct fy_diag *diag)
{
    void *iterator = NULL;
    struct fy_diag_error *error = fy_diag_errors_iterate(diag, &iterator);
    struct fy_mark mark = {0, error ? error->line - 1 : 0, error ? error->column - 1 : 0};

    tree_refuse(reader, &mark, "not YAML: ");
    buf_put_text(reader->fault->sentence, error ? error->msg : "it cannot be read");
    return TREE_E_INVALID;
}

static int tree_run(struct tree_reader *reader, struct fy_parser *parser, struct fy_diag *diag)
{
    struct fy_event *event;
    int r;

    while ((event = fy_parser_parse(parser))) {
        r = tree_event(reader, event);
        fy_parser_event_free(parser, event);
        if (r) {
            return r;
        }
    }
    return fy_parser_get_stream_error(parser) ? tree_syntax(reader, diag) : 0;
}

int tree_read(struct tree_node **ret_root, struct config_memory *memory, struct slice yaml,
              struct tree_fault *fault)
{
    struct tree_reader reader = {.memory = memory, .fault = fault};
    struct fy_parse_cfg settings = {.search_path = "", .flags = FYPCF_QUIET | FYPCF_JSON_NONE};
    struct fy_diag_cfg quiet;
    struct fy_diag *diag;
    struct fy_parser *parser;
    int r = -ENOMEM;

    /* Without these libfyaml prints on standard error. */
    fy_diag_cfg_default(&quiet);
    quiet.fp = NULL;
    quiet.colorize = false;
    diag = fy_diag_create(&quiet);
    if (!diag) {
        return -ENOMEM;
    }
    fy_diag_set_collect_errors(diag, true);
    settings.diag = diag;
    parser = fy_parser_create(&settings);
    if (parser && fy_parser_set_string(parser, (const char *)yaml.data, yaml.size) == 0) {
        r = tree_run(&reader, parser, diag);
    }
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
    if (!r) {
        *ret_root = reader.root;
    }
    return r;
}
