/* SPDX-License-Identifier: Apache-2.0 */

/* The verdict: facts out of thin air, and what must hold whatever they are. The baseline of RFC
 * 6960 is said here a second time, by itself. */

#include <string.h>

#include "core/verdict.h"
#include "fuzz.h"

#define NOW     INT64_C(1790000000)
#define BIT(n_) (UINT32_C(1) << (n_))

/* Octets of the input, then zeros. */
struct source {
    struct slice left;
};

static uint8_t take(struct source *source)
{
    if (source->left.size == 0) {
        return 0;
    }
    source->left.size--;
    return *source->left.data++;
}

static unsigned take_below(struct source *source, unsigned bound)
{
    return take(source) % bound;
}

static bool take_bool(struct source *source)
{
    return take(source) & 1;
}

/* Mostly near now, to the second at the borders that clients have; sometimes at the ends. */
static int64_t take_time(struct source *source)
{
    static const int64_t far[] = {0,      60,     300,    900,     4500,    86400,           172800,
                                  604800, 864000, 950400, 1209600, 1296000, INT64_C(1) << 40};
    uint8_t kind = take(source);
    int64_t offset = far[take_below(source, ARRAY_SIZE(far))] + take_below(source, 3) - 1;

    switch (kind % 16) {
    case 0:
        return INSTANT_NEVER;
    case 1:
        return INT64_MIN;
    case 2:
        return 0;
    default:
        return kind & 0x80 ? NOW + offset : NOW - offset;
    }
}

static enum reason take_reason(struct source *source, const enum reason *reasons, size_t count)
{
    uint8_t octet = take(source);

    return octet < 0xa0 ? REASON_GOOD : reasons[octet % count];
}

static struct signature_facts take_signature(struct source *source)
{
    static const uint16_t sizes[] = {2048, 1023, 1024, 2047, 4096, 256};

    return (struct signature_facts){
        .key = (uint8_t)take_below(source, KEY_OTHER + 1),
        .digest = (uint8_t)take_below(source, DIGEST_SHA512 + 1),
        .pss = take_bool(source),
        .null = take(source) > 0xe0,
        .loose_pss = take(source) > 0xe0,
        .key_bits = sizes[take_below(source, ARRAY_SIZE(sizes))],
    };
}

static void take_single(struct source *source, struct ocsp_facts *ocsp)
{
    ocsp->status = (enum cert_status)(take(source) < 0xa0 ? 0 : take_below(source, 3));
    ocsp->hash = (enum certid_hash)take_below(source, 4);
    ocsp->never_issued = ocsp->status == CERT_STATUS_REVOKED && take_bool(source);
    ocsp->has_next_update = take(source) < 0xe0;
    ocsp->this_update_s = take_time(source);
    ocsp->next_update_s = ocsp->has_next_update ? take_time(source) : INSTANT_NEVER;
    ocsp->produced_at_s = take_time(source);
    ocsp->revocation_reason = (int8_t)(take_below(source, 12) - 1);
    ocsp->has_sha1 = ocsp->hash == CERTID_SHA1 || take_bool(source);
    ocsp->singles = (uint16_t)(1 + take_below(source, 20));
    ocsp->single_index = (uint16_t)take_below(source, ocsp->singles);
    ocsp->conflicting = take(source) > 0xe0;
    ocsp->first_status = ocsp->conflicting ? (enum cert_status)take_below(source, 3) : ocsp->status;
    ocsp->last_status = ocsp->conflicting ? (enum cert_status)take_below(source, 3) : ocsp->status;
    ocsp->any_revoked =
        ocsp->status == CERT_STATUS_REVOKED || (ocsp->conflicting && take_bool(source));
    ocsp->others_not_good = take(source) > 0xe0;
    ocsp->others_of_other_issuer = take(source) > 0xe0;
    ocsp->mixed_hashes = take_bool(source);
    ocsp->any_without_next_update = !ocsp->has_next_update || take(source) > 0xe0;
    ocsp->last_this_update_s = time_max(ocsp->this_update_s, take_time(source));
    ocsp->first_next_update_s = time_min(ocsp->next_update_s, take_time(source));
}

