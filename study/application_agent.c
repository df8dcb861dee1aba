/* The TD-MPC agent as an application: judged by the return of closed-loop episodes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/study_internal.h"

/* Episodes behind one evaluation of a search, half of them from each start: a policy's cost little. */
#define SEARCH_EPISODES_MPPI 2
#define SEARCH_EPISODES_POLICY 4

/* What a subject of this application has of its own. */
typedef struct {
    esp_agent_config    stored;  /* as in the file */
    esp_agent_config    config;  /* with settings and --start */
    esp_controller_kind kind;
    esp_world *world;
    esp_pool  *pool;
} agent;

static const esp_option options[] = {
    {"controller", "controller", ESP_FOR_EVAL | ESP_FOR_PRUNE | ESP_FOR_SHOW, ESP_OPTION_CHOICE,
     ESP_CONTROLLER_CHOICES, 0, 0, "Agent: the planner, or the policy alone (default: what the file was pruned for, else mppi)"},
    {"start", "start", ESP_FOR_EVAL | ESP_FOR_PRUNE | ESP_FOR_SHOW, ESP_OPTION_TEXT, "NAME", 0, 0,
     "Agent: start of the episodes, one of the task's (default: the first); short for --set env.start=NAME"},
    {"episodes", ESP_KEY_REPORT, ESP_FOR_EVAL, ESP_OPTION_COUNT, "N", 1, 1000000,
     "Agent: episodes to play (default 20); --seed names them"},
    {"min-return", ESP_KEY_DEMAND, ESP_FOR_EVAL, ESP_OPTION_NUMBER, "X", 0, 0,
     "Agent: exit with status 3 when the mean return is below X"},
    {"episodes", ESP_KEY_SEARCH, ESP_FOR_PRUNE, ESP_OPTION_COUNT, "E", 1, 100000,
     "Agent: episodes per evaluation, the starts in turn (default 2; policy 4)"},
    {"report-episodes", ESP_KEY_REPORT, ESP_FOR_PRUNE, ESP_OPTION_COUNT, "N", 1, 1000000,
     "Agent: held-out episodes played for the report (default 20)"},
    {.name = NULL},
};

/* What `esp_controller_kind` says in words. */
static const char *controller_of(const agent *a, char word[ESP_CONFIG_TEXT])
{
    esp_choice_word(ESP_CONTROLLER_CHOICES, (int)a->kind, word);
    return word;
}

/* ---- open ---- */

static esp_status check_fixed(const char *key, int stored, int wanted)
{
    if (stored == wanted) return ESP_OK;
    return esp_fail(ESP_ERR_USAGE, "--set: '%s' is %d in the trained network and cannot be %d", key, stored, wanted);
}

static esp_status check_settings(const esp_agent_config *stored, esp_agent_config *config)
{
    esp_status status = check_fixed("env.frame_stack", stored->env.frame_stack, config->env.frame_stack);
    if (status == ESP_OK) status = check_fixed("env.image_size", stored->env.image_size, config->env.image_size);
    if (status == ESP_OK) status = check_fixed("network.latent", stored->network.latent, config->network.latent);
    if (status == ESP_OK) status = check_fixed("network.hidden", stored->network.hidden, config->network.hidden);
    if (status == ESP_OK) status = check_fixed("network.channels", stored->network.channels, config->network.channels);
    return status == ESP_OK ? esp_agent_config_settle(config) : status;
}

static void apply_options(const esp_judging *judging, agent *a)
{
    a->kind = (esp_controller_kind)esp_judging_number(judging, "controller", a->kind);
    const char *start = esp_judging_text(judging, "start");
    if (start) a->config.env.start = esp_intern(start);
}

static esp_status check_controller(const esp_subject *subject)
{
    const agent *a = subject->state;
    esp_status status = esp_controller_check(subject->net, a->kind);
    return status == ESP_OK ? ESP_OK : esp_fail_in(status, "%s", subject->path);
}

