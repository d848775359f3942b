/* SPDX-License-Identifier: Apache-2.0 */

/* clinch.yaml: a config or faults, never both and never neither, and what it holds is usable. */

#include <string.h>

#include "conf/config.h"
#include "conf/template.h"
#include "fuzz.h"

static void check_target(const struct target_config *target)
{
    static const struct place place = {.path = "/etc/le/live/shop/fullchain.pem"};
    const char *templates[] = {target->path, target->name, target->ocsp};
    struct buf path = BUF_INIT(64 * 1024);

    must(target->type <= TARGET_COMMAND && target->mode <= 07777);
    must(target->reload_interval_s >= 0);
    for (size_t i = 0; i < ARRAY_SIZE(templates); i++) {
        if (templates[i] && !template_check(templates[i]) && !template_is_unique(templates[i])) {
            template_expand(&path, templates[i], place, NULL);
        }
    }
    buf_deinit(&path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config = NULL;
    struct buf faults = BUF_INIT(1024 * 1024);
    int r = config_read(&config, "clinch.yaml", slice_of(data, size), &faults);

    must(r == 0 || r == CONFIG_E_INVALID);
    must((r == 0) == (config != NULL) && (r == 0) == (faults.size == 0));
    if (config) {
        must(config->state_dir && config->control && config->memory);
        must(config->timeout_ms > 0 && config->connect_timeout_ms > 0);
        for (size_t i = 0; i < config->target_count; i++) {
            check_target(&config->targets[i]);
        }
    } else {
        must(faults.data[faults.size - 1] == '\n');
        must(memcmp(faults.data, "clinch.yaml", 11) == 0);
    }
    config_free(config);
    buf_deinit(&faults);
    return 0;
}
