/* An exported controller that acts in the simulator in place of the network it was made from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/agent_internal.h"

/* A block of episodes; each has a state of its own. */
typedef struct {
    const esp_library *library;
    size_t history, frame; /* frames that an observation holds, and bytes of one */
    int    episodes;
    void  *state[];        /* [episodes] */
} block;

static void *create(const void *owner, const esp_network *net, const esp_episode *episodes, int n)
{
    const esp_agent_subject *a = owner;
    block *b = esp_alloc(1, sizeof *b + (size_t)n * sizeof *b->state);
    (void)net;
    b->library = a->library;
    b->frame = (size_t)esp_library_inputs(a->library);
    b->history = (size_t)a->config.env.frame_stack;
    b->episodes = n;
    for (int e = 0; e < n; e++) {
        b->state[e] = esp_library_state(a->library);
        esp_library_reset(b->library, b->state[e], episodes[e].seed, episodes[e].index);
    }
    return b;
}

static void free_block(void *context)
{
    block *b = context;
    if (!b) return;
    for (int e = 0; e < b->episodes; e++) free(b->state[e]);
    free(b);
}

/* The library keeps the frames before the newest itself. */
static esp_status act(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    block *b = context;
    (void)step;
    for (int e = 0; e < n; e++) {
        const uint8_t *newest = (const uint8_t *)obs->item[0] + ((size_t)(e + 1) * b->history - 1) * b->frame;
        float *action = actions + e * esp_library_outputs(b->library);
        if (!esp_library_step(b->library, b->state[e], newest, action))
            return esp_fail(ESP_ERR_NUMERIC, "the exported controller's output is not a finite number");
    }
    return ESP_OK;
}

esp_actors esp_agent_library_actors(const esp_agent_subject *a)
{
    return (esp_actors){.create = create, .free = free_block, .act = act, .context = a, .block = ESP_EPISODE_BLOCK};
}

/* Which of the file's controllers the library was made from. */
static bool find_kind(const esp_subject *subject, const char *hash, esp_agent_subject *a)
{
    for (int kind = ESP_CONTROLLER_MPPI; kind <= ESP_CONTROLLER_POLICY; kind++) {
        char text[24];
        if (esp_controller_components((esp_controller_kind)kind) & ~esp_network_components(subject->net)) continue;
        snprintf(text, sizeof text, "%016jx", (uintmax_t)esp_agent_code_hash(subject, (esp_controller_kind)kind));
        a->kind = (esp_controller_kind)kind;
        if (strcmp(text, hash) == 0) return true;
    }
    return false;
}

esp_status esp_agent_library_open(const esp_subject *subject, const char *path)
{
    esp_agent_subject *a = subject->state;
    esp_status status = esp_library_open(path, &a->library);
    if (status != ESP_OK) return status;
    if (!find_kind(subject, esp_library_hash(a->library), a))
        return esp_fail(ESP_ERR_USAGE, "%s: was exported from another controller (hash %s) than those of %s", path,
                        esp_library_hash(a->library), subject->path);
    return ESP_OK;
}
