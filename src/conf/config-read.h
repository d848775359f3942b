/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Between the parts of the YAML reader: one key of a mapping, and how it is read. */

#include "conf/config-tree.h"
#include "conf/config.h"

struct config_reader {
    const char *file;
    struct buf *faults;
    unsigned fault_count;
    bool out_of_memory;
    struct config *config;
    int64_t reload_interval_s; /* of all targets that name none */
};

/* One key that a mapping may have. */
struct config_key {
    const char *name;
    /* Reads @value into @to, the field of this key. */
    void (*read)(struct config_reader *reader, const struct config_key *key,
                 const struct tree_node *value, void *to);
    size_t offset;       /* of the field */
    size_t count_offset; /* of the count of a list, from the field */
    int64_t least_ms;    /* of a duration */
    int64_t most_ms;
    unsigned least; /* of a number */
    unsigned most;
    unsigned targets; /* a bit per enum target_type that takes it; 0: all */
};

/* A sentence with its place: the texts up to NULL are one line of reader->faults. After
 * CONFIG_FAULTS_MAX of them one more says so, and config_full() is true. */
enum { CONFIG_FAULTS_MAX = 50 };
void config_fault(struct config_reader *reader, unsigned line, unsigned column, ...)
    __attribute__((sentinel));
bool config_full(const struct config_reader *reader);

/* Readers of fields: what is wrong they tell, and leave the field alone. */
void config_read_bool(struct config_reader *reader, const struct config_key *key,
                      const struct tree_node *value, void *to);
void config_read_mode(struct config_reader *reader, const struct config_key *key,
                      const struct tree_node *value, void *to);
void config_read_milliseconds(struct config_reader *reader, const struct config_key *key,
                              const struct tree_node *value, void *to);
void config_read_seconds(struct config_reader *reader, const struct config_key *key,
                         const struct tree_node *value, void *to);
void config_read_number(struct config_reader *reader, const struct config_key *key,
                        const struct tree_node *value, void *to);
void config_read_on_revoked(struct config_reader *reader, const struct config_key *key,
                            const struct tree_node *value, void *to);
void config_read_program(struct config_reader *reader, const struct config_key *key,
                         const struct tree_node *value, void *to);
void config_read_path(struct config_reader *reader, const struct config_key *key,
                      const struct tree_node *value, void *to);
void config_read_folder(struct config_reader *reader, const struct config_key *key,
                        const struct tree_node *value, void *to); /* nothing: the default */
void config_read_paths(struct config_reader *reader, const struct config_key *key,
                       const struct tree_node *value, void *to);
void config_read_socket(struct config_reader *reader, const struct config_key *key,
                        const struct tree_node *value, void *to);
void config_read_sockets(struct config_reader *reader, const struct config_key *key,
                         const struct tree_node *value, void *to);
void config_read_verify(struct config_reader *reader, const struct config_key *key,
                        const struct tree_node *value, void *to);
void config_read_proxy(struct config_reader *reader, const struct config_key *key,
                       const struct tree_node *value, void *to);
void config_read_audience(struct config_reader *reader, const struct config_key *key,
                          const struct tree_node *value, void *to);
void config_read_command(struct config_reader *reader, const struct config_key *key,
                         const struct tree_node *value, void *to);
void config_read_group(struct config_reader *reader, const struct config_key *key,
                       const struct tree_node *value, void *to);
void config_read_template(struct config_reader *reader, const struct config_key *key,
                          const struct tree_node *value, void *to);
void config_read_name(struct config_reader *reader, const struct config_key *key,
                      const struct tree_node *value, void *to);