static void take_signer(struct source *source, struct ocsp_facts *ocsp)
{
    static const enum reason signatures[] = {
        REASON_UNSUPPORTED_ALGORITHM,
        REASON_BAD_SIGNATURE,
        REASON_SIGNER_NOT_FOUND,
        REASON_UNAUTHORIZED_SIGNER,
    };

    ocsp->signature = take_reason(source, signatures, ARRAY_SIZE(signatures));
    ocsp->embedded_certs = (uint16_t)take_below(source, 12);
    ocsp->embedded_unreadable = ocsp->embedded_certs && take(source) > 0xe0;
    ocsp->signer_alike = ocsp->signature == REASON_BAD_SIGNATURE && take_bool(source);
    ocsp->signer_misnamed = ocsp->signature == REASON_SIGNER_NOT_FOUND && take_bool(source);
    if (ocsp->signature == REASON_UNAUTHORIZED_SIGNER) {
        ocsp->delegate_faults = (uint16_t)(1u << take_below(source, 10));
        ocsp->delegate_faults |= (uint16_t)(1u << take_below(source, 10));
    }
    if (ocsp->signature == REASON_GOOD) {
        ocsp->made = take_signature(source);
        ocsp->signer = take_bool(source) ? OCSP_SIGNER_DELEGATE : OCSP_SIGNER_ISSUER;
    }
    if (ocsp->signer == OCSP_SIGNER_DELEGATE) {
        ocsp->signer_first = take_bool(source);
        ocsp->delegate_quirks = (uint16_t)(1u << take_below(source, 12)) & (QUIRKS_END - 1);
        ocsp->delegate_made = take_signature(source);
        ocsp->delegate_not_before_s = take_time(source);
        ocsp->delegate_not_after_s = take_time(source);
    }
}

static struct ocsp_facts take_ocsp(struct source *source)
{
    static const enum reason forms[] = {
        REASON_TOO_LARGE,
        REASON_MALFORMED,
        REASON_TRAILING_DATA,
        REASON_ERROR_STATUS,
        REASON_UNSUPPORTED_RESPONSE_TYPE,
        REASON_UNSUPPORTED_VERSION,
    };
    static const enum reason matches[] = {
        REASON_WRONG_SERIAL,
        REASON_WRONG_ISSUER,
        REASON_NO_MATCHING_RESPONSE,
    };
    struct ocsp_facts ocsp = {
        .form = take_reason(source, forms, ARRAY_SIZE(forms)),
        .match = REASON_NO_MATCHING_RESPONSE,
        .signature = REASON_SIGNER_NOT_FOUND,
        .size = (uint32_t)take(source) << 9,
        .status = CERT_STATUS_UNKNOWN,
        .next_update_s = INSTANT_NEVER,
        .first_next_update_s = INSTANT_NEVER,
        .revocation_reason = -1,
    };

    ocsp.response_status = ocsp.form == REASON_ERROR_STATUS ? (uint8_t)take_below(source, 9) : 0;
    ocsp.lax_form = ocsp.form == REASON_MALFORMED ? (uint8_t)take_below(source, 16) : 0;
    ocsp.trailing_basic = ocsp.form == REASON_TRAILING_DATA && take_bool(source);
    ocsp.trailing_outside = ocsp.form == REASON_TRAILING_DATA && take_bool(source);
    if (ocsp.form != REASON_GOOD) {
        return ocsp;
    }
    ocsp.match = take_reason(source, matches, ARRAY_SIZE(matches));
    ocsp.has_single = ocsp.match == REASON_GOOD || ocsp.match == REASON_WRONG_ISSUER;
    ocsp.wrong_name_hash = ocsp.match == REASON_WRONG_ISSUER && take_bool(source);
    ocsp.wrong_key_hash = ocsp.match == REASON_WRONG_ISSUER && take_bool(source);
    if (ocsp.has_single) {
        take_single(source, &ocsp);
    }
    ocsp.critical_response_extension = take(source) > 0xe0;
    ocsp.critical_single_extension = take(source) > 0xe0;
    ocsp.critical_other_extension = take(source) > 0xe0;
    take_signer(source, &ocsp);
    return ocsp;
}

static bool delegate_fits(const struct ocsp_facts *ocsp, int64_t wall_s)
{
    return ocsp->signer != OCSP_SIGNER_DELEGATE ||
           (ocsp->delegate_not_before_s <= wall_s && wall_s < ocsp->delegate_not_after_s);
}

