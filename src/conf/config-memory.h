/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Memory that is freed all at once: the strings and arrays of a configuration, the nodes of a
 * YAML file while it is read. */

#include <stddef.h>

#include "base/bytes.h"

struct config_memory;

/* An empty memory, NULL without memory. */
struct config_memory *config_memory_new(void);
struct config_memory *config_memory_free(struct config_memory *memory);
CLEANUP_DEFINE(struct config_memory *, config_memory_free)

/* @size zeroed octets that live as long as @memory, NULL without memory. */
void *config_memory_get(struct config_memory *memory, size_t size);

/* A copy of @text with a NUL behind it. */
const char *config_memory_copy(struct config_memory *memory, struct slice text);

/* Room for one more element of @size octets behind the @count in @array: @array itself, or a
 * larger copy. NULL without memory. */
void *config_memory_grow(struct config_memory *memory, const void *array, size_t count,
                         size_t size);
