/* SPDX-License-Identifier: Apache-2.0 */
#include "io/tls-client.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

#define SUITES_13                                                                                  \
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"                  \
    "TLS_AES_128_CCM_SHA256"
#define GROUPS     "X25519:P-256:P-384:P-521:X448"
#define BRAINPOOLS ":brainpoolP256r1:brainpoolP384r1:brainpoolP512r1"

/* Besides those that a leaf with such a key can make itself, those that it may be signed with: in
 * TLS 1.3 the PKCS#1 ones count for certificates alone. */
#define SIGNED_RSA "RSA+SHA256:RSA+SHA384:RSA+SHA512:RSA+SHA1"
#define SIGNED_PSS                                                                                 \
    "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:rsa_pss_pss_sha256:"              \
    "rsa_pss_pss_sha384:rsa_pss_pss_sha512"
#define SIGNED_ECDSA "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448"

#define CIPHERS_RSA   "aRSA:!eNULL:!PSK:!SRP:@SECLEVEL=0"
#define CIPHERS_ECDSA "aECDSA:!eNULL:@SECLEVEL=0"

/* Like other clients those of TLS 1.3 know TLS 1.2, too: some servers choose the certificate by the
 * ciphers of that. In TLS 1.2 the cipher tells the sort of certificate, in TLS 1.3 the signatures
 * do. */
static const struct {
    const char *name;
    int version; /* the highest */
    const char *ciphers;
    const char *groups;
    const char *signatures;
} ways[TLS_WAYS] = {
    [TLS_13_RSA] = {"TLS 1.3 RSA", TLS1_3_VERSION, CIPHERS_RSA, GROUPS, SIGNED_PSS ":" SIGNED_RSA},
    [TLS_13_ECDSA] = {"TLS 1.3 ECDSA", TLS1_3_VERSION, CIPHERS_ECDSA, GROUPS,
                      SIGNED_ECDSA ":" SIGNED_RSA},
    [TLS_12_RSA] = {"TLS 1.2 RSA", TLS1_2_VERSION, CIPHERS_RSA, GROUPS BRAINPOOLS,
                    SIGNED_PSS ":" SIGNED_RSA ":" SIGNED_ECDSA ":ECDSA+SHA1"},
    [TLS_12_ECDSA] = {"TLS 1.2 ECDSA", TLS1_2_VERSION, CIPHERS_ECDSA, GROUPS BRAINPOOLS,
                      SIGNED_ECDSA ":ECDSA+SHA1:" SIGNED_PSS ":" SIGNED_RSA},
};

struct tls_client {
    OSSL_LIB_CTX *library;
    OSSL_PROVIDER *provider;
    SSL_CTX *contexts[TLS_WAYS];
};

struct tls_hand {
    SSL *ssl;
    OSSL_LIB_CTX *library; /* borrowed */
    enum tls_way way;
    struct buf chain;
    struct buf status;
    bool other_version; /* asked for TLS 1.3, it chose 1.2 */
    bool behind_status; /* TLS 1.2: a message came that stands behind where the status would */
    BIO *in;            /* of the server; owned by ssl */
    BIO *out;           /* for the server; likewise */
    size_t taken;
    bool endless;
    bool ended;
    bool well;
    unsigned long error; /* of libssl; 0: none */
};

const char *tls_way_name(enum tls_way way)
{
    return ways[way].name;
}

void tls_sight_deinit(struct tls_sight *sight)
{
    buf_deinit(&sight->chain);
    buf_deinit(&sight->status);
}

/* Messages as they come, before libssl has looked into them: it keeps neither a status that is
 * empty nor one that it fails on. */
static void on_message(int sent, int version, int type, const void *data, size_t size, SSL *ssl,
                       void *context)
{
    struct tls_hand *hand = context;
    const uint8_t *message = data;

    (void)version; /* of the record, once */
    if (sent || type != SSL3_RT_HANDSHAKE || size < 4) {
        return;
    }
    if (message[0] == SERVED_CERTIFICATE && SSL_version(ssl) != ways[hand->way].version) {
        hand->other_version = true;
    } else if (message[0] == SERVED_CERTIFICATE && !hand->chain.size) {
        buf_put(&hand->chain, message, size);
    } else if (message[0] == SERVED_STATUS && !hand->status.size) {
        buf_put(&hand->status, message, size);
    } else if (hand->chain.size) {
        hand->behind_status = true;
    }
}

