/* Plays checkpoints side by side: each has its own simulation, renderer and controller; all begin at the same start
 * and advance by the same physics steps. The numbers are those of an evaluation of the same episode; being looked at
 * changes nothing. */
#include <stdlib.h>
#include <string.h>

#include "viewer/viewer_internal.h"

/* ---- create ------------------------------------------------------------------------------------ */

static esp_status measure_size(esp_actor *actor)
{
    const esp_role *role = &actor->role;
    size_t before = 0;
    actor->params = esp_network_params(role->net, role->acting->components(role->controller));
    esp_status status = role->acting->original_params(role, actor->world->num_actions, &before);
    if (status == ESP_OK) actor->sparsity = before > 0 ? 1.0 - (double)actor->params / (double)before : 0.0;
    return status;
}

/* `now` has room for all terms of the task, though only the first ones are plotted. */
static void make_history(esp_history *history, int room, const esp_task *task)
{
    int terms = task->terms && task->about.terms ? esp_names_count(task->about.terms) : 0;
    history->num_terms = terms < ESP_MOST_TERMS ? terms : ESP_MOST_TERMS;
    history->terms = esp_alloc((size_t)history->num_terms * (size_t)room, sizeof(float));
    history->now = esp_alloc((size_t)terms, sizeof(double));
    history->room = room;
    history->time = esp_alloc((size_t)room, sizeof(float));
    for (int i = 0; i < ESP_CURVES; i++) history->value[i] = esp_alloc((size_t)room, sizeof(float));
}

static esp_status check_actions(const esp_actor *actor)
{
    int outputs = actor->role.acting->num_actions(actor->role.net);
    if (outputs == 0 || outputs == actor->world->num_actions) return ESP_OK;
    return esp_fail(ESP_ERR_SHAPE, "the controller has %d actions, task '%s' needs %d", outputs,
                    actor->world->task->about.name, actor->world->num_actions);
}

static esp_status create_actor(esp_actor *actor, const esp_role *role)
{
    actor->role = *role;
    esp_status status = esp_world_create(role->env, &actor->world);
    if (status == ESP_OK) status = check_actions(actor);
    if (status == ESP_OK) status = role->acting->check(role->net, role->controller);
    if (status == ESP_OK) status = esp_simulator_create(actor->world, 1, true, &actor->simulator);
    if (status == ESP_OK) status = measure_size(actor);
    if (status != ESP_OK) return esp_fail_in(status, "%s", role->name);

    actor->play = esp_simulator_play(actor->simulator, 0);
    actor->controller = role->acting->create(role);
    make_history(&actor->history, actor->world->num_steps, actor->world->task);
    return ESP_OK;
}

static void free_actor(esp_actor *actor)
{
    if (actor->controller) actor->role.acting->free(actor->controller);
    esp_simulator_free(actor->simulator);
    esp_world_free(actor->world);
    free(actor->history.time);
    free(actor->history.terms);
    free(actor->history.now);
    for (int i = 0; i < ESP_CURVES; i++) free(actor->history.value[i]);
}

