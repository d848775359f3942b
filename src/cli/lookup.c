/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/lookup.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "io/scan.h"
#include "pki/bag.h"
#include "pki/signer.h"

#define NEIGHBOURS_MOST 1000
#define CANDIDATES_MOST 20000 /* of all files together: then no more neighbours are looked at */
#define PATH_MOST       8192

struct candidate {
    struct issuer *issuer;
    char *path;
};

struct candidates {
    struct candidate *list;
    size_t count;
    int status; /* the first failure */
};

struct lookup {
    const struct config *config;
    struct store *store; /* NULL: absent, or it failed */
    bool store_failed;   /* and has told */
    const struct log *log;
    struct crypto *crypto;
    struct signer *signer;
    struct candidates configured;
    struct candidates others; /* of the files looked at */
};

static void candidates_deinit(struct candidates *candidates)
{
    for (size_t i = 0; i < candidates->count; i++) {
        issuer_free(candidates->list[i].issuer);
        free(candidates->list[i].path);
    }
    free(candidates->list);
    *candidates = (struct candidates){0};
}

/* Takes @der as a candidate when it is a certificate at all. */
static void candidates_add(struct candidates *candidates, struct lookup *lookup, struct slice der,
                           const char *path)
{
    struct candidate candidate = {0}, *grown;
    int r = issuer_new(&candidate.issuer, lookup->crypto, der);

    if (r > 0) {
        return; /* broken; whoever needs it is told that the issuer is not found */
    }
    candidate.path = text_copy(slice_of_text(path));
    grown = realloc(candidates->list, (candidates->count + 1) * sizeof(*grown));
    if (r || !candidate.path || !grown) {
        candidates->list = grown ? grown : candidates->list;
        candidates->status = -ENOMEM;
        issuer_free(candidate.issuer);
        free(candidate.path);
        return;
    }
    candidates->list = grown;
    candidates->list[candidates->count++] = candidate;
}

static void candidates_add_pem(struct candidates *candidates, struct lookup *lookup,
                               struct slice text, const char *path)
{
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE);
    struct pem pem = pem_open(text);
    int block;

    while ((block = pem_next(&pem, &der)) > PEM_END) {
        if (block == PEM_CERTIFICATE && candidates->count < LIMIT_FILES) {
            candidates_add(candidates, lookup, slice_of_buf(&der), path);
        }
    }
    candidates->status = block < 0 ? block : candidates->status;
    buf_deinit(&der);
}

static void wipe(struct buf *content)
{
    if (content->data) {
        explicit_bzero(content->data, content->capacity);
    }
    buf_deinit(content);
}

/* A file that is allowed to be missing or unfit. */
static void candidates_add_file(struct candidates *candidates, struct lookup *lookup,
                                const char *path)
{
    struct buf content = BUF_INIT(LIMIT_CERT_FILE_SIZE), fault = BUF_INIT(PATH_MOST);

    if (!scan_read_file(path, LIMIT_CERT_FILE_SIZE, &content, &fault)) {
        candidates_add_pem(candidates, lookup, slice_of_buf(&content), path);
    }
    wipe(&content);
    buf_deinit(&fault);
}

static void issuer_file_read(void *context, const char *path, struct slice content, bool in_folder)
{
    struct lookup *lookup = context;

    (void)in_folder;
    candidates_add_pem(&lookup->configured, lookup, content, path);
}

static void issuer_file_gone(void *context, const char *path)
{
    (void)context;
    (void)path;
}

/* The files and folders of --issuer and `issuers:`; what is wrong with them scan tells. */
static int read_configured(struct lookup *lookup)
{
    _cleanup_(scan_freep)
    struct scan *scan = NULL;
    struct scan_sink sink = {lookup, issuer_file_read, issuer_file_gone, issuer_file_gone};
    int r = scan_new(&scan, lookup->log);

    for (size_t i = 0; !r && i < lookup->config->issuer_count; i++) {
        r = scan_add(scan, lookup->config->issuers[i]);
    }
    r = r ? r : scan_run(scan, &sink);
    return r ? r : lookup->configured.status;
}