/* All that RFC 6960 asks but for thisUpdate and the status. */
static bool keeps_baseline(const struct policy *policy, const struct ocsp_facts *ocsp)
{
    return ocsp->form == REASON_GOOD && ocsp->match == REASON_GOOD &&
           ocsp->signature == REASON_GOOD && ocsp->signer != OCSP_SIGNER_NONE &&
           delegate_fits(ocsp, NOW) && ocsp->made.key != KEY_EC_EXPLICIT &&
           ocsp->delegate_made.key != KEY_EC_EXPLICIT && !ocsp->critical_response_extension &&
           !ocsp->critical_single_extension && !ocsp->conflicting &&
           !ocsp->others_of_other_issuer &&
           (!ocsp->has_next_update ||
            (NOW < ocsp->next_update_s && ocsp->produced_at_s < ocsp->next_update_s)) &&
           (policy->max_age_s == 0 || ocsp->this_update_s >= NOW - policy->max_age_s);
}

static void check_serve(const struct cert_facts *cert, const struct ocsp_facts *ocsp,
                        struct window serve)
{
    must(serve.from_s >= ocsp->this_update_s && serve.from_s >= ocsp->produced_at_s);
    must(serve.until_s <= ocsp->next_update_s && serve.until_s <= cert->not_after_s);
    must(ocsp->signer != OCSP_SIGNER_DELEGATE || serve.until_s <= ocsp->delegate_not_after_s);
}

static void check_shape(const struct judgement *judgement)
{
    uint32_t both = judgement->fails_with | judgement->ignored_by;

    must((judgement->verdict == VERDICT_STAPLE) == (judgement->reasons == 0));
    must((judgement->reason == REASON_GOOD) == (judgement->reasons == 0));
    must(!(judgement->reasons & BIT(REASON_GOOD)) && judgement->reasons < BIT(REASON_COUNT));
    if (judgement->reasons) {
        must(judgement->reasons & BIT(judgement->reason));
        must(!(judgement->reasons & (BIT(judgement->reason) - 1))); /* the most basic one */
    }
    must((judgement->verdict == VERDICT_REVOKED) == (judgement->reasons == BIT(REASON_REVOKED)));
    must(judgement->verdict != VERDICT_PENDING || judgement->reasons == BIT(REASON_NOT_YET_VALID));
    must(!(judgement->fails_with & judgement->ignored_by) && both < BIT(CLIENT_COUNT));
    for (unsigned i = 0; i < CLIENT_COUNT; i++) {
        must((judgement->client_reasons[i] != REASON_GOOD) == ((both >> i & 1) != 0));
    }
}

/* Never worse than nothing: no client of the audience fails that would not without a staple. */
static void check_promise(const struct policy *policy, const struct cert_facts *cert,
                          const struct judgement *judgement)
{
    uint32_t strict = policy->audience & (BIT(CLIENT_FIREFOX) | BIT(CLIENT_GNUTLS));

    if (cert->must_staple && strict) {
        must(!(judgement->fails_with & strict) ||
             !(judgement->fails_with & policy->audience & ~strict & ~BIT(CLIENT_OPENSSL) &
               ~BIT(CLIENT_NSS) & ~BIT(CLIENT_RHEL)));
        return;
    }
    for (unsigned i = 0; i < CLIENTS_NAMED; i++) {
        bool none_fails =
            cert->must_staple ? clients[i].none_is_fatal_must_staple : clients[i].none_is_fatal;

        must(none_fails || !(judgement->fails_with & policy->audience & BIT(i)));
    }
}

