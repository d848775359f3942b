/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/config.h"

#include <stdlib.h>

#include "base/error.h"
#include "conf/config-memory.h"

#define DEFAULT_STATE_DIR "/var/lib/clinch"

static int config_place_control(struct config *config)
{
    struct buf path = BUF_INIT(8192);

    buf_put_text(&path, config->state_dir);
    buf_put_text(&path, "/control.sock");
    config->control = config_memory_copy(config->memory, slice_of_buf(&path));
    buf_deinit(&path);
    return config->control ? 0 : -ENOMEM;
}

int config_new(struct config **ret_config)
{
    _cleanup_(config_freep)
    struct config *config = calloc(1, sizeof(*config));
    int r;

    if (!config) {
        return -ENOMEM;
    }
    config->memory = config_memory_new();
    if (!config->memory) {
        return -ENOMEM;
    }
    config->state_dir = DEFAULT_STATE_DIR;
    config->connect_timeout_ms = 5000;
    config->timeout_ms = 15000;
    config->policy = policy_default();
    r = config_place_control(config);
    if (r) {
        return error_trace(r);
    }
    *ret_config = steal(&config);
    return 0;
}

struct config *config_free(struct config *config)
{
    if (config) {
        config_memory_free(config->memory);
        free(config);
    }
    return NULL;
}

int config_set_state_dir(struct config *config, const char *dir)
{
    const char *copy = config_memory_copy(config->memory, slice_of_text(dir));

    if (!copy) {
        return -ENOMEM;
    }
    config->state_dir = copy;
    return config->control_fixed ? 0 : config_place_control(config);
}

static int config_add(struct config *config, const char ***list, size_t *count, const char *text)
{
    const char *copy = config_memory_copy(config->memory, slice_of_text(text));
    const char **grown = config_memory_grow(config->memory, *list, *count, sizeof(**list));

    if (!copy || !grown) {
        return -ENOMEM;
    }
    grown[*count] = copy;
    *list = grown;
    *count += 1;
    return 0;
}

int config_add_certificate(struct config *config, const char *path)
{
    return config_add(config, &config->certificates, &config->certificate_count, path);
}

int config_add_issuer(struct config *config, const char *path)
{
    return config_add(config, &config->issuers, &config->issuer_count, path);
}