static esp_status open_agent(esp_subject *subject, esp_search_config *search)
{
    esp_agent_checkpoint checkpoint = {.net = NULL};
    esp_status status = esp_agent_checkpoint_take(subject->file, &checkpoint);
    if (status != ESP_OK) return esp_subject_blame(subject, status);
    agent *a = subject->state = esp_alloc(1, sizeof *a);
    a->stored = a->config = checkpoint.config;
    a->kind = checkpoint.controller;
    subject->net = checkpoint.net;
    subject->metadata = checkpoint.metadata;
    status = esp_settings_apply(subject->settings, esp_agent_fields, esp_agent_num_fields, &a->config, search);
    if (status == ESP_OK) apply_options(&subject->judging, a);
    if (status == ESP_OK) status = check_controller(subject);
    if (status == ESP_OK) status = check_settings(&a->stored, &a->config);
    subject->components = esp_controller_components(a->kind);
    if (!subject->search)
        subject->search = a->kind == ESP_CONTROLLER_POLICY ? SEARCH_EPISODES_POLICY : SEARCH_EPISODES_MPPI;
    return status;
}

static esp_status prepare(esp_subject *subject)
{
    agent *a = subject->state;
    esp_status status = esp_world_create(&a->config.env, &a->world);
    if (status != ESP_OK) return status;
    int actions = subject->net->component[ESP_TOLD_POLICY].out_size;
    if (a->world->num_actions != actions)
        return esp_fail(ESP_ERR_SHAPE, "%s: the controller has %d actions, task '%s' needs %d", subject->path, actions,
                        a->world->task->about.name, a->world->num_actions);
    a->pool = esp_pool_create(a->world, ESP_EPISODE_BLOCK, true);
    return ESP_OK;
}

static void close_agent(esp_subject *subject)
{
    agent *a = subject->state;
    esp_pool_free(a->pool);
    esp_world_free(a->world);
    free(a);
}

static esp_status cast(const esp_subject *subject, esp_role *role)
{
    const agent *a = subject->state;
    *role = (esp_role){.name = subject->path, .net = subject->net, .config = &a->config, .kind = a->kind};
    return ESP_OK;
}

/* What the network was pruned with, unless its planner takes longer than anybody wants to wait, from the
 * start that the task says is worth watching. */
static void film(const cJSON *asked, bool quick, esp_judging *out)
{
    const char *controller = quick ? NULL : esp_json_text(asked, "controller");
    if (!controller || esp_judging_give(out, ESP_FOR_SHOW, "controller", controller) != ESP_OK)
        esp_judging_give(out, ESP_FOR_SHOW, "controller", "policy");
    const char *name = esp_json_text(asked, "task");
    const esp_task *task = name ? esp_task_find(name) : NULL;
    if (task) esp_judging_give(out, ESP_FOR_SHOW, "start", task->about.show_start);
}

/* ---- the judge of a search ---- */

/* The start does not decide: every evaluation plays both. */
static void identify(const esp_subject *subject, cJSON *identity)
{
    const agent *a = subject->state;
    cJSON *config = esp_config_json(esp_agent_fields, esp_agent_num_fields, &a->config);
    esp_json_add_choice(identity, "controller", ESP_CONTROLLER_CHOICES, (int)a->kind);
    cJSON_AddNumberToObject(identity, "episodes", subject->search);
    cJSON_AddItemToObject(identity, "env", cJSON_DetachItemFromObject(config, "env"));
    cJSON_AddItemToObject(identity, "planner", cJSON_DetachItemFromObject(config, "planner"));
    cJSON_AddItemToObject(identity, "loss", cJSON_DetachItemFromObject(config, "loss"));
    cJSON_DeleteItemFromObject(cJSON_GetObjectItem(identity, "env"), "start");
    cJSON_Delete(config);
}

