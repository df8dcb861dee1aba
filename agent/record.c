/* Episodes of the dense agent, recorded once: data for importance, compensation and finetuning. */
#include <stdlib.h>
#include <string.h>

#include "agent/agent_internal.h"

esp_record_config esp_record_config_default(void)
{
    return (esp_record_config){.kind = ESP_CONTROLLER_POLICY, .episodes = 100, .noise = 2.0, .seed = 1};
}

/* ---- recording ---- */

static esp_status check_config(const esp_record_config *config)
{
    if (config->episodes < 1)
        return esp_fail(ESP_ERR_RANGE, "%d episodes to record, expected at least 1", config->episodes);
    if (!(config->noise >= 0.0 && config->noise <= 10.0))
        return esp_fail(ESP_ERR_RANGE, "noise on recorded actions is %g, expected 0 to 10", config->noise);
    return ESP_OK;
}

void esp_recording_create(const esp_env_config *env, int num_actions, int episodes, esp_recording *out)
{
    esp_recording r = {.episodes = episodes, .num_steps = esp_env_steps(env),
                       .num_actions = num_actions, .stack = env->frame_stack,
                       .frame = (int)esp_env_pixels(env)};
    size_t steps = (size_t)episodes * r.num_steps;
    r.frames = esp_alloc(steps + episodes, (size_t)r.frame);
    r.intended = esp_alloc(steps * num_actions, sizeof *r.intended);
    r.actions = esp_alloc(steps * num_actions, sizeof *r.actions);
    r.rewards = esp_alloc(steps, sizeof *r.rewards);
    *out = r;
}

void esp_recording_free(esp_recording *r)
{
    free(r->frames);
    free(r->intended);
    free(r->actions);
    free(r->rewards);
    *r = (esp_recording){.episodes = 0};
}

static uint8_t *episode_frames(const esp_recording *r, int episode)
{
    return r->frames + (size_t)episode * (r->num_steps + 1) * r->frame;
}

static float *episode_actions(const esp_recording *r, int episode)
{
    return r->actions + (size_t)episode * r->num_steps * r->num_actions;
}

static float *episode_rewards(const esp_recording *r, int episode)
{
    return r->rewards + (size_t)episode * r->num_steps;
}

esp_trajectory *esp_recording_trajectories(const esp_recording *r)
{
    esp_trajectory *out = esp_alloc((size_t)r->episodes, sizeof *out);
    for (int i = 0; i < r->episodes; i++)
        out[i] = (esp_trajectory){.frames = episode_frames(r, i), .actions = episode_actions(r, i),
                                  .rewards = episode_rewards(r, i)};
    return out;
}

/* Levels of noise, one episode of every start each. A deviation of 2 makes actions nearly random: finetuning also has
 * to learn what to do away from the path. Agents 60 % smaller, finetuned on noise up to 0.6, 1.0 and 2.0, had returns
 * of 364, 682 and 748 with the planner. */
#define NOISE_LEVELS 4

/* Starts take turns; no two episodes have the same number. */
static void name_episodes(const esp_record_config *config, int starts, esp_episode *out, double *noise)
{
    esp_episodes_name(config->seed, ESP_EPISODES_RECORD, 0, config->episodes, out);
    for (int i = 0; i < config->episodes; i++) {
        out[i].index += config->first;
        out[i].start = i % starts;
        noise[i] = config->noise * (i / starts % NOISE_LEVELS) / (NOISE_LEVELS - 1);
    }
}

