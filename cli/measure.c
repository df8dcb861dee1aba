/* Closed-loop episodes of a checkpoint, and the time from picture to action. */
#include <stdlib.h>

#include "cli/cli.h"

esp_status esp_stage_open(const esp_subject *subject, esp_stage *out)
{
    esp_stage stage = {.world = NULL};
    esp_status status = esp_world_create(&subject->config.env, &stage.world);
    if (status != ESP_OK) return status;
    int actions = subject->net->component[ESP_TOLD_POLICY].out_size;
    if (stage.world->num_actions != actions) {
        status = esp_fail(ESP_ERR_SHAPE, "%s: the controller has %d actions, task '%s' needs %d", subject->path,
                          actions, stage.world->task->name, stage.world->num_actions);
        esp_world_free(stage.world);
        return status;
    }
    stage.pool = esp_pool_create(stage.world, ESP_EPISODE_BLOCK, true);
    *out = stage;
    return ESP_OK;
}

void esp_stage_close(esp_stage *stage)
{
    esp_pool_free(stage->pool);
    esp_world_free(stage->world);
    *stage = (esp_stage){.world = NULL};
}

/* ---- episodes ---- */

static void collect(const esp_stage *stage, const esp_trajectory *trajectories, int count, esp_measurement *out)
{
    out->returns = esp_alloc((size_t)count, sizeof *out->returns);
    for (int i = 0; i < count; i++) {
        out->returns[i] = trajectories[i].episode_return;
        out->settled += trajectories[i].settled < stage->world->num_steps;
    }
}

esp_status esp_measure(const esp_stage *stage, const esp_subject *subject, const esp_network *net,
                       esp_controller_kind kind, uint64_t seed, int count, const char *task, esp_measurement *out)
{
    esp_episode *episodes = esp_alloc((size_t)count, sizeof *episodes);
    esp_trajectory *trajectories = esp_alloc((size_t)count, sizeof *trajectories);
    esp_episodes_name(seed, ESP_EPISODES_REPORT, subject->config.env.start, count, episodes);
    esp_evaluation evaluation = {.net = net, .config = &subject->config, .kind = kind,
                                 .budget = &subject->config.planner.budget, .episodes = episodes, .count = count};
    double started = esp_clock();
    esp_status status = esp_evaluate(stage->pool, &evaluation, task, trajectories);
    double wall_s = esp_clock() - started;
    if (status == ESP_OK) {
        *out = (esp_measurement){.steps = (double)count * stage->world->num_steps / wall_s};
        collect(stage, trajectories, count, out);
        out->summary = esp_summarise(count, out->returns, seed);
    }
    free(episodes);
    free(trajectories);
    return status;
}

void esp_measurement_free(esp_measurement *measurement)
{
    free(measurement->returns);
    measurement->returns = NULL;
}

/* ---- the time of an action ---- */

double esp_measure_action(const esp_network *net, const esp_agent_config *config, esp_controller_kind kind)
{
    enum { WARM_UP = 3, LEAST = 7, MOST = 200 };
    const double budget_s = 0.5;
    float action[ESP_MAX_ACTIONS];
    double ms[MOST];
    int count = 0;
    uint8_t *obs = esp_alloc((size_t)net->component[ESP_TOLD_ENCODER].in_size, 1);
    esp_episode episode = {.seed = 0};
    esp_controller *controller = esp_controller_create(net, config, kind, &config->planner.budget, 1);
    esp_controller_begin(controller, &episode, 1);
    for (int i = 0; i < WARM_UP; i++) esp_controller_act(controller, 1, i, obs, action);
    for (double end = esp_clock() + budget_s; count < MOST && (count < LEAST || esp_clock() < end); count++) {
        double started = esp_clock();
        esp_controller_act(controller, 1, WARM_UP + count, obs, action);
        ms[count] = 1e3 * (esp_clock() - started);
    }
    esp_controller_free(controller);
    free(obs);
    esp_sort_doubles(count, ms);
    return esp_quantile(count, ms, 0.5);
}
