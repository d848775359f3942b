/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tells the service manager (sd_notify): ready, reloading, stopping, a status line, the watchdog.
 * All nothing when NOTIFY_SOCKET is not set or libsystemd was not there at build time. */

#include <stdint.h>

void notify_ready(void);
void notify_reloading(int64_t mono_us);
void notify_stopping(void);
void notify_status(const char *text);
void notify_watchdog(void);
/* How often the manager wants to hear notify_watchdog(), ms; 0: not at all. */
int64_t notify_watchdog_ms(void);
