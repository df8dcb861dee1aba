/* The TD-MPC agent as an application: judged by the return of closed-loop episodes. */
#include <stdio.h>
#include <stdlib.h>

#include "study/application.h"

/* Episodes behind one evaluation of a search, half of them from each start: a policy's cost little. */
#define SEARCH_EPISODES_MPPI 2
#define SEARCH_EPISODES_POLICY 4

static esp_controller_kind kind_of(const esp_subject *subject)
{
    return (esp_controller_kind)subject->judging.controller;
}

static const char *start_of(const esp_subject *subject)
{
    return subject->agent.config.env.start == ESP_START_HANGING ? "hanging" : "random";
}

/* ---- open ---- */

static esp_status check_fixed(const char *key, int stored, int wanted)
{
    if (stored == wanted) return ESP_OK;
    return esp_fail(ESP_ERR_USAGE, "--set: '%s' is %d in the trained network and cannot be %d", key, stored, wanted);
}

static esp_status check_settings(const esp_agent_config *stored, const esp_agent_config *config)
{
    esp_status status = check_fixed("env.frame_stack", stored->env.frame_stack, config->env.frame_stack);
    if (status == ESP_OK) status = check_fixed("env.image_size", stored->env.image_size, config->env.image_size);
    if (status == ESP_OK) status = check_fixed("network.latent", stored->network.latent, config->network.latent);
    if (status == ESP_OK) status = check_fixed("network.hidden", stored->network.hidden, config->network.hidden);
    if (status == ESP_OK) status = check_fixed("network.channels", stored->network.channels, config->network.channels);
    return status == ESP_OK ? esp_agent_config_check(config) : status;
}

static esp_status open_agent(esp_subject *subject, esp_search_config *search)
{
    esp_agent_checkpoint checkpoint = {.net = NULL};
    esp_status status = esp_agent_checkpoint_read(subject->path, subject->options->config, &checkpoint);
    if (status != ESP_OK) return esp_subject_blame(subject, status);
    esp_agent_case *agent = &subject->agent;
    agent->stored = agent->config = checkpoint.config;
    subject->net = checkpoint.net;
    esp_metadata_free(&checkpoint.metadata);
    subject->components = esp_controller_components(kind_of(subject));
    if (!subject->judging.search)
        subject->judging.search = kind_of(subject) == ESP_CONTROLLER_POLICY ? SEARCH_EPISODES_POLICY
                                                                            : SEARCH_EPISODES_MPPI;
    status = esp_options_apply(subject->options, esp_agent_fields, esp_agent_num_fields, &agent->config, search);
    if (status == ESP_OK) status = check_settings(&agent->stored, &agent->config);
    if (subject->judging.start >= 0) agent->config.env.start = subject->judging.start;
    return status;
}

static esp_status prepare(esp_subject *subject)
{
    esp_agent_case *agent = &subject->agent;
    esp_status status = esp_world_create(&agent->config.env, &agent->world);
    if (status != ESP_OK) return status;
    int actions = subject->net->component[ESP_TOLD_POLICY].out_size;
    if (agent->world->num_actions != actions)
        return esp_fail(ESP_ERR_SHAPE, "%s: the controller has %d actions, task '%s' needs %d", subject->path, actions,
                        agent->world->task->name, agent->world->num_actions);
    agent->pool = esp_pool_create(agent->world, ESP_EPISODE_BLOCK, true);
    return ESP_OK;
}

static void close_agent(esp_subject *subject)
{
    esp_pool_free(subject->agent.pool);
    esp_world_free(subject->agent.world);
    subject->agent = (esp_agent_case){.world = NULL};
}

/* ---- the judge of a search ---- */

/* The start does not decide: every evaluation plays both. */
static void identify(const esp_subject *subject, cJSON *identity)
{
    cJSON *config = esp_config_json(esp_agent_fields, esp_agent_num_fields, &subject->agent.config);
    esp_json_add_choice(identity, "controller", ESP_CONTROLLER_CHOICES, subject->judging.controller);
    cJSON_AddNumberToObject(identity, "episodes", subject->judging.search);
    cJSON_AddItemToObject(identity, "env", cJSON_DetachItemFromObject(config, "env"));
    cJSON_AddItemToObject(identity, "planner", cJSON_DetachItemFromObject(config, "planner"));
    cJSON_AddItemToObject(identity, "loss", cJSON_DetachItemFromObject(config, "loss"));
    cJSON_DeleteItemFromObject(cJSON_GetObjectItem(identity, "env"), "start");
    cJSON_Delete(config);
}

static esp_status judge(const esp_judge_config *config, esp_judge *out)
{
    const esp_subject *subject = config->subject;
    esp_closed_loop *loop = esp_alloc(1, sizeof *loop);
    *loop = (esp_closed_loop){.surgeon = config->surgeon, .config = &subject->agent.config, .kind = kind_of(subject),
                              .seed = subject->options->seed, .count = subject->judging.search,
                              .pool = subject->agent.pool};
    /* A kill loses as many evaluations at most. */
    *out = (esp_judge){.performance = esp_closed_loop_performance, .context = loop, .at_once = 16, .free = free};
    return ESP_OK;
}

