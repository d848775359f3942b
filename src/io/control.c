/* SPDX-License-Identifier: Apache-2.0 */
#include "io/control.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "io/control-parse.h"

#define CALLS_MAX       32
#define ASK_LIMIT_MS    5000  /* for the whole request */
#define ANSWER_LIMIT_MS 60000 /* for taking the whole answer */
#define BACKLOG         32

struct control {
    uv_pipe_t listener;
    const struct log *log;
    char *path;
    dev_t device; /* of the socket file, so that only our own is removed */
    ino_t inode;
    gid_t folder_gid;
    struct control_call *calls;
    unsigned call_count;
    void (*asked)(void *context, struct control_call *call, const json_t *request);
    void *context;
};

struct control_call {
    uv_pipe_t pipe;
    uv_timer_t timer;
    uv_write_t write;
    unsigned handles;
    bool closing;
    struct control *control; /* NULL: closed, nobody is to be told */
    struct control_call *previous;
    struct control_call *next;
    struct buf request;
    char *answer;
    char chunk[4096];
};

static void on_call_closed(uv_handle_t *handle)
{
    struct control_call *call = handle->data;

    if (--call->handles == 0) {
        buf_deinit(&call->request);
        free(call->answer);
        free(call);
    }
}

static void call_close(struct control_call *call)
{
    struct control *control = call->control;

    if (call->closing) {
        return;
    }
    call->closing = true;
    call->control = NULL;
    if (call->previous) {
        call->previous->next = call->next;
    } else {
        control->calls = call->next;
    }
    if (call->next) {
        call->next->previous = call->previous;
    }
    control->call_count--;
    uv_close((uv_handle_t *)&call->pipe, on_call_closed);
    uv_close((uv_handle_t *)&call->timer, on_call_closed);
}

static void on_call_timer(uv_timer_t *timer)
{
    struct control_call *call = timer->data;

    if (call->answer) {
        call_close(call); /* it does not read what it asked for */
    } else {
        control_answer(call, json_pack("{s:b, s:s}", "ok", 0, "error",
                                       "the request did not come whole within 5 s"));
    }
}

static void on_written(uv_write_t *write, int status)
{
    (void)status; /* an asker who went away is served as well as can be */
    call_close(write->data);
}

void control_answer(struct control_call *call, json_t *answer)
{
    uv_buf_t parts[2];
    int r = UV_ENOMEM;

    call->answer = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
    json_decref(answer);
    uv_read_stop((uv_stream_t *)&call->pipe);
    if (call->answer) {
        parts[0] = uv_buf_init(call->answer, (unsigned)strlen(call->answer));
        parts[1] = uv_buf_init("\n", 1);
        call->write.data = call;
        r = uv_write(&call->write, (uv_stream_t *)&call->pipe, parts, 2, on_written);
    }
    if (r) {
        call_close(call);
        return;
    }
    uv_timer_start(&call->timer, on_call_timer, ANSWER_LIMIT_MS, 0);
}

static void call_refuse(struct control_call *call, const char *why)
{
    control_answer(call, json_pack("{s:b, s:s}", "ok", 0, "error", why));
}

static void call_read_request(struct control_call *call)
{
    const char *fault = NULL;
    json_t *request = control_parse_request(slice_of_buf(&call->request), &fault);

    uv_read_stop((uv_stream_t *)&call->pipe);
    uv_timer_stop(&call->timer);
    if (request) {
        call->control->asked(call->control->context, call, request);
    } else {
        call_refuse(call, fault);
    }
    json_decref(request);
}

static void on_call_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    struct control_call *call = handle->data;

    (void)wanted;
    *buf = uv_buf_init(call->chunk, sizeof(call->chunk));
}

static void on_call_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct control_call *call = stream->data;
    const char *end;

    if (size < 0) {
        call_close(call); /* gone, or an end before the line was whole */
        return;
    }
    if (size == 0) {
        return;
    }
    end = memchr(buf->base, '\n', (size_t)size);
    buf_put(&call->request, buf->base, end ? (size_t)(end - buf->base) : (size_t)size);
    if (buf_status(&call->request)) {
        call_refuse(call, "the request is too long");
    } else if (end) {
        call_read_request(call);
    }
}

/* SO_PEERCRED knows the peer's user and first group. Members by a supplementary group come in as
 * well: the socket is 0660, so the kernel has let in nobody but root, its owner and its group;
 * the check below is for a socket whose mode somebody has widened. */
static bool peer_may_ask(const struct control *control, int fd, uid_t *ret_uid)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    struct stat file;

    *ret_uid = (uid_t)-1;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size)) {
        return false;
    }
    *ret_uid = peer.uid;
    if (peer.uid == 0 || peer.uid == geteuid() || peer.gid == getegid() ||
        peer.gid == control->folder_gid) {
        return true;
    }
    return lstat(control->path, &file) == 0 && file.st_dev == control->device &&
           file.st_ino == control->inode && (file.st_mode & S_IRWXO) == 0;
}

static struct control_call *call_new(struct control *control)
{
    struct control_call *call = calloc(1, sizeof(*call));

    if (!call) {
        return NULL;
    }
    uv_pipe_init(control->listener.loop, &call->pipe, 0); /* these two cannot fail */
    uv_timer_init(control->listener.loop, &call->timer);
    call->pipe.data = call;
    call->timer.data = call;
    call->handles = 2;
    call->request = BUF_INIT(LIMIT_CONTROL_REQUEST);
    call->control = control;
    call->next = control->calls;
    if (call->next) {
        call->next->previous = call;
    }
    control->calls = call;
    control->call_count++;
    return call;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct control *control = listener->data;
    struct control_call *call;
    uv_os_fd_t fd;
    uid_t uid;