int lookup_new(struct lookup **ret_lookup, const struct config *config, const struct log *log)
{
    _cleanup_(lookup_freep)
    struct lookup *lookup = calloc(1, sizeof(*lookup));
    int r;

    if (!lookup) {
        return -ENOMEM;
    }
    lookup->config = config;
    lookup->log = log;
    lookup->store_failed = store_open_reader(&lookup->store, config->state_dir, log) < 0;
    r = crypto_new(&lookup->crypto);
    r = r ? r : signer_new(&lookup->signer, lookup->crypto);
    if (!r && config->issuer_count) {
        r = read_configured(lookup);
    }
    if (r) {
        return error_trace(r);
    }
    *ret_lookup = steal(&lookup);
    return 0;
}

struct lookup *lookup_free(struct lookup *lookup)
{
    if (!lookup) {
        return NULL;
    }
    candidates_deinit(&lookup->configured);
    candidates_deinit(&lookup->others);
    signer_free(lookup->signer);
    crypto_free(lookup->crypto);
    store_close(lookup->store);
    free(lookup);
    return NULL;
}

/* Some candidates of one source. */
struct span {
    const struct candidate *list;
    size_t count;
    enum issuer_source source;
};

static struct span span_from(const struct candidates *candidates, size_t first,
                             enum issuer_source source)
{
    const struct candidate *list = first ? candidates->list + first : candidates->list;

    return (struct span){list, candidates->count - first, source};
}

/* True when one of them issued @cert. */
static bool try_span(struct lookup *lookup, struct span span, struct found_cert *cert)
{
    for (size_t i = 0; i < span.count; i++) {
        if (issuer_signed(lookup->crypto, span.list[i].issuer, &cert->view)) {
            cert->issuer = span.list[i].issuer;
            cert->source = span.source;
            buf_put_text(&cert->where, span.list[i].path);
            return true;
        }
    }
    return false;
}

static bool try_file(struct lookup *lookup, const char *path, struct found_cert *cert,
                     enum issuer_source source)
{
    size_t first = lookup->others.count;

    candidates_add_file(&lookup->others, lookup, path);
    return try_span(lookup, span_from(&lookup->others, first, source), cert);
}

static bool try_beside(struct lookup *lookup, const char *path, struct found_cert *cert)
{
    struct buf beside = BUF_INIT(PATH_MOST);
    bool found;

    buf_put_text(&beside, path);
    buf_put_text(&beside, ".issuer");
    found = !buf_status(&beside) && try_file(lookup, buf_text(&beside), cert, ISSUER_BESIDE);
    buf_deinit(&beside);
    return found;
}

/* @body is what @url has sent, now or earlier. */
static bool try_body(struct lookup *lookup, struct slice body, const char *url,
                     struct found_cert *cert, enum issuer_source source)
{
    size_t first = lookup->others.count;
    struct slice certs[BAG_MAX];
    unsigned count = bag_read(body, certs);

    for (unsigned i = 0; i < count; i++) {
        candidates_add(&lookup->others, lookup, certs[i], url);
    }
    return try_span(lookup, span_from(&lookup->others, first, source), cert);
}

static bool try_store(struct lookup *lookup, struct found_cert *cert)
{
    struct buf url = BUF_INIT(LIMIT_URL_SIZE + 1), kept = BUF_INIT(LIMIT_ISSUER_SIZE);
    bool found = false;

    for (unsigned i = 0; lookup->store && !found && i < cert->view.issuer_url_count; i++) {
        buf_clear(&url);
        buf_clear(&kept);
        buf_put_slice(&url, cert->view.issuer_urls[i]);
        if (store_read_issuer(lookup->store, buf_text(&url), &kept) == 0) {
            found = try_body(lookup, slice_of_buf(&kept), buf_text(&url), cert, ISSUER_FETCHED);
        }
    }
    buf_deinit(&url);
    buf_deinit(&kept);
    return found;
}