/* ---- recorded episodes ---- */

/* Moments that importance and compensation look at: enough for 32 x 25 columns of a convolution. */
#define RECORDED_MOMENTS 2000

typedef struct {
    esp_recording        episodes;
    esp_recorded_samples samples;
} recording;

static void forget(void *memory)
{
    recording *r = memory;
    if (!r) return;
    esp_recorded_samples_free(&r->samples);
    esp_recording_free(&r->episodes);
    free(r);
}

static esp_status record(const esp_subject *subject, void **out, esp_calibration *calibration)
{
    esp_record_config config = esp_record_config_default();
    recording *r = esp_alloc(1, sizeof *r);
    config.net = subject->net;
    config.config = &subject->agent.config;
    config.seed = subject->options->seed;
    esp_status status = esp_recording_make(subject->agent.pool, &config, &r->episodes);
    if (status != ESP_OK) {
        free(r);
        return status;
    }
    r->samples = esp_recording_samples(&r->episodes, RECORDED_MOMENTS, subject->components);
    *calibration = r->samples.calibration;
    *out = r;
    return ESP_OK;
}

static esp_status finetune(const esp_subject *subject, void *memory, esp_network *net, int steps)
{
    const recording *r = memory;
    esp_finetune_config settings = esp_finetune_config_default();
    settings.steps = steps;
    settings.seed = subject->options->seed;
    settings.components = subject->components;
    return esp_agent_finetune(net, &subject->agent.config, subject->net, &r->episodes, &settings);
}

/* ---- held-out episodes ---- */

static void collect(const esp_subject *subject, const esp_trajectory *trajectories, int count, esp_measurement *out)
{
    out->returns = esp_alloc((size_t)count, sizeof *out->returns);
    for (int i = 0; i < count; i++) {
        out->returns[i] = trajectories[i].episode_return;
        out->settled += trajectories[i].settled < subject->agent.world->num_steps;
    }
}

/* The first report episodes of the seed with the subject's start and planner. */
static esp_status measure(const esp_subject *subject, const esp_network *net, const char *task, esp_measurement *out)
{
    const esp_agent_config *config = &subject->agent.config;
    int count = subject->judging.report;
    esp_episode *episodes = esp_alloc((size_t)count, sizeof *episodes);
    esp_trajectory *trajectories = esp_alloc((size_t)count, sizeof *trajectories);
    esp_episodes_name(subject->options->seed, ESP_EPISODES_REPORT, config->env.start, count, episodes);
    esp_evaluation evaluation = {.net = net, .config = config, .kind = kind_of(subject),
                                 .budget = &config->planner.budget, .episodes = episodes, .count = count};
    double started = esp_clock();
    esp_status status = esp_evaluate(subject->agent.pool, &evaluation, task, trajectories);
    double wall_s = esp_clock() - started;
    if (status == ESP_OK) {
        *out = (esp_measurement){.steps = (double)count * subject->agent.world->num_steps / wall_s};
        collect(subject, trajectories, count, out);
        out->summary = esp_summarise(count, out->returns, subject->options->seed);
        out->performance = out->summary.mean;
    }
    free(episodes);
    free(trajectories);
    return status;
}

/* ---- size and time ---- */

static double flops(const esp_subject *subject, const esp_network *net)
{
    const esp_planner_config *planner = &subject->agent.config.planner;
    return esp_action_flops(net, planner, &planner->budget, kind_of(subject));
}