static esp_status check_together(const esp_role *first, const esp_role *other)
{
    const esp_env_config *a = first->env, *b = other->env;
    const char *scenes[] = {a->scene ? a->scene : "", b->scene ? b->scene : ""};
    if (first->acting != other->acting)
        return esp_fail(ESP_ERR_USAGE, "%s and %s belong to different applications and cannot be shown side by side",
                        first->name, other->name);
    if (strcmp(a->task, b->task) != 0 || strcmp(scenes[0], scenes[1]) != 0)
        return esp_fail(ESP_ERR_USAGE,
                        "%s plays task '%s' and %s plays '%s': checkpoints side by side must share a task and a scene",
                        first->name, a->task, other->name, b->task);
    if (a->action_repeat != b->action_repeat || a->physics_steps != b->physics_steps)
        return esp_fail(ESP_ERR_USAGE, "%s and %s differ in env.action_repeat or env.physics_steps and cannot be "
                        "played in lockstep", first->name, other->name);
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

esp_status esp_player_begin(esp_player *player, const esp_episode *episode)
{
    esp_status status = ESP_OK;
    player->episode = *episode;
    for (int i = 0; i < player->count && status == ESP_OK; i++) {
        esp_actor *actor = &player->actor[i];
        actor->role.acting->begin(actor->controller, episode);
        actor->latency = 0.0;
        actor->history.count = 0;
        status = esp_simulator_begin(actor->simulator, episode, 1);
        if (status == ESP_OK) status = esp_simulator_observe(actor->simulator);
    }
    return status;
}

/* An esp_act_fn that also measures its time. */
static esp_status act(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    esp_actor *actor = context;
    double start = esp_clock();
    esp_status status = actor->role.acting->act(actor->controller, n, step, obs, actions);
    actor->latency = esp_clock() - start;
    return status;
}

/* The first state was already observed when the episode began. */
static esp_status decide(esp_actor *actor)
{
    esp_status status = actor->play->steps == 0 ? ESP_OK : esp_simulator_observe(actor->simulator);
    return status == ESP_OK ? esp_simulator_act(actor->simulator, act, actor) : status;
}

static void remember(esp_actor *actor)
{
    esp_history *history = &actor->history;
    const esp_task *task = actor->world->task;
    if (history->count == history->room) return;
    int at = history->count++;
    history->time[at] = (float)actor->play->data->time;
    history->value[ESP_CURVE_REWARD][at] = (float)actor->play->last_reward;
    history->value[ESP_CURVE_ACTION][at] = (float)actor->play->data->ctrl[0];
    if (task->about.num_quantities > 0)
        history->value[ESP_CURVE_QUANTITY][at] = (float)task->quantity(task, actor->world->model, actor->play, 0);
    history->value[ESP_CURVE_LATENCY][at] = (float)(1e3 * actor->latency);
    if (history->num_terms == 0) return;
    task->terms(task, actor->world->model, actor->play, history->now);
    for (int i = 0; i < history->num_terms; i++) history->terms[i * history->room + at] = (float)history->now[i];
}

static esp_status step_actor(esp_actor *actor)
{
    const esp_play *play = actor->play;
    bool due = play->physics_steps % actor->world->repeat == 0;
    if (play->ended) return ESP_OK;
    esp_status status = due ? decide(actor) : ESP_OK;
    int steps = play->steps;
    if (status == ESP_OK) status = esp_simulator_step(actor->simulator, 1);
    if (status == ESP_OK && play->steps > steps) remember(actor);
    return status;
}

esp_status esp_player_step(esp_player *player)
{
    esp_status status = ESP_OK;
    for (int i = 0; i < player->count && status == ESP_OK; i++) status = step_actor(&player->actor[i]);
    return status;
}

esp_status esp_player_recast(esp_player *player, int role, const esp_network *net, int controller)
{
    esp_actor *actor = &player->actor[role];
    const esp_acting *acting = actor->role.acting;
    acting->free(actor->controller);
    actor->role.net = net;
    actor->role.controller = controller;
    actor->controller = acting->create(&actor->role);
    acting->begin(actor->controller, &player->episode);
    return measure_size(actor);
}

/* ---- state ------------------------------------------------------------------------------------ */

/* Steps of the episode that lasts longest so far: an actor whose episode ended early stands still. */
int esp_player_steps(const esp_player *player)
{
    int steps = 0;
    for (int i = 0; i < player->count; i++)
        if (player->actor[i].play->physics_steps > steps) steps = player->actor[i].play->physics_steps;
    return steps;
}

bool esp_player_ended(const esp_player *player)
{
    for (int i = 0; i < player->count; i++)
        if (!player->actor[i].play->ended) return false;
    return true;
}

int esp_player_length(const esp_player *player)
{
    return player->actor[0].world->num_steps * player->actor[0].world->repeat;
}

double esp_player_timestep(const esp_player *player)
{
    return player->actor[0].world->model->opt.timestep;
}

double esp_player_return(const esp_player *player, int role)
{
    return player->actor[role].play->episode_return + player->actor[role].play->reward;
}

const esp_task *esp_player_task(const esp_player *player)
{
    return player->actor[0].world->task;
}

const mjData *esp_player_state(const esp_player *player, int role)
{
    return player->actor[role].play->data;
}

const uint8_t *esp_actor_sees(const esp_actor *actor)
{
    int pixels = esp_world_pixels(actor->world);
    return pixels < 0 ? NULL : esp_simulator_newest(actor->simulator, 0, pixels);
}