/* The other files of the folder: certbot puts the leaf and its chain into two. */
static bool try_neighbours(struct lookup *lookup, const char *path, struct found_cert *cert)
{
    const char *slash = strrchr(path, '/');
    struct buf name = BUF_INIT(PATH_MOST);
    struct dirent *entry;
    unsigned looked = 0;
    bool found = false;
    DIR *folder;

    buf_put(&name, path, slash ? (size_t)(slash - path) + 1 : 0);
    folder = opendir(name.size ? buf_text(&name) : ".");
    while (folder && !found && looked < NEIGHBOURS_MOST && lookup->others.count < CANDIDATES_MOST &&
           (entry = readdir(folder))) {
        size_t folder_size = name.size;

        if (entry->d_name[0] == '.' || strcasestr(entry->d_name, "key")) {
            continue; /* a key is none of our business */
        }
        looked++;
        buf_put_text(&name, entry->d_name);
        if (!buf_status(&name) && !text_equal(buf_text(&name), path)) {
            found = try_file(lookup, buf_text(&name), cert, ISSUER_NEIGHBOUR);
        }
        name.size = folder_size;
    }
    if (folder) {
        closedir(folder);
    }
    buf_deinit(&name);
    return found;
}

/* A root that the file does not have is not sent by the server: repair puts it in the answer. */
static int make_facts(struct lookup *lookup, struct found_cert *cert)
{
    int r;

    r = cert_facts_new(&cert->facts, lookup->crypto, &cert->view, cert->issuer);
    if (r) {
        return r;
    }
    cert->facts->root_unsent = cert->issuer && cert->source != ISSUER_SAME_FILE &&
                               issuer_signed(lookup->crypto, cert->issuer, &cert->issuer->view);
    return 0;
}

/* @own: how many of the others, from @first on, are of the file itself. @path: NULL for none. */
static int find_issuer(struct lookup *lookup, const char *path, struct found_cert *cert,
                       size_t first, size_t own)
{
    struct span file = {lookup->others.list + first, own, ISSUER_SAME_FILE};

    if (!try_span(lookup, file, cert) && !(path && try_beside(lookup, path, cert)) &&
        !try_span(lookup, span_from(&lookup->configured, 0, ISSUER_CONFIGURED), cert) &&
        !try_store(lookup, cert) && path) {
        try_neighbours(lookup, path, cert);
    }
    if (lookup->others.status) {
        return lookup->others.status;
    }
    return make_facts(lookup, cert);
}

void found_file_deinit(struct found_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        buf_deinit(&file->certs[i].der);
        buf_deinit(&file->certs[i].where);
        free(file->certs[i].facts);
    }
    free(file->certs);
    *file = (struct found_file){0};
}

/* The file's end-entity certificates. As the daemon does it: a CA counts as one only when it stands
 * first. *@ret_broken: a clause about one that cannot be read. */
static int read_certs(struct lookup *lookup, const char *path, struct slice text,
                      struct found_file *file, const char **ret_broken)
{
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE);
    struct pem pem = pem_open(text);
    unsigned blocks = 0;
    int block, r = 0;

    while (!r && (block = pem_next(&pem, &der)) != PEM_END) {
        struct found_cert cert = {.der = BUF_INIT(LIMIT_CERT_SIZE), .where = BUF_INIT(PATH_MOST)};

        r = block < 0 ? block : 0;
        if (block == PEM_BROKEN && !*ret_broken) {
            *ret_broken = "a PEM block has no end or is not base64";
        }
        if (r || block != PEM_CERTIFICATE) {
            continue;
        }
        blocks++;
        candidates_add(&lookup->others, lookup, slice_of_buf(&der), path);
        buf_put_slice(&cert.der, slice_of_buf(&der));
        if (cert_read(slice_of_buf(&cert.der), &cert.view, ret_broken) ||
            (cert.view.is_ca && blocks > 1) || file->count == LIMIT_CERTS_PER_FILE) {
            buf_deinit(&cert.der);
            continue;
        }
        file->certs[file->count++] = cert;
    }
    buf_deinit(&der);
    return r ? r : lookup->others.status;
}

