/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "cli/setup.h"
#include "io/clock.h"
#include "io/processes.h"
#include "io/scan.h"
#include "pki/request.h"
#include "wire/haproxy.h"
#include "wire/single.h"

#define HAPROXY_HIDES_S 300 /* before nextUpdate */

static void say(struct sight *sight, enum sight_state state, const char *before, const char *word,
                const char *behind)
{
    sight->state = state;
    buf_clear(&sight->why);
    buf_put_text(&sight->why, before);
    buf_put_printable(&sight->why, slice_of_text(word), 1024);
    buf_put_text(&sight->why, behind);
}

static void none(struct sight *sight, const char *before, const char *word, const char *behind)
{
    say(sight, SIGHT_NONE, before, word, behind);
}

/* Without the issuer: it is about that serial number, and has not ended. */
static void judge_roughly(const struct found_cert *leaf, struct slice der, const char *where,
                          struct sight *sight)
{
    struct single single;

    if (!single_read(der, 0, &single)) {
        none(sight, "", where, " holds no OCSP answer");
    } else if (!slice_equal(single_serial(single.certid), leaf->view.serial)) {
        none(sight, "the staple in ", where, " is about another certificate");
    } else if (single.next_update_s <= clock_now().wall_s) {
        none(sight, "the staple in ", where, " has ended");
    } else {
        sight->state = SIGHT_GOOD;
        sight->until_s = single.next_update_s;
    }
}

static void judge(const struct setup *setup, const struct setup_cert *cert, struct slice der,
                  const char *where, struct sight *sight)
{
    const struct found_cert *leaf = setup_leaf(cert);
    struct buf served = BUF_INIT(LIMIT_ANSWER_SIZE + 1);
    struct verification verification;

    if (!leaf->issuer ||
        lookup_judge(setup->lookup, leaf, der, clock_now().wall_s, &verification, &served)) {
        judge_roughly(leaf, der, where, sight);
    } else if (verification.judgement.verdict == VERDICT_STAPLE) {
        sight->state = SIGHT_GOOD;
        sight->until_s = verification.facts.next_update_s;
    } else {
        none(sight, "the staple in ", where, ": ");
        buf_put_text(&sight->why, reason_sentence(verification.judgement.reason));
    }
    buf_deinit(&served);
}

static void look_at_file(const struct setup *setup, const struct setup_cert *cert, const char *path,
                         struct sight *sight)
{
    struct buf der = BUF_INIT(LIMIT_ANSWER_SIZE), fault = BUF_INIT(16384);
    int r = scan_read_file(path, LIMIT_ANSWER_SIZE, &der, &fault);

    if (r == -ENOENT) {
        none(sight, "there is no ", path, ": `clinch status` tells why clinch has no staple");
    } else if (r) {
        none(sight, "", buf_text(&fault), "");
    } else {
        judge(setup, cert, slice_of_buf(&der), path, sight);
    }
    buf_deinit(&der);
    buf_deinit(&fault);
}

static void look_nginx(const struct setup *setup, const struct dump_block *block,
                       const struct dump_cert *named, const struct setup_cert *cert,
                       struct sight *sight)
{
    bool included = setup_nginx_includes(block, cert);

    if (block->flags & DUMP_NO_STAPLES) {
        none(sight, "nginx staples nothing in stream and mail", "", "");
    } else if (setup_nginx_count(setup, block) > 1) {
        none(sight,
             "the block has several certificates, and nginx sends one staple file with all of "
             "them: keep one there",
             "", "");
    } else if (named->staple && block->flags & DUMP_STAPLES) {
        look_at_file(setup, cert, named->staple, sight);
    } else if (included && setup_nginx_in_the_way(block, named)) {
        none(sight, "ssl_stapling in the block itself is in the way of clinch's snippet: remove it",
             "", "");
    } else if (block->flags & DUMP_STAPLES && included) {
        say(sight, SIGHT_SELF,
            "the block includes clinch's snippet, and there is none now (`clinch status` tells "
            "why), so nginx fetches its own: ssl_stapling is on around it",
            "", "");
    } else if (block->flags & DUMP_STAPLES) {
        say(sight, SIGHT_SELF, "nginx fetches its own (ssl_stapling on, without file)", "",
            ": `clinch setup nginx` prints the line to include");
    } else if (included) {
        none(sight,
             "the block includes clinch's snippet, and there is none now: `clinch status` "
             "tells why",
             "", "");
    } else {
        none(sight,
             "the block does not include clinch's snippet: `clinch setup nginx` prints the "
             "line",
             "", "");
    }
}

