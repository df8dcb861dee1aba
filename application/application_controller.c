/* A feed-forward controller as an application: a network that reads a task's observation, judged by the return of
 * closed-loop episodes of the task. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/controller_internal.h"

#define SEARCH_EPISODES 8 /* per evaluation of a search */
#define BENCH_EPISODES 10
#define EVERY_USE (ESP_FOR_EVAL | ESP_FOR_PRUNE | ESP_FOR_SHOW | ESP_FOR_COMPARE)

static const esp_option options[] = {
    {"task", "task", EVERY_USE, ESP_OPTION_TEXT, "TASK", 0, 0,
     "Controller: task in which an .onnx file acts, a name or a task.json; short for --set env.task=TASK"},
    {"start", "start", ESP_FOR_SHOW, ESP_OPTION_TEXT, "NAME", 0, 0, "Controller: start of the episodes"},
    {"start", "starts", ESP_FOR_EVAL | ESP_FOR_PRUNE | ESP_FOR_COMPARE, ESP_OPTION_TEXT, "NAME|all", 0, 0,
     "Controller: start of the held-out episodes, or all"},
    {"episodes", ESP_KEY_REPORT, ESP_FOR_EVAL | ESP_FOR_COMPARE, ESP_OPTION_COUNT, "N", 1, 1000000,
     "Controller: episodes of each start to play (default 20; compare: at most 1000)"},
    {"min-return", ESP_KEY_DEMAND, ESP_FOR_EVAL | ESP_FOR_PRUNE, ESP_OPTION_NUMBER, "X", 0, 0,
     "Controller: exit with status 3 when the mean return from the configured start is below X"},
    {"episodes", ESP_KEY_SEARCH, ESP_FOR_PRUNE, ESP_OPTION_COUNT, "E", 1, 100000,
     "Controller: episodes per evaluation, starts take turns (default 8)"},
    {"report-episodes", ESP_KEY_REPORT, ESP_FOR_PRUNE, ESP_OPTION_COUNT, "N", 1, 1000000,
     "Controller: held-out episodes of each start played for the report (default 20)"},
    {"max-variation", ESP_KEY_BOUND, ESP_FOR_PRUNE, ESP_OPTION_NUMBER, "V", 0, 0,
     "Controller: largest total variation of the actions, as a multiple of that before"},
    {.name = NULL},
};

/* ---- open ---- */

static void apply_options(const esp_judging *judging, esp_controller_subject *c)
{
    const char *shown = esp_judging_text(judging, "start"), *start = esp_judging_text(judging, "starts");
    const char *task = esp_judging_text(judging, "task");
    c->every_start = start ? strcmp(start, "all") == 0 : judging->every_start;
    if (task) c->config.env.task = esp_intern(task);
    if (start && !c->every_start) c->config.env.start = esp_intern(start);
    if (shown) c->config.env.start = esp_intern(shown);
}

/* Another task has another scene, starts and rewards than the file says. */
static void change_task(const esp_subject *subject, esp_controller_subject *c)
{
    bool other = esp_judging_text(&subject->judging, "task") != NULL;
    for (int i = 0; i < subject->settings->num_assignments; i++)
        other |= strncmp(subject->settings->assignment[i], "env.task=", 9) == 0;
    if (other) c->stored.env = esp_env_config_of("");
}

static esp_status open_controller(esp_subject *subject, esp_search_config *search)
{
    esp_controller_subject *c = subject->state = esp_alloc(1, sizeof *c);
    esp_status status = esp_controller_read(subject);
    if (status != ESP_OK) return status;
    change_task(subject, c);
    c->config = c->stored;
    status = esp_settings_apply(subject->settings, esp_controller_fields, esp_controller_num_fields, &c->config,
                                search);
    apply_options(&subject->judging, c);
    if (status == ESP_OK && (!c->config.env.task || !c->config.env.task[0]))
        status = esp_fail(ESP_ERR_USAGE, "%s: names no task; give --task TASK.json", subject->path);
    if (status == ESP_OK) status = esp_env_config_settle(&c->config.env);
    subject->components = ESP_ALL_COMPONENTS;
    if (!subject->search) subject->search = SEARCH_EPISODES;
    return status;
}

static esp_status prepare(esp_subject *subject)
{
    esp_controller_subject *c = subject->state;
    esp_status status = esp_world_create(&c->config.env, &c->world);
    if (status != ESP_OK) return status;
    esp_contract_check_scene(subject->metadata.contract, subject->path, &c->config.env);
    status = esp_policy_check(c->world, subject->net);
    if (status != ESP_OK) return esp_fail_in(status, "%s", subject->path);
    c->pool = esp_pool_create(c->world, ESP_POLICY_BLOCK, false);
    return ESP_OK;
}

