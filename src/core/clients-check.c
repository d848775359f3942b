/* SPDX-License-Identifier: Apache-2.0 */
#include "core/clients-check.h"

/* Form. */

bool check_is_over_cap(const struct question *q)
{
    return q->ocsp->form == REASON_TOO_LARGE;
}

bool check_is_over_message(const struct question *q)
{
    return q->ocsp->size > LIMIT_STAPLE_SIZE;
}

/* jdk.tls.maxHandshakeMessageSize is 32 KiB, of which the chain takes its part in TLS 1.3. */
bool check_is_over_java(const struct question *q)
{
    return q->ocsp->size > 24 * 1024;
}

bool check_is_heavy(const struct question *q)
{
    return q->ocsp->size > 4096 && q->ocsp->size <= LIMIT_STAPLE_SIZE;
}

bool check_is_malformed(const struct question *q)
{
    return q->ocsp->form == REASON_MALFORMED && !q->ocsp->lax_form;
}

static bool is_lax_by(const struct question *q, enum laxity laxity)
{
    return q->ocsp->form == REASON_MALFORMED && q->ocsp->lax_form & laxity;
}

bool check_is_lax(const struct question *q)
{
    return is_lax_by(q, LAX_LENGTH);
}

bool check_has_fraction(const struct question *q)
{
    return is_lax_by(q, LAX_FRACTION);
}

bool check_lacks_seconds(const struct question *q)
{
    return is_lax_by(q, LAX_NO_SECONDS);
}

bool check_has_unused_bits(const struct question *q)
{
    return is_lax_by(q, LAX_UNUSED_BITS);
}

bool check_trails_inside(const struct question *q)
{
    return q->ocsp->form == REASON_TRAILING_DATA && !q->ocsp->trailing_outside &&
           !q->ocsp->trailing_basic;
}

bool check_trails_basic(const struct question *q)
{
    return q->ocsp->form == REASON_TRAILING_DATA && q->ocsp->trailing_basic;
}

bool check_trails_outside(const struct question *q)
{
    return q->ocsp->form == REASON_TRAILING_DATA && q->ocsp->trailing_outside;
}

bool check_is_error(const struct question *q)
{
    return q->ocsp->form == REASON_ERROR_STATUS;
}

bool check_is_try_later(const struct question *q)
{
    return check_is_error(q) && q->ocsp->response_status == 3;
}

bool check_is_other_error(const struct question *q)
{
    return check_is_error(q) && !check_is_try_later(q);
}

/* internalError and tryLater: for the moment only. */
bool check_is_passing_error(const struct question *q)
{
    return check_is_try_later(q) || (check_is_error(q) && q->ocsp->response_status == 2);
}

bool check_is_lasting_error(const struct question *q)
{
    return check_is_error(q) && !check_is_passing_error(q);
}

/* Neither one of RFC 6960 4.2.1 nor 4, which is left out there. */
bool check_is_unheard_error(const struct question *q)
{
    return check_is_error(q) && q->ocsp->response_status > 6;
}

bool check_is_error_for_any(const struct question *q)
{
    return check_is_error(q) && !q->cert->must_staple;
}

bool check_is_error_for_must_staple(const struct question *q)
{
    return check_is_error(q) && q->cert->must_staple;
}

bool check_is_other_type(const struct question *q)
{
    return q->ocsp->form == REASON_UNSUPPORTED_RESPONSE_TYPE;
}

bool check_is_other_version(const struct question *q)
{
    return q->ocsp->form == REASON_UNSUPPORTED_VERSION;
}

/* CertID. */

bool check_has_wrong_serial(const struct question *q)
{
    return q->ocsp->match == REASON_WRONG_SERIAL;
}

bool check_has_wrong_name(const struct question *q)
{
    return q->ocsp->match == REASON_WRONG_ISSUER && q->ocsp->wrong_name_hash;
}

bool check_has_wrong_key(const struct question *q)
{
    return q->ocsp->match == REASON_WRONG_ISSUER && !q->ocsp->wrong_name_hash;
}

bool check_has_no_match(const struct question *q)
{
    return q->ocsp->match == REASON_NO_MATCHING_RESPONSE;
}

bool check_has_no_single(const struct question *q)
{
    return q->ocsp->singles == 0;
}

bool check_lacks_sha1(const struct question *q)
{
    return !q->ocsp->has_sha1;
}

bool check_is_not_first(const struct question *q)
{
    return q->ocsp->match == REASON_GOOD && q->ocsp->single_index > 0;
}

bool check_has_other_issuer(const struct question *q)
{
    return q->ocsp->others_of_other_issuer && q->ocsp->match == REASON_GOOD;
}

