/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* YAML text to a tree in which every node knows where it stands. The part of YAML that settings
 * need: mappings with plain keys, lists, scalars. One document; no aliases, no tags. */

#include "conf/config-memory.h"

enum tree_type { TREE_SCALAR, TREE_LIST, TREE_MAP };

#define TREE_DEPTH_MAX 16

/* Lines and columns count from 1. */
struct tree_node {
    enum tree_type type;
    bool is_null;  /* a scalar that was left out: `key:` and nothing */
    unsigned line; /* of the value; of the key when it was left out */
    unsigned column;
    const char *text; /* TREE_SCALAR */
    const char *key;  /* in a TREE_MAP */
    unsigned key_line;
    unsigned key_column;
    struct tree_node *first; /* TREE_LIST, TREE_MAP */
    struct tree_node *next;
};

enum { TREE_E_INVALID = 1 };

/* Where reading stopped, and a sentence about it in @fault. */
struct tree_fault {
    unsigned line;
    unsigned column;
    struct buf *sentence;
};

/* 0, -ENOMEM or TREE_E_INVALID. *@ret_root is NULL when there is nothing but comments; it lives in
 * @memory. */
int tree_read(struct tree_node **ret_root, struct config_memory *memory, struct slice yaml,
              struct tree_fault *fault);
