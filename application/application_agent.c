/* The TD-MPC agent as an application: judged by the return of closed-loop episodes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/agent_internal.h"

/* Episodes per evaluation of a search, from both starts alike: a policy's cost little. */
#define SEARCH_EPISODES_MPPI 2
#define SEARCH_EPISODES_POLICY 4

static const esp_option options[] = {
    {"controller", "controller", ESP_FOR_EVAL, ESP_OPTION_CONTROLLER, ESP_CONTROLLER_CHOICES "|lib:FILE.so", 0, 0,
     "Agent: the planner, the policy alone (default: the one that the file was pruned for, else mppi), or an export of "
     "one of them that was compiled as a shared library"},
    {"controller", "controller", ESP_FOR_PRUNE | ESP_FOR_SHOW | ESP_FOR_COMPARE, ESP_OPTION_CHOICE,
     ESP_CONTROLLER_CHOICES, 0, 0,
     "Agent: the planner, or the policy alone (default: the one that the file was pruned for, else mppi)"},
    {"start", "start", ESP_FOR_SHOW, ESP_OPTION_TEXT, "NAME", 0, 0,
     "Agent: start of the episodes, one of the task's (default: the first); short for --set env.start=NAME"},
    {"start", "starts", ESP_FOR_EVAL | ESP_FOR_PRUNE | ESP_FOR_COMPARE, ESP_OPTION_TEXT, "NAME|all", 0, 0,
     "Agent: start of the held-out episodes, one of the task's or all (default: that of env.start; prune and compare: "
     "all)"},
    {"episodes", ESP_KEY_REPORT, ESP_FOR_EVAL, ESP_OPTION_COUNT, "N", 1, 1000000,
     "Agent: episodes of each start to play (default 20); --seed names them"},
    {"episodes", ESP_KEY_REPORT, ESP_FOR_COMPARE, ESP_OPTION_COUNT, "N", 1, 1000000,
     "Agent: most episodes of each start to play (default 1000); --seed names them"},
    {"min-return", ESP_KEY_DEMAND, ESP_FOR_EVAL | ESP_FOR_PRUNE, ESP_OPTION_NUMBER, "X", 0, 0,
     "Agent: exit with status 3 when the mean return from the configured start (env.start, or --start NAME) is below "
     "X"},
    {"episodes", ESP_KEY_SEARCH, ESP_FOR_PRUNE, ESP_OPTION_COUNT, "E", 1, 100000,
     "Agent: episodes per evaluation, starts take turns (default 2; policy 4)"},
    {"report-episodes", ESP_KEY_REPORT, ESP_FOR_PRUNE, ESP_OPTION_COUNT, "N", 1, 1000000,
     "Agent: held-out episodes of each start played for the report (default 20)"},
    {"max-variation", ESP_KEY_BOUND, ESP_FOR_PRUNE, ESP_OPTION_NUMBER, "V", 0, 0,
     "Agent: largest total variation of the actions, as a multiple of that before: 1.2. The search divides the return "
     "of a cut beyond it by as much; exit with status 3 when the result is beyond it on the held-out episodes"},
    {.name = NULL},
};

/* The name of the controller. */
static const char *controller_of(const esp_agent_subject *a, char word[ESP_CONFIG_TEXT])
{
    if (a->library_name) return a->library_name;
    esp_choice_word(ESP_CONTROLLER_CHOICES, (int)a->kind, word);
    return word;
}

/* ---- open ---- */

