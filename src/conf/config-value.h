/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The small languages inside settings: durations, modes, addresses; and guessing what a misspelt
 * word was meant to be. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "5s", "500 ms", "10min", "2h", "1d": a whole number and its unit (ms s m min h d). False when
 * it is not one, or longer than ten years. */
bool value_read_duration(const char *text, int64_t *ret_ms);

/* "0640": four octal digits of which the first is 0. */
bool value_read_mode(const char *text, unsigned *ret_mode);

/* "host:port" or "[address]:port". */
bool value_is_host_port(const char *text);

/* A clause about what is wrong with @text as an absolute path ("must begin with /"), or NULL. */
const char *value_path_fault(const char *text);

/* A clause about what is wrong with the octets of a line of text, or NULL. @newlines: line breaks
 * and tabs are fine (commands). */
const char *value_text_fault(const char *text, bool newlines);

/* The entry of @words (@count of them) that @word was probably meant to be, or NULL. */
const char *value_nearest(const char *word, const char *const *words, size_t count);
