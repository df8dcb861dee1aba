/* Learning an agent: collect, update, evaluate, keep the best, and be able to resume after any
 * kill. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/trainer_internal.h"

double esp_trainer_seconds(const esp_trainer *trainer)
{
    return trainer->seconds + esp_clock() - trainer->started;
}

/* ---- updates ---- */

static double mean(int count, const float *x)
{
    double sum = 0.0;
    for (int i = 0; i < count; i++) sum += x[i];
    return sum / count;
}

static void watch(esp_trainer *t, double seconds)
{
    const esp_update_record *r = &t->updater->record;
    esp_train_window *w = &t->window;
    int B = t->config.train.batch;
    w->updates += 1;
    w->weighted_loss += r->weighted_loss;
    w->consistency += mean(B, r->consistency_loss);
    w->reward += mean(B, r->reward_loss);
    w->value += mean(B, r->value_loss);
    w->pi_loss += r->pi_loss;
    w->grad_norm += r->grad_norm;
    w->pre_tanh += r->pre_tanh;
    w->seconds += seconds;
}

static esp_status update_once(esp_trainer *t, esp_draw *d)
{
    const esp_train_config *c = &t->config.train;
    double start = esp_clock(), progress = (double)t->update / c->updates;
    double rate = t->config.loss.learning_rate * esp_cosine_schedule(c->learning_rate_end, progress);
    esp_draw_batch(d, t->replay, c->seed, t->update);
    esp_status status = esp_updater_step(t->updater, &d->batch, t->update, rate);
    if (status != ESP_OK) return esp_fail_in(status, "update %lld", (long long)t->update);
    esp_replay_update(t->replay, d->batch.batch, d->slots, t->updater->record.priorities);
    t->update++;
    if (t->average) esp_average_weights(c->average, t->update, t->net, t->average);
    watch(t, esp_clock() - start);
    return ESP_OK;
}

/* ---- metrics and evaluation ---- */

static const esp_network *judged(const esp_trainer *t)
{
    return t->average ? t->average : t->net;
}

static esp_status mean_return(esp_trainer *t, esp_controller_kind kind, int start, double *out)
{
    int count = t->config.train.eval_episodes;
    esp_episode *episodes = esp_alloc((size_t)count, sizeof *episodes);
    esp_trajectory *trajectories = esp_alloc((size_t)count, sizeof *trajectories);
    esp_episodes_name(t->config.train.seed, ESP_EPISODES_SEARCH, start, count, episodes);
    esp_evaluation ev = {.net = judged(t), .config = &t->config, .kind = kind,
                         .budget = &t->config.planner.search, .episodes = episodes, .count = count};
    esp_status status = esp_evaluate(t->pool, &ev, NULL, trajectories);
    *out = 0.0;
    for (int i = 0; i < count; i++) *out += trajectories[i].episode_return / count;
    free(episodes);
    free(trajectories);
    return status;
}

static esp_status write_window(esp_trainer *t)
{
    esp_train_window *w = &t->window;
    cJSON *line = cJSON_CreateObject();
    cJSON_AddNumberToObject(line, "update", (double)t->update);
    cJSON_AddNumberToObject(line, "episodes", (double)esp_replay_added(t->replay));
    cJSON_AddNumberToObject(line, "loss", w->weighted_loss / w->updates);
    cJSON_AddNumberToObject(line, "consistency_loss", w->consistency / w->updates);
    cJSON_AddNumberToObject(line, "reward_loss", w->reward / w->updates);
    cJSON_AddNumberToObject(line, "value_loss", w->value / w->updates);
    cJSON_AddNumberToObject(line, "policy_loss", w->pi_loss / w->updates);
    cJSON_AddNumberToObject(line, "grad_norm", w->grad_norm / w->updates);
    cJSON_AddNumberToObject(line, "pre_tanh", w->pre_tanh / w->updates);
    cJSON_AddNumberToObject(line, "collected_return", t->collected);
    cJSON_AddNumberToObject(line, "ms_per_update", 1e3 * w->seconds / w->updates);
    cJSON_AddNumberToObject(line, "wall_s", esp_trainer_seconds(t));
    *w = (esp_train_window){0};
    return esp_run_append(t->run, line);
}

static esp_status save_checkpoint(const esp_trainer *t)
{
    char *path = esp_path_join(esp_run_folder(t->run), "checkpoint.safetensors");
    esp_metadata metadata = {.contract = esp_agent_contract(path, &t->config, t->world, ESP_CONTROLLER_MPPI)};
    esp_status status = esp_agent_checkpoint_save(path, &t->config, judged(t), ESP_ALL_COMPONENTS, &metadata);
    esp_metadata_free(&metadata);
    free(path);
    return status;
}

/* Evaluates both controllers from every start, as "policy_random" and so on; the mean is the
 * score. */
static esp_status evaluate_all(esp_trainer *t, cJSON *line, double *score)
{
    static const struct { const char *name; esp_controller_kind kind; } controllers[] = {
        {"policy", ESP_CONTROLLER_POLICY}, {"planner", ESP_CONTROLLER_MPPI}};
    const char *const *starts = t->world->task->about.starts;
    int count = esp_names_count(starts);
    esp_status status = ESP_OK;
    for (int i = 0; i < 2 * count && status == ESP_OK; i++) {
        double value = 0.0;
        char name[ESP_CONFIG_TEXT];
        snprintf(name, sizeof name, "%s_%s", controllers[i / count].name, starts[i % count]);
        status = mean_return(t, controllers[i / count].kind, i % count, &value);
        cJSON_AddNumberToObject(line, name, value);
        *score += value / (2.0 * count);
    }
    return status;
}