static void close_controller(esp_subject *subject)
{
    esp_controller_subject *c = subject->state;
    esp_pool_free(c->pool);
    esp_world_free(c->world);
    esp_onnx_file_free(&c->file);
    free(c->kept);
    free(c);
}

/* ---- time ---- */

/* From observation to action, one episode, one thread. */
static void time_of_action(const esp_subject *subject, int n, const esp_network *const *nets, esp_timing *out)
{
    (void)subject;
    int inputs = nets[0]->component[0].in_size;
    float *x = esp_alloc((size_t)inputs, sizeof *x);
    esp_rng rng = esp_rng_make(0, ESP_RNG_INPUTS, 0);
    esp_rng_normal(&rng, x, (size_t)inputs);
    esp_time_answers(n, nets, x, out);
    free(x);
}

/* The network alone, and with physics: whole episodes on all threads. */
static esp_status play_episodes(void *context)
{
    esp_samples samples = {.num_starts = 0};
    const esp_subject *subject = context;
    esp_status status = esp_controller_sample(subject, subject->net, 0, BENCH_EPISODES, NULL, &samples);
    esp_samples_free(&samples);
    return status;
}

static esp_status bench(const esp_subject *subject, esp_bench *out)
{
    if (!subject) return ESP_OK; /* there is no controller without a file */
    char size[96];
    const esp_controller_subject *c = subject->state;
    esp_status status = esp_bench_answers(subject->net, "action.1", "actions/s", out);
    if (status != ESP_OK || !esp_bench_wanted(out, "episodes")) return status;
    snprintf(size, sizeof size, "%d episodes of %d control steps", BENCH_EPISODES, c->world->num_steps);
    esp_bench_path path = {.work = play_episodes, .context = (void *)subject, .unit = "episodes/s",
                           .per_second = BENCH_EPISODES};
    return esp_bench_add(out, "episodes", size, out->threads, &path);
}

/* ---- roles ---- */

/* Plays one episode at a time. */
typedef struct {
    esp_world *world;
    esp_actors actors;
    void      *actor;
} acting_one;

static unsigned components(int controller)
{
    (void)controller;
    return ESP_ALL_COMPONENTS;
}

static esp_status check(const esp_network *net, int controller)
{
    (void)net, (void)controller;
    return ESP_OK;
}

static int num_actions(const esp_network *net)
{
    return net->component[0].out_size;
}

static esp_status original_params(const esp_role *role, int actions, size_t *out)
{
    const esp_subject *subject = role->config;
    (void)actions;
    double params = esp_pedigree_params(subject->metadata.pedigree, subject->net, ESP_ALL_COMPONENTS);
    *out = params > 0 ? (size_t)params : esp_network_params(subject->net, ESP_ALL_COMPONENTS);
    return ESP_OK;
}

static void *create(const esp_role *role)
{
    const esp_controller_subject *c = ((const esp_subject *)role->config)->state;
    acting_one *a = esp_alloc(1, sizeof *a);
    esp_episode episode = {.seed = 0};
    a->actors = esp_policy_actors(c->world);
    a->actor = a->actors.create(a->actors.context, role->net, &episode, 1);
    return a;
}

static void free_one(void *controller)
{
    acting_one *a = controller;
    if (a) a->actors.free(a->actor);
    free(a);
}

static void begin(void *controller, const esp_episode *episode)
{
    (void)controller, (void)episode; /* nothing is remembered */
}

static esp_status act(void *controller, int n, int step, const esp_observation *obs, float *actions)
{
    const acting_one *a = controller;
    return a->actors.act(a->actor, n, step, obs, actions);
}

static bool considered(const void *controller, esp_considered *out)
{
    (void)controller, (void)out;
    return false;
}

static const esp_acting acting = {
    .controllers = "own", .components = components, .check = check, .num_actions = num_actions,
    .original_params = original_params, .create = create, .free = free_one, .begin = begin, .act = act,
    .considered = considered,
};

static esp_status ensure_world(const esp_subject *subject)
{
    esp_controller_subject *c = subject->state;
    return c->world ? ESP_OK : esp_world_create(&c->config.env, &c->world);
}

