/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "io/clock.h"
#include "io/scan.h"
#include "pki/cert.h"
#include "pki/signer.h"

#define REPORT_MAX (256 * 1024)

/* All certificates of one file. */
struct certs {
    struct buf list[LIMIT_CERTS_PER_FILE];
    size_t count;
};

struct verify {
    const struct options *options;
    struct config *config;
    struct crypto *crypto;
    struct signer *signer;
    struct certs own; /* of --cert */
    struct cert_view leaf;
    struct issuer *issuer;
    bool signed_it;    /* the issuer: the certificate */
    const char *fault; /* of a candidate that cannot be read; NULL: there was none */
    int status;        /* the first failure of memory among the issuers */
    struct cert_facts *facts;
    struct buf answer;
    struct verification verification;
};

static void certs_deinit(struct certs *certs)
{
    for (size_t i = 0; i < certs->count; i++) {
        buf_deinit(&certs->list[i]);
    }
}

/* @path, or standard input for "-", up to one octet over @most: more is not looked at. */
static int read_input(const char *path, size_t most, struct buf *content)
{
    bool standard = text_equal(path, "-");
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    uint8_t block[16384];
    ssize_t size = 1;
    int r;

    if (fd < 0) {
        return -errno;
    }
    while (size > 0 && content->size <= most) {
        size_t room = most + 1 - content->size;

        size = read(fd, block, room < sizeof(block) ? room : sizeof(block));
        if (size > 0) {
            buf_put(content, block, (size_t)size);
        } else if (size < 0 && errno == EINTR) {
            size = 1;
        }
    }
    r = size < 0 ? -errno : 0;
    if (!standard) {
        close(fd);
    }
    explicit_bzero(block, sizeof(block)); /* the file may hold a key */
    return r ? r : buf_status(content);
}

/* The certificates of @text, PEM or one DER. */
static int take_certs(struct certs *certs, struct slice text)
{
    struct pem pem = pem_open(text);
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE);
    int block = PEM_CERTIFICATE;

    if (text.size && text.data[0] == 0x30) {
        buf_put_slice(&der, text);
        certs->list[certs->count++] = der;
        return buf_status(&der) < 0 ? buf_status(&der) : 0;
    }
    while (block > PEM_END && certs->count < LIMIT_CERTS_PER_FILE) {
        block = pem_next(&pem, &der);
        if (block == PEM_CERTIFICATE) {
            certs->list[certs->count++] = der;
            der = BUF_INIT(LIMIT_CERT_SIZE);
        }
    }
    buf_deinit(&der);
    return block < 0 ? block : 0;
}

static void complain_of(const char *path, int r)
{
    if (text_equal(path, "-")) {
        cli_complain("standard input (-) cannot be read: %s",
                     r == -EBADF ? "it is closed" : strerror(r < 0 ? -r : ENOMEM));
    } else {
        cli_complain("%s: %s", path, strerror(r < 0 ? -r : ENOMEM));
    }
}

static int read_certs(const char *path, struct certs *certs)
{
    struct buf content = BUF_INIT(LIMIT_CERT_FILE_SIZE + 1);
    int r = read_input(path, LIMIT_CERT_FILE_SIZE, &content);

    if (!r && content.size > LIMIT_CERT_FILE_SIZE) {
        cli_complain("%s: is larger than 1 MiB, too large for certificates", path);
        r = EXIT_USAGE;
    } else if (r) {
        complain_of(path, r);
    } else {
        r = take_certs(certs, slice_of_buf(&content));
        if (!r && !certs->count) {
            cli_complain("%s: no certificate in it (PEM, -----BEGIN CERTIFICATE-----, or DER)",
                         path);
            r = EXIT_USAGE;
        }
    }
    if (content.data) {
        explicit_bzero(content.data, content.capacity);
    }
    buf_deinit(&content);
    return r ? EXIT_USAGE : 0;
}

static int read_leaf(struct verify *verify)
{
    const char *path = verify->options->cert, *fault;

    if (read_certs(path, &verify->own)) {
        return EXIT_USAGE;
    }
    if (cert_read(slice_of_buf(&verify->own.list[0]), &verify->leaf, &fault)) {
        cli_complain("%s: its first certificate cannot be read: %s", path, fault);
        return EXIT_USAGE;
    }
    return 0;
}

/* Takes the certificate @der as issuer when it is a better one than what is there: one that signed
 * the leaf before one that only has the name, and that before any. One that is not @named has to
 * have signed it. */