    if (status < 0) {
        log_say(control->log, NOTE_WARNING, "%s: cannot take a connection: %s", control->path,
                uv_strerror(status));
        return;
    }
    call = call_new(control);
    if (!call) {
        /* libuv takes no further connection until this one is accepted. */
        log_say(control->log, NOTE_ERROR, "%s: out of memory: nobody can ask any more: restart",
                control->path);
        return;
    }
    if (uv_accept(listener, (uv_stream_t *)&call->pipe) ||
        uv_fileno((uv_handle_t *)&call->pipe, &fd)) {
        call_close(call);
    } else if (!peer_may_ask(control, fd, &uid)) {
        log_say(control->log, NOTE_WARNING, "%s: user %ld may not ask and was turned away",
                control->path, (long)(int)uid);
        call_refuse(call, "you may not ask: be root, clinch's user or in clinch's group");
    } else if (control->call_count > CALLS_MAX) {
        call_refuse(call, "32 others are asking already: try again later");
    } else {
        uv_timer_start(&call->timer, on_call_timer, ASK_LIMIT_MS, 0);
        uv_read_start((uv_stream_t *)&call->pipe, on_call_alloc, on_call_read);
    }
}

static bool address_of_path(const char *path, struct sockaddr_un *ret_address)
{
    size_t size = strlen(path);

    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (size >= sizeof(ret_address->sun_path)) {
        return false;
    }
    memcpy(ret_address->sun_path, path, size + 1);
    return true;
}

/* Is the socket at @address one that nobody listens at? */
static bool socket_is_stale(const struct sockaddr_un *address)
{
    struct stat file;
    bool refused;
    int fd;

    if (lstat(address->sun_path, &file) || !S_ISSOCK(file.st_mode)) {
        return false;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return false;
    }
    refused =
        connect(fd, (const struct sockaddr *)address, sizeof(*address)) && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

/* A bound socket, 0660 from its first moment: the mode of the descriptor is that of the file (the
 * umask, which all threads share, can only narrow it until the chmod). */
static int socket_bind(const struct sockaddr_un *address, int *ret_fd)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r;

    if (fd < 0) {
        return -errno;
    }
    r = fchmod(fd, 0660);
    r = r ? r : bind(fd, (const struct sockaddr *)address, sizeof(*address));
    if (r && errno == EADDRINUSE && socket_is_stale(address)) {
        unlink(address->sun_path);
        r = bind(fd, (const struct sockaddr *)address, sizeof(*address));
    }
    r = r ? -errno : 0;
    if (!r && chmod(address->sun_path, 0660)) {
        r = -errno;
    }
    if (r) {
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

static gid_t folder_gid(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct slice folder = slice_of(path, slash ? (size_t)(slash - path) + 1 : 0);
    _cleanup_(freep)
    char *text = slash ? text_copy(folder) : strdup(".");
    struct stat status;

    return text && stat(text, &status) == 0 ? status.st_gid : getegid();
}

static void on_control_closed(uv_handle_t *handle)
{
    struct control *control = handle->data;

    free(control->path);
    free(control);
}

static int control_listen(struct control *control, uv_loop_t *loop)
{
    struct sockaddr_un address;
    struct stat file;
    int fd = -1, r;

    uv_pipe_init(loop, &control->listener, 0); /* cannot fail */
    control->listener.data = control;
    if (!address_of_path(control->path, &address)) {
        log_say(control->log, NOTE_ERROR,
                "%s: a socket's path may have at most %zu characters: choose a shorter --state",
                control->path, sizeof(address.sun_path) - 1);
        return -ENAMETOOLONG;
    }
    r = socket_bind(&address, &fd);
    if (r) {
        log_say(control->log, NOTE_ERROR, "%s: cannot listen: %s", control->path,
                r == -EADDRINUSE ? "another clinch listens there, or it is no socket"
                                 : uv_strerror(r));
        return r;
    }
    if (lstat(control->path, &file) == 0) {
        control->device = file.st_dev;
        control->inode = file.st_ino;
    }
    r = uv_pipe_open(&control->listener, fd);
    if (r) {
        close(fd);
        return r;
    }
    return uv_listen((uv_stream_t *)&control->listener, BACKLOG, on_connection);
}

int control_new(struct control **ret_control, uv_loop_t *loop, const char *path,
                const struct log *log,
                void (*asked)(void *context, struct control_call *call, const json_t *request),
                void *context)
{
    struct control *control = calloc(1, sizeof(*control));
    int r;

    if (!control) {
        return -ENOMEM;
    }
    control->path = strdup(path);
    if (!control->path) {
        free(control);
        return -ENOMEM;
    }
    control->log = log;
    control->asked = asked;
    control->context = context;
    control->folder_gid = folder_gid(path);
    signal(SIGPIPE, SIG_IGN); /* libuv writes to askers who may be gone */
    r = control_listen(control, loop);
    if (r) {
        control_close(control);
        return error_trace(r);
    }
    *ret_control = control;
    return 0;
}

void control_close(struct control *control)
{
    struct stat file;

    while (control->calls) {
        call_close(control->calls);
    }
    if (control->inode && lstat(control->path, &file) == 0 && file.st_dev == control->device &&
        file.st_ino == control->inode) {
        unlink(control->path);
    }
    uv_close((uv_handle_t *)&control->listener, on_control_closed);
}
