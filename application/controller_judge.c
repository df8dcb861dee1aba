/* What a search over cuts of a controller needs: performance in closed loop, recorded episodes, finetuning; and
 * held-out episodes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/controller_internal.h"

/* ---- the judge of a search ---- */

/* env.start is left out: every evaluation plays all starts. */
void esp_controller_identify(const esp_subject *subject, cJSON *identity)
{
    const esp_controller_subject *c = subject->state;
    cJSON *config = esp_config_json(esp_controller_fields, esp_controller_num_fields, &c->config);
    double bound = esp_judging_number(&subject->judging, ESP_KEY_BOUND, 0);
    if (bound > 0) cJSON_AddNumberToObject(identity, "max_variation", bound);
    cJSON_AddStringToObject(identity, "controller", "own");
    cJSON_AddNumberToObject(identity, "episodes", subject->search);
    cJSON_AddItemToObject(identity, "env", cJSON_DetachItemFromObject(config, "env"));
    cJSON_DeleteItemFromObject(cJSON_GetObjectItem(identity, "env"), "start");
    cJSON_Delete(config);
}

/* The context of the judge, first so that free() frees all of it. */
typedef struct {
    esp_closed_loop        loop;
    esp_closed_loop_memory memory;
    esp_actors             actors;
} watched_loop;

esp_status esp_controller_judge(const esp_judge_config *config, esp_judge *out)
{
    const esp_subject *subject = config->subject;
    const esp_controller_subject *c = subject->state;
    watched_loop *w = esp_alloc(1, sizeof *w);
    w->actors = esp_policy_actors(c->world);
    w->loop = (esp_closed_loop){.surgeon = config->surgeon, .actors = &w->actors, .seed = subject->settings->seed,
                                .count = subject->search, .pool = c->pool,
                                .max_variation = esp_judging_number(&subject->judging, ESP_KEY_BOUND, 0),
                                .reference = config->dense, .memory = &w->memory};
    *out = (esp_judge){.performance = esp_closed_loop_performance, .context = &w->loop, .at_once = 16, .free = free};
    return ESP_OK;
}

/* ---- recorded episodes ---- */

#define RECORDED_EPISODES 24
#define RECORDED_NOISE 0.2
#define RECORDED_MOMENTS 6000 /* for importance and repair; finetuning has all */

typedef struct {
    esp_policy_rows rows;   /* every control step */
    float          *x, *y;  /* evenly spread ones */
} recording;

void esp_controller_forget(void *memory)
{
    recording *r = memory;
    if (!r) return;
    esp_policy_rows_free(&r->rows);
    free(r->x);
    free(r->y);
    free(r);
}

static void spread(recording *r, const esp_network *net, esp_calibration *out)
{
    size_t inputs = (size_t)net->component[0].in_size, outputs = (size_t)net->component[0].out_size;
    size_t total = (size_t)r->rows.count, n = total < RECORDED_MOMENTS ? total : RECORDED_MOMENTS;
    r->x = esp_alloc(n * inputs, sizeof *r->x);
    r->y = esp_alloc(n * outputs, sizeof *r->y);
    for (size_t i = 0; i < n; i++) {
        size_t at = i * total / n;
        memcpy(r->x + i * inputs, r->rows.x + at * inputs, inputs * sizeof *r->x);
        memcpy(r->y + i * outputs, r->rows.y + at * outputs, outputs * sizeof *r->y);
    }
    *out = (esp_calibration){.count = (int)n};
    out->feed[0] = (esp_feed){.source = -1, .data = r->x, .target = r->y};
}

esp_status esp_controller_record(const esp_subject *subject, void **out, esp_calibration *calibration)
{
    const esp_controller_subject *c = subject->state;
    recording *r = esp_alloc(1, sizeof *r);
    esp_policy_recording about = {.net = subject->net, .pool = c->pool, .episodes = RECORDED_EPISODES,
                                  .noise = RECORDED_NOISE, .seed = subject->settings->seed, .task = "record"};
    esp_status status = esp_policy_record(&about, &r->rows);
    if (status != ESP_OK) {
        free(r);
        return status;
    }
    spread(r, subject->net, calibration);
    *out = r;
    return ESP_OK;
}

/* ---- good enough, and better ---- */

#define KEEP_EPISODES 40 /* per start */