static esp_status check_fixed(const char *key, int stored, int wanted)
{
    if (stored == wanted) return ESP_OK;
    return esp_fail(ESP_ERR_USAGE, "--set: '%s' is %d in the trained network and cannot be set to %d", key, stored,
                    wanted);
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

static void apply_options(const esp_judging *judging, esp_agent_subject *a)
{
    const char *controller = esp_judging_text(judging, "controller");
    if (controller && esp_is_library(controller)) a->library_name = controller;
    else a->kind = (esp_controller_kind)esp_judging_number(judging, "controller", a->kind);
    const char *shown = esp_judging_text(judging, "start"), *start = esp_judging_text(judging, "starts");
    a->every_start = start ? strcmp(start, "all") == 0 : judging->every_start;
    if (start && !a->every_start) a->config.env.start = esp_intern(start);
    if (shown) a->config.env.start = esp_intern(shown);
}

static esp_status check_controller(const esp_subject *subject)
{
    const esp_agent_subject *a = subject->state;
    esp_status status = esp_controller_check(subject->net, a->kind);
    return status == ESP_OK ? ESP_OK : esp_fail_in(status, "%s", subject->path);
}

static esp_status open_agent(esp_subject *subject, esp_search_config *search)
{
    esp_agent_checkpoint checkpoint = {.net = NULL};
    esp_status status = esp_agent_checkpoint_take(subject->file, &checkpoint);
    if (status != ESP_OK) return esp_subject_blame(subject, status);
    esp_agent_subject *a = subject->state = esp_alloc(1, sizeof *a);
    a->stored = a->config = checkpoint.config;
    a->kind = checkpoint.controller;
    subject->net = checkpoint.net;
    subject->metadata = checkpoint.metadata;
    status = esp_settings_apply(subject->settings, esp_agent_fields, esp_agent_num_fields, &a->config, search);
    if (status == ESP_OK) apply_options(&subject->judging, a);
    if (status == ESP_OK && a->library_name)
        status = esp_agent_library_open(subject, a->library_name + strlen(ESP_LIBRARY_PREFIX));
    if (status == ESP_OK) status = check_controller(subject);
    if (status == ESP_OK) status = check_settings(&a->stored, &a->config);
    subject->components = esp_controller_components(a->kind);
    if (!subject->search)
        subject->search = a->kind == ESP_CONTROLLER_POLICY ? SEARCH_EPISODES_POLICY : SEARCH_EPISODES_MPPI;
    return status;
}

static esp_status prepare(esp_subject *subject)
{
    esp_agent_subject *a = subject->state;
    esp_status status = esp_world_create(&a->config.env, &a->world);
    if (status != ESP_OK) return status;
    esp_contract_check_scene(subject->metadata.contract, subject->path, &a->config.env);
    int actions = subject->net->component[ESP_TOLD_POLICY].out_size;
    if (a->world->num_actions != actions)
        return esp_fail(ESP_ERR_SHAPE, "%s: the controller has %d actions, but task '%s' needs %d", subject->path,
                        actions, a->world->task->about.name, a->world->num_actions);
    a->pool = esp_pool_create(a->world, ESP_EPISODE_BLOCK, true);
    return ESP_OK;
}

static void close_agent(esp_subject *subject)
{
    esp_agent_subject *a = subject->state;
    esp_pool_free(a->pool);
    esp_world_free(a->world);
    esp_library_free(a->library);
    free(a->kept);
    free(a);
}

static void cast(const esp_subject *subject, esp_role *role)
{
    const esp_agent_subject *a = subject->state;
    esp_contract_check_scene(subject->metadata.contract, subject->path, &a->config.env);
    *role = (esp_role){.name = subject->path, .net = subject->net, .env = &a->config.env, .controller = (int)a->kind,
                       .config = &a->config, .acting = &esp_agent_acting};
}

/* Uses the controller that the network was pruned for, unless its planner would take too long, and the start that the
 * task considers most worth watching. */
static void film(const cJSON *asked, bool quick, esp_judging *out)
{
    const char *controller = quick ? NULL : esp_json_text(asked, "controller");
    if (!controller || esp_judging_give(out, ESP_FOR_SHOW, "controller", controller) != ESP_OK)
        esp_judging_give(out, ESP_FOR_SHOW, "controller", "policy");
    const char *name = esp_json_text(asked, "task");
    const esp_task *task = name ? esp_task_find(name) : NULL;
    if (task) esp_judging_give(out, ESP_FOR_SHOW, "start", task->about.show_start);
}

static const esp_compared compared[] = {
    {.key = "return_iqm", .label = "interquartile mean", .kind = ESP_FIGURE_NUMBER, .decimals = 1},
    {.key = "return_worst", .label = "worst episode", .kind = ESP_FIGURE_NUMBER, .decimals = 1},
    {.key = "success_rate", .label = "goal held to the end", .kind = ESP_FIGURE_SHARE},
    {.key = "goal_seconds", .label = "time to the goal, s", .kind = ESP_FIGURE_NUMBER, .decimals = 2},
    {.key = "steady_error", .label = "steady-state error", .kind = ESP_FIGURE_NUMBER, .decimals = 4,
     .task_unit = true},
    {.key = "total_variation", .label = "total variation of actions", .kind = ESP_FIGURE_NUMBER, .decimals = 2},
    {.key = "saturation_share", .label = "saturated actions, share", .kind = ESP_FIGURE_NUMBER, .decimals = 3},
    {.key = NULL},
};

/* A network belongs to the scene in which it was pruned. */
static esp_status write_agent(const esp_subject *subject, const char *path, const esp_network *net,
                              unsigned components, const cJSON *pedigree)
{
    const esp_agent_subject *a = subject->state;
    esp_agent_config config = a->stored;
    config.env.scene = a->config.env.scene; /* the scene in which it was judged */
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
    const esp_agent_subject *a = subject->state;
    return esp_bench_agent(out, subject->net, &a->config);
}

/* ---- descriptions ---- */

static void question(const esp_subject *subject, esp_figure_list *out)
{
    const esp_agent_subject *a = subject->state;
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
    const esp_agent_subject *a = subject->state;
    char word[ESP_CONFIG_TEXT], episodes[64];
    snprintf(out, size, "%s of seed %ju, %s, %s start, controller %s",
             esp_text_counted(subject->report, "held-out episode", episodes, sizeof episodes),
             (uintmax_t)subject->settings->seed, a->config.env.task, a->config.env.start, controller_of(a, word));
}

static void inspect(const esp_subject *subject, esp_figure_list *out)
{
    const bool whole = !(esp_controller_components(ESP_CONTROLLER_MPPI) & ~esp_network_components(subject->net));
    const struct { const char *key, *unit; esp_controller_kind kind; } ways[] = {
        {"flops_per_action", "FLOP with mppi", ESP_CONTROLLER_MPPI},
        {whole ? "flops_per_action_policy" : "flops_per_action", "FLOP with policy", ESP_CONTROLLER_POLICY}};
    for (int i = !whole; i < 2; i++)
        esp_figure_list_add(out, (esp_figure){.key = ways[i].key, .line = 1, .kind = ESP_FIGURE_SCALED,
                                              .value = esp_agent_flops_by(subject->state, subject->net, ways[i].kind),
                                              .unit = ways[i].unit});
}

static void title(const esp_subject *subject, char *out, size_t size)
{
    const esp_agent_subject *a = subject->state;
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
    .card_task = "reinforcement-learning",
    .card_metric = "mean_reward",
    .action_name = "action",
    .paper_groups = esp_told_paper_groups,
    .num_paper_groups = &esp_told_num_paper_groups,
    .fields = esp_agent_fields,
    .num_fields = &esp_agent_num_fields,
    .options = options,
    .bounded = "total_variation",
    .compared = compared,
    .learning = &esp_learning_agent,
    .train = esp_train_agent,
    .open = open_agent,
    .prepare = prepare,
    .close = close_agent,
    .record = esp_agent_record,
    .forget = esp_agent_forget,
    .identify = esp_agent_identify,
    .judge = esp_agent_judge,
    .measure = esp_agent_measure,
    .sample = esp_agent_sample,
    .flops = esp_agent_flops,
    .time = esp_agent_time,
    .finetune = esp_agent_finetune_cut,
    .finetune_steps = esp_agent_finetune_steps,
    .keeps = esp_agent_keeps,
    .write = write_agent,
    .ancestry = ancestry,
    .last = ESP_ACT_TANH,
    .deploy = esp_agent_deploy,
    .cast = cast,
    .film = film,
    .bench = bench,
    .question = question,
    .inspect = inspect,
    .title = title,
    .run_title = run_title,
    .samples = samples,
};