static esp_status evaluate_and_keep_best(esp_trainer *t)
{
    cJSON *line = cJSON_CreateObject();
    double score = 0.0;
    cJSON_AddNumberToObject(line, "update", (double)t->update);
    esp_status status = evaluate_all(t, line, &score);
    cJSON_AddNumberToObject(line, "score", score);
    cJSON_AddNumberToObject(line, "wall_s", esp_trainer_seconds(t));
    if (status != ESP_OK) {
        cJSON_Delete(line);
        return status;
    }
    esp_log(ESP_LOG_INFO, "update %lld: mean return %.1f", (long long)t->update, score);
    if (score > t->best) {
        status = save_checkpoint(t);
        t->best = score;
    }
    return status == ESP_OK ? esp_run_append(t->run, line) : (cJSON_Delete(line), status);
}

/* ---- the run ---- */

static bool collects_before(const esp_train_config *c, int64_t update)
{
    return update >= c->pretrain && (update - c->pretrain) % c->cycle_updates == 0;
}

static esp_status train_loop(esp_trainer *t)
{
    const esp_train_config *c = &t->config.train;
    esp_status status = ESP_OK;
    esp_draw *d = esp_draw_create(&t->config, t->world->num_actions);
    if (esp_replay_added(t->replay) == 0) status = esp_trainer_collect(t, c->seed_episodes);
    while (status == ESP_OK && t->update < c->updates) {
        status = esp_check_interrupt();
        /* The shaped reward has done its work: from here on the buffer holds rewards of
         * env.reward. */
        if (status == ESP_OK && t->update == c->reward_updates && t->update > 0)
            status = esp_trainer_rebuild(t, esp_replay_added(t->replay));
        if (status == ESP_OK && collects_before(c, t->update)) status = esp_trainer_collect(t, c->cycle_episodes);
        if (status == ESP_OK) status = update_once(t, d);
        if (status == ESP_OK && t->update % 100 == 0) status = write_window(t);
        bool due = t->update % c->eval_every == 0 || t->update == c->updates;
        if (status == ESP_OK && due) status = evaluate_and_keep_best(t);
        if (status == ESP_OK && due) status = esp_trainer_save(t);
        if (status == ESP_OK && (t->update % 10 == 0 || due))
            esp_progress("train", (double)t->update, c->updates, "collected return %.0f, best mean return %.0f",
                         t->collected, isfinite(t->best) ? t->best : 0.0);
    }
    esp_draw_free(d);
    return status;
}

static esp_status trainer_create(esp_trainer *t)
{
    esp_env_config env = t->config.env;
    esp_status status = esp_world_create(&env, &t->world);
    env.reward = t->config.train.reward;
    if (status == ESP_OK) status = esp_world_create(&env, &t->shaped_world);
    if (status == ESP_OK) status = esp_told_create(&t->config, t->world->num_actions, &t->net);
    if (status != ESP_OK) return status;
    const esp_train_config *c = &t->config.train;
    esp_replay_config replay = {.num_steps = t->world->num_steps, .num_actions = t->world->num_actions,
                                .frame = (int)esp_env_pixels(&t->config.env),
                                .stack = t->config.env.frame_stack, .horizon = c->horizon, .capacity = c->buffer,
                                .alpha = c->per_alpha, .beta = c->per_beta};
    esp_told_init(t->net, c->seed);
    t->pool = esp_pool_create(t->world, ESP_EPISODE_BLOCK, true);
    t->shaped_pool = esp_pool_create(t->shaped_world, ESP_EPISODE_BLOCK, true);
    t->updater = esp_updater_create(t->net, &t->config.loss, c->batch, c->horizon);
    if (c->average > 0.0) t->average = esp_network_clone(t->net);
    t->replay = esp_replay_create(&replay);
    t->actions = esp_alloc((size_t)c->buffer * t->world->num_steps * t->world->num_actions, sizeof(float));
    t->best = -INFINITY;
    return ESP_OK;
}

static void trainer_free(esp_trainer *t)
{
    esp_updater_free(t->updater);
    esp_network_free(t->net);
    esp_network_free(t->average);
    esp_replay_free(t->replay);
    free(t->actions);
    esp_pool_free(t->pool);
    esp_pool_free(t->shaped_pool);
    esp_world_free(t->world);
    esp_world_free(t->shaped_world);
    esp_run_release(t->run);
}

static esp_status check_learnable(const esp_agent_config *config)
{
    esp_status status = esp_agent_config_check_unroll(config);
    if (status == ESP_OK && config->train.seed_episodes > config->train.buffer)
        status = esp_fail(ESP_ERR_RANGE, "train.seed_episodes (%d) do not fit into train.buffer (%d episodes)",
                          config->train.seed_episodes, config->train.buffer);
    return status == ESP_OK ? esp_agent_check_task(esp_task_find(config->env.task)) : status;
}

esp_status esp_train(const esp_agent_config *config, const esp_run_request *run)
{
    esp_trainer t = {.config = *config, .started = esp_clock()};
    bool go_on = false;
    esp_status status = esp_agent_config_settle(&t.config);
    if (status == ESP_OK) status = check_learnable(&t.config);
    if (status != ESP_OK) return status;
    cJSON *json = esp_config_json(esp_agent_fields, esp_agent_num_fields, &t.config);
    status = esp_run_claim(run, json, &t.run, &go_on);
    if (status == ESP_OK) status = trainer_create(&t);
    if (status == ESP_OK && go_on) status = esp_trainer_restore(&t);
    if (status == ESP_OK && go_on) status = esp_run_cut(t.run, "update", t.update);
    if (status == ESP_OK) status = train_loop(&t);
    trainer_free(&t);
    cJSON_Delete(json);
    return status;
}
