/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Every cap on what comes from outside, in one place. */

#define LIMIT_CERT_FILE_SIZE   (1024 * 1024) /* a PEM file with its chain and key */
#define LIMIT_CERTS_PER_FILE   64            /* certificates read from one file */
#define LIMIT_CERT_SIZE        (64 * 1024)   /* one DER certificate */
#define LIMIT_ANSWER_SIZE      (64 * 1024)   /* an OCSP answer as fetched */
#define LIMIT_STAPLE_SIZE      16380         /* CertificateStatus of a TLS 1.2 client of OpenSSL */
#define LIMIT_ISSUER_SIZE      (64 * 1024)   /* what a caIssuers URL may send */
#define LIMIT_ETAG_SIZE        128           /* of an answer, to ask whether it changed */
#define LIMIT_URL_SIZE         2048          /* a URL out of a certificate */
#define LIMIT_GET_URL_SIZE     255 /* RFC 9919: the whole URL after encoding; longer: POST */
#define LIMIT_URLS             4   /* OCSP or caIssuers URLs kept of one certificate */
#define LIMIT_SERIAL_SIZE      32  /* octets of a serial number (RFC 5280: at most 20) */
#define LIMIT_REDIRECTS        3
#define LIMIT_DER_DEPTH        16
#define LIMIT_SINGLE_RESPONSES 128
#define LIMIT_EMBEDDED_CERTS   64
#define LIMIT_FOLDER_DEPTH     8
#define LIMIT_FILES            2000000 /* files looked at under all sources together */
#define LIMIT_SOURCE_ENTRIES   200000  /* files and folders looked at under one source */
#define LIMIT_CONFIG_SIZE      (4 * 1024 * 1024)
#define LIMIT_CONTROL_REQUEST  (64 * 1024)
#define LIMIT_COMMAND_OUTPUT   4096         /* kept of what a reload command prints */
#define LIMIT_STARTTLS         (16 * 1024)  /* all that a server says before TLS */
#define LIMIT_SERVED_CHAIN     (256 * 1024) /* a Certificate message of TLS, staples included */
#define LIMIT_SERVED_BYTES     (512 * 1024) /* all that a server says in a handshake */
#define LIMIT_SERVED_CERTS     16           /* certificates looked at in one */
#define LIMIT_HAPROXY_REPLY    (4 * 1024 * 1024)
#define LIMIT_HAPROXY_STAPLE   11500 /* HAProxy may not answer longer commands */

/* Configurations and dumps of servers (`clinch setup`, `clinch discover`). */
#define LIMIT_DUMP_SIZE    (16 * 1024 * 1024) /* one of them */
#define LIMIT_DUMP_READ    (64 * 1024 * 1024) /* with each include as often as it is included */
#define LIMIT_DUMP_ENTRIES 100000             /* certificates or blocks in it */
#define LIMIT_DUMP_NOTES   100
#define LIMIT_DUMP_DEPTH   32           /* of includes and blocks in each other */
#define LIMIT_DUMP_WORD    (64 * 1024)  /* one word or value */
#define LIMIT_PROCESSES    65536        /* looked at */
#define LIMIT_CMDLINE      (128 * 1024) /* arguments of a process */