static int try_issuer(struct verify *verify, struct slice der, bool named)
{
    struct issuer *issuer = NULL;
    struct cert_view view;
    bool better;
    int r = cert_read(der, &view, &verify->fault);

    r = r ? r : issuer_new(&issuer, verify->crypto, der);
    if (r) {
        return r < 0 ? r : 0; /* not readable; another may be */
    }
    if (issuer_signed(verify->crypto, issuer, &verify->leaf)) {
        better = verify->signed_it = true;
    } else {
        better = named && (!verify->issuer ||
                           (slice_equal(issuer->view.subject, verify->leaf.issuer) &&
                            !slice_equal(verify->issuer->view.subject, verify->leaf.issuer)));
    }
    if (better) {
        issuer_free(verify->issuer);
        verify->issuer = steal(&issuer);
    }
    issuer_free(issuer);
    return 0;
}

static int try_issuers(struct verify *verify, const struct certs *certs, size_t first, bool named)
{
    int r = 0;

    for (size_t i = first; !r && !verify->signed_it && i < certs->count; i++) {
        r = try_issuer(verify, slice_of_buf(&certs->list[i]), named);
    }
    return r;
}

static void folder_file_read(void *context, const char *path, struct slice content, bool in_folder)
{
    struct verify *verify = context;
    struct certs certs = {.count = 0};
    int r = verify->status;

    (void)path;
    (void)in_folder;
    r = r ? r : take_certs(&certs, content);
    r = r ? r : try_issuers(verify, &certs, 0, false);
    verify->status = r;
    certs_deinit(&certs);
}

static void folder_path_told(void *context, const char *path)
{
    (void)context;
    (void)path;
}

/* "Only one whose key verifies the certificate counts, so a folder with many is fine." */
static int try_folder(struct verify *verify, const char *path)
{
    _cleanup_(scan_freep)
    struct scan *scan = NULL;
    struct scan_sink sink = {verify, folder_file_read, folder_path_told, folder_path_told};
    struct log log;
    int r;

    cli_log(&log, verify->options);
    r = scan_new(&scan, &log);
    r = r ? r : scan_add(scan, path);
    r = r ? r : scan_run(scan, &sink);
    return r ? r : verify->status;
}

/* Did it certainly not issue the certificate, which issuer_signed() denied? A signature that
 * libcrypto cannot check says nothing; one that is right is of somebody who is no CA. */
static bool is_foreign(const struct verify *verify)
{
    const struct cert_view *leaf = &verify->leaf;
    struct crypto_signed parts = {leaf->tbs, leaf->signature_algorithm, leaf->signature};

    return !slice_equal(verify->issuer->view.subject, leaf->issuer) ||
           crypto_verify(verify->crypto, verify->issuer->key, &parts, NULL) != CRYPTO_E_UNSUPPORTED;
}

