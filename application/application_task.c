/* A task file without any network as an application: played by controllers that look at nothing, so that a task can be
 * tried before there is a controller for it. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/application_internal.h"

#define CONTROLLER_CHOICES "zero|random"
enum { ZERO, RANDOM };

static const esp_option options[] = {
    {"controller", "controller", ESP_FOR_EVAL | ESP_FOR_SHOW | ESP_FOR_COMPARE, ESP_OPTION_CHOICE, CONTROLLER_CHOICES,
     0, 0, "Task: outputs that are 0, or uniform in [-1, 1] (default: random)"},
    {"start", "start", ESP_FOR_SHOW, ESP_OPTION_TEXT, "NAME", 0, 0, "Task: start of the episodes"},
    {"start", "starts", ESP_FOR_EVAL | ESP_FOR_COMPARE, ESP_OPTION_TEXT, "NAME|all", 0, 0,
     "Task: start of the episodes, or all"},
    {"episodes", ESP_KEY_REPORT, ESP_FOR_EVAL | ESP_FOR_COMPARE, ESP_OPTION_COUNT, "N", 1, 1000000,
     "Task: episodes of each start to play (default 20)"},
    {"min-return", ESP_KEY_DEMAND, ESP_FOR_EVAL, ESP_OPTION_NUMBER, "X", 0, 0,
     "Task: exit with status 3 when the mean return is below X"},
    {.name = NULL},
};

/* The task's part of a subject. */
typedef struct {
    esp_agent_config config;      /* of which env alone is used */
    int        controller;
    bool       every_start;
    esp_world *world;             /* owned, like the pool */
    esp_pool  *pool;
} task_subject;

/* ---- controllers ---- */

/* Plays episodes that all have the same number of actions. */
typedef struct {
    int      controller, num_actions, room;
    esp_rng *rng;                 /* [room] one per episode, owned */
} actor;

static actor actor_create(int controller, int num_actions, int room)
{
    return (actor){controller, num_actions, room, esp_alloc((size_t)room, sizeof(esp_rng))};
}

static void actor_begin(actor *a, const esp_episode *episodes, int n)
{
    for (int i = 0; i < n; i++) a->rng[i] = esp_rng_make(episodes[i].seed, ESP_RNG_SEED_ACTIONS, episodes[i].index);
}

static esp_status act(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    actor *a = context;
    (void)step, (void)obs;
    for (int i = 0; i < n * a->num_actions; i++)
        actions[i] = a->controller == ZERO ? 0.0f : (float)(2.0 * esp_rng_uniform(&a->rng[i / a->num_actions]) - 1.0);
    return ESP_OK;
}

/* ---- open ---- */

static esp_status open_task(esp_subject *subject, esp_search_config *search)
{
    if (search) return esp_fail(ESP_ERR_USAGE, "%s: is a task, which has no network to prune", subject->path);
    task_subject *t = subject->state = esp_alloc(1, sizeof *t);
    const char *shown = esp_judging_text(&subject->judging, "start");
    const char *start = esp_judging_text(&subject->judging, "starts");
    subject->net = esp_network_new();
    t->config = esp_agent_config_default();
    t->config.env = esp_env_config_of(subject->path);
    t->controller = (int)esp_judging_number(&subject->judging, "controller", RANDOM);
    esp_status status = esp_settings_apply(subject->settings, esp_agent_fields, esp_agent_num_fields, &t->config, NULL);
    t->every_start = start ? strcmp(start, "all") == 0 : subject->judging.every_start;
    if (start && !t->every_start) t->config.env.start = esp_intern(start);
    if (shown) t->config.env.start = esp_intern(shown);
    return status == ESP_OK ? esp_world_create(&t->config.env, &t->world) : status;
}

static esp_status prepare(esp_subject *subject)
{
    task_subject *t = subject->state;
    t->pool = esp_pool_create(t->world, ESP_EPISODE_BLOCK, false); /* nobody looks at pictures */
    return ESP_OK;
}