static void look_haproxy(struct setup *setup, const struct setup_cert *cert, struct sight *sight)
{
    const struct found_cert *leaf = setup_leaf(cert);
    struct buf certid = BUF_INIT(1024), command = BUF_INIT(4096);
    struct buf reply = BUF_INIT(LIMIT_HAPROXY_REPLY);
    const char *fault = NULL;
    int64_t next_update_s;
    bool good;

    if (!leaf->issuer || !setup_has_issuer(setup, cert)) {
        none(sight, "HAProxy staples nothing without the issuer in the file or in ", cert->path,
             ".issuer");
    } else if (!setup->inventory.socket.size) {
        none(sight, "no stats socket is known that could be asked: --socket PATH", "", "");
    } else {
        request_put_certid(&certid, leaf->facts);
        haproxy_put_show(&command, slice_of_buf(&certid));
        fault = inventory_ask(&setup->inventory, slice_of_buf(&command), &reply);
        if (fault) {
            none(sight, buf_text(&setup->inventory.socket), ": ", fault);
        } else if (!haproxy_read_shown(slice_of_buf(&reply), &good, &next_update_s)) {
            none(sight,
                 "HAProxy holds none: is `haproxy:` in clinch.yaml? (`clinch setup haproxy`)", "",
                 "");
        } else if (!good) {
            none(sight, "the staple that HAProxy holds does not say good", "", "");
        } else if (next_update_s - HAPROXY_HIDES_S <= clock_now().wall_s) {
            none(sight, "the staple that HAProxy holds has ended (it hides it 5 min before)", "",
                 "");
        } else {
            sight->state = SIGHT_GOOD;
            sight->until_s = next_update_s;
        }
    }
    buf_deinit(&certid);
    buf_deinit(&command);
    buf_deinit(&reply);
}

/* ocsp-dir/MD5 of the path; a file that is named goes before. */
static void look_hitch(const struct setup *setup, const struct dump_cert *named,
                       const struct setup_cert *cert, struct sight *sight)
{
    const char *folder = setup->inventory.dump->values[DUMP_OCSP_DIR];
    struct buf path = BUF_INIT(8192);
    unsigned char md5[EVP_MAX_MD_SIZE];
    size_t size = 0;

    if (named && named->staple) {
        look_at_file(setup, cert, named->staple, sight);
        return;
    }
    if (!folder || !*folder) {
        none(sight, "hitch has no ocsp-dir of clinch's: `clinch setup hitch` prints the line", "",
             "");
        return;
    }
    if (!EVP_Q_digest(NULL, "MD5", NULL, cert->path, strlen(cert->path), md5, &size)) {
        none(sight, "this machine's OpenSSL has no MD5, which names hitch's files", "", "");
        return;
    }
    buf_put_text(&path, folder);
    buf_put_byte(&path, '/');
    buf_put_hex(&path, slice_of(md5, size));
    look_at_file(setup, cert, buf_text(&path), sight);
    buf_deinit(&path);
}

/* The file in number @index of "${if and{{exists{FILE}}..." */
static bool find_guarded(const char *expansion, size_t index, struct buf *path)
{
    static const char guard[] = "exists{";
    const char *at = expansion;

    for (size_t i = 0; at && i <= index; i++) {
        at = strstr(at, guard);
        at = at ? at + sizeof(guard) - 1 : NULL;
    }
    if (at) {
        buf_put(path, at, strcspn(at, "}"));
    }
    return at != NULL;
}

static void look_exim(const struct setup *setup, const struct dump_block *block,
                      const struct dump_cert *named, const struct setup_cert *cert,
                      struct sight *sight)
{
    size_t index = (size_t)(named - &setup->inventory.dump->certs[block->first]);
    struct buf path = BUF_INIT(LIMIT_DUMP_WORD);
    struct stat info;

    if (!named->staple) {
        none(sight, "there is no tls_ocsp_file: `clinch setup exim` prints it", "", "");
    } else if (!find_guarded(named->staple, index, &path) || !strstr(named->staple, "{mtime}")) {
        none(sight,
             "tls_ocsp_file has not the form in which a staple that ends does no harm: `clinch "
             "setup exim` prints it",
             "", "");
    } else {
        look_at_file(setup, cert, buf_text(&path), sight);
        if (sight->state == SIGHT_GOOD && !stat(buf_text(&path), &info) &&
            info.st_mtime <= clock_now().wall_s) {
            none(sight, "the time of ", buf_text(&path),
                 " is not in the future, so Exim leaves it out: is its entry in clinch.yaml "
                 "`exim:`?");
        }
    }
    buf_deinit(&path);
}

/* What clinch's command would print. */
static void look_at_store(const struct setup *setup, const struct setup_cert *cert,
                          struct sight *sight)
{
    struct kept kept;

    lookup_kept(setup->lookup, setup_leaf(cert), clock_now().wall_s, &kept);
    if (kept.state == KEPT_GOOD) {
        sight->state = SIGHT_GOOD;
        sight->until_s = kept.verification.facts.next_update_s;
    } else {
        none(sight, "clinch keeps no staple for it in ", setup->config->state_dir,
             ": `clinch status` tells why");
    }
    kept_deinit(&kept);
}

static void look_command(const struct setup *setup, const struct dump_block *block,
                         const struct dump_cert *named, const struct setup_cert *cert,
                         struct sight *sight)
{
    const char *name = setup->traits->name;

