/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The questions that the rows of clients-rules.c and clients-signers.c ask of an answer, each true
 * when the rule is broken. Nobody else includes it. */

#include "core/clients.h"

#define ON(client_) CLIENT_BIT(CLIENT_##client_)

/* Sets of columns that look at the same things. */
#define COLUMNS    (CLIENT_BIT(CLIENT_COUNT) - 1)
#define VERIFIERS  (COLUMNS & ~(ON(JAVA_DEFAULT) | ON(OPENSSL_DEFAULT))) /* who check signatures */
#define ANY_GNUTLS (ON(GNUTLS) | ON(RHEL))
#define ANY_JAVA   (ON(JAVA) | ON(JAVA_HARD))             /* with revocation checking */
#define FORM_JAVA  (ANY_JAVA | ON(JAVA_DEFAULT))          /* reading alone */
#define LIBCRYPTO  (ON(OPENSSL) | ON(LIBRESSL) | ON(S2N)) /* users of OCSP_basic_verify() */

/* Of clients-signers.c. */
#define SIGNER_RULES_MAX 48
extern const struct rule signer_rules[];
extern const unsigned signer_rule_count;

/* For everybody alike. */
bool check_is_over_cap(const struct question *q);
bool check_is_over_message(const struct question *q);
bool check_is_over_java(const struct question *q);
bool check_is_heavy(const struct question *q);
bool check_is_malformed(const struct question *q);
bool check_is_lax(const struct question *q);
bool check_has_fraction(const struct question *q);
bool check_lacks_seconds(const struct question *q);
bool check_has_unused_bits(const struct question *q);
bool check_trails_inside(const struct question *q);
bool check_trails_basic(const struct question *q);
bool check_trails_outside(const struct question *q);
bool check_is_error(const struct question *q);
bool check_is_try_later(const struct question *q);
bool check_is_other_error(const struct question *q);
bool check_is_passing_error(const struct question *q);
bool check_is_lasting_error(const struct question *q);
bool check_is_unheard_error(const struct question *q);
bool check_is_error_for_any(const struct question *q);
bool check_is_error_for_must_staple(const struct question *q);
bool check_is_other_type(const struct question *q);
bool check_is_other_version(const struct question *q);
bool check_has_wrong_serial(const struct question *q);
bool check_has_wrong_name(const struct question *q);
bool check_has_wrong_key(const struct question *q);
bool check_has_no_match(const struct question *q);
bool check_has_no_single(const struct question *q);
bool check_lacks_sha1(const struct question *q);
bool check_is_not_first(const struct question *q);
bool check_has_other_issuer(const struct question *q);
bool check_has_other_ids_and_delegate(const struct question *q);
bool check_has_rare_hash(const struct question *q);
bool check_has_unknown_algorithm(const struct question *q);
bool check_has_explicit_curve(const struct question *q);
bool check_has_null_parameters(const struct question *q);
bool check_has_bad_signature(const struct question *q);
bool check_has_name_alike(const struct question *q);
bool check_has_namesake(const struct question *q);
bool check_has_no_signer(const struct question *q);
bool check_has_misnamed_signer(const struct question *q);
bool check_is_foreign(const struct question *q);
bool check_lacks_eku(const struct question *q);
bool check_is_ca(const struct question *q);
bool check_is_critical_delegate(const struct question *q);
bool check_has_old_version(const struct question *q);
bool check_is_outside_names(const struct question *q);
bool check_repeats_extension(const struct question *q);
bool check_has_odd_alt_name(const struct question *q);
bool check_is_odd_delegate(const struct question *q);
bool check_has_odd_issuer(const struct question *q);
bool check_lacks_signing_usage(const struct question *q);
bool check_has_critical_policy(const struct question *q);
bool check_has_odd_key_form(const struct question *q);
bool check_has_long_numbers(const struct question *q);
bool check_has_odd_rsa_key(const struct question *q);
bool check_has_no_name(const struct question *q);
bool check_has_unordered_name(const struct question *q);
bool check_has_rare_alt_name(const struct question *q);
bool check_has_long_oid_in_delegate(const struct question *q);
bool check_has_padded_usage(const struct question *q);
bool check_is_delegate_of_old(const struct question *q);
bool check_was_signer_outdated(const struct question *q);
bool check_is_signer_outdated(const struct question *q);
bool check_is_issuer_outdated(const struct question *q);
bool check_is_answer_sha1(const struct question *q);
bool check_is_delegate_sha1(const struct question *q);
bool check_has_tiny_key(const struct question *q);
bool check_has_short_key(const struct question *q);
bool check_has_rare_curve(const struct question *q);
bool check_has_rare_algorithm(const struct question *q);
bool check_is_answer_sha224(const struct question *q);
bool check_is_delegate_sha224(const struct question *q);
bool check_is_pss(const struct question *q);
bool check_is_answer_odd_pss(const struct question *q);
bool check_is_delegate_odd_pss(const struct question *q);
bool check_is_answer_loose_pss(const struct question *q);
bool check_is_delegate_loose_pss(const struct question *q);
bool check_is_pss_beyond_sha256(const struct question *q);
bool check_has_critical_response(const struct question *q);
bool check_has_critical_single(const struct question *q);
bool check_has_critical_other(const struct question *q);
bool check_has_long_oid(const struct question *q);
bool check_has_critical_sct(const struct question *q);
bool check_has_no_sct_value(const struct question *q);
bool check_has_no_sct(const struct question *q);
bool check_has_two_sct_lists(const struct question *q);
bool check_is_conflicting(const struct question *q);
bool check_is_any_revoked(const struct question *q);
bool check_is_first_revoked(const struct question *q);
bool check_is_first_unknown(const struct question *q);
bool check_is_last_revoked(const struct question *q);
bool check_is_last_unknown(const struct question *q);
bool check_has_bad_neighbour(const struct question *q);
bool check_is_ahead(const struct question *q);
bool check_is_expired(const struct question *q);
bool check_is_backwards(const struct question *q);
bool check_has_bare_neighbour(const struct question *q);
bool check_is_over_max_age(const struct question *q);
bool check_is_made_outside_leaf(const struct question *q);
bool check_is_made_after_end(const struct question *q);
bool check_is_made_outside_window(const struct question *q);
bool check_is_revoked(const struct question *q);
bool check_is_never_issued(const struct question *q);
bool check_is_unknown(const struct question *q);
bool check_has_many_certs(const struct question *q);
bool check_has_unreadable_cert(const struct question *q);
bool check_has_unreadable_before(const struct question *q);
bool check_has_unreadable_alone(const struct question *q);
bool check_is_signer_shadowed(const struct question *q);
bool check_is_signer_shadowed_by_key(const struct question *q);
bool check_is_signer_not_first(const struct question *q);
bool check_has_needless_certs(const struct question *q);
bool check_lacks_root(const struct question *q);
bool check_has_unseen_root(const struct question *q);
bool check_has_unknown_key(const struct question *q);
bool check_is_leaf_over(const struct question *q);
bool check_is_outliving_leaf(const struct question *q);
bool check_lacks_url(const struct question *q);
bool check_has_other_feature(const struct question *q);

/* By the numbers of one client. */
bool check_is_ahead_for(const struct question *q, const struct client_row *client);
bool check_is_any_ahead_for(const struct question *q, const struct client_row *client);
bool check_is_expired_for(const struct question *q, const struct client_row *client);
bool check_is_any_expired_for(const struct question *q, const struct client_row *client);
bool check_is_bare_for(const struct question *q, const struct client_row *client);
bool check_is_old_for(const struct question *q, const struct client_row *client);
bool check_is_head_over_for(const struct question *q, const struct client_row *client);
bool check_is_twin_ahead_for(const struct question *q, const struct client_row *client);
bool check_is_twin_expired_for(const struct question *q, const struct client_row *client);
bool check_is_twin_old_for(const struct question *q, const struct client_row *client);
