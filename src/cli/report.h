/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Lines of a report about certificates, as `explain` and `probe` write it: a label, and behind it
 * at column REPORT_LABEL the value. What comes from outside is made printable. */

#include "cli/verify.h"

#define REPORT_LABEL  16
#define REPORT_INDENT "  "
#define REPORT_TEXT   400 /* octets shown of a text from outside */

void report_put_label(struct buf *out, const char *label);
void report_put_line(struct buf *out, const char *label, const char *text);
void report_put_hex(struct buf *out, const char *label, struct slice octets);
void report_put_heading(struct buf *out, const char *text); /* bold on a terminal */

/* "valid 2026-11-01 12:00Z until 2027-02-01 12:00Z (71 d left)" */
void report_put_validity(struct buf *out, const struct cert_facts *facts, int64_t wall_s);

/* The common name. */
void report_put_name(struct buf *out, const struct cert_view *view);

/* The table of `clinch verify`, indented. */
void report_put_table(struct buf *out, const struct verification *verification);

/* @text with lines that are wider than @width broken: they go on under their beginning, behind the
 * label, or where a URL stands alone. */
void report_fit(struct buf *out, struct slice text, unsigned width);