static void check_judgement(const struct policy *policy, const struct cert_facts *cert,
                            const struct ocsp_facts *ocsp, const struct judgement *judgement)
{
    bool baseline = keeps_baseline(policy, ocsp);

    check_shape(judgement);
    must(baseline || judgement->verdict == VERDICT_REFUSE);
    if (judgement->verdict == VERDICT_STAPLE) {
        must(ocsp->status == CERT_STATUS_GOOD && ocsp->this_update_s <= NOW);
        check_promise(policy, cert, judgement);
    }
    if (judgement->verdict == VERDICT_REVOKED) {
        must(ocsp->status == CERT_STATUS_REVOKED && !ocsp->never_issued);
        must(ocsp->this_update_s <= NOW);
    }
    if (judgement->verdict == VERDICT_PENDING) {
        must(ocsp->this_update_s > NOW && ocsp->this_update_s <= NOW + policy->future_max_s);
        must(ocsp->status == CERT_STATUS_GOOD);
    }
    if (judgement->verdict != VERDICT_REFUSE) {
        check_serve(cert, ocsp, judgement->serve);
    }
    if (policy->audience == AUDIENCE_RFC6960 && baseline && ocsp->status == CERT_STATUS_GOOD &&
        ocsp->this_update_s <= NOW && !ocsp->critical_other_extension &&
        ocsp->this_update_s <= ocsp->next_update_s &&
        !(judgement->reasons & BIT(REASON_OLDER_THAN_HELD))) {
        must(judgement->verdict == VERDICT_STAPLE);
    }
}

/* What another audience, leaf or moment may change, and what not. */
static void check_neighbours(const struct policy *policy, const struct cert_facts *cert,
                             const struct ocsp_facts *ocsp, const struct judgement *judgement)
{
    struct policy other = *policy;
    struct cert_facts ordinary = *cert, strict = *cert;
    struct judgement bare, weaker, stronger;

    other.audience = AUDIENCE_RFC6960;
    bare = verdict_judge(&other, cert, ocsp, NULL, NOW);
    must(!(bare.reasons & ~judgement->reasons));    /* the baseline is for everybody */
    must(bare.fails_with == judgement->fails_with); /* who is asked changes nobody's behaviour */
    if (!cert->must_staple) {
        other.audience = policy->audience | AUDIENCE_ALL;
        stronger = verdict_judge(&other, cert, ocsp, NULL, NOW);
        must(!(judgement->reasons & ~stronger.reasons & ~BIT(REASON_OLDER_THAN_HELD)));
    }
    ordinary.must_staple = false;
    strict.must_staple = true;
    weaker = verdict_judge(policy, &strict, ocsp, NULL, NOW);
    stronger = verdict_judge(policy, &ordinary, ocsp, NULL, NOW);
    must(!(weaker.reasons & ~stronger.reasons)); /* where none fails, more is stapled */
}

static void check_held(const struct policy *policy, const struct cert_facts *cert,
                       const struct ocsp_facts *ocsp, struct source *source)
{
    struct held held = {
        .present = take_bool(source),
        .this_update_s = take_time(source),
        .next_update_s = take_time(source),
        .produced_at_s = take_time(source),
        .serve = {take_time(source), take_time(source)},
    };
    struct judgement with = verdict_judge(policy, cert, ocsp, &held, NOW);
    struct judgement without = verdict_judge(policy, cert, ocsp, NULL, NOW);

    check_judgement(policy, cert, ocsp, &with);
    must(!(without.reasons & BIT(REASON_OLDER_THAN_HELD)));
    if (with.reasons != without.reasons) {
        must(with.reasons == BIT(REASON_OLDER_THAN_HELD));
        must(held.present && NOW < held.serve.until_s && ocsp->this_update_s <= held.this_update_s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source source = {slice_of(data, size)};
    struct policy policy = policy_default();
    struct cert_facts cert = {.has_issuer = true, .name = "", .urls = {""}};
    struct ocsp_facts ocsp;
    struct judgement judgement;

    policy.audience = take(&source);
    policy.audience = (policy.audience | (uint32_t)take(&source) << 8) & AUDIENCE_ALL;
    if (take_bool(&source)) {
        policy.audience = AUDIENCE_ALL;
    }
    policy.max_age_s = take_bool(&source) ? 86400 : 0;
    cert.must_staple = take_bool(&source);
    cert.other_tls_feature = take_bool(&source);
    cert.url_count = take_bool(&source);
    cert.not_before_s = take_time(&source);
    cert.not_after_s = take_time(&source);
    ocsp = take_ocsp(&source);
    judgement = verdict_judge(&policy, &cert, &ocsp, NULL, NOW);
    check_judgement(&policy, &cert, &ocsp, &judgement);
    check_neighbours(&policy, &cert, &ocsp, &judgement);
    check_held(&policy, &cert, &ocsp, &source);
    return 0;
}
