/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* libcurl's multi interface (socket action) on a libuv loop. Knows nothing about what is asked. */

#include <curl/curl.h>
#include <uv.h>

struct multi;

/* @ended is called on the loop for each easy handle that came to its end, already taken out; it
 * may call any multi_*() function. 0, or <0. */
int multi_new(struct multi **ret_multi, uv_loop_t *loop,
              void (*ended)(void *context, CURL *easy, CURLcode code), void *context);

/* No @ended comes after this. All easy handles must have been taken out. The memory goes when the
 * loop has run the close callbacks. */
void multi_close(struct multi *multi);

/* 0 or <0; the handle stays the caller's. */
int multi_add(struct multi *multi, CURL *easy);

/* Takes @easy out, whatever it is doing. */
void multi_remove(struct multi *multi, CURL *easy);