bool check_has_rare_hash(const struct question *q)
{
    return q->ocsp->rare_hashes;
}

/* ocsp_check_ids(); OCSP_TRUSTOTHER rescues what the issuer itself signed. */
bool check_has_other_ids_and_delegate(const struct question *q)
{
    return q->ocsp->match == REASON_GOOD && q->ocsp->signer == OCSP_SIGNER_DELEGATE &&
           (q->ocsp->others_of_other_issuer || q->ocsp->mixed_hashes);
}

/* Extensions, conflicts. */

bool check_has_critical_response(const struct question *q)
{
    return q->ocsp->critical_response_extension;
}

bool check_has_critical_single(const struct question *q)
{
    return q->ocsp->critical_single_extension;
}

bool check_has_critical_other(const struct question *q)
{
    return q->ocsp->critical_other_extension;
}

bool check_has_long_oid(const struct question *q)
{
    return q->ocsp->long_oid;
}

bool check_has_critical_sct(const struct question *q)
{
    return q->ocsp->sct_faults & SCT_CRITICAL;
}

bool check_has_no_sct_value(const struct question *q)
{
    return q->ocsp->sct_faults & SCT_NO_VALUE;
}

bool check_has_no_sct(const struct question *q)
{
    return q->ocsp->sct_faults & SCT_NO_ENTRY;
}

bool check_has_two_sct_lists(const struct question *q)
{
    return q->ocsp->sct_faults & SCT_TWICE;
}

bool check_is_conflicting(const struct question *q)
{
    return q->ocsp->conflicting;
}

bool check_is_any_revoked(const struct question *q)
{
    return q->ocsp->conflicting && q->ocsp->any_revoked;
}

bool check_is_first_revoked(const struct question *q)
{
    return q->ocsp->conflicting && q->ocsp->first_status == CERT_STATUS_REVOKED;
}

bool check_is_first_unknown(const struct question *q)
{
    return q->ocsp->conflicting && q->ocsp->first_status == CERT_STATUS_UNKNOWN;
}

bool check_is_last_revoked(const struct question *q)
{
    return q->ocsp->conflicting && q->ocsp->last_status == CERT_STATUS_REVOKED;
}

bool check_is_last_unknown(const struct question *q)
{
    return q->ocsp->conflicting && q->ocsp->last_status == CERT_STATUS_UNKNOWN;
}

bool check_has_bad_neighbour(const struct question *q)
{
    return q->ocsp->others_not_good;
}

/* Times. */

static int64_t age(const struct question *q)
{
    return time_sub(q->wall_s, q->ocsp->this_update_s);
}

bool check_is_ahead(const struct question *q)
{
    return q->ocsp->this_update_s > q->wall_s;
}

bool check_is_ahead_for(const struct question *q, const struct client_row *client)
{
    return q->ocsp->this_update_s > time_add(q->wall_s, client->future_s);
}

bool check_is_any_ahead_for(const struct question *q, const struct client_row *client)
{
    return q->ocsp->last_this_update_s > time_add(q->wall_s, client->future_s);
}

bool check_is_expired(const struct question *q)
{
    return q->ocsp->has_next_update && q->wall_s >= q->ocsp->next_update_s;
}

bool check_is_expired_for(const struct question *q, const struct client_row *client)
{
    return q->ocsp->has_next_update && q->wall_s > time_add(q->ocsp->next_update_s, client->past_s);
}

bool check_is_any_expired_for(const struct question *q, const struct client_row *client)
{
    return q->wall_s > time_add(q->ocsp->first_next_update_s, client->past_s);
}

/* Where there are several about the certificate: one of them. */

static bool has_several(const struct question *q)
{
    return q->ocsp->match == REASON_GOOD &&
           (q->ocsp->ours_first_this_update_s != q->ocsp->this_update_s ||
            q->ocsp->ours_last_this_update_s != q->ocsp->this_update_s ||
            q->ocsp->ours_first_next_update_s != q->ocsp->next_update_s ||
            q->ocsp->ours_without_next_update == q->ocsp->has_next_update);
}

bool check_is_head_over_for(const struct question *q, const struct client_row *client)
{
    int64_t head_age_s = time_sub(q->wall_s, q->ocsp->head_this_update_s);

    if (!has_several(q)) {
        return false;
    }
    return q->ocsp->head_next_update_s == INSTANT_NEVER
               ? head_age_s > client->bare_s
               : q->wall_s > time_add(q->ocsp->head_next_update_s, client->past_s);
}

