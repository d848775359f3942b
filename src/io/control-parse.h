/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A request on control.sock (control.h shows them), out of the bytes of its line. No I/O. */

#include <jansson.h>

#include "base/bytes.h"

/* @line is without its newline. The request, which has the types that control.h shows (free it with
 * json_decref()); or NULL, and *@ret_fault is a sentence for who asked. */
json_t *control_parse_request(struct slice line, const char **ret_fault);
