/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Two kinds of failure, never mixed.
 *
 *   0   it worked
 *  <0   fatal to the caller's purpose: a negated errno constant (-ENOMEM...). Forwarded as it is,
 *       through error_trace().
 *  >0   an outcome of this very module, listed in its header. The direct caller handles it; it is
 *       never forwarded.
 *
 * A wrong answer from the network is neither: it is a verdict. */

#include <assert.h>
#include <errno.h>

/* Forwards the fatal @r. An outcome (@r > 0) that arrives here is one its caller forgot to handle:
 * it becomes -ENOTRECOVERABLE, so that nobody further up takes it for an outcome of their own. */
static inline int error_trace(int r)
{
    assert(r != 0);
    return r < 0 ? r : -ENOTRECOVERABLE;
}