esp_status esp_recording_make(esp_pool *pool, const esp_record_config *config, esp_recording *out)
{
    esp_status status = check_config(config);
    if (status == ESP_OK) status = esp_agent_check_task(esp_pool_world(pool)->task);
    if (status != ESP_OK) return status;
    esp_recording r;
    esp_recording_create(&config->config->env, config->net->component[ESP_TOLD_POLICY].out_size, config->episodes, &r);
    esp_trajectory *trajectories = esp_recording_trajectories(&r);
    esp_episode *episodes = esp_alloc((size_t)r.episodes, sizeof *episodes);
    double *noise = esp_alloc((size_t)r.episodes, sizeof *noise);
    name_episodes(config, esp_names_count(esp_pool_world(pool)->task->about.starts), episodes, noise);
    esp_evaluation ev = {.net = config->net, .config = config->config, .kind = config->kind,
                         .budget = &config->config->planner.search, .episodes = episodes, .count = r.episodes,
                         .noise = noise, .intended = r.intended};
    status = esp_evaluate(pool, &ev, config->quiet ? NULL : "record", trajectories);
    for (int i = 0; i < r.episodes; i++) r.mean_return += trajectories[i].episode_return / r.episodes;
    free(noise);
    free(episodes);
    free(trajectories);
    if (status == ESP_OK) *out = r;
    else                  esp_recording_free(&r);
    return status;
}

/* ---- samples ---- */

void esp_recording_obs(const esp_recording *r, int episode, int step, uint8_t *out)
{
    const uint8_t *first = episode_frames(r, episode);
    for (int i = step - r->stack + 1; i <= step; i++, out += r->frame)
        memcpy(out, first + (size_t)(i < 0 ? 0 : i) * r->frame, (size_t)r->frame);
}

/* A component without data and with source -1 is not fed. */
static esp_feed feed_of(const esp_recording *r, const esp_recorded_samples *s, unsigned components, int component)
{
    if (!(components >> component & 1)) return (esp_feed){.source = -1};
    if (component == ESP_TOLD_ENCODER) return (esp_feed){.source = -1, .data = s->obs};
    if (component == ESP_TOLD_POLICY) return (esp_feed){.source = ESP_TOLD_ENCODER};
    return (esp_feed){.source = ESP_TOLD_ENCODER, .data = s->actions, .columns = r->num_actions};
}

esp_recorded_samples esp_recording_samples(const esp_recording *r, int count, unsigned components)
{
    size_t total = (size_t)r->episodes * r->num_steps, image = (size_t)r->stack * r->frame;
    size_t n = (size_t)count < total ? (size_t)count : total, A = (size_t)r->num_actions;
    esp_recorded_samples s = {.obs = esp_alloc(n, image), .actions = esp_alloc(n * A, sizeof *s.actions)};
    for (size_t i = 0; i < n; i++) {
        size_t at = i * total / n;
        esp_recording_obs(r, (int)(at / r->num_steps), (int)(at % r->num_steps), s.obs + i * image);
        memcpy(s.actions + i * A, r->actions + at * A, A * sizeof *s.actions);
    }
    s.calibration.count = (int)n;
    for (int c = 0; c < ESP_MAX_COMPONENTS; c++)
        s.calibration.feed[c] = feed_of(r, &s, c < ESP_TOLD_COMPONENTS ? components : 0, c);
    return s;
}

void esp_recorded_samples_free(esp_recorded_samples *s)
{
    free(s->obs);
    free(s->actions);
    *s = (esp_recorded_samples){.obs = NULL};
}

/* ---- replay ---- */

esp_replay *esp_recording_replay(const esp_recording *r, const esp_agent_config *config)
{
    const esp_train_config *train = &config->train;
    esp_replay_config replay_config = {.num_steps = r->num_steps, .num_actions = r->num_actions, .frame = r->frame,
                                       .stack = r->stack, .horizon = train->horizon, .capacity = r->episodes,
                                       .alpha = train->per_alpha, .beta = train->per_beta};
    esp_replay *replay = esp_replay_create(&replay_config);
    float *rewards = esp_alloc((size_t)r->num_steps, sizeof *rewards), scale = (float)train->reward_scale;
    for (int i = 0; i < r->episodes; i++) {
        for (int t = 0; t < r->num_steps; t++) rewards[t] = scale * episode_rewards(r, i)[t];
        esp_replay_add(replay, episode_frames(r, i), episode_actions(r, i), rewards);
    }
    free(rewards);
    return replay;
}
