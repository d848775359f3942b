/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A world written down by hand: for golden traces, and for plays of one's own.
 *
 * Lines; '#' begins a comment. Times are "90", "5m", "12h", "3d", "1d12h" behind the beginning;
 * FROM..UNTIL is half open. What a line names must stand above it.
 *
 *   days N                            how long it runs
 *   policy NAME NUMBER                concurrency, rate, total, audience (0: rfc6960),
 *                                     staple-revoked, grace
 *   servers forget                    they do not outlive the process
 *   authority on-demand LIFE [WORDS]  ("endless": no nextUpdate) or: batch LIFE PERIOD, late LIFE
 * LEAD; words: backdate T, birth T, delegate T responder [WORDS]                 of the last
 * authority: etag, max-age, date, no-get, no-post, last-quarter fault R NAME FROM..UNTIL [WORDS]
 * responder number R; words: permille N, retry-after T certs N [WORDS]                   with all
 * responders of the last authority; words: at T, gone T, ends T, born T, must-staple, twin,
 * no-issuer, no-url, ca revoke C T [REASON [UNTIL]]       certificate number C clock T OFF the
 * machine's clock is OFF ahead from T on (may begin "-") stop T AWAY, reboot T AWAY        the
 * process, the machine crash T WRITES AWAY               at the WRITES-th write from T on disk full
 * FROM..UNTIL
 */

#include "sim/scenario.h"

/* False: @fault says what is wrong, beginning with the line's number. */
bool script_build(struct world *world, struct slice text, struct buf *fault);
