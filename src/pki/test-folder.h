/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Folders with leaf.pem, issuer.pem, response.der and expect.json: our own under tests/vectors, and
 * other projects', where they are there: $CLINCH_VECTORS, else ../shared/vectors beside the source.
 * Their README explains expect.json. */

#include <jansson.h>

#include "base/bytes.h"

#ifndef CLINCH_SOURCE_ROOT
#define CLINCH_SOURCE_ROOT "."
#endif

/* A whole file into @content (cleared first); false when it cannot be read. */
bool folder_read_file(const char *path, struct buf *content);
bool folder_read(const char *folder, const char *name, struct buf *content);

/* The first certificate of a PEM file. */
bool folder_read_cert(const char *folder, const char *name, struct buf *der);

/* The folder @name of other projects' files; NULL, said aloud, when it is not there. Free it. */
char *folder_of_others(const char *name);

/* Calls @visit with each folder under @root that has an expect.json, and what that holds. */
void folder_walk(const char *root, void (*visit)(const char *folder, json_t *expect));
