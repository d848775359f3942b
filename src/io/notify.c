/* SPDX-License-Identifier: Apache-2.0 */
#include "io/notify.h"

#ifdef HAVE_SYSTEMD

#include <inttypes.h>
#include <systemd/sd-daemon.h>

void notify_ready(void)
{
    sd_notify(0, "READY=1");
}

void notify_reloading(int64_t mono_us)
{
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, mono_us);
}

void notify_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}

void notify_status(const char *text)
{
    sd_notifyf(0, "STATUS=%s", text);
}

void notify_watchdog(void)
{
    sd_notify(0, "WATCHDOG=1");
}

int64_t notify_watchdog_ms(void)
{
    uint64_t limit_us = 0;

    if (sd_watchdog_enabled(0, &limit_us) <= 0 || limit_us > INT64_MAX) {
        return 0;
    }
    limit_us /= 2; /* the manager acts at its limit: half of it is what its manual advises */
    return limit_us < 1000 ? 1 : (int64_t)(limit_us / 1000);
}

#else

void notify_ready(void)
{
}

void notify_reloading(int64_t mono_us)
{
    (void)mono_us;
}

void notify_stopping(void)
{
}

void notify_status(const char *text)
{
    (void)text;
}

void notify_watchdog(void)
{
}

int64_t notify_watchdog_ms(void)
{
    return 0;
}

#endif