static void close_task(esp_subject *subject)
{
    task_subject *t = subject->state;
    esp_pool_free(t->pool);
    esp_world_free(t->world);
    free(t);
}

/* ---- episodes ---- */

static esp_status play_block(const task_subject *t, const esp_episode *episodes, int n, esp_trajectory *out)
{
    esp_simulator *simulator = NULL;
    actor a = actor_create(t->controller, t->world->num_actions, n);
    actor_begin(&a, episodes, n);
    esp_status status = esp_pool_simulator(t->pool, &simulator);
    if (status == ESP_OK) status = esp_rollout(simulator, episodes, n, act, &a, out);
    free(a.rng);
    return status;
}

static esp_status play(const task_subject *t, int count, const esp_episode *episodes, const char *bar,
                       esp_trajectory *out)
{
    int blocks = (count + ESP_EPISODE_BLOCK - 1) / ESP_EPISODE_BLOCK, finished = 0;
    esp_error *errors = esp_alloc((size_t)blocks, sizeof *errors);
#pragma omp parallel for schedule(dynamic, 1)
    for (int b = 0; b < blocks; b++) {
        int first = b * ESP_EPISODE_BLOCK, n = count - first < ESP_EPISODE_BLOCK ? count - first : ESP_EPISODE_BLOCK;
        esp_error_take(&errors[b], play_block(t, episodes + first, n, out + first));
#pragma omp atomic
        finished += n;
        if (bar && omp_get_thread_num() == 0) esp_progress(bar, finished, count, "episodes");
    }
    esp_status status = esp_error_first(errors, blocks);
    if (bar && status == ESP_OK) esp_progress(bar, count, count, "episodes");
    free(errors);
    return status;
}

/* The episodes first .. first + count - 1 of every start; `figures` gets their endings unless it is NULL. */
static esp_status play_samples(const esp_subject *subject, int first, int count, const char *bar, double *steps,
                               esp_figure_list *figures, esp_samples *out)
{
    const task_subject *t = subject->state;
    esp_samples samples = esp_samples_of_world(t->world, t->every_start);
    int total = samples.num_starts * count;
    esp_episode *episodes = esp_samples_episodes(t->world, &samples, subject->settings->seed, first, count);
    esp_trajectory *trajectories = esp_alloc((size_t)total, sizeof *trajectories);
    esp_status status = play(t, total, episodes, bar, trajectories);
    *steps = 0.0;
    for (int i = 0; i < total; i++) *steps += trajectories[i].length;
    if (status == ESP_OK) {
        esp_samples_keep(trajectories, count, &samples);
        if (figures) esp_endings_figures(t->world, trajectories, count, figures);
        *out = samples;
    }
    free(episodes);
    free(trajectories);
    return status;
}

static esp_status sample(const esp_subject *subject, const esp_network *net, int first, int count, const char *bar,
                         esp_samples *out)
{
    double steps;
    (void)net;
    return play_samples(subject, first, count, bar, &steps, NULL, out);
}

static esp_status measure(const esp_subject *subject, const esp_network *net, const char *bar, esp_measurement *out)
{
    (void)net;
    const task_subject *t = subject->state;
    uint64_t seed = subject->settings->seed;
    esp_figure_list endings = {.count = 0};
    double steps, began = esp_clock();
    esp_status status = play_samples(subject, 0, subject->report, bar, &steps, &endings, &out->samples);
    double speed = steps / (esp_clock() - began);
    if (status == ESP_OK) {
        esp_summary summary = esp_samples_figures(t->world, &out->samples, seed, &out->figures);
        out->performance = summary.mean;
        out->low = summary.low;
        out->high = summary.high;
        for (int i = 0; i < endings.count; i++) esp_figure_list_add(&out->figures, endings.figure[i]);
        esp_figure_list_add(&out->figures, (esp_figure){.key = "steps_per_second", .line = 10, .label = "speed",
                                                        .kind = ESP_FIGURE_NUMBER, .decimals = 0, .value = speed,
                                                        .unit = "control steps per second"});
        esp_samples_other_starts(&out->samples, seed, 11, &out->figures);
    }
    esp_figure_list_free(&endings);
    return status;
}

