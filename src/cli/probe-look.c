/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/error.h"
#include "cli/probe.h"

#define FAULT_MAX 512

static enum probe_staple staple_of(const struct tls_sight *sight)
{
    if (sight->too_large) {
        return PROBE_TOO_LARGE;
    }
    switch (sight->served.status) {
    case SERVED_ANSWER:
        return sight->served.answer.size ? PROBE_ANSWER : PROBE_EMPTY;
    case SERVED_BROKEN:
        return PROBE_BROKEN;
    case SERVED_NONE:
        break;
    }
    return PROBE_NONE;
}

static struct slice leaf_of(const struct tls_sight *sight)
{
    return sight->served.certs[0];
}

static bool shows_the_same(const struct probe_shown *shown, const struct tls_sight *sight)
{
    return shown->staple == staple_of(sight) &&
           slice_equal(leaf_of(shown->sight), leaf_of(sight)) &&
           slice_equal(shown->sight->served.answer, sight->served.answer);
}

/* Sorts the handshakes by what they show. */
static void gather(struct probe_report *report)
{
    for (unsigned way = 0; way < TLS_WAYS; way++) {
        const struct tls_sight *sight = &report->result->sights[way];
        unsigned at = 0;
        bool again = false;

        if (sight->outcome != TLS_SEEN) {
            continue;
        }
        while (at < report->count && !shows_the_same(&report->shown[at], sight)) {
            again |= slice_equal(leaf_of(report->shown[at].sight), leaf_of(sight));
            at++;
        }
        if (at == report->count) {
            report->shown[report->count++] = (struct probe_shown){
                .sight = sight,
                .staple = staple_of(sight),
                .again = again,
                .fault = BUF_INIT(FAULT_MAX),
            };
        }
        report->shown[at].ways |= 1u << way;
    }
}

/* As the engine orders answers (thisUpdate, nextUpdate, producedAt); <0, 0, >0. */
static int compare(const struct ocsp_facts *a, const struct ocsp_facts *b)
{
    const int64_t pairs[][2] = {
        {a->this_update_s, b->this_update_s},
        {a->next_update_s, b->next_update_s},
        {a->produced_at_s, b->produced_at_s},
    };

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        if (pairs[i][0] != pairs[i][1]) {
            return pairs[i][0] < pairs[i][1] ? -1 : 1;
        }
    }
    return 0;
}

static enum probe_match match_of(const struct probe_shown *shown)
{
    const struct kept *kept = &shown->kept;
    struct slice answer = shown->sight->served.answer;
    const struct ocsp_facts *facts = &shown->verification.facts;
    int order;

    if (shown->staple == PROBE_NONE || !kept->received.size) {
        return PROBE_NO_MATCH;
    }
    if (slice_equal(answer, slice_of_buf(&kept->served))) {
        return PROBE_SAME;
    }
    if (slice_equal(answer, slice_of_buf(&kept->received))) {
        return PROBE_RECEIVED;
    }
    if (!shown->judged || !facts->has_single || !kept->verification.facts.has_single) {
        return PROBE_OTHER;
    }
    order = compare(facts, &kept->verification.facts);
    return order < 0 ? PROBE_OLDER : order > 0 ? PROBE_NEWER : PROBE_OTHER;
}

static bool is_bad(const struct probe_shown *shown)
{
    if (shown->staple == PROBE_NONE) {
        return shown->expected;
    }
    return !shown->judged || shown->verification.judgement.verdict != VERDICT_STAPLE;
}

/* 0 or -ENOMEM. */
static int look_at(struct probe_shown *shown, struct lookup *lookup, int64_t wall_s)
{
    const struct served *served = &shown->sight->served;
    const struct cert_facts *facts;
    int r = lookup_chain(lookup, served->certs, served->cert_count, &shown->file, &shown->fault);

    if (r) {
        shown->bad = true;
        return r == -ENOMEM ? r : 0;
    }
    shown->cert = shown->file.certs;
    facts = shown->cert->facts;
    shown->expected =
        (facts->url_count || facts->must_staple) && !facts->is_ca && !facts->self_signed;
    if (shown->cert->issuer && (shown->staple == PROBE_ANSWER || shown->staple == PROBE_EMPTY)) {
        r = lookup_judge_shown(lookup, shown->cert, served->answer, wall_s, &shown->verification);
        shown->judged = r == 0;
    }
    lookup_kept(lookup, shown->cert, wall_s, &shown->kept);
    shown->match = match_of(shown);
    shown->bad = is_bad(shown);
    return r ? -ENOMEM : 0;
}

int probe_look(struct probe_report *report, struct lookup *lookup)
{
    int r = 0;

    gather(report);
    for (unsigned i = 0; !r && i < report->count; i++) {
        r = look_at(&report->shown[i], lookup, report->wall_s);
    }
    return r;
}

void probe_report_deinit(struct probe_report *report)
{
    for (unsigned i = 0; i < report->count; i++) {
        found_file_deinit(&report->shown[i].file);
        kept_deinit(&report->shown[i].kept);
        buf_deinit(&report->shown[i].fault);
    }
    report->count = 0;
}

const struct probe_shown *probe_shown_by(const struct probe_report *report, enum tls_way way)
{
    for (unsigned i = 0; i < report->count; i++) {
        if (report->shown[i].ways >> way & 1) {
            return &report->shown[i];
        }
    }
    return NULL;
}