/* The sentence about a file without a certificate. PKCS#12 begins with its version, a certificate
 * with a SEQUENCE. */
static void put_absence(struct buf *fault, const char *path, struct slice text)
{
    size_t at = text.size > 1 && text.data[1] >= 0x80 ? 2 + (text.data[1] & 0x7f) : 0;

    buf_put_text(fault, path);
    if (text.size <= at || !at || text.data[0] != 0x30) {
        buf_put_text(fault, ": no certificate in it (PEM, -----BEGIN CERTIFICATE-----)");
    } else if (text.data[at] == 0x02) {
        buf_put_text(fault,
                     " is PKCS#12, which clinch does not read: `openssl pkcs12 -nokeys -in ");
        buf_put_text(fault, path);
        buf_put_text(fault, " -out ");
        buf_put_text(fault, path);
        buf_put_text(fault, ".pem`, and name that file to clinch");
    } else {
        buf_put_text(fault, ": is DER, not PEM; `openssl x509 -inform DER` converts it");
    }
}

static int read_text(struct lookup *lookup, const char *path, struct slice text,
                     struct found_file *file, struct buf *fault)
{
    const char *broken = NULL;
    size_t first = lookup->others.count, own;
    int r = read_certs(lookup, path, text, file, &broken);

    own = lookup->others.count - first;
    for (size_t i = 0; !r && i < file->count; i++) {
        r = find_issuer(lookup, path, &file->certs[i], first, own);
    }
    if (!r && !file->count && !broken) {
        put_absence(fault, path, text);
        return -EINVAL;
    }
    if (!r && !file->count) {
        buf_put_text(fault, path);
        buf_put_text(fault, ": no readable certificate: ");
        buf_put_text(fault, broken);
        return -EINVAL;
    }
    if (!r && broken) {
        cli_complain("%s: a certificate in it cannot be read: %s", path, broken);
    }
    return r;
}

int lookup_file(struct lookup *lookup, const char *path, struct found_file *ret_file,
                struct buf *fault)
{
    struct buf content = BUF_INIT(LIMIT_CERT_FILE_SIZE);
    struct found_file file = {.certs = calloc(LIMIT_CERTS_PER_FILE, sizeof(struct found_cert))};
    int r = file.certs ? 0 : -ENOMEM;

    if (!r) {
        r = scan_read_file(path, LIMIT_CERT_FILE_SIZE, &content, fault);
    }
    if (!r) {
        r = read_text(lookup, path, slice_of_buf(&content), &file, fault);
    }
    wipe(&content);
    if (r) {
        if (!fault->size) {
            buf_put_text(fault, path);
            buf_put_text(fault, ": out of memory");
        }
        found_file_deinit(&file);
        return r;
    }
    *ret_file = file;
    return 0;
}

int lookup_chain(struct lookup *lookup, const struct slice *chain, size_t count,
                 struct found_file *ret_file, struct buf *fault)
{
    struct found_file file = {.certs = calloc(1, sizeof(struct found_cert)), .count = 1};
    size_t first = lookup->others.count;
    const char *broken = NULL;
    int r;

    if (!file.certs) {
        return -ENOMEM;
    }
    file.certs->der = BUF_INIT(LIMIT_CERT_SIZE);
    file.certs->where = BUF_INIT(PATH_MOST);
    buf_put_slice(&file.certs->der, chain[0]);
    r = cert_read(slice_of_buf(&file.certs->der), &file.certs->view, &broken) ? -EINVAL : 0;
    for (size_t i = 0; !r && i < count; i++) {
        candidates_add(&lookup->others, lookup, chain[i], "");
    }
    if (!r) {
        r = find_issuer(lookup, NULL, file.certs, first, lookup->others.count - first);
    }
    if (r) {
        buf_put_text(fault, broken ? broken : "there is no memory left");
        found_file_deinit(&file);
        return r;
    }
    if (file.certs->source == ISSUER_SAME_FILE) { /* this very one is what clients are sent */
        file.certs->facts->issuer_not_before_s = file.certs->issuer->view.not_before_s;
        file.certs->facts->issuer_not_after_s = file.certs->issuer->view.not_after_s;
    }
    *ret_file = file;
    return 0;
}