bool check_is_twin_ahead_for(const struct question *q, const struct client_row *client)
{
    return has_several(q) &&
           q->ocsp->ours_last_this_update_s > time_add(q->wall_s, client->future_s);
}

bool check_is_twin_expired_for(const struct question *q, const struct client_row *client)
{
    return has_several(q) &&
           q->wall_s > time_add(q->ocsp->ours_first_next_update_s, client->past_s);
}

bool check_is_twin_old_for(const struct question *q, const struct client_row *client)
{
    int64_t most_s = q->ocsp->ours_without_next_update ? client->bare_s : client->age_s;

    return has_several(q) && time_sub(q->wall_s, q->ocsp->ours_first_this_update_s) > most_s;
}

bool check_is_backwards(const struct question *q)
{
    return q->ocsp->has_next_update && q->ocsp->next_update_s < q->ocsp->this_update_s;
}

bool check_is_bare_for(const struct question *q, const struct client_row *client)
{
    return !q->ocsp->has_next_update && (client->bare_s < 0 || age(q) > client->bare_s);
}

bool check_has_bare_neighbour(const struct question *q)
{
    return q->ocsp->has_next_update && q->ocsp->any_without_next_update;
}

bool check_is_over_max_age(const struct question *q)
{
    return q->policy->max_age_s > 0 && age(q) > q->policy->max_age_s;
}

bool check_is_old_for(const struct question *q, const struct client_row *client)
{
    return q->ocsp->has_next_update && age(q) > client->age_s;
}

bool check_is_made_outside_leaf(const struct question *q)
{
    return q->ocsp->produced_at_s < q->cert->not_before_s ||
           q->ocsp->produced_at_s > q->cert->not_after_s;
}

bool check_is_made_after_end(const struct question *q)
{
    return q->ocsp->has_next_update && q->ocsp->produced_at_s >= q->ocsp->next_update_s;
}

bool check_is_made_outside_window(const struct question *q)
{
    return q->ocsp->produced_at_s < q->ocsp->this_update_s ||
           q->ocsp->produced_at_s > q->ocsp->next_update_s;
}

/* Status. */

bool check_is_revoked(const struct question *q)
{
    return q->ocsp->status == CERT_STATUS_REVOKED && !q->ocsp->never_issued &&
           !q->ocsp->conflicting;
}

bool check_is_never_issued(const struct question *q)
{
    return q->ocsp->never_issued && !q->ocsp->conflicting;
}

bool check_is_unknown(const struct question *q)
{
    return q->ocsp->status == CERT_STATUS_UNKNOWN && !q->ocsp->conflicting;
}

/* What is embedded. */

bool check_has_many_certs(const struct question *q)
{
    return q->ocsp->embedded_certs > 8;
}

bool check_has_unreadable_cert(const struct question *q)
{
    return q->ocsp->embedded_unreadable;
}

bool check_has_unreadable_before(const struct question *q)
{
    return q->ocsp->unreadable_first;
}

bool check_has_unreadable_alone(const struct question *q)
{
    return q->ocsp->embedded_unreadable && q->ocsp->signer == OCSP_SIGNER_ISSUER;
}

bool check_is_signer_shadowed(const struct question *q)
{
    return q->ocsp->shadowed;
}

bool check_is_signer_shadowed_by_key(const struct question *q)
{
    return q->ocsp->shadowed_by_key;
}

bool check_is_signer_not_first(const struct question *q)
{
    return q->ocsp->signer == OCSP_SIGNER_DELEGATE && !q->ocsp->signer_first;
}

bool check_has_needless_certs(const struct question *q)
{
    /* A root signed itself. */
    return q->ocsp->signer == OCSP_SIGNER_ISSUER &&
           q->ocsp->embedded_certs > q->ocsp->root_embedded;
}

/* What is sent beside it. */

bool check_lacks_root(const struct question *q)
{
    return q->cert->root_unsent;
}

bool check_has_unseen_root(const struct question *q)
{
    return q->cert->root_unsent && q->ocsp->signer == OCSP_SIGNER_ISSUER && !q->ocsp->root_embedded;
}

bool check_has_unknown_key(const struct question *q)
{
    return check_has_unseen_root(q) && q->ocsp->by_key;
}

/* The leaf. */

bool check_is_leaf_over(const struct question *q)
{
    return q->wall_s > q->cert->not_after_s;
}

bool check_is_outliving_leaf(const struct question *q)
{
    return q->ocsp->has_next_update && q->ocsp->next_update_s > q->cert->not_after_s;
}

bool check_lacks_url(const struct question *q)
{
    return q->cert->url_count == 0;
}

bool check_has_other_feature(const struct question *q)
{
    return q->cert->other_tls_feature;
}