static bool is_folder(const char *path)
{
    struct stat status;

    return !text_equal(path, "-") && stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* One --issuer. 0, EXIT_USAGE having said why, or below 0. */
static int try_source(struct verify *verify, const char *path)
{
    struct certs certs = {.count = 0};
    int r;

    if (is_folder(path)) {
        return try_folder(verify, path);
    }
    r = read_certs(path, &certs);
    r = r ? r : try_issuers(verify, &certs, 0, true);
    certs_deinit(&certs);
    return r;
}

/* Out of --issuer, then out of the file of the certificate itself. */
static int find_issuer(struct verify *verify)
{
    const struct options *options = verify->options;
    int r = 0;

    for (size_t i = 0; !r && !verify->signed_it && i < options->issuer_count; i++) {
        r = try_source(verify, options->issuers[i]);
    }
    /* One who is named and did not sign stays: that is what was asked about. */
    if (!r && !verify->issuer) {
        r = try_issuers(verify, &verify->own, 1, true);
    }
    if (r < 0) {
        cli_complain("cannot look for the issuer: %s", strerror(-r));
    }
    if (r) {
        return EXIT_USAGE;
    }
    if (!verify->issuer) {
        cli_complain("%s: its issuer is not in %s; name it with --issuer FILE%s%s", options->cert,
                     options->issuer_count ? "what --issuer names" : "the same file",
                     verify->fault ? "; a certificate there cannot be read: " : "",
                     verify->fault ? verify->fault : "");
        return EXIT_USAGE;
    }
    verify->verification.issuer_unverified = !verify->signed_it;
    verify->verification.issuer_foreign = !verify->signed_it && is_foreign(verify);
    verify->verification.issuer_other_name =
        !slice_equal(verify->issuer->view.subject, verify->leaf.issuer);
    return 0;
}

static bool read_number(const char **at, size_t digits, int *ret_number)
{
    *ret_number = 0;
    for (size_t i = 0; i < digits; i++) {
        if (**at < '0' || **at > '9') {
            return false;
        }
        *ret_number = *ret_number * 10 + (*(*at)++ - '0');
    }
    return true;
}

/* "Z" or "+01:00", as seconds east of UTC. */
static bool read_offset(const char *at, int64_t *ret_s)
{
    int hours, minutes, sign = *at == '-' ? -1 : 1;

    if ((at[0] == 'Z' || at[0] == 'z') && !at[1]) {
        *ret_s = 0;
        return true;
    }
    if (*at != '+' && *at != '-') {
        return false;
    }
    at++;
    if (!read_number(&at, 2, &hours) || *at++ != ':' || !read_number(&at, 2, &minutes) || *at ||
        hours > 23 || minutes > 59) {
        return false;
    }
    *ret_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

/* "2026-11-22T14:03:05Z" (RFC 3339). */
static bool read_date(const char *at, int64_t *ret_wall_s)
{
    static const char *const separators = "--T::";
    int fields[6];
    int64_t east_s;

    for (size_t i = 0; i < 6; i++) {
        if (!read_number(&at, i ? 2 : 4, &fields[i])) {
            return false;
        }
        if (i < 5 && *at != separators[i] && !(i == 2 && (*at == ' ' || *at == 't'))) {
            return false;
        }
        at += i < 5;
    }
    if (*at == '.' && strspn(at + 1, "0123456789") > 0) {
        at += 1 + strspn(at + 1, "0123456789"); /* a part of a second changes nothing */
    }
    if (!read_offset(at, &east_s) || !time_from_civil(fields, ret_wall_s)) {
        return false;
    }
    *ret_wall_s = time_sub(*ret_wall_s, east_s);
    return true;
}

/* Seconds since 1970. */
static bool read_unix_time(const char *at, int64_t *ret_wall_s)
{
    bool negative = *at == '-';
    int64_t value = 0;

    at += negative;
    if (!*at || text_length(at) > 15) {
        return false;
    }
    for (; *at; at++) {
        if (*at < '0' || *at > '9') {
            return false;
        }
        value = value * 10 + (*at - '0');
    }
    *ret_wall_s = negative ? -value : value;
    return true;
}

static int read_settings(struct verify *verify)
{
    const struct options *options = verify->options;

    verify->verification.wall_s = clock_now().wall_s;
    if (options->at && !read_unix_time(options->at, &verify->verification.wall_s) &&
        !read_date(options->at, &verify->verification.wall_s)) {
        cli_complain("--at takes seconds since 1970 or a time such as 2026-11-22T14:03:05Z, not %s",
                     options->at);
        return EXIT_USAGE;
    }
    return cli_policy(options, &verify->config->policy);
}

/* What a server sends is taken to be the file of the certificate. */
static bool is_root_unsent(const struct verify *verify)
{
    const struct issuer *issuer = verify->issuer;

    for (size_t i = 1; i < verify->own.count; i++) {
        if (slice_equal(slice_of_buf(&verify->own.list[i]), issuer->der)) {
            return false;
        }
    }
    return issuer_signed(verify->crypto, issuer, &issuer->view);
}

static int judge(struct verify *verify)
{
    struct verification *v = &verify->verification;
    struct buf served = BUF_INIT(LIMIT_ANSWER_SIZE + 1);
    int r;

    r = cert_facts_new(&verify->facts, verify->crypto, &verify->leaf, verify->issuer);
    if (r) {
        return r;
    }
    verify->facts->root_unsent = is_root_unsent(verify);
    verify->facts->issuer_not_before_s = verify->issuer->view.not_before_s;
    verify->facts->issuer_not_after_s = verify->issuer->view.not_after_s;
    v->policy = &verify->config->policy;
    v->cert = verify->facts;
    r = verify_judge(v, verify->signer, verify->issuer, slice_of_buf(&verify->answer), &served);
    buf_deinit(&served);
    return r;
}

static int print(const struct verify *verify)
{
    const struct verification *v = &verify->verification;
    struct buf out = BUF_INIT(REPORT_MAX);
    int code = v->judgement.verdict == VERDICT_STAPLE ? EXIT_OK : EXIT_NOT_DONE;

    if (verify->options->json) {
        verify_put_json(&out, v);
    } else {
        verify_put_text(&out, v, cli_wants_colour(STDOUT_FILENO));
    }
    if (buf_status(&out)) {
        cli_complain("out of memory");
        code = EXIT_USAGE;
    } else if (cli_write(slice_of_buf(&out))) {
        code = EXIT_USAGE;
    }
    buf_deinit(&out);
    return code;
}

/* "-" may stand for one of the inputs. */
static int check_standard_input(const struct options *options)
{
    unsigned count = text_equal(options->cert, "-") + text_equal(options->paths[0], "-");

    for (size_t i = 0; i < options->issuer_count; i++) {
        count += text_equal(options->issuers[i], "-");
    }
    if (count > 1) {
        cli_complain("standard input (-) can be one file only, and is named %u times", count);
        return EXIT_USAGE;
    }
    return 0;
}

static int verify_run(struct verify *verify)
{
    const char *path = verify->options->paths[0];
    int code = check_standard_input(verify->options), r;

    code = code ? code : cli_config(verify->options, &verify->config);
    code = code ? code : read_settings(verify);
    if (code) {
        return code;
    }
    r = crypto_new(&verify->crypto);
    r = r ? r : signer_new(&verify->signer, verify->crypto);
    if (r) {
        cli_complain("cannot begin: %s", strerror(-r));
        return EXIT_USAGE;
    }
    code = read_leaf(verify);
    code = code ? code : find_issuer(verify);
    if (code) {
        return code;
    }
    r = read_input(path, LIMIT_ANSWER_SIZE, &verify->answer);
    if (r) {
        complain_of(path, r);
        return EXIT_USAGE;
    }
    if (judge(verify)) {
        cli_complain("out of memory");
        return EXIT_USAGE;
    }
    return print(verify);
}

int command_verify(const struct options *options)
{
    struct verify verify = {.options = options, .answer = BUF_INIT(LIMIT_ANSWER_SIZE + 1)};
    int code = verify_run(&verify);

    buf_deinit(&verify.answer);
    free(verify.facts);
    issuer_free(verify.issuer);
    certs_deinit(&verify.own);
    signer_free(verify.signer);
    crypto_free(verify.crypto);
    config_free(verify.config);
    return code;
}

void verify_put_client(struct buf *buf, const struct judgement *judgement, enum client client)
{
    if (judgement->fails_with & CLIENT_BIT(client)) {
        buf_put_text(buf, "fails: ");
    } else if (judgement->ignored_by & CLIENT_BIT(client)) {
        buf_put_text(buf, "ignores: ");
    } else {
        buf_put_text(buf, "accept");
        return;
    }
    buf_put_text(buf, reason_name((enum reason)judgement->client_reasons[client]));
}

/* True when a rule before @rule warns with the same words. */
static bool said_before(const struct judgement *judgement, unsigned rule)
{
    for (unsigned i = 0; i < rule; i++) {
        if (judgement_warns(judgement, i) && text_equal(rule_sentence(i), rule_sentence(rule))) {
            return true;
        }
    }
    return false;
}

void verify_each_warning(const struct verification *verification,
                         void (*each)(void *context, const char *sentence, enum reason reason),
                         void *context)
{
    const struct judgement *judgement = &verification->judgement;
    const struct judgement *received = &verification->received_judgement;

    if (verification->issuer_unverified) {
        each(context, "the issuer given did not sign the certificate", REASON_GOOD);
    }
    for (unsigned i = 0; i < rule_count(); i++) {
        if (judgement_warns(judgement, i) && !said_before(judgement, i)) {
            each(context, rule_sentence(i), rule_get(i)->reason);
        }
    }
    /* What repairing heals. */
    for (unsigned i = 0; i < rule_count(); i++) {
        if (judgement_breaks(received, i) && !judgement_breaks(judgement, i)) {
            struct buf sentence = BUF_INIT(512);

            buf_put_text(&sentence, "as received, ");
            buf_put_text(&sentence, rule_sentence(i));
            each(context, buf_text(&sentence), REASON_GOOD); /* no reason any more */
            buf_deinit(&sentence);
        }
    }
}