bool lookup_offer_issuer(struct lookup *lookup, struct found_cert *cert, const char *url,
                         struct slice body)
{
    struct cert_facts *facts;

    if (!try_body(lookup, body, url, cert, ISSUER_OFFERED) ||
        cert_facts_new(&facts, lookup->crypto, &cert->view, cert->issuer)) {
        cert->issuer = NULL;
        return false;
    }
    facts->root_unsent = issuer_signed(lookup->crypto, cert->issuer, &cert->issuer->view);
    free(cert->facts);
    cert->facts = facts;
    return true;
}

int lookup_judge(struct lookup *lookup, const struct found_cert *cert, struct slice der,
                 int64_t wall_s, struct verification *ret_verification, struct buf *served)
{
    *ret_verification = (struct verification){
        .policy = &lookup->config->policy,
        .cert = cert->facts,
        .wall_s = wall_s,
    };
    return verify_judge(ret_verification, lookup->signer, cert->issuer, der, served);
}

int lookup_judge_shown(struct lookup *lookup, const struct found_cert *cert, struct slice der,
                       int64_t wall_s, struct verification *ret_verification)
{
    struct buf shown = BUF_INIT(der.size + 1);
    int r;

    *ret_verification = (struct verification){
        .policy = &lookup->config->policy,
        .cert = cert->facts,
        .wall_s = wall_s,
        .as_shown = true,
    };
    r = verify_judge(ret_verification, lookup->signer, cert->issuer, der, &shown);
    buf_deinit(&shown);
    return r;
}

const char *kept_state_name(enum kept_state state)
{
    static const char *const names[] = {"nothing",   "good",     "unfit",     "revoked",
                                        "no-issuer", "no-store", "unreadable"};

    return names[state];
}

void kept_deinit(struct kept *kept)
{
    buf_deinit(&kept->received);
    buf_deinit(&kept->served);
}

static struct kept kept_begin(enum kept_state state)
{
    return (struct kept){
        .state = state,
        .received = BUF_INIT(LIMIT_ANSWER_SIZE),
        .served = BUF_INIT(LIMIT_ANSWER_SIZE + 1),
    };
}

/* What may be done with an answer so judged. The last one of a must-staple leaf is kept beyond its
 * end, to that of its grace. */
static enum kept_state state_of(const struct policy *policy, struct judgement *judgement,
                                int64_t wall_s)
{
    bool good = judgement->verdict == VERDICT_STAPLE ||
                (policy->must_staple_grace && judgement->reasons == REASON_BIT(REASON_EXPIRED));

    if (judgement->verdict == VERDICT_REVOKED) {
        return KEPT_REVOKED;
    }
    if (good && wall_s < judgement->grace_until_s) {
        judgement->serve.until_s =
            wall_s < judgement->serve.until_s ? judgement->serve.until_s : judgement->grace_until_s;
        return KEPT_GOOD;
    }
    if (good) {
        judgement->reason = REASON_EXPIRED; /* within the margin of some client's end */
    }
    return KEPT_UNFIT;
}

/* One answer as received: the disk is not trusted. */
static void judge_answer(struct lookup *lookup, const struct found_cert *cert, struct slice der,
                         int64_t wall_s, struct kept *kept)
{
    const struct policy *policy = &lookup->config->policy;
    struct judgement *judgement = &kept->verification.judgement;

    buf_put_slice(&kept->received, der);
    if (lookup_judge(lookup, cert, der, wall_s, &kept->verification, &kept->served) ||
        buf_status(&kept->received)) {
        cli_complain("out of memory");
        buf_clear(&kept->received);
        kept->state = KEPT_UNREADABLE;
        return;
    }
    kept->state = state_of(policy, judgement, wall_s);
    kept->unfit = judgement->reason;
    kept->revoked_at_s = kept->verification.facts.revoked_at_s;
    if (kept->state != KEPT_GOOD && (kept->state != KEPT_REVOKED || !policy->staple_revoked ||
                                     wall_s >= judgement->serve.until_s)) {
        buf_clear(&kept->served);
    }
}

