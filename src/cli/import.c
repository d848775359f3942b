/* SPDX-License-Identifier: Apache-2.0 */

/* The certificates of a lineage without its key, to where the daemon's user may read them. It is
 * run by root, out of a deploy hook: so the folder must belong to whoever runs it, and nobody else
 * may write there, or that somebody could lead root's pen elsewhere. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "conf/template.h"
#include "io/scan.h"
#include "pki/cert.h"
#include "publish/disk.h"

#define TO_DEFAULT "/etc/clinch/certs"
#define PATH_MOST  8192

#define NO_CERTIFICATE "no certificate in it (PEM, -----BEGIN CERTIFICATE-----)"

/* One lineage: what it is called, and its certificates as PEM. */
struct lineage {
    struct buf name;
    struct buf pem;
    unsigned certs;
};

static void lineage_deinit(struct lineage *lineage)
{
    buf_deinit(&lineage->name);
    buf_deinit(&lineage->pem);
}

static void put_certificate(struct buf *pem, struct slice der)
{
    struct buf text = BUF_INIT(2 * LIMIT_CERT_SIZE);

    buf_put_base64(&text, der);
    buf_put_text(pem, "-----BEGIN CERTIFICATE-----\n");
    for (size_t at = 0; at < text.size; at += 64) {
        buf_put(pem, text.data + at, text.size - at < 64 ? text.size - at : 64);
        buf_put_byte(pem, '\n');
    }
    buf_put_text(pem, "-----END CERTIFICATE-----\n");
    buf_deinit(&text);
}

/* The certificates of @text, and nothing else of it. A clause for people, or NULL. */
static const char *take_certificates(struct lineage *lineage, struct slice text)
{
    struct buf der = BUF_INIT(LIMIT_CERT_SIZE);
    struct pem pem = pem_open(text);
    const char *fault = NULL;
    struct cert_view view;
    int block;

    while (!fault && (block = pem_next(&pem, &der)) != PEM_END) {
        if (block < 0) {
            fault = "out of memory";
        } else if (block == PEM_BROKEN) {
            fault = "a block in it is broken; nothing of it is taken";
        } else if (block == PEM_CERTIFICATE && lineage->certs == LIMIT_CERTS_PER_FILE) {
            fault = "too many certificates in it";
        } else if (block == PEM_CERTIFICATE && !cert_read(slice_of_buf(&der), &view, &fault)) {
            if (!lineage->certs++ && view.is_ca) {
                fault = "the first certificate in it is a CA's, not the server's";
            }
            put_certificate(&lineage->pem, slice_of_buf(&der));
        }
    }
    buf_deinit(&der);
    return fault;
}

/* 0, -ENOENT without a word, or <0 told. */
static int read_file(struct lineage *lineage, const char *path)
{
    struct buf content = BUF_INIT(LIMIT_CERT_FILE_SIZE), fault = BUF_INIT(PATH_MOST);
    int r = scan_read_file(path, LIMIT_CERT_FILE_SIZE, &content, &fault);
    const char *clause = r ? NULL : take_certificates(lineage, slice_of_buf(&content));

    if (clause) {
        cli_complain("%s: %s", path, clause);
        r = -EINVAL;
    } else if (r && r != -ENOENT) {
        cli_complain("%s", buf_text(&fault));
    }
    if (content.data) {
        explicit_bzero(content.data, content.capacity); /* it may hold a key */
    }
    buf_deinit(&content);
    buf_deinit(&fault);
    return r;
}

static int read_in_folder(struct lineage *lineage, const char *folder, const char *file)
{
    struct buf path = BUF_INIT(PATH_MOST);
    int r = -ENAMETOOLONG;

    buf_put_text(&path, folder);
    buf_put_byte(&path, '/');
    buf_put_text(&path, file);
    if (!buf_status(&path)) {
        r = read_file(lineage, buf_text(&path));
    }
    buf_deinit(&path);
    return r;
}

/* As certbot and dehydrated lay it out: fullchain.pem, or cert.pem with chain.pem. */
static int read_folder(struct lineage *lineage, const char *folder)
{
    int r = read_in_folder(lineage, folder, "fullchain.pem");

    if (r != -ENOENT) {
        return r;
    }
    r = read_in_folder(lineage, folder, "cert.pem");
    if (r == -ENOENT) {
        cli_complain("%s: neither fullchain.pem nor cert.pem is in it", folder);
    }
    if (!r && !lineage->certs) { /* or the chain's first would count as the leaf */
        cli_complain("%s/cert.pem: " NO_CERTIFICATE, folder);
        r = -EINVAL;
    }
    if (!r) {
        r = read_in_folder(lineage, folder, "chain.pem");
        r = r == -ENOENT ? 0 : r; /* clinch may find the issuer elsewhere */
    }
    return r;
}

