/* What a search over cuts of an agent needs: performance in closed loop, recorded episodes,
 * finetuning. */
#include <math.h>
#include <stdlib.h>

#include "application/agent_internal.h"

/* ---- the judge of a search ---- */

/* env.start is left out: every evaluation plays both starts. */
void esp_agent_identify(const esp_subject *subject, cJSON *identity)
{
    const esp_agent_subject *a = subject->state;
    cJSON *config = esp_config_json(esp_agent_fields, esp_agent_num_fields, &a->config);
    double bound = esp_judging_number(&subject->judging, ESP_KEY_BOUND, 0);
    if (bound > 0) cJSON_AddNumberToObject(identity, "max_variation", bound);
    esp_json_add_choice(identity, "controller", ESP_CONTROLLER_CHOICES, (int)a->kind);
    cJSON_AddNumberToObject(identity, "episodes", subject->search);
    cJSON_AddItemToObject(identity, "env", cJSON_DetachItemFromObject(config, "env"));
    cJSON_AddItemToObject(identity, "planner", cJSON_DetachItemFromObject(config, "planner"));
    cJSON_AddItemToObject(identity, "loss", cJSON_DetachItemFromObject(config, "loss"));
    cJSON_DeleteItemFromObject(cJSON_GetObjectItem(identity, "env"), "start");
    cJSON_Delete(config);
}

/* The context of the judge, first so that free() frees all of it. */
typedef struct {
    esp_closed_loop         loop;
    esp_closed_loop_memory  memory;
    esp_agent_acting_config acting;
    esp_actors              actors;
} watched_loop;

esp_status esp_agent_judge(const esp_judge_config *config, esp_judge *out)
{
    const esp_subject *subject = config->subject;
    const esp_agent_subject *a = subject->state;
    watched_loop *w = esp_alloc(1, sizeof *w);
    w->acting = (esp_agent_acting_config){&a->config, a->kind, &a->config.planner.search};
    w->actors = esp_agent_actors(&w->acting);
    w->loop = (esp_closed_loop){.surgeon = config->surgeon, .actors = &w->actors, .seed = subject->settings->seed,
                                .count = subject->search, .pool = a->pool,
                                .max_variation = esp_judging_number(&subject->judging, ESP_KEY_BOUND, 0),
                                .reference = config->dense, .memory = &w->memory};
    /* A kill loses at most this many evaluations. */
    *out = (esp_judge){.performance = esp_closed_loop_performance, .context = &w->loop, .at_once = 16, .free = free};
    return ESP_OK;
}

/* ---- recorded episodes ---- */

/* Moments for importance and compensation: enough for 32 x 25 columns of a convolution. */
#define RECORDED_MOMENTS 2000

typedef struct {
    esp_recording        episodes;
    esp_recorded_samples samples;
} recording;

void esp_agent_forget(void *memory)
{
    recording *r = memory;
    if (!r) return;
    esp_recorded_samples_free(&r->samples);
    esp_recording_free(&r->episodes);
    free(r);
}

esp_status esp_agent_record(const esp_subject *subject, void **out, esp_calibration *calibration)
{
    const esp_agent_subject *a = subject->state;
    esp_record_config config = esp_record_config_default();
    recording *r = esp_alloc(1, sizeof *r);
    config.net = subject->net;
    config.config = &a->config;
    config.seed = subject->settings->seed;
    esp_status status = esp_recording_make(a->pool, &config, &r->episodes);
    if (status != ESP_OK) {
        free(r);
        return status;
    }
    r->samples = esp_recording_samples(&r->episodes, RECORDED_MOMENTS, subject->components);
    *calibration = r->samples.calibration;
    *out = r;
    return ESP_OK;
}

/* ---- episodes that decide whether a network is good enough ---- */

/* Per start; the planner's cost a hundred times as much. */
#define KEEP_EPISODES_POLICY 100
#define KEEP_EPISODES_MPPI 20

esp_status esp_agent_keeps(const esp_subject *subject, const esp_network *net, double *share)
{
    esp_agent_subject *a = subject->state;
    esp_agent_acting_config acting = {&a->config, a->kind, &a->config.planner.budget};
    esp_actors actors = esp_agent_actors(&acting);
    esp_keeping keeping = {.application = subject->application, .pool = a->pool, .actors = &actors,
                           .dense = subject->net, .seed = subject->settings->seed, .returns = &a->kept,
                           .per_start = a->kind == ESP_CONTROLLER_POLICY ? KEEP_EPISODES_POLICY : KEEP_EPISODES_MPPI};
    return esp_keeping_share(&keeping, net, share);
}

/* Half a minute on two cores. A policy is distilled; a planner that least squares repaired gains little. */
int esp_agent_finetune_steps(const esp_subject *subject, double left)
{
    const esp_agent_subject *a = subject->state;
    if (a->kind != ESP_CONTROLLER_POLICY) return 0;
    return left < 0.04 ? 6000 : 4000;
}

esp_status esp_agent_finetune_cut(const esp_subject *subject, void *memory, esp_network *net, int steps)
{
    const recording *r = memory;
    const esp_agent_subject *a = subject->state;
    esp_finetune_config settings = esp_finetune_config_default();
    settings.steps = steps;
    settings.seed = subject->settings->seed;
    settings.components = subject->components;
    settings.pool = a->pool;
    settings.max_variation = esp_judging_number(&subject->judging, ESP_KEY_BOUND, 0);
    return esp_agent_finetune(net, &a->config, subject->net, &r->episodes, &settings);
}