static esp_status judge(const esp_judge_config *config, esp_judge *out)
{
    const esp_subject *subject = config->subject;
    const agent *a = subject->state;
    esp_closed_loop *loop = esp_alloc(1, sizeof *loop);
    *loop = (esp_closed_loop){.surgeon = config->surgeon, .config = &a->config, .kind = a->kind,
                              .seed = subject->settings->seed, .count = subject->search, .pool = a->pool};
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
    const agent *a = subject->state;
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

static esp_status finetune(const esp_subject *subject, void *memory, esp_network *net, int steps)
{
    const recording *r = memory;
    const agent *a = subject->state;
    esp_finetune_config settings = esp_finetune_config_default();
    settings.steps = steps;
    settings.seed = subject->settings->seed;
    settings.components = subject->components;
    return esp_agent_finetune(net, &a->config, subject->net, &r->episodes, &settings);
}

/* ---- size and time ---- */

static double flops_by(const agent *a, const esp_network *net, esp_controller_kind kind)
{
    const esp_planner_config *planner = &a->config.planner;
    return esp_action_flops(net, planner, &planner->budget, kind);
}

static double flops(const esp_subject *subject, const esp_network *net)
{
    const agent *a = subject->state;
    return flops_by(a, net, a->kind);
}

/* From picture to action, one episode, all threads. */
static double time_of_action(const esp_subject *subject, const esp_network *net)
{
    enum { WARM_UP = 3, LEAST = 7, MOST = 200 };
    const double budget_s = 0.5;
    const agent *a = subject->state;
    float *action = esp_alloc((size_t)net->component[ESP_TOLD_POLICY].out_size, sizeof *action);
    double ms[MOST];
    int count = 0;
    uint8_t *pixels = esp_alloc((size_t)net->component[ESP_TOLD_ENCODER].in_size, 1);
    esp_observation obs = {.num_items = 1, .item = (const void *const[]){pixels}};
    esp_episode episode = {.seed = 0};
    esp_controller *controller = esp_controller_create(net, &a->config, a->kind, &a->config.planner.budget, 1);
    esp_controller_begin(controller, &episode, 1);
    for (int i = 0; i < WARM_UP; i++) esp_controller_act(controller, 1, i, &obs, action);
    for (double end = esp_clock() + budget_s; count < MOST && (count < LEAST || esp_clock() < end); count++) {
        double started = esp_clock();
        esp_controller_act(controller, 1, WARM_UP + count, &obs, action);
        ms[count] = 1e3 * (esp_clock() - started);
    }
    esp_controller_free(controller);
    free(pixels);
    free(action);
    esp_sort_doubles(count, ms);
    return esp_quantile(count, ms, 0.5);
}

/* ---- held-out episodes ---- */

/* What is said of their returns. On lines: what was asked (see `question`) has the first two. */
static void add_returns(const esp_subject *subject, const esp_summary *s, const double *returns, esp_figure_list *out)
{
    char seed[64];
    snprintf(seed, sizeof seed, "of seed %ju", (uintmax_t)subject->settings->seed);
    esp_figure_list_add(out, (esp_figure){.key = "episodes", .line = 3, .label = "episodes", .kind = ESP_FIGURE_NUMBER,
                                          .value = s->count, .unit = seed});
    esp_figure_list_add(out, (esp_figure){.key = "return_mean", .line = 4, .label = "mean return",
                                          .kind = ESP_FIGURE_NUMBER, .decimals = 1, .value = s->mean});
    esp_figure_list_add(out, (esp_figure){.key = "return_std", .line = 5, .label = "deviation",
                                          .kind = ESP_FIGURE_NUMBER, .decimals = 1, .value = s->std});
    esp_figure_list_add(out, (esp_figure){.key = "return_ci95", .line = 4, .label = "95 % interval",
                                          .kind = ESP_FIGURE_INTERVAL, .decimals = 1, .value = s->low,
                                          .other = s->high});
    esp_figure_list_add(out, (esp_figure){.key = "return_iqm", .line = 5, .label = "interquartile mean",
                                          .kind = ESP_FIGURE_NUMBER, .decimals = 1, .value = s->iqm});
    esp_figure_list_add(out, (esp_figure){.key = "returns", .kind = ESP_FIGURE_LIST, .count = s->count,
                                          .list = returns});
}

static void add_costs(const esp_subject *subject, const esp_network *net, double steps_per_s, esp_figure_list *out)
{
    esp_figure_list_add(out, (esp_figure){.key = "steps_per_second", .line = 8, .label = "speed",
                                          .kind = ESP_FIGURE_NUMBER, .decimals = 1, .value = steps_per_s,
                                          .unit = "control steps a second"});
    esp_figure_list_add(out, (esp_figure){.key = "flops_per_action", .line = 7, .label = "work",
                                          .kind = ESP_FIGURE_SCALED, .value = flops(subject, net),
                                          .unit = "FLOP an action"});
}

static void collect(const esp_subject *subject, const esp_network *net, const esp_trajectory *trajectories, int count,
                    double wall_s, esp_measurement *out)
{
    const agent *a = subject->state;
    double *returns = esp_alloc((size_t)count, sizeof *returns);
    char kept[128];
    int settled = 0;
    double steps = 0.0;
    for (int i = 0; i < count; i++) {
        steps += trajectories[i].length;
        returns[i] = trajectories[i].episode_return;
        settled += trajectories[i].settled < a->world->num_steps;
    }
    esp_summary summary = esp_summarise(count, returns, subject->settings->seed);
    out->performance = summary.mean;
    out->low = summary.low;
    out->high = summary.high;
    add_returns(subject, &summary, returns, &out->figures);
    snprintf(kept, sizeof kept, "episodes %s", a->world->task->about.goal);
    esp_figure_list_add(&out->figures, (esp_figure){.key = "success_rate", .line = 6, .label = "goal kept",
                                                    .kind = ESP_FIGURE_SHARE, .value = settled, .other = count,
                                                    .unit = kept});
    add_costs(subject, net, steps / wall_s, &out->figures);
    free(returns);
}

/* The first report episodes of the seed with the subject's start and planner. */
static esp_status measure(const esp_subject *subject, const esp_network *net, const char *task, esp_measurement *out)
{
    const agent *a = subject->state;
    int count = subject->report;
    esp_episode *episodes = esp_alloc((size_t)count, sizeof *episodes);
    esp_trajectory *trajectories = esp_alloc((size_t)count, sizeof *trajectories);
    esp_episodes_name(subject->settings->seed, ESP_EPISODES_REPORT, a->world->start, count, episodes);
    esp_evaluation evaluation = {.net = net, .config = &a->config, .kind = a->kind,
                                 .budget = &a->config.planner.budget, .episodes = episodes, .count = count};
    double started = esp_clock();
    esp_status status = esp_evaluate(a->pool, &evaluation, task, trajectories);
    if (status == ESP_OK) collect(subject, net, trajectories, count, esp_clock() - started, out);
    free(episodes);
    free(trajectories);
    return status;
}

static const esp_compared compared[] = {
    {.key = "success_rate", .label = "goal kept to the end", .kind = ESP_FIGURE_SHARE},
    {.key = NULL},
};

/* A network belongs to the scene that it was pruned in. */
static esp_status write_agent(const esp_subject *subject, const char *path, const esp_network *net,
                              unsigned components, const cJSON *pedigree)
{
    const agent *a = subject->state;
    esp_agent_config config = a->stored;
    config.env.scene = a->config.env.scene; /* that it was judged in */
    cJSON *contract = esp_agent_contract(path, &config, a->world, a->kind);
    esp_status status = esp_agent_checkpoint_save(path, &config, net, components,
                                                  &(esp_metadata){.contract = contract, .pedigree = (cJSON *)pedigree});
    cJSON_Delete(contract);
    return status;
}

static void ancestry(const esp_subject *subject, cJSON *entry)
{
    char word[ESP_CONFIG_TEXT];
    cJSON_AddStringToObject(entry, "controller", controller_of(subject->state, word));
    cJSON_AddStringToObject(entry, "mujoco", mj_versionString());
}

static esp_status bench(const esp_subject *subject, esp_bench *out)
{
    if (!subject) return esp_bench_random_agent(out);
    const agent *a = subject->state;
    return esp_bench_agent(out, subject->net, &a->config);
}

/* ---- what is said ---- */

static void question(const esp_subject *subject, esp_figure_list *out)
{
    const agent *a = subject->state;
    const esp_env_config *env = &a->config.env;
    char word[ESP_CONFIG_TEXT];
    esp_figure_list_add(out, (esp_figure){.key = "task", .line = 1, .label = "task", .text = env->task});
    esp_figure_list_add(out, (esp_figure){.key = "start", .line = 1, .text = a->config.env.start, .unit = "start"});
    esp_figure_list_add(out, (esp_figure){.key = "reward", .line = 1, .text = env->reward, .unit = "reward"});
    if (env->scene && env->scene[0])
        esp_figure_list_add(out, (esp_figure){.key = "scene", .line = 1, .text = env->scene, .unit = "scene"});
    esp_figure_list_add(out, (esp_figure){.key = "controller", .line = 2, .label = "controller",
                                          .text = controller_of(a, word)});
}

static void samples(const esp_subject *subject, char *out, size_t size)
{
    const agent *a = subject->state;
    char word[ESP_CONFIG_TEXT];
    snprintf(out, size, "%d held-out episode%s of seed %ju, %s, %s start, controller %s", subject->report,
             subject->report == 1 ? "" : "s", (uintmax_t)subject->settings->seed, a->config.env.task, a->config.env.start,
             controller_of(a, word));
}

static void inspect(const esp_subject *subject, esp_figure_list *out)
{
    const bool whole = !(esp_controller_components(ESP_CONTROLLER_MPPI) & ~esp_network_components(subject->net));
    const struct { const char *key, *unit; esp_controller_kind kind; } ways[] = {
        {"flops_per_action", "FLOP with mppi", ESP_CONTROLLER_MPPI},
        {whole ? "flops_per_action_policy" : "flops_per_action", "FLOP with policy", ESP_CONTROLLER_POLICY}};
    for (int i = !whole; i < 2; i++)
        esp_figure_list_add(out, (esp_figure){.key = ways[i].key, .line = 1, .kind = ESP_FIGURE_SCALED,
                                              .value = flops_by(subject->state, subject->net, ways[i].kind),
                                              .unit = ways[i].unit});
}

static void title(const esp_subject *subject, char *out, size_t size)
{
    const agent *a = subject->state;
    snprintf(out, size, "TD-MPC agent, task %s", a->config.env.task);
}

static void run_title(const cJSON *config, char *out, size_t size)
{
    const char *task = esp_json_text(cJSON_GetObjectItemCaseSensitive(config, "env"), "task");
    snprintf(out, size, "TD-MPC agent, task %s", task ? task : "unknown");
}

const esp_application esp_application_agent = {
    .name = "tdmpc",
    .measure_name = "mean return",
    .sample_name = "episodes",
    .action_name = "action",
    .paper_groups = esp_told_paper_groups,
    .num_paper_groups = &esp_told_num_paper_groups,
    .fields = esp_agent_fields,
    .num_fields = &esp_agent_num_fields,
    .options = options,
    .compared = compared,
    .learning = &esp_learning_agent,
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
    .ancestry = ancestry,
    .cast = cast,
    .film = film,
    .bench = bench,
    .question = question,
    .inspect = inspect,
    .title = title,
    .run_title = run_title,
    .samples = samples,
};
