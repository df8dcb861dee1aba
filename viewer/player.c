/* Plays checkpoints side by side: each has its own simulation, eyes and controller, all have the same start
 * and advance by the same physics steps. What happens is what an evaluation of the same episode does; only
 * the eyes of an onlooker are added. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/viewer_internal.h"

/* ---- create ------------------------------------------------------------------------------------ */

static esp_status make_data(void *argument)
{
    esp_actor *actor = argument;
    actor->data = mj_makeData(actor->world->model);
    return actor->data ? ESP_OK : esp_fail(ESP_ERR_MACHINE, "no memory for a simulation");
}

static int first_hinge(const mjModel *model)
{
    for (int i = 0; i < model->njnt; i++)
        if (model->jnt_type[i] == mjJNT_HINGE) return model->jnt_qposadr[i];
    return -1;
}

/* The configuration still says what the network was before anything was cut. */
static esp_status measure_size(esp_actor *actor)
{
    esp_network *dense = NULL;
    unsigned used = esp_controller_components(actor->role.kind);
    actor->params = esp_network_params(actor->role.net, used);
    esp_status status = esp_told_create(actor->role.config, actor->world->num_actions, &dense);
    if (status == ESP_OK) actor->sparsity = 1.0 - (double)actor->params / (double)esp_network_params(dense, used);
    esp_network_free(dense);
    return status;
}

static void make_history(esp_history *history, int room)
{
    history->room = room;
    history->time = esp_alloc((size_t)room, sizeof(float));
    for (int i = 0; i < ESP_CURVES; i++) history->value[i] = esp_alloc((size_t)room, sizeof(float));
}

static void free_controller(esp_actor *actor)
{
    esp_controller_free(actor->controller);
    free(actor->plan.actions);
    free(actor->plan.value);
    free(actor->plan.mean);
    actor->plan = (esp_plan_trace){.actions = NULL};
}

/* What the controller needs, and what is seen of its plans. */
static void make_controller(esp_actor *actor)
{
    const esp_role *role = &actor->role;
    const esp_planner_config *planner = &role->config->planner;
    const esp_plan_budget *budget = &planner->budget;
    size_t sequences = (size_t)(budget->samples + esp_policy_trajectories(planner, budget->samples));
    size_t iterations = (size_t)budget->iterations, steps = (size_t)(budget->horizon * actor->world->num_actions);
    actor->controller = esp_controller_create(role->net, role->config, role->kind, budget, 1);
    if (role->kind != ESP_CONTROLLER_MPPI) return;
    actor->plan.actions = esp_alloc(iterations * steps * sequences, sizeof(float));
    actor->plan.value = esp_alloc(iterations * sequences, sizeof(float));
    actor->plan.mean = esp_alloc(iterations * steps, sizeof(float));
    esp_controller_watch(actor->controller, &actor->plan);
}

static esp_status check_actions(const esp_actor *actor)
{
    int outputs = actor->role.net->component[ESP_TOLD_POLICY].out_size;
    if (outputs == actor->world->num_actions) return ESP_OK;
    return esp_fail(ESP_ERR_SHAPE, "the controller has %d actions, task '%s' needs %d", outputs,
                    actor->world->task->name, actor->world->num_actions);
}

static esp_status create_actor(esp_actor *actor, const esp_role *role)
{
    const esp_env_config *env = &role->config->env;
    actor->role = *role;
    esp_status status = esp_world_create(env, &actor->world);
    if (status == ESP_OK) status = check_actions(actor);
    if (status == ESP_OK) status = esp_controller_check(actor->role.net, actor->role.kind);
    if (status == ESP_OK) status = esp_guard(make_data, actor, ESP_ERR_MACHINE);
    if (status == ESP_OK) status = esp_renderer_create(actor->world, &actor->renderer);
    if (status == ESP_OK) status = measure_size(actor);
    if (status != ESP_OK) return esp_fail_in(status, "%s", role->name);

    actor->hinge = first_hinge(actor->world->model);
    actor->obs = esp_alloc((size_t)env->frame_stack, (size_t)env->image_size * env->image_size);
    actor->actions = esp_alloc((size_t)actor->world->num_actions, sizeof(float));
    make_controller(actor);
    make_history(&actor->history, actor->world->num_steps);
    return ESP_OK;
}

static void free_actor(esp_actor *actor)
{
    free_controller(actor);
    esp_renderer_free(actor->renderer);
    if (actor->data) mj_deleteData(actor->data);
    esp_world_free(actor->world);
    free(actor->obs);
    free(actor->actions);
    free(actor->history.time);
    for (int i = 0; i < ESP_CURVES; i++) free(actor->history.value[i]);
}

static esp_status check_together(const esp_role *first, const esp_role *other)
{
    const esp_env_config *a = &first->config->env, *b = &other->config->env;
    if (strcmp(a->task, b->task) != 0 || strcmp(a->scene, b->scene) != 0)
        return esp_fail(ESP_ERR_USAGE, "%s is of task '%s' and %s of '%s': only one task can be shown side by side",
                        first->name, a->task, other->name, b->task);
    if (a->action_repeat != b->action_repeat || a->physics_steps != b->physics_steps)
        return esp_fail(ESP_ERR_USAGE, "%s and %s differ in env.action_repeat or env.physics_steps and cannot be "
                        "played in step", first->name, other->name);
    return ESP_OK;
}