static const esp_compared compared[] = {
    {.key = "return_iqm", .label = "interquartile mean", .kind = ESP_FIGURE_NUMBER, .decimals = 1},
    {.key = NULL},
};

/* ---- roles ---- */

static unsigned components(int controller)
{
    (void)controller;
    return 0;
}

static esp_status check(const esp_network *net, int controller)
{
    (void)net, (void)controller;
    return ESP_OK;
}

/* There is no network, and nothing to count. */
static esp_status original_params(const esp_role *role, int actions, size_t *out)
{
    (void)role, (void)actions;
    *out = 0;
    return ESP_OK;
}

static int num_actions(const esp_network *net)
{
    (void)net;
    return 0;
}

static void *create(const esp_role *role)
{
    const task_subject *t = role->config;
    actor *a = esp_alloc(1, sizeof *a);
    *a = actor_create(role->controller, t->world->num_actions, 1);
    return a;
}

static void free_actor(void *controller)
{
    if (controller) free(((actor *)controller)->rng);
    free(controller);
}

static void begin(void *controller, const esp_episode *episode)
{
    actor_begin(controller, episode, 1);
}

static bool considered(const void *controller, esp_considered *out)
{
    (void)controller, (void)out;
    return false;
}

static const esp_acting acting = {
    .controllers = CONTROLLER_CHOICES, .components = components, .check = check, .num_actions = num_actions,
    .original_params = original_params, .create = create, .free = free_actor, .begin = begin, .act = act,
    .considered = considered,
};

static void cast(const esp_subject *subject, esp_role *role)
{
    const task_subject *t = subject->state;
    *role = (esp_role){.name = subject->path, .net = subject->net, .env = &t->config.env,
                       .controller = t->controller, .config = t, .acting = &acting};
}

/* ---- descriptions ---- */

static void question(const esp_subject *subject, esp_figure_list *out)
{
    const task_subject *t = subject->state;
    const esp_env_config *env = &t->world->config;
    char word[ESP_CONFIG_TEXT];
    esp_choice_word(CONTROLLER_CHOICES, t->controller, word);
    esp_figure_list_add(out, (esp_figure){.key = "task", .line = 1, .label = "task", .text = env->task});
    esp_figure_list_add(out, (esp_figure){.key = "start", .line = 1, .text = env->start, .unit = "start"});
    esp_figure_list_add(out, (esp_figure){.key = "reward", .line = 1, .text = env->reward, .unit = "reward"});
    if (env->scene && env->scene[0])
        esp_figure_list_add(out, (esp_figure){.key = "scene", .line = 1, .text = env->scene, .unit = "scene"});
    esp_figure_list_add(out, (esp_figure){.key = "controller", .line = 2, .label = "controller", .text = word});
}

static cJSON *facts(const esp_subject *subject)
{
    return esp_world_json(((const task_subject *)subject->state)->world);
}

static void inspect(const esp_subject *subject, esp_figure_list *out)
{
    (void)subject, (void)out;
}

static void title(const esp_subject *subject, char *out, size_t size)
{
    snprintf(out, size, "task %s", ((const task_subject *)subject->state)->config.env.task);
}

static void samples_in_words(const esp_subject *subject, char *out, size_t size)
{
    char episodes[64];
    snprintf(out, size, "%s of seed %ju", esp_text_counted(subject->report, "episode", episodes, sizeof episodes),
             (uintmax_t)subject->settings->seed);
}

static const int none = 0;

const esp_application esp_application_task = {
    .name = "task",
    .measure_name = "mean return",
    .sample_name = "episodes",
    .action_name = "action",
    .suffix = ".json",
    .num_paper_groups = &none,
    .num_fields = &none,
    .options = options,
    .compared = compared,
    .open = open_task,
    .prepare = prepare,
    .close = close_task,
    .measure = measure,
    .sample = sample,
    .cast = cast,
    .question = question,
    .facts = facts,
    .inspect = inspect,
    .title = title,
    .samples = samples_in_words,
};