    if (block->flags & DUMP_STAPLES_NEVER) {
        none(sight, "it is told to staple nothing: `clinch setup ", name, "` prints the lines");
    } else if (block->flags & DUMP_STAPLES || !named->staple || !strstr(named->staple, "clinch")) {
        say(sight, SIGHT_SELF, "it fetches its own: `clinch setup ", name, "` prints the lines");
    } else {
        look_at_store(setup, cert, sight);
    }
}

/* What the preload library takes from one folder, or would. */
static void look_at_folder(const struct setup *setup, const struct setup_cert *cert,
                           struct slice folder, struct sight *sight)
{
    const struct found_cert *leaf = setup_leaf(cert);
    struct buf path = BUF_INIT(8192);
    struct stat info;

    buf_put_slice(&path, folder);
    buf_put_byte(&path, '/');
    buf_put_hex(&path, slice_of(leaf->facts->leaf_sha256, SHA256_SIZE));
    buf_put_text(&path, ".ocsp");
    look_at_file(setup, cert, buf_text(&path), sight);
    if (sight->state == SIGHT_GOOD && !stat(buf_text(&path), &info) &&
        info.st_mtime <= clock_now().wall_s) {
        none(sight, "the time of ", buf_text(&path), " is not in the future, so it does not count");
    }
    buf_deinit(&path);
}

/* The library's folders, with colons: those that the running Apache was given, else those of
 * clinch.yaml, else the one that `clinch setup` prints. False: Apache runs without the library. */
static bool find_folders(const struct setup *setup, struct buf *folders)
{
    struct buf libraries = BUF_INIT(LIMIT_CMDLINE);
    pid_t pid = setup->server.pid;
    int r = pid ? processes_variable("/proc", pid, "LD_PRELOAD", &libraries) : -EACCES;
    bool loaded = (r && r != -ENOENT) || strstr(buf_text(&libraries), "libclinch-preload");

    buf_deinit(&libraries);
    if (!loaded || (!r && !processes_variable("/proc", pid, "CLINCH_STAPLES", folders))) {
        return loaded;
    }
    for (size_t i = 0; i < setup->config->target_count; i++) {
        if (setup->config->targets[i].type == TARGET_FOLDER) {
            buf_put_text(folders, setup->config->targets[i].path);
            buf_put_byte(folders, ':');
        }
    }
    if (!folders->size) {
        setup_preload_folder(folders, setup);
    }
    return true;
}

static bool has_folder_target(const struct config *config)
{
    for (size_t i = 0; i < config->target_count; i++) {
        if (config->targets[i].type == TARGET_FOLDER) {
            return true;
        }
    }
    return false;
}

static void look_apache(const struct setup *setup, const struct setup_cert *cert,
                        struct sight *sight)
{
    struct buf folders = BUF_INIT(LIMIT_CMDLINE);
    bool loaded = find_folders(setup, &folders);

    for (const char *at = buf_text(&folders); loaded && *at && sight->state != SIGHT_GOOD;) {
        size_t size = strcspn(at, ":");

        if (size) {
            look_at_folder(setup, cert, slice_of(at, size), sight);
        }
        at += size + (at[size] == ':');
    }
    buf_deinit(&folders);
    if (sight->state == SIGHT_GOOD) {
        return;
    }
    if (setup->inventory.dump->values[DUMP_COMMAND]) {
        say(sight, SIGHT_SELF,
            "Apache staples by itself (SSLUseStapling): `clinch setup apache` prints the better "
            "way",
            "", "");
    } else if (!loaded) {
        none(sight,
             "Apache runs without clinch's preload library: `clinch setup apache` prints its lines",
             "", "");
    } else if (!has_folder_target(setup->config)) {
        none(sight, "", setup->config_path,
             " has no `folder:` for clinch's preload library: `clinch setup apache` prints it");
    }
}

static void look(struct setup *setup, const struct dump_block *block, const struct dump_cert *named,
                 const struct setup_cert *cert, struct sight *sight)
{
    switch (setup->kind) {
    case DUMP_NGINX:
        look_nginx(setup, block, named, cert, sight);
        return;
    case DUMP_HAPROXY:
        look_haproxy(setup, cert, sight);
        return;
    case DUMP_APACHE:
        look_apache(setup, cert, sight);
        return;
    case DUMP_HITCH:
        look_hitch(setup, named, cert, sight);
        return;
    case DUMP_EXIM:
        look_exim(setup, block, named, cert, sight);
        return;
    case DUMP_H2O:
    case DUMP_NGHTTPX:
        look_command(setup, block, named, cert, sight);
        return;
    default:
        if (named->staple) {
            look_at_file(setup, cert, named->staple, sight);
        } else {
            none(sight, "no staple is named for it: `clinch setup ", setup->traits->name,
                 "` prints the line");
        }
    }
}

void setup_look(struct setup *setup, const struct dump_block *block, const struct dump_cert *named,
                const struct setup_cert *cert, struct sight *ret_sight)
{
    *ret_sight = (struct sight){.state = SIGHT_QUIET, .why = BUF_INIT(65536)};
    if (!setup_leaf(cert)) {
        none(ret_sight, "", cert->fault, "");
    } else if (setup_could(cert)) {
        look(setup, block, named, cert, ret_sight);
    }
}
