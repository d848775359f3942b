/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Values into statements and columns out of them, in order, summed up on both ways: what is taken
 * must have the sum of what was bound. Private to the store. */

#include <sqlite3.h>

#include "base/bytes.h"

struct fields {
    sqlite3_stmt *statement;
    int at; /* the last parameter that was bound, or the next column to take */
    int rc; /* the first failure of all bindings */
    uint64_t sum;
};

#define FIELDS_INIT(statement_) ((struct fields){.statement = (statement_), .sum = 1})

/* What is bound must live until fields_step(). A NULL text is "". */
void fields_bind_blob(struct fields *fields, struct slice bytes);
void fields_bind_text(struct fields *fields, const char *text);
void fields_bind_number(struct fields *fields, int64_t number);
void fields_bind_bare(struct fields *fields, int64_t number); /* not summed up */
void fields_bind_sum(struct fields *fields);

/* Runs a statement that gives no rows: SQLITE_OK, or SQLite's code. */
int fields_step(struct fields *fields);

/* What is taken lives until the statement's next step. Never NULL, but for an empty blob. */
struct slice fields_take_blob(struct fields *fields);
const char *fields_take_text(struct fields *fields);
int64_t fields_take_number(struct fields *fields);
/* Whether the next column is the sum of those taken so far. */
bool fields_take_sum(struct fields *fields);
