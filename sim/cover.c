/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/cover.h"

#include "core/note.h"
#include "sim/world.h"

static const char *const act_names[] = {
    [ACT_FOUND] = "cert-found",   [ACT_GONE] = "cert-gone",
    [ACT_CLOCK] = "clock-set",    [ACT_STOP] = "process-stops",
    [ACT_CRASH] = "process-dies", [ACT_REBOOT] = "power-fails",
    [ACT_START] = "start",        [ACT_DISK_FULL] = "disk-full",
    [ACT_REPLY] = "reply",        [ACT_MINUTE] = "minute-without-process",
};

static const char *const event_names[] = {
    [SEEN_POST] = "post",
    [SEEN_NO_CACHE] = "no-cache",
    [SEEN_NOT_MODIFIED] = "not-modified",
    [SEEN_SECOND_URL] = "second-url",
    [SEEN_CANCEL] = "cancel",
    [SEEN_LATE_REPLY] = "late-reply",
    [SEEN_SHARED_CERTID] = "shared-certid",
    [SEEN_HELD_BACK_SHOWN] = "held-back-shown",
    [SEEN_CIRCUIT_OPEN] = "circuit-open",
    [SEEN_LINE] = "line",
    [SEEN_RETRY_AFTER] = "retry-after",
    [SEEN_WRITE_FAILED] = "write-failed",
    [SEEN_DEAD_IN_COMMIT] = "dead-in-commit",
    [SEEN_DEAD_IN_PUBLISH] = "dead-in-publish",
    [SEEN_RESTORED] = "restored",
    [SEEN_TOMBSTONE_KEPT] = "tombstone-kept",
    [SEEN_GRACE] = "grace",
    [SEEN_BARE] = "bare",
    [SEEN_CLOCK_FORWARD] = "clock-forward",
    [SEEN_CLOCK_BACK] = "clock-back",
};

static const char *const note_names[] = {
    [NOTE_ACCEPTED] = "accepted",
    [NOTE_UNCHANGED] = "unchanged",
    [NOTE_HELD_BACK] = "held-back",
    [NOTE_REFUSED] = "refused",
    [NOTE_FETCH_FAILED] = "fetch-failed",
    [NOTE_RESTORED] = "restored",
    [NOTE_STORED_UNFIT] = "stored-unfit",
    [NOTE_ENDED] = "ended",
    [NOTE_REVOKED] = "revoked",
    [NOTE_REVOCATION_UNDONE] = "revocation-undone",
    [NOTE_GOOD_AFTER_REVOKED] = "good-after-revoked",
    [NOTE_ISSUER_MISSING] = "issuer-missing",
    [NOTE_CERT_EXPIRED] = "cert-expired",
    [NOTE_BLOCKED] = "blocked",
    [NOTE_GRACE] = "grace",
    [NOTE_RESPONDER_DOWN] = "responder-down",
    [NOTE_RESPONDER_UP] = "responder-up",
    [NOTE_CLOCK_JUMPED] = "clock-jumped",
    [NOTE_CLOCK_BELIEVED] = "clock-believed",
    [NOTE_CLOCK_WRONG] = "clock-wrong",
    [NOTE_CLOCK_RIGHT] = "clock-right",
};

static const struct {
    const char *name;
    unsigned count;
} groups[COVER_GROUPS] = {
    [COVER_FAULT] = {"fault", FAULT_LAST_DRAWN + 1},
    [COVER_ACT] = {"act", ACT_COUNT},
    [COVER_STATE] = {"state", CERT_STATES},
    [COVER_NOTE] = {"note", NOTE_PLAIN}, /* the last: the engine itself never says it */
    [COVER_EVENT] = {"event", SEEN_EVENTS},
};
_Static_assert(FAULT_COUNT <= COVER_ROWS && NOTE_PLAIN <= COVER_ROWS, "rows of the table");

static const char *row_name(enum cover_group group, unsigned row)
{
    switch (group) {
    case COVER_FAULT:
        return fault_name((enum fault)row);
    case COVER_ACT:
        return act_names[row];
    case COVER_STATE:
        return cert_state_name((enum cert_state)row);
    case COVER_NOTE:
        return row < ARRAY_SIZE(note_names) && note_names[row] ? note_names[row] : "new";
    default:
        return event_names[row];
    }
}

void cover_put(const struct cover *cover, struct buf *buf)
{
    for (unsigned group = 0; group < COVER_GROUPS; group++) {
        for (unsigned row = 0; row < groups[group].count; row++) {
            size_t start = buf->size;

            buf_put_text(buf, groups[group].name);
            buf_put_byte(buf, ' ');
            buf_put_text(buf, row_name(group, row));
            buf_put_pad(buf, start + 32, ' ');
            buf_put_int(buf, (int64_t)cover->counts[group][row]);
            buf_put_byte(buf, '\n');
        }
    }
}

bool cover_misses(const struct cover *cover, struct buf *buf)
{
    bool misses = false;

    for (unsigned group = 0; group < COVER_GROUPS; group++) {
        for (unsigned row = 0; row < groups[group].count; row++) {
            if (!cover->counts[group][row]) {
                buf_put_text(buf, misses ? ", " : "");
                buf_put_text(buf, groups[group].name);
                buf_put_byte(buf, ' ');
                buf_put_text(buf, row_name(group, row));
                misses = true;
            }
        }
    }
    return misses;
}