/* The pending answer once its time has come (the daemon may be gone since), else the held one, else
 * the pending one after all. */
static void judge_record(struct lookup *lookup, const struct found_cert *cert,
                         const struct store_record *record, int64_t wall_s, struct kept *kept)
{
    struct kept pending = kept_begin(KEPT_NOTHING);
    bool ripe;

    if (record->pending.size) {
        judge_answer(lookup, cert, slice_of_buf(&record->pending), wall_s, &pending);
    }
    ripe = pending.state == KEPT_GOOD && window_holds(pending.verification.judgement.serve, wall_s);
    if (record->held.size && !ripe) {
        judge_answer(lookup, cert, slice_of_buf(&record->held), wall_s, kept);
    }
    if (ripe || (kept->state != KEPT_GOOD && pending.state == KEPT_GOOD)) {
        kept_deinit(kept);
        *kept = pending;
    } else {
        kept_deinit(&pending);
    }
}

/* A tombstone stands: what says so itself may be served where the configuration wants it. */
static void judge_revoked(struct lookup *lookup, const struct found_cert *cert,
                          const struct store_record *record, int64_t wall_s, struct kept *kept)
{
    if (record->held.size && cert->issuer) {
        judge_answer(lookup, cert, slice_of_buf(&record->held), wall_s, kept);
    }
    if (kept->state != KEPT_REVOKED) {
        buf_clear(&kept->served);
    }
    kept->state = KEPT_REVOKED;
    kept->revoked_at_s = record->tombstone.revoked_at_s;
}

void lookup_kept(struct lookup *lookup, const struct found_cert *cert, int64_t wall_s,
                 struct kept *ret_kept)
{
    struct store_record record = {.held = BUF_INIT(LIMIT_ANSWER_SIZE),
                                  .pending = BUF_INIT(LIMIT_ANSWER_SIZE)};
    int r;

    *ret_kept = kept_begin(KEPT_NO_STORE);
    if (!lookup->store) {
        ret_kept->state = lookup->store_failed ? KEPT_UNREADABLE : KEPT_NO_STORE;
        return;
    }
    r = store_read(lookup->store, cert->facts->leaf_sha256, &record);
    ret_kept->state = r == 0 || r == STORE_E_NONE ? KEPT_NOTHING : KEPT_UNREADABLE;
    if (r == 0 && record.tombstone.present) {
        judge_revoked(lookup, cert, &record, wall_s, ret_kept);
    } else if (r == 0 && (record.held.size || record.pending.size)) {
        if (cert->issuer) {
            judge_record(lookup, cert, &record, wall_s, ret_kept);
        } else {
            ret_kept->state = KEPT_NO_ISSUER;
        }
    }
    store_record_deinit(&record);
}

struct row_search {
    char leaf_sha256[2 * SHA256_SIZE + 1];
    struct buf *last;
};

static void search_row(void *context, const struct cert_row *row)
{
    struct row_search *search = context;

    if (text_equal(row->leaf_sha256, search->leaf_sha256)) {
        buf_put_text(search->last, row->last);
    }
}

void lookup_last(struct lookup *lookup, const struct found_cert *cert, struct buf *last)
{
    struct row_search search = {.last = last};
    struct buf hex = BUF_INIT(2 * SHA256_SIZE);

    buf_put_hex(&hex, slice_of(cert->facts->leaf_sha256, SHA256_SIZE));
    if (lookup->store && hex.size == 2 * SHA256_SIZE) {
        memcpy(search.leaf_sha256, hex.data, hex.size);
        store_rows(lookup->store, search_row, &search);
    }
    buf_deinit(&hex);
}
