/* SPDX-License-Identifier: Apache-2.0 */

/* An oracle that looks away, for worlds in which subjects are measured (meter.h) and not judged:
 * no other server would pass. Programs are linked with it instead of oracle*.c. */

#include <stdlib.h>

#include "sim/oracle.h"

struct oracle {
    struct oracle_result result;
};

struct oracle *oracle_new(struct world *world, bool judges)
{
    (void)world, (void)judges;
    return sim_grow(NULL, 0, 1, sizeof(struct oracle));
}

struct oracle *oracle_free(struct oracle *oracle)
{
    free(oracle);
    return NULL;
}

void oracle_asked(struct oracle *oracle, const struct ask *ask)
{
    (void)oracle, (void)ask;
}

void oracle_cancelled(struct oracle *oracle, uint32_t cert, uint64_t attempt)
{
    (void)oracle, (void)cert, (void)attempt;
}

void oracle_replied(struct oracle *oracle, const struct ask *ask, const struct reply *reply,
                    bool late)
{
    (void)oracle, (void)ask, (void)reply, (void)late;
}

void oracle_shown(struct oracle *oracle, uint32_t cert)
{
    (void)oracle, (void)cert;
}

void oracle_batched(struct oracle *oracle, uint32_t cert, bool withdraws)
{
    (void)oracle, (void)cert, (void)withdraws;
}

void oracle_acted(struct oracle *oracle, enum world_act act, uint32_t index)
{
    (void)oracle, (void)act, (void)index;
}

void oracle_process(struct oracle *oracle, enum process_news news)
{
    (void)oracle, (void)news;
}

void oracle_wrote(struct oracle *oracle, enum write_kind kind, enum write_result result)
{
    (void)oracle, (void)kind, (void)result;
}

void oracle_spins(struct oracle *oracle)
{
    oracle->result.broken = BROKEN_SPINNING;
}

void oracle_ends(struct oracle *oracle)
{
    (void)oracle;
}

int64_t oracle_deadline_ms(const struct oracle *oracle)
{
    (void)oracle;
    return INSTANT_NEVER;
}

void oracle_look(struct oracle *oracle)
{
    (void)oracle;
}

const struct oracle_result *oracle_result(const struct oracle *oracle)
{
    return &oracle->result;
}
