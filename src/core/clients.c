/* SPDX-License-Identifier: Apache-2.0 */
#include "core/clients.h"

#define ON(client_) CLIENT_BIT(CLIENT_##client_)
#define DAY         86400

/* Bad, none, none with must-staple; then thisUpdate ahead, after nextUpdate, age, age without
 * nextUpdate; does it ask without a staple. Seen: Firefox ESR 153.7, GnuTLS 3.7.9, OpenJDK 17,
 * curl 7.88 on OpenSSL 3.0.19, NSS 3.87, Chromium 156; read in their source: the others. Firefox's
 * errors called soft in its source are fatal when its own question to the responder fails, which is
 * when a staple matters: `asks` of the rules. */
const struct client_row clients[CLIENT_COUNT] = {
    /* mozilla::pkix: its numbers stand in clients.h. */
    [CLIENT_FIREFOX] = {"firefox", "Firefox", true, false, true, DAY, FIREFOX_SLOP_S,
                        FIREFOX_FRESH_S + FIREFOX_SLOP_S, FIREFOX_FRESH_BARE_S + FIREFOX_SLOP_S,
                        false},
    /* CheckRevocationDateValid(): nextUpdate > now; 7 days on public chains. */
    [CLIENT_CHROMIUM] = {"chromium", "Chromium", false, false, false, 0, -1, 7 * DAY, 7 * DAY,
                         false},
    /* check_ocsp_response(): MAX_OCSP_VALIDITY_SECS of 15 days without nextUpdate. */
    [CLIENT_GNUTLS] = {"gnutls", "GnuTLS", true, false, true, INSTANT_NEVER, 0, INSTANT_NEVER,
                       15 * DAY, false},
    /* OCSP_check_validity(..., 300, -1) */
    [CLIENT_OPENSSL] = {"openssl", "OpenSSL (--cert-status)", true, true, true, 300, 300,
                        INSTANT_NEVER, INSTANT_NEVER, false},
    /* tls_ocsp.c: JITTER_SEC, MAXAGE_SEC */
    [CLIENT_LIBRESSL] = {"libressl", "LibreSSL", true, false, false, 60, 60, 14 * DAY, 14 * DAY,
                         false},
    /* com.sun.security.ocsp.clockSkew; without nextUpdate it counts from thisUpdate. */
    [CLIENT_JAVA] = {"java", "Java (soft fail)", true, false, false, 900, 900, INSTANT_NEVER, 900,
                     false},
    /* x/crypto/ocsp leaves times to the caller. crypto/tls hands staples over unread: what a
     * program does about a bad one is its own affair, most pass over it. */
    [CLIENT_GO] = {"go", "Go", false, false, false, INSTANT_NEVER, INSTANT_NEVER, INSTANT_NEVER,
                   INSTANT_NEVER, false},
    /* s2n_x509_validator_validate_cert_stapled_ocsp_response() */
    [CLIENT_S2N] = {"s2n", "s2n", true, false, false, 0, 0, INSTANT_NEVER, -1, false},
    [CLIENT_WOLFSSL] = {"wolfssl", "wolfSSL", true, false, false, 0, -1, INSTANT_NEVER,
                        INSTANT_NEVER, false},
    /* ocsp_VerifySingleResponse(): 5 minutes both ways (seen); 24 hours without nextUpdate. */
    [CLIENT_NSS] = {"nss", "NSS (fail hard)", true, true, true, 300, 300, INSTANT_NEVER, DAY,
                    false},
    /* SecOCSPSingleResponseCalculateValidity(): leeway of 75 minutes. */
    [CLIENT_APPLE] = {"apple", "Apple", false, false, false, 4500, 4500, INSTANT_NEVER,
                      INSTANT_NEVER, false},
    /* Seen: GnuTLS 3.7.9 under such a policy. */
    [CLIENT_RHEL] = {"rhel", "RHEL's policy", true, false, true, INSTANT_NEVER, 0, INSTANT_NEVER,
                     15 * DAY, false},
    [CLIENT_JAVA_DEFAULT] = {"java-default", "Java (default)", true, false, false, INSTANT_NEVER,
                             INSTANT_NEVER, INSTANT_NEVER, INSTANT_NEVER, false},
    /* It asked for itself where there was no staple, and never where there was one (seen). */
    [CLIENT_JAVA_HARD] = {"java-hard", "Java (fail hard)", true, true, true, 900, 900,
                          INSTANT_NEVER, 900, true},
    [CLIENT_OPENSSL_DEFAULT] = {"openssl-default", "OpenSSL (only asks)", true, false, false,
                                INSTANT_NEVER, INSTANT_NEVER, INSTANT_NEVER, INSTANT_NEVER, false},
};

uint32_t audience_columns(uint32_t audience)
{
    if (audience & ON(JAVA)) {
        audience |= ON(JAVA_DEFAULT);
    }
    if (audience & ON(OPENSSL)) {
        audience |= ON(OPENSSL_DEFAULT);
    }
    return audience;
}