esp_status esp_controller_keeps(const esp_subject *subject, const esp_network *net, double *share)
{
    esp_controller_subject *c = subject->state;
    esp_actors actors = esp_policy_actors(c->world);
    esp_keeping keeping = {.application = subject->application, .pool = c->pool, .actors = &actors,
                           .dense = subject->net, .seed = subject->settings->seed, .per_start = KEEP_EPISODES,
                           .returns = &c->kept};
    return esp_keeping_share(&keeping, net, share);
}

int esp_controller_finetune_steps(const esp_subject *subject, double left)
{
    (void)subject;
    return left < 0.1 ? 6000 : 4000;
}

esp_status esp_controller_finetune(const esp_subject *subject, void *memory, esp_network *net, int steps)
{
    const recording *r = memory;
    const esp_controller_subject *c = subject->state;
    esp_policy_lesson lesson = {.dense = subject->net, .recorded = &r->rows, .pool = c->pool,
                                .seed = subject->settings->seed, .steps = steps,
                                .max_variation = esp_judging_number(&subject->judging, ESP_KEY_BOUND, 0)};
    return esp_policy_imitate(net, &lesson);
}

/* ---- held-out episodes ---- */

double esp_controller_flops(const esp_subject *subject, const esp_network *net)
{
    (void)subject;
    return 2.0 * esp_component_macs(net, 0);
}

/* The episodes first .. first + count - 1 of every start; `endings` gets how those of the first start ended, unless it
 * is NULL. */
static esp_status play(const esp_subject *subject, const esp_network *net, int first, int count, const char *task,
                       double *steps, esp_figure_list *endings, esp_samples *out)
{
    const esp_controller_subject *c = subject->state;
    esp_samples samples = esp_samples_of_world(c->world, c->every_start);
    int total = samples.num_starts * count;
    esp_actors actors = esp_policy_actors(c->world);
    esp_episode *episodes = esp_samples_episodes(c->world, &samples, subject->settings->seed, first, count);
    esp_trajectory *trajectories = esp_alloc((size_t)total, sizeof *trajectories);
    esp_playing playing = {.actors = &actors, .net = net, .episodes = episodes, .count = total};
    esp_status status = esp_play_episodes(c->pool, &playing, task, trajectories);
    *steps = 0.0;
    for (int i = 0; i < total; i++) *steps += trajectories[i].length;
    if (status == ESP_OK) {
        esp_samples_keep(trajectories, count, &samples);
        if (endings) esp_endings_figures(c->world, trajectories, count, endings);
        *out = samples;
    }
    free(episodes);
    free(trajectories);
    return status;
}

esp_status esp_controller_sample(const esp_subject *subject, const esp_network *net, int first, int count,
                                 const char *task, esp_samples *out)
{
    double steps;
    return play(subject, net, first, count, task, &steps, NULL, out);
}

static void add_costs(const esp_subject *subject, const esp_network *net, double steps_per_s, esp_figure_list *out)
{
    esp_figure_list_add(out, (esp_figure){.key = "flops_per_action", .line = 10, .label = "work",
                                          .kind = ESP_FIGURE_SCALED, .value = esp_controller_flops(subject, net),
                                          .unit = "FLOPs per action"});
    esp_figure_list_add(out, (esp_figure){.key = "steps_per_second", .line = 10, .label = "speed",
                                          .kind = ESP_FIGURE_NUMBER, .decimals = 0, .value = steps_per_s,
                                          .unit = "control steps per second"});
}

esp_status esp_controller_measure(const esp_subject *subject, const esp_network *net, const char *task,
                                  esp_measurement *out)
{
    const esp_controller_subject *c = subject->state;
    uint64_t seed = subject->settings->seed;
    double steps, started = esp_clock();
    esp_figure_list endings = {.count = 0};
    esp_status status = play(subject, net, 0, subject->report, task, &steps, &endings, &out->samples);
    double speed = steps / (esp_clock() - started);
    if (status == ESP_OK) {
        esp_summary summary = esp_samples_figures(c->world, &out->samples, seed, &out->figures);
        out->performance = summary.mean;
        out->low = summary.low;
        out->high = summary.high;
        for (int i = 0; i < endings.count; i++) esp_figure_list_add(&out->figures, endings.figure[i]);
        add_costs(subject, net, speed, &out->figures);
        esp_samples_other_starts(&out->samples, seed, 11, &out->figures);
    }
    esp_figure_list_free(&endings);
    return status;
}