/* @path is absolute. 0, or <0 told. */
static int read_lineage(struct lineage *lineage, const char *path)
{
    struct place place = {.path = path};
    struct stat info;
    int r;

    if (stat(path, &info)) {
        r = -errno;
        cli_complain("%s: %s", path, strerror(errno));
        return r;
    }
    if (S_ISDIR(info.st_mode)) {
        buf_put_text(&lineage->name, strrchr(path, '/') + 1);
        r = read_folder(lineage, path);
    } else {
        template_expand(&lineage->name, "{name}", place, NULL);
        r = read_file(lineage, path);
    }
    if (!r && !lineage->certs) {
        cli_complain("%s: " NO_CERTIFICATE, path);
        return -ENODATA;
    }
    /* What begins with a dot is looked at by nobody. */
    if (!r && (buf_status(&lineage->pem) || buf_text(&lineage->name)[0] == '.')) {
        cli_complain("%s: is too large, or its name begins with a dot", path);
        return -EINVAL;
    }
    return r;
}

/* The folder is made when it is missing. 0 or EXIT_USAGE, told. */
static int check_folder(const char *to)
{
    struct stat info;

    if (mkdir(to, 0755) && errno != EEXIST) {
        cli_complain("%s: cannot be made: %s", to, strerror(errno));
        return EXIT_USAGE;
    }
    if (lstat(to, &info) || !S_ISDIR(info.st_mode)) {
        cli_complain("%s: is no folder", to);
        return EXIT_USAGE;
    }
    if (info.st_uid != geteuid() || info.st_mode & (S_IWGRP | S_IWOTH)) {
        cli_complain("%s: others may write there, so nothing is; it must belong to the user who "
                     "runs `clinch import` and be writable for nobody else",
                     to);
        return EXIT_USAGE;
    }
    return 0;
}

/* 0, or EXIT_NOT_DONE, told. */
static int write_lineage(const struct lineage *lineage, const char *to)
{
    struct buf path = BUF_INIT(PATH_MOST), fault = BUF_INIT(PATH_MOST);
    struct disk_file file = {.content = slice_of_buf(&lineage->pem),
                             .mode = 0644,
                             .gid = (gid_t)-1,
                             .certificates = true};
    int r;

    buf_put_text(&path, to);
    buf_put_byte(&path, '/');
    buf_put_slice(&path, slice_of_buf(&lineage->name));
    buf_put_text(&path, ".pem");
    file.path = buf_text(&path);
    r = buf_status(&path) ? -ENAMETOOLONG : disk_write(&file, &fault);
    if (r && r != DISK_E_SAME) {
        cli_complain("%s", r < 0 ? strerror(-r) : buf_text(&fault));
    } else {
        buf_put_byte(&path, '\n');
        r = cli_write(slice_of_buf(&path));
    }
    buf_deinit(&path);
    buf_deinit(&fault);
    return r ? EXIT_NOT_DONE : 0;
}

static int import_one(const char *path, const char *to)
{
    struct lineage lineage = {.name = BUF_INIT(PATH_MOST), .pem = BUF_INIT(LIMIT_CERT_FILE_SIZE)};
    struct buf absolute = BUF_INIT(PATH_MOST);
    int r = cli_absolute(&absolute, path);

    if (r) {
        cli_complain("%s: %s", path, strerror(-r));
    }
    r = r ? r : read_lineage(&lineage, buf_text(&absolute));
    r = r ? EXIT_NOT_DONE : write_lineage(&lineage, to);
    lineage_deinit(&lineage);
    buf_deinit(&absolute);
    return r;
}

int command_import(const struct options *options)
{
    struct buf to = BUF_INIT(PATH_MOST);
    int code = EXIT_OK;
    int r = cli_absolute(&to, options->to ? options->to : TO_DEFAULT);

    if (r) {
        cli_complain("%s: %s", options->to, strerror(-r));
        code = EXIT_USAGE;
    } else {
        code = check_folder(buf_text(&to));
    }
    for (size_t i = 0; code != EXIT_USAGE && i < options->path_count; i++) {
        if (import_one(options->paths[i], buf_text(&to))) {
            code = EXIT_NOT_DONE;
        }
    }
    buf_deinit(&to);
    return code;
}