esp_status esp_player_create(int count, const esp_role *roles, esp_player **out)
{
    if (count < 1 || count > ESP_MOST_ROLES)
        return esp_fail(ESP_ERR_USAGE, "%d checkpoints side by side, expected 1 to %d", count, ESP_MOST_ROLES);
    esp_player *player = esp_alloc(1, sizeof *player);
    esp_status status = ESP_OK;
    for (int i = 0; i < count && status == ESP_OK; i++) {
        status = check_together(&roles[0], &roles[i]);
        if (status == ESP_OK) status = create_actor(&player->actor[player->count++], &roles[i]);
    }
    if (status == ESP_OK) *out = player;
    else                  esp_player_free(player);
    return status;
}

void esp_player_free(esp_player *player)
{
    if (!player) return;
    for (int i = 0; i < player->count; i++) free_actor(&player->actor[i]);
    free(player);
}

/* ---- play -------------------------------------------------------------------------------------- */

typedef struct {
    esp_player        *player;
    const esp_episode *episode;
} beginning;

static esp_status begin(void *argument)
{
    const beginning *b = argument;
    for (int i = 0; i < b->player->count; i++) {
        esp_actor *actor = &b->player->actor[i];
        esp_world_start(actor->world, b->episode, actor->data);
        esp_controller_begin(actor->controller, b->episode, 1);
        actor->episode_return = actor->reward = actor->latency = 0.0;
        actor->history.count = 0;
    }
    b->player->step = 0;
    b->player->episode = *b->episode;
    return ESP_OK;
}

esp_status esp_player_begin(esp_player *player, const esp_episode *episode)
{
    beginning b = {player, episode};
    esp_status status = esp_guard(begin, &b, ESP_ERR_NUMERIC);
    for (int i = 0; i < player->count && status == ESP_OK; i++) {
        esp_actor *actor = &player->actor[i];
        status = esp_observe(actor->renderer, actor->data, true, actor->obs);
    }
    return status;
}

static esp_status decide(esp_actor *actor, bool first)
{
    esp_status status = first ? ESP_OK : esp_observe(actor->renderer, actor->data, false, actor->obs);
    if (status != ESP_OK) return status;
    double start = esp_clock();
    status = esp_controller_act(actor->controller, 1, 0, actor->obs, actor->actions);
    actor->latency = esp_clock() - start;
    if (status == ESP_OK) status = esp_actuate(actor->world->model, actor->actions, actor->data->ctrl);
    return status;
}

/* A hinge that turned several times is where it would be if it had not. */
static double angle(const esp_actor *actor)
{
    return actor->hinge < 0 ? 0.0 : remainder(actor->data->qpos[actor->hinge], 2.0 * M_PI);
}

static void remember(esp_actor *actor)
{
    esp_history *history = &actor->history;
    if (history->count == history->room) return;
    int at = history->count++;
    history->time[at] = (float)actor->data->time;
    history->value[ESP_CURVE_REWARD][at] = (float)actor->reward;
    history->value[ESP_CURVE_ACTION][at] = (float)actor->data->ctrl[0];
    history->value[ESP_CURVE_ANGLE][at] = (float)angle(actor);
    history->value[ESP_CURVE_LATENCY][at] = (float)(1e3 * actor->latency);
}

static esp_status advance(void *argument)
{
    esp_player *player = argument;
    bool last_of_control = (player->step + 1) % player->actor[0].world->config.action_repeat == 0;
    for (int i = 0; i < player->count; i++) {
        esp_actor *actor = &player->actor[i];
        esp_status status = esp_world_step(actor->world, actor->data, &actor->reward);
        if (status != ESP_OK) return status;
        if (!last_of_control) continue;
        remember(actor);
        actor->episode_return += actor->reward;
        actor->reward = 0.0;
    }
    player->step++;
    return ESP_OK;
}

esp_status esp_player_step(esp_player *player)
{
    esp_status status = ESP_OK;
    bool due = player->step % player->actor[0].world->config.action_repeat == 0;
    for (int i = 0; i < player->count && due && status == ESP_OK; i++)
        status = decide(&player->actor[i], player->step == 0);
    return status == ESP_OK ? esp_guard(advance, player, ESP_ERR_NUMERIC) : status;
}

esp_status esp_player_recast(esp_player *player, int role, const esp_network *net, esp_controller_kind kind)
{
    esp_actor *actor = &player->actor[role];
    free_controller(actor);
    actor->role.net = net;
    actor->role.kind = kind;
    make_controller(actor);
    esp_controller_begin(actor->controller, &player->episode, 1);
    return measure_size(actor);
}

/* ---- where it is ------------------------------------------------------------------------------- */

int esp_player_steps(const esp_player *player)
{
    return player->step;
}

int esp_player_length(const esp_player *player)
{
    return player->actor[0].world->config.physics_steps;
}

double esp_player_timestep(const esp_player *player)
{
    return player->actor[0].world->model->opt.timestep;
}

double esp_player_return(const esp_player *player, int role)
{
    return player->actor[role].episode_return + player->actor[role].reward;
}

const mjData *esp_player_state(const esp_player *player, int role)
{
    return player->actor[role].data;
}

const uint8_t *esp_actor_sees(const esp_actor *actor)
{
    const esp_env_config *env = &actor->world->config;
    return actor->obs + (size_t)(env->frame_stack - 1) * env->image_size * env->image_size;
}
