/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* OCSP staples for servers that use OpenSSL (1.1.1 or 3.x), out of the folder that clinch publishes
 * (docs/staple-folder.md). One call for each SSL_CTX, once it is made:
 *
 *     clinch_staple_attach(ctx, NULL);
 *
 * From then on every handshake whose client asks for the status of the certificate
 * ("status_request", RFC 6066 section 8; in TLS 1.3 RFC 8446 section 4.4.2.1) gets the staple of
 * the certificate that was chosen for this handshake: RSA or ECDSA, by name, changed while the
 * server runs. Nothing has to be reloaded; a staple that was replaced or withdrawn is seen within a
 * second.
 *
 * A staple is never handed out at or past its end (the file's mtime), also when clinch is gone:
 * then there is none, which is what clients make of a server that does not staple. A staple was
 * checked by clinch; here only its form is looked at.
 *
 * What it costs: a look at the clock and a copy; one stat() a second for each certificate that is
 * in use; the file is read when it has changed. At most 256 MiB of staples are kept in memory for
 * each list of folders.
 *
 * All functions may be called from any thread and behind a fork. They print nothing, leave errno
 * and OpenSSL's errors as they were, and never make a handshake fail. The library stays in memory
 * once it is loaded (dlclose() does not unload it), because contexts hold its callback. */

#include <stddef.h>

#include <openssl/ssl.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CLINCH_STAPLE_FOLDER "/run/clinch/staples"

/* An outcome of the functions that look a staple up: there is none to be stapled now. */
#define CLINCH_STAPLE_NONE 1

/* A server may have a status callback of its own, which is kept, with its argument. Who is asked
 * first, and whose staple is only taken when the other one has none: */
enum clinch_staple_mode {
    CLINCH_STAPLE_FIRST = 0,   /* the folder, then the server's callback; the default */
    CLINCH_STAPLE_FALLBACK = 1 /* the server's callback, then the folder */
};

/* Makes @ctx staple from @folder: an absolute path, several with ":" between them (the first that
 * has a staple counts), or NULL for CLINCH_STAPLE_FOLDER. The folders are opened here, so that a
 * server may chroot() afterwards; one that is missing may come later. A path is followed anew each
 * time; only when it leads nowhere, what was opened is used.
 *
 * To be called behind SSL_CTX_set_tlsext_status_cb(), if the server uses that, and before the first
 * handshake. Attaching again is harmless, and how to change the folder. @folder is copied. As a
 * client @ctx behaves as before.
 *
 * 0; -EINVAL: no @ctx, no path at all, one that is relative or too long, more than 16 in a list, or
 * more than 64 different lists in a process; -ENOMEM. Then @ctx is as it was. */
int clinch_staple_attach(SSL_CTX *ctx, const char *folder);

/* 0; -EINVAL: @ctx is not attached, or there is no such mode. */
int clinch_staple_set_mode(SSL_CTX *ctx, enum clinch_staple_mode mode);

/* The staple of @cert in @folder (as above) now, as the DER of an OCSPResponse (RFC 6960 section
 * 4.2.1), for servers that hand it to the client themselves. Not to be kept: ask again for the next
 * handshake.
 *
 * 0: *@ret_der is the caller's, in memory of OPENSSL_malloc(): for
 * SSL_set_tlsext_status_ocsp_resp(), which takes it over, or OPENSSL_free(). CLINCH_STAPLE_NONE,
 * -EINVAL, -ENOMEM: nothing was written. */
int clinch_staple_get(const char *folder, const X509 *cert, unsigned char **ret_der,
                      size_t *ret_size);

/* The same for the certificate whose DER has the SHA-256 @sha256 (32 octets). */
int clinch_staple_find(const char *folder, const unsigned char *sha256, unsigned char **ret_der,
                       size_t *ret_size);

#ifdef __cplusplus
}
#endif
