/* SPDX-License-Identifier: Apache-2.0 */

/* Why nothing at all was seen, and what to do about it. */

#include "cli/probe.h"

/* The first of them that the server has answered with counts: protocol_version it may say besides,
 * to the TLS 1.3 or 1.2 that it does not have. */
static const struct advice {
    unsigned alert;
    const char *before, *behind; /* around the name that was asked for; NULL: it does not matter */
    const char *without;         /* where none was */
} advices[] = {
    {TLS_ALERT_UNRECOGNIZED_NAME, "it does not know ", "; --servername NAME asks for another",
     "it wants to be asked for a name; --servername NAME does"},
    {TLS_ALERT_HANDSHAKE_FAILURE, "it has no certificate for ",
     ", or no cipher, group or signature that clients of today have; --servername NAME asks for "
     "another",
     "it has no certificate without a name, or no cipher, group or signature that clients of today "
     "have; --servername NAME asks for one"},
    {TLS_ALERT_INTERNAL_ERROR, "it may have no certificate for ",
     "; --servername NAME asks for another, and its own log may tell more",
     "it may have no certificate without a name; --servername NAME asks for one, and its own log "
     "may tell more"},
    {TLS_ALERT_ACCESS_DENIED, "it does not let this machine in", NULL, NULL},
    {TLS_ALERT_PROTOCOL_VERSION, "its TLS may be older than 1.2", NULL, NULL},
    {TLS_ALERT_NONE, "its own log may tell why", NULL, NULL},
};

static bool has_alert(const struct tls_sight *sights, unsigned alert)
{
    for (unsigned way = 0; way < TLS_WAYS; way++) {
        if (sights[way].alert == alert) {
            return true;
        }
    }
    return false;
}

static void put_advice(struct buf *clause, const struct probe_report *report)
{
    const struct advice *advice = advices;
    const char *name = report->servername;

    while (advice->alert && !has_alert(report->result->sights, advice->alert)) {
        advice++;
    }
    if (!name && advice->without) {
        buf_put_text(clause, advice->without);
        return;
    }
    buf_put_text(clause, advice->before);
    if (advice->behind) {
        buf_put_text(clause, name);
        buf_put_text(clause, advice->behind);
    }
}

/* "it answers with the alerts A and B" */
static void put_alerts(struct buf *clause, const struct tls_sight *sights)
{
    unsigned alerts[TLS_WAYS], count = 0;

    for (unsigned way = 0; way < TLS_WAYS; way++) {
        bool known = sights[way].alert == TLS_ALERT_NONE;

        for (unsigned i = 0; i < count; i++) {
            known |= alerts[i] == sights[way].alert;
        }
        if (!known) {
            alerts[count++] = sights[way].alert;
        }
    }
    buf_put_text(clause, count > 1 ? "it answers with the alerts " : "it answers with the alert ");
    for (unsigned i = 0; i < count; i++) {
        buf_put_text(clause, !i ? "" : i + 1 < count ? ", " : " and ");
        tls_alert_put(clause, alerts[i]);
    }
}

/* The handshake that speaks for all: what the first one got is what the others got, or nothing. */
static const struct tls_sight *find_failed(const struct tls_sight *sights)
{
    for (unsigned way = 0; way < TLS_WAYS; way++) {
        if (sights[way].outcome == TLS_FAILED || sights[way].outcome == TLS_REFUSED) {
            return &sights[way];
        }
    }
    return NULL;
}

bool probe_fault(const struct probe_report *report, struct buf *clause)
{
    const struct tls_sight *sights = report->result->sights, *failed;
    bool alerts = false;

    if (report->result->fault) {
        buf_put_text(clause, report->result->fault);
        return true;
    }
    for (unsigned way = 0; way < TLS_WAYS; way++) {
        if (sights[way].outcome == TLS_SEEN) {
            return false;
        }
        alerts |= sights[way].alert != TLS_ALERT_NONE;
    }
    failed = find_failed(sights);
    if (alerts && sights[0].outcome != TLS_FAILED) {
        put_alerts(clause, sights);
        buf_put_text(clause, ": ");
        put_advice(clause, report);
    } else {
        buf_put_text(clause, failed ? failed->detail : "it has neither TLS 1.3 nor TLS 1.2");
    }
    return true;
}