static void cast(const esp_subject *subject, esp_role *role)
{
    const esp_controller_subject *c = subject->state;
    esp_contract_check_scene(subject->metadata.contract, subject->path, &c->config.env);
    ensure_world(subject);
    *role = (esp_role){.name = subject->path, .net = subject->net, .env = &c->config.env, .controller = 0,
                       .config = subject, .acting = &acting};
}

static esp_status export_onnx(const esp_subject *subject, const char *path)
{
    esp_status status = ensure_world(subject);
    if (status != ESP_OK) return status;
    return esp_controller_write(subject, path, subject->net, ESP_ALL_COMPONENTS, subject->metadata.pedigree);
}

/* ---- descriptions ---- */

static const esp_compared compared[] = {
    {.key = "return_iqm", .label = "interquartile mean", .kind = ESP_FIGURE_NUMBER, .decimals = 1},
    {.key = "return_worst", .label = "worst episode", .kind = ESP_FIGURE_NUMBER, .decimals = 1},
    {.key = "ended_early", .label = "ended early", .kind = ESP_FIGURE_SHARE},
    {.key = "total_variation", .label = "total variation of actions", .kind = ESP_FIGURE_NUMBER, .decimals = 2},
    {.key = "saturation_share", .label = "saturated actions, share", .kind = ESP_FIGURE_NUMBER, .decimals = 3},
    {.key = NULL},
};

static void ancestry(const esp_subject *subject, cJSON *entry)
{
    const esp_controller_subject *c = subject->state;
    char *name = esp_task_model_name(c->config.env.task);
    cJSON_AddStringToObject(entry, "task", name ? name : c->config.env.task);
    cJSON_AddStringToObject(entry, "mujoco", mj_versionString());
    free(name);
}

static void question(const esp_subject *subject, esp_figure_list *out)
{
    const esp_controller_subject *c = subject->state;
    const esp_env_config *env = &c->config.env;
    esp_figure_list_add(out, (esp_figure){.key = "task", .line = 1, .label = "task", .text = env->task});
    esp_figure_list_add(out, (esp_figure){.key = "start", .line = 1, .text = env->start, .unit = "start"});
    esp_figure_list_add(out, (esp_figure){.key = "reward", .line = 1, .text = env->reward, .unit = "reward"});
    if (env->scene && env->scene[0])
        esp_figure_list_add(out, (esp_figure){.key = "scene", .line = 1, .text = env->scene, .unit = "scene"});
    esp_figure_list_add(out, (esp_figure){.key = "controller", .text = "own"});
}

static void samples_in_words(const esp_subject *subject, char *out, size_t size)
{
    const esp_controller_subject *c = subject->state;
    char episodes[64];
    snprintf(out, size, "%s of seed %ju, %s, %s start",
             esp_text_counted(subject->report, "held-out episode", episodes, sizeof episodes),
             (uintmax_t)subject->settings->seed, c->config.env.task, c->config.env.start);
}

static void inspect(const esp_subject *subject, esp_figure_list *out)
{
    esp_figure_list_add(out, (esp_figure){.key = "flops_per_action", .line = 1, .kind = ESP_FIGURE_SCALED,
                                          .value = esp_controller_flops(subject, subject->net), .unit = "FLOP"});
}

static void title(const esp_subject *subject, char *out, size_t size)
{
    const esp_controller_subject *c = subject->state;
    snprintf(out, size, "controller, task %s", c->config.env.task);
}

static const int no_groups = 0;

const esp_application esp_application_controller = {
    .name = "controller",
    .measure_name = "mean return",
    .sample_name = "episodes",
    .card_task = "reinforcement-learning",
    .card_metric = "mean_reward",
    .action_name = "action",
    .suffix = ".onnx",
    .num_paper_groups = &no_groups,
    .fields = esp_controller_fields,
    .num_fields = &esp_controller_num_fields,
    .options = options,
    .bounded = "total_variation",
    .compared = compared,
    .claims = esp_controller_claims,
    .open = open_controller,
    .prepare = prepare,
    .close = close_controller,
    .record = esp_controller_record,
    .forget = esp_controller_forget,
    .identify = esp_controller_identify,
    .judge = esp_controller_judge,
    .measure = esp_controller_measure,
    .sample = esp_controller_sample,
    .flops = esp_controller_flops,
    .time = time_of_action,
    .finetune = esp_controller_finetune,
    .finetune_steps = esp_controller_finetune_steps,
    .keeps = esp_controller_keeps,
    .write = esp_controller_write,
    .export_onnx = export_onnx,
    .ancestry = ancestry,
    .cast = cast,
    .bench = bench,
    .question = question,
    .inspect = inspect,
    .title = title,
    .samples = samples_in_words,
};
