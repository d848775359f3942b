/* SPDX-License-Identifier: Apache-2.0 */
/* A TLS server in thirty lines that staples what clinch publishes.
 *
 *     server PORT CHAIN.pem KEY.pem [FOLDER]
 *     cc server.c $(pkg-config --cflags --libs libclinch-staple) */
#include <arpa/inet.h>
#include <clinch/staple.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1, fd;

    if (argc < 4 || SSL_CTX_use_certificate_chain_file(ctx, argv[2]) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, argv[3], SSL_FILETYPE_PEM) != 1 ||
        clinch_staple_attach(ctx, argc > 4 ? argv[4] : NULL)) { /* this is all */
        return 1;
    }
    at.sin_port = htons((in_port_t)strtoul(argv[1], NULL, 10));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 16)) {
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        SSL *ssl = SSL_new(ctx);

        SSL_set_fd(ssl, fd);
        if (SSL_accept(ssl) == 1) {
            SSL_write(ssl, "stapled?\n", 9);
            SSL_shutdown(ssl);
        }
        SSL_free(ssl);
        close(fd);
    }
    return 1;
}
