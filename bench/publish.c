/* SPDX-License-Identifier: Apache-2.0 */

/* What publishing costs, with the real publisher, store and loop, and real servers.
 *
 *     bench-publish files STATE FOLDER COMMAND LIST   the target nginx
 *     bench-publish bare STATE FOLDER COMMAND LIST    its floor: bare writes and renames
 *     bench-publish haproxy STATE SOCKET COMMAND LIST
 *
 * LIST has a line for each certificate: "PATH ANSWER NEWER", its file and two files with answers.
 * A line per act, "NAME WRITTEN DONE": milliseconds until the files were there, and until servers
 * had been told and all had ended. Acts of files: first, renewed and withdrawn, of all at once. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io/log.h"
#include "io/store.h"
#include "publish/disk.h"
#include "publish/publish.h"

#define must(condition_)                                                                           \
    do {                                                                                           \
        if (!(condition_)) {                                                                       \
            fprintf(stderr, "bench-publish: does not hold: %s\n", #condition_);                    \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define LIFE_S  (7 * 86400)
#define LINE    4096
#define ANSWERS 2

struct certificate {
    char *path;
    struct buf answers[ANSWERS];
};

static struct certificate *certificates;
static size_t count;
static uv_loop_t loop;
static struct publisher *publisher;

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void read_list(const char *path)
{
    char words[1 + ANSWERS][LINE];
    FILE *list = fopen(path, "re");

    must(list);
    while (fscanf(list, "%4095s %4095s %4095s", words[0], words[1], words[2]) == 1 + ANSWERS) {
        struct certificate *one;

        certificates = realloc(certificates, (count + 1) * sizeof(*certificates));
        must(certificates);
        one = &certificates[count++];
        one->path = text_copy(slice_of_text(words[0]));
        for (unsigned i = 0; i < ANSWERS; ++i) {
            one->answers[i] = BUF_INIT(65536);
            must(disk_read(words[1 + i], &one->answers[i]) == 0);
        }
    }
    must(count > 0);
    fclose(list);
}

/* All at once: with each certificate's answer @number, or none at all. */
static void ask_for(int number)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    for (size_t i = 0; i < count; ++i) {
        struct place place = {certificates[i].path, 0};
        struct cert_facts cert = {.leaf_sha256 = {(uint8_t)i, (uint8_t)(i >> 8), (uint8_t)number}};
        const struct staple staple = {
            .cert = &cert,
            .der = number < 0 ? SLICE_NULL : slice_of_buf(&certificates[i].answers[number]),
            .serve = {now.tv_sec - 60, now.tv_sec + LIFE_S - 300},
            .next_update_s = now.tv_sec + LIFE_S,
            .urgent = true,
        };

        if (number < 0) {
            publisher_withdraw(publisher, place, NULL, false);
        } else {
            publisher_publish(publisher, place, &staple);
        }
    }
}

static void act(const char *name, int number)
{
    double start_ms = now_ms();
    double written_ms = 0;

    ask_for(number);
    do {
        uv_run(&loop, UV_RUN_ONCE);
        if (written_ms == 0 && !publisher_writing(publisher)) {
            written_ms = now_ms() - start_ms;
        }
    } while (publisher_busy(publisher));
    must(!publisher_failing(publisher));
    printf("%s %.3f %.3f\n", name, written_ms, now_ms() - start_ms);
}

static void publish(const char *state, struct target_config *target)
{
    struct config config = {.state_dir = state, .targets = target, .target_count = 1};
    struct store *store = NULL;
    struct log log;

    log_open(&log);
    log.least = NOTE_WARNING;
    must(uv_loop_init(&loop) == 0);
    must(store_open(&store, state, &log, NULL) == 0);
    must(publisher_new(&publisher, &loop, &config, store, &log, NULL) == 0);
    act("first", 0);
    if (target->type == TARGET_NGINX) {
        act("renewed", 1);
        act("withdrawn", -1);
    }
    publisher_close(publisher);
    uv_run(&loop, UV_RUN_DEFAULT);
    store_close(store);
}

static void write_bare(int dir_fd, const char *name, struct slice content)
{
    char temp[300];
    int fd;

    snprintf(temp, sizeof(temp), ".%s.tmp", name);
    fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    must(fd >= 0 && write(fd, content.data, content.size) == (ssize_t)content.size);
    close(fd);
    must(renameat(dir_fd, temp, dir_fd, name) == 0);
}

static const char *name_of(size_t i, const char *ending)
{
    static char name[200];

    snprintf(name, sizeof(name), "bare%zu.%s", i, ending);
    return name;
}

/* The same files and names, and nothing besides. */
static void write_all_bare(const char *folder)
{
    static const char snippet[] = "# what nginx is to do, about as long as clinch says it\n"
                                  "ssl_stapling on;\nssl_stapling_file /somewhere/or/other;\n";
    int dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    double start_ms = now_ms();

    must(dir_fd >= 0);
    for (size_t i = 0; i < count; ++i) {
        write_bare(dir_fd, name_of(i, "ocsp"), slice_of_buf(&certificates[i].answers[0]));
        write_bare(dir_fd, name_of(i, "conf"), slice_of_text(snippet));
    }
    printf("first %.3f 0\n", now_ms() - start_ms);
    sync(); /* as the publisher's are by now: what takes their place costs as much as there */
    start_ms = now_ms();
    for (size_t i = 0; i < count; ++i) {
        write_bare(dir_fd, name_of(i, "ocsp"), slice_of_buf(&certificates[i].answers[1]));
    }
    printf("renewed %.3f 0\n", now_ms() - start_ms);
    start_ms = now_ms();
    for (size_t i = 0; i < count; ++i) {
        must(unlinkat(dir_fd, name_of(i, "conf"), 0) == 0);
        must(unlinkat(dir_fd, name_of(i, "ocsp"), 0) == 0);
    }
    printf("withdrawn %.3f 0\n", now_ms() - start_ms);
    close(dir_fd);
}

int main(int argc, char **argv)
{
    struct target_config target = {.line = 1, .reload_interval_s = 3600};

    must(argc == 6);
    read_list(argv[5]);
    target.path = argv[3];
    if (strcmp(argv[1], "bare") == 0) {
        write_all_bare(argv[3]);
        return 0;
    }
    target.type = strcmp(argv[1], "haproxy") == 0 ? TARGET_HAPROXY : TARGET_NGINX;
    target.command = *argv[4] ? argv[4] : NULL;
    publish(argv[2], &target);
    return 0;
}