/* From picture to action, one episode, all threads. */
static double time_of_action(const esp_subject *subject, const esp_network *net)
{
    enum { WARM_UP = 3, LEAST = 7, MOST = 200 };
    const double budget_s = 0.5;
    const esp_agent_config *config = &subject->agent.config;
    float action[ESP_MAX_ACTIONS];
    double ms[MOST];
    int count = 0;
    uint8_t *obs = esp_alloc((size_t)net->component[ESP_TOLD_ENCODER].in_size, 1);
    esp_episode episode = {.seed = 0};
    esp_controller *controller = esp_controller_create(net, config, kind_of(subject), &config->planner.budget, 1);
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

static esp_status write_agent(const esp_subject *subject, const char *path, const esp_network *net)
{
    return esp_agent_checkpoint_write(path, &subject->agent.stored, net);
}

/* ---- what is said ---- */

static void question_json(const esp_subject *subject, cJSON *json)
{
    const esp_env_config *env = &subject->agent.config.env;
    cJSON_AddStringToObject(json, "task", env->task);
    cJSON_AddStringToObject(json, "start", start_of(subject));
    esp_json_add_choice(json, "reward", "sparse|dense", env->reward);
    esp_json_add_choice(json, "controller", ESP_CONTROLLER_CHOICES, subject->judging.controller);
}

static void question_text(const esp_subject *subject, char *out, size_t size)
{
    char controller[ESP_CONFIG_TEXT];
    esp_choice_word(ESP_CONTROLLER_CHOICES, subject->judging.controller, controller);
    snprintf(out, size, "%d held-out episode%s of seed %ju, %s, %s start, controller %s", subject->judging.report,
             subject->judging.report == 1 ? "" : "s",
             (uintmax_t)subject->options->seed, subject->agent.config.env.task, start_of(subject), controller);
}

static void eval_json(const esp_subject *subject, const esp_measurement *m, cJSON *json)
{
    const esp_summary *s = &m->summary;
    cJSON_AddNumberToObject(json, "episodes", s->count);
    cJSON_AddNumberToObject(json, "return_mean", s->mean);
    cJSON_AddNumberToObject(json, "return_std", s->std);
    esp_json_add_doubles(json, "return_ci95", 2, (double[]){s->low, s->high});
    cJSON_AddNumberToObject(json, "return_iqm", s->iqm);
    esp_json_add_doubles(json, "returns", s->count, m->returns);
    cJSON_AddNumberToObject(json, "success_rate", (double)m->settled / s->count);
    cJSON_AddNumberToObject(json, "steps_per_second", m->steps);
    cJSON_AddNumberToObject(json, "flops_per_action", flops(subject, subject->net));
}

static void eval_rows(const esp_subject *subject, const esp_measurement *m, esp_table *table)
{
    char word[ESP_CONFIG_TEXT], work[ESP_NUMBER_TEXT];
    const esp_summary *s = &m->summary;
    const esp_env_config *env = &subject->agent.config.env;
    esp_choice_word("sparse|dense", env->reward, word);
    esp_table_row(table, "task|%s, %s start, %s reward", env->task, start_of(subject), word);
    esp_choice_word(ESP_CONTROLLER_CHOICES, subject->judging.controller, word);
    esp_table_row(table, "controller|%s", word);
    esp_table_row(table, "episodes|%d of seed %ju", s->count, (uintmax_t)subject->options->seed);
    esp_table_row(table, "mean return|%.1f   95 %% interval [%.1f, %.1f]", s->mean, s->low, s->high);
    esp_table_row(table, "deviation|%.1f   interquartile mean %.1f", s->std, s->iqm);
    esp_table_row(table, "goal kept|%d of %d episodes hold the pole up to the end", m->settled, s->count);
    esp_table_row(table, "work|%sFLOP an action", esp_text_scaled(flops(subject, subject->net), work));
    esp_table_row(table, "speed|%.1f control steps a second", m->steps);
}

static double flops_by(const esp_subject *subject, esp_controller_kind kind)
{
    const esp_planner_config *planner = &subject->agent.config.planner;
    return esp_action_flops(subject->net, planner, &planner->budget, kind);
}

static void inspect_json(const esp_subject *subject, cJSON *json)
{
    cJSON_AddNumberToObject(json, "flops_per_action", flops_by(subject, ESP_CONTROLLER_MPPI));
    cJSON_AddNumberToObject(json, "flops_per_action_policy", flops_by(subject, ESP_CONTROLLER_POLICY));
}

static void inspect_text(const esp_subject *subject, char *out, size_t size)
{
    char planner[ESP_NUMBER_TEXT], policy[ESP_NUMBER_TEXT];
    snprintf(out, size, "TD-MPC agent, task %s; an action takes %sFLOP with mppi, %sFLOP with policy",
             subject->agent.config.env.task, esp_text_scaled(flops_by(subject, ESP_CONTROLLER_MPPI), planner),
             esp_text_scaled(flops_by(subject, ESP_CONTROLLER_POLICY), policy));
}

static void prune_json(const esp_measurement *m, const char *suffix, cJSON *json)
{
    char key[64];
    snprintf(key, sizeof key, "performance_%s_ci95", suffix);
    esp_json_add_doubles(json, key, 2, (double[]){m->summary.low, m->summary.high});
    snprintf(key, sizeof key, "success_rate_%s", suffix);
    cJSON_AddNumberToObject(json, key, (double)m->settled / m->summary.count);
}

static void prune_rows(int count, const esp_measurement *m, esp_table *table)
{
    esp_table_row(table, "  95 %% interval");
    for (int i = 0; i < count; i++) esp_table_cell(table, "%.1f to %.1f", m[i].summary.low, m[i].summary.high);
    esp_table_row(table, "goal kept to the end");
    for (int i = 0; i < count; i++) esp_table_cell(table, "%d of %d", m[i].settled, m[i].summary.count);
}

const esp_application esp_application_agent = {
    .name = "tdmpc",
    .measure_name = "mean return",
    .sample_name = "episodes",
    .action_name = "action",
    .paper_groups = esp_told_paper_groups,
    .num_paper_groups = &esp_told_num_paper_groups,
    .train = esp_train_agent,
    .open = open_agent,
    .prepare = prepare,
    .close = close_agent,
    .record = record,
    .forget = forget,
    .identify = identify,
    .judge = judge,
    .measure = measure,
    .flops = flops,
    .time = time_of_action,
    .finetune = finetune,
    .write = write_agent,
    .question_json = question_json,
    .question_text = question_text,
    .eval_json = eval_json,
    .eval_rows = eval_rows,
    .prune_json = prune_json,
    .prune_rows = prune_rows,
    .inspect_json = inspect_json,
    .inspect_text = inspect_text,
};
