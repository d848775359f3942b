/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>

#include "cli/cli.h"
#include "io/control.h"

#define PATIENCE_MS 3000

/* A question that it need not know: any answer shows that its loop turns. */
bool cli_daemon_answers(const struct config *config)
{
    _cleanup_(buf_deinit)
    struct buf fault = BUF_INIT(4096);
    json_t *request = json_pack("{s:s}", "do", "ping");
    json_t *answer;
    int r = 0;

    answer = control_ask(config->control, request, PATIENCE_MS, &r, &fault);
    json_decref(request);
    if (!answer && r == -ETIMEDOUT) {
        cli_complain("the daemon does not answer: %s", buf_text(&fault));
    }
    json_decref(answer);
    return answer != NULL;
}