/* The settings of openssl.cnf may be in the context already: all that matters is set anew. */
static bool set_up(SSL_CTX *context, enum tls_way way)
{
    SSL_CTX_clear_options(context, SSL_CTX_get_options(context));
    SSL_CTX_set_options(context, SSL_OP_ALL | SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_NO_TICKET |
                                     SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(context, LIMIT_SERVED_CHAIN);
    SSL_CTX_set_msg_callback(context, on_message);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(context, ways[way].version) == 1 &&
           SSL_CTX_set_ciphersuites(context, SUITES_13) == 1 &&
           SSL_CTX_set_cipher_list(context, ways[way].ciphers) == 1 &&
           SSL_CTX_set1_groups_list(context, ways[way].groups) == 1 &&
           SSL_CTX_set1_sigalgs_list(context, ways[way].signatures) == 1 &&
           SSL_CTX_set_tlsext_status_type(context, TLSEXT_STATUSTYPE_ocsp) == 1;
}

int tls_client_new(struct tls_client **ret_client)
{
    _cleanup_(tls_client_freep)
    struct tls_client *client = calloc(1, sizeof(*client));

    if (!client) {
        return -ENOMEM;
    }
    client->library = OSSL_LIB_CTX_new();
    client->provider = client->library ? OSSL_PROVIDER_load(client->library, "default") : NULL;
    if (!client->provider) {
        return -ENOMEM; /* the default provider is part of libcrypto itself */
    }
    for (int way = 0; way < TLS_WAYS; way++) {
        client->contexts[way] = SSL_CTX_new_ex(client->library, NULL, TLS_client_method());
        if (!client->contexts[way] || !set_up(client->contexts[way], (enum tls_way)way)) {
            ERR_clear_error();
            return -ENOMEM;
        }
    }
    *ret_client = steal(&client);
    return 0;
}

struct tls_client *tls_client_free(struct tls_client *client)
{
    if (!client) {
        return NULL;
    }
    for (int way = 0; way < TLS_WAYS; way++) {
        SSL_CTX_free(client->contexts[way]);
    }
    if (client->provider) {
        OSSL_PROVIDER_unload(client->provider);
    }
    OSSL_LIB_CTX_free(client->library);
    free(client);
    return NULL;
}

int tls_hand_new(struct tls_hand **ret_hand, struct tls_client *client, enum tls_way way,
                 const char *servername)
{
    _cleanup_(tls_hand_freep)
    struct tls_hand *hand = calloc(1, sizeof(*hand));

    if (!hand) {
        return -ENOMEM;
    }
    hand->library = client->library;
    hand->way = way;
    hand->chain = BUF_INIT(LIMIT_SERVED_CHAIN + 4);
    hand->status = BUF_INIT(LIMIT_SERVED_CHAIN + 4);
    hand->ssl = SSL_new(client->contexts[way]);
    hand->in = BIO_new(BIO_s_mem());
    hand->out = BIO_new(BIO_s_mem());
    if (!hand->ssl || !hand->in || !hand->out ||
        (servername && SSL_set_tlsext_host_name(hand->ssl, servername) != 1)) {
        BIO_free(hand->in);
        BIO_free(hand->out);
        ERR_clear_error();
        return -ENOMEM;
    }
    SSL_set_bio(hand->ssl, hand->in, hand->out);
    SSL_set_msg_callback_arg(hand->ssl, hand);
    *ret_hand = steal(&hand);
    return 0;
}

struct tls_hand *tls_hand_free(struct tls_hand *hand)
{
    if (!hand) {
        return NULL;
    }
    SSL_free(hand->ssl);
    buf_deinit(&hand->chain);
    buf_deinit(&hand->status);
    free(hand);
    return NULL;
}

static void take_output(struct tls_hand *hand, struct buf *out)
{
    char *data = NULL;
    long size = BIO_get_mem_data(hand->out, &data);

    if (size > 0) {
        buf_put(out, data, (size_t)size);
        (void)BIO_reset(hand->out);
    }
}

int tls_hand_take(struct tls_hand *hand, struct slice bytes, struct buf *out)
{
    int r;

    hand->taken += bytes.size;
    if (hand->taken > LIMIT_SERVED_BYTES) {
        hand->ended = hand->endless = true;
        return 0;
    }
    ERR_clear_error();
    if (bytes.size && BIO_write(hand->in, bytes.data, (int)bytes.size) != (int)bytes.size) {
        hand->ended = true;
        hand->error = ERR_peek_error();
        return 0;
    }
    r = SSL_connect(hand->ssl);
    if (hand->other_version) {
        hand->ended = true; /* TLS 1.2 is asked for in a way of its own */
    } else if (r == 1) {
        SSL_shutdown(hand->ssl); /* a word of farewell; its answer is not waited for */
        hand->ended = hand->well = true;
    } else if (SSL_get_error(hand->ssl, r) != SSL_ERROR_WANT_READ) {
        hand->error = ERR_peek_error();
        hand->ended = true;
    }
    ERR_clear_error();
    take_output(hand, out);
    return hand->ended ? 0 : TLS_E_MORE;
}

void tls_alert_put(struct buf *to, unsigned alert)
{
    const char *name = SSL_alert_desc_string_long((int)alert);

    if (text_equal(name, "unknown")) {
        buf_put_int(to, alert);
        return;
    }
    for (; *name; name++) {
        buf_put_byte(to, *name == ' ' ? '_' : (uint8_t)*name);
    }
}

/* The alert that the server has sent. */
static unsigned alert_of(const struct tls_hand *hand)
{
    int reason = ERR_GET_REASON(hand->error);
    bool is = ERR_GET_LIB(hand->error) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET &&
              reason <= SSL_AD_REASON_OFFSET + UINT8_MAX;

    return is ? (unsigned)(reason - SSL_AD_REASON_OFFSET) : TLS_ALERT_NONE;
}

static enum tls_outcome outcome_of(const struct tls_hand *hand)
{
    if (hand->other_version) {
        return TLS_NOT_OFFERED;
    }
    switch (alert_of(hand)) {
    case SSL_AD_HANDSHAKE_FAILURE:
    case SSL_AD_PROTOCOL_VERSION:
    case SSL_AD_INSUFFICIENT_SECURITY:
    case SSL_AD_ILLEGAL_PARAMETER:
    case SSL_AD_INTERNAL_ERROR:
    case SSL_AD_MISSING_EXTENSION:
        return TLS_NOT_OFFERED;
    case TLS_ALERT_NONE:
        return ERR_GET_REASON(hand->error) == SSL_R_UNSUPPORTED_PROTOCOL ? TLS_NOT_OFFERED
                                                                         : TLS_FAILED;
    default:
        return TLS_REFUSED;
    }
}

static void put_detail(const struct tls_hand *hand, const char *broken, struct tls_sight *sight)
{
    struct buf alert = BUF_INIT(sizeof(sight->detail));
    const char *reason = ERR_reason_error_string(hand->error);
    const char *words = NULL;

    if (hand->endless) {
        words = "it speaks without end";
    } else if (!hand->ended) {
        words = broken ? broken : "it does not go on with the handshake";
    } else if (hand->other_version) {
        words = "it chose TLS 1.2";
    } else if (ERR_GET_REASON(hand->error) == SSL_R_WRONG_VERSION_NUMBER) {
        words = "what it says is not TLS";
    } else if (ERR_GET_REASON(hand->error) == SSL_R_UNSUPPORTED_PROTOCOL) {
        words = "it chose another version of TLS";
    }
    if (words) {
        snprintf(sight->detail, sizeof(sight->detail), "%s", words);
    } else if (sight->alert) {
        tls_alert_put(&alert, sight->alert);
        snprintf(sight->detail, sizeof(sight->detail), "it answers with the alert %s",
                 buf_text(&alert));
    } else if (!hand->well) {
        snprintf(sight->detail, sizeof(sight->detail), "OpenSSL says `%s`",
                 reason ? reason : "it failed");
    }
    buf_deinit(&alert);
}

/* Libssl refuses one of more than 16,384 octets in TLS 1.2 before its message is whole. */
static bool is_too_large(const struct tls_hand *hand)
{
    return !hand->status.size && SSL_get_state(hand->ssl) == TLS_ST_CR_CERT_STATUS &&
           ERR_GET_REASON(hand->error) == SSL_R_EXCESSIVE_MESSAGE_SIZE;
}

void tls_hand_look(struct tls_hand *hand, const char *broken, struct tls_sight *ret_sight)
{
    struct tls_sight *sight = ret_sight;
    bool tls13 = ways[hand->way].version == TLS1_3_VERSION;

    *sight = (struct tls_sight){.chain = hand->chain, .status = hand->status};
    hand->chain = BUF_INIT(hand->chain.max);
    hand->status = BUF_INIT(hand->status.max);
    sight->alert = alert_of(hand);
    put_detail(hand, broken, sight);
    sight->too_large = !tls13 && is_too_large(hand);
    if (served_read_chain(slice_of_buf(&sight->chain), tls13, &sight->served) &&
        (tls13 || sight->status.size || hand->behind_status || sight->too_large || hand->well)) {
        sight->outcome = TLS_SEEN;
        EVP_Q_digest(hand->library, "SHA256", NULL, sight->served.certs[0].data,
                     sight->served.certs[0].size, sight->leaf_sha256, NULL);
        if (!tls13 && sight->status.size) {
            sight->served.status =
                served_read_status(slice_of_buf(&sight->status), &sight->served.answer);
        }
        return;
    }
    sight->outcome = hand->ended ? outcome_of(hand) : TLS_FAILED;
    sight->silent = !hand->ended && !broken;
}
