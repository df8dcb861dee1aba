/* A task that is a file: reads its description, and gives it the functions of a task. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "envs/envs_internal.h"
#include "envs/task_internal.h"

#define KEYS "$schema|version|about|scene|aliases|model|step|action_repeat|episode|definitions|terms|rewards|" \
             "training_reward|reward_every|largest_reward|derived|termination|goal|starts|commands|observation|" \
             "action|plots|show"

static const cJSON *get(const cJSON *json, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(json, key);
}

/* ---- reading ---------------------------------------------------------------------------------------- */

/* The names of a list, ended by NULL, in new memory. */
static const char *const *names_of(const esp_text_list *list, int first)
{
    const char **names = esp_alloc((size_t)(list->count - first) + 1, sizeof *names);
    for (int i = first; i < list->count; i++) names[i - first] = list->item[i].name;
    return names;
}

static esp_status read_aliases(esp_task_file *f)
{
    static const struct { const char *key; int kind; } kinds[] = {
        {"joint", mjOBJ_JOINT}, {"actuator", mjOBJ_ACTUATOR}, {"sensor", mjOBJ_SENSOR}, {"body", mjOBJ_BODY},
        {"geom", mjOBJ_GEOM}, {"site", mjOBJ_SITE}, {"tendon", mjOBJ_TENDON}};
    const cJSON *object = get(f->json, "aliases"), *item;
    if (!object) return ESP_OK;
    if (!cJSON_IsObject(object)) return esp_fail(ESP_ERR_FORMAT, "aliases: expected an object");
    f->alias = esp_alloc((size_t)cJSON_GetArraySize(object) + 1, sizeof *f->alias);
    cJSON_ArrayForEach(item, object) {
        esp_alias *alias = &f->alias[f->num_aliases];
        *alias = (esp_alias){.name = item->string, .kind = -1};
        const cJSON *target = item;
        for (int k = 0; k < 7 && cJSON_IsObject(item); k++)
            if (get(item, kinds[k].key)) {
                target = get(item, kinds[k].key);
                alias->kind = kinds[k].kind;
            }
        if (!esp_is_identifier(item->string) || !cJSON_IsString(target) || cJSON_GetArraySize(item) > 1)
            return esp_fail(ESP_ERR_FORMAT, "aliases.%s: expected a name such as \"left-hip\", or an object such as "
                            "{\"site\": \"left-hip\"}", item->string);
        alias->target = target->valuestring;
        f->num_aliases++;
    }
    return ESP_OK;
}

/* Definitions, and the terms after them. */
static esp_status read_expressions(esp_task_file *f)
{
    esp_text_list terms;
    esp_status status = esp_task_texts(get(f->json, "definitions"), "definitions", &f->definitions);
    if (status == ESP_OK) status = esp_task_texts(get(f->json, "terms"), "terms", &terms);
    if (status != ESP_OK) return status;
    int first = f->definitions.count;
    esp_text_list both = {.count = first + terms.count};
    both.item = esp_alloc((size_t)both.count + 1, sizeof *both.item);
    for (int i = 0; i < both.count; i++) both.item[i] = i < first ? f->definitions.item[i] : terms.item[i - first];
    free(f->definitions.item);
    free(terms.item);
    f->definitions = both;
    f->num_terms = terms.count;
    f->task.about.terms = names_of(&both, first);
    f->valid = (const char **)names_of(&both, 0);
    for (int i = 0; i < both.count; i++)
        for (int k = 0; k < i; k++)
            if (strcmp(both.item[i].name, both.item[k].name) == 0)
                return esp_fail(ESP_ERR_FORMAT, "terms.%s: the name is also that of a definition", both.item[i].name);
    return ESP_OK;
}

static esp_status read_rewards(esp_task_file *f)
{
    esp_task_description *about = &f->task.about;
    int every = 1;
    esp_status status = esp_task_texts(get(f->json, "rewards"), "rewards", &f->rewards);
    if (status == ESP_OK && f->rewards.count == 0)
        status = esp_fail(ESP_ERR_FORMAT, "rewards: expected an object with at least one reward");
    if (status != ESP_OK) return status;
    about->rewards = names_of(&f->rewards, 0);
    about->training_reward = about->rewards[0];
    status = esp_task_text(get(f->json, "training_reward"), "training_reward", &about->training_reward);
    if (status == ESP_OK && esp_names_index(about->rewards, about->training_reward) < 0)
        status = esp_fail(ESP_ERR_FORMAT, "training_reward: there is no reward '%s'", about->training_reward);
    if (status == ESP_OK)
        status = esp_task_choice(get(f->json, "reward_every"), "reward_every", "physics_step|step", &every);
    about->reward_per_step = every == 1;
    about->largest_reward = INFINITY;
    if (status == ESP_OK)
        status = esp_task_number_within(get(f->json, "largest_reward"), "largest_reward", 1e-9, 1e9,
                                        &about->largest_reward);
    return status;
}

static esp_status read_starts(esp_task_file *f)
{
    static const char *const own[] = {"model", NULL};
    const cJSON *object = get(f->json, "starts"), *item;
    f->task.about.starts = own;
    if (!object) return ESP_OK;
    int count = cJSON_GetArraySize(object), i = 0;
    if (!cJSON_IsObject(object) || count < 1)
        return esp_fail(ESP_ERR_FORMAT, "starts: expected an object with at least one start");
    const char **names = esp_alloc((size_t)count + 1, sizeof *names);
    cJSON_ArrayForEach(item, object) names[i++] = item->string;
    f->task.about.starts = names;
    return ESP_OK;
}

static esp_status read_commands(esp_task_file *f)
{
    const cJSON *object = get(f->json, "commands"), *item;
    int count = cJSON_GetArraySize(object), i = 0;
    char where[200];
    f->command = esp_alloc((size_t)count + 1, sizeof *f->command);
    f->command_range = esp_alloc((size_t)count + 1, 2 * sizeof *f->command_range);
    if (!object) return ESP_OK;
    if (!cJSON_IsObject(object)) return esp_fail(ESP_ERR_FORMAT, "commands: expected an object of ranges");
    esp_status status = ESP_OK;
    cJSON_ArrayForEach(item, object) {
        snprintf(where, sizeof where, "commands.%s", item->string);
        if (!esp_is_identifier(item->string)) return esp_fail(ESP_ERR_FORMAT, "%s: is no name", where);
        status = esp_task_numbers(item, where, 2, f->command_range + 2 * i);
        if (status != ESP_OK) return status;
        f->command[i++] = item->string;
    }
    f->task.about.num_commands = count;
    return ESP_OK;
}

static esp_status read_goal(esp_task_file *f)
{
    const cJSON *goal = get(f->json, "goal");
    esp_task_description *about = &f->task.about;
    about->goal = "reach the goal";
    if (!goal) return ESP_OK;
    esp_status status = esp_task_keys(goal, "goal", "when|words");
    if (status == ESP_OK) status = esp_task_text(get(goal, "when"), "goal.when", &f->goal);
    if (status == ESP_OK) status = esp_task_text(get(goal, "words"), "goal.words", &about->goal);
    if (status == ESP_OK && !f->goal) status = esp_fail(ESP_ERR_FORMAT, "goal: 'when' is missing");
    return status;
}

static esp_status read_plot(esp_task_file *f, const cJSON *json, int i, esp_task_quantity *out)
{
    char where[64];
    double range[2];
    snprintf(where, sizeof where, "plots[%d]", i);
    esp_status status = esp_task_keys(json, where, "name|unit|range|value|error");
    *out = (esp_task_quantity){.name = NULL, .unit = ""};
    if (status == ESP_OK) status = esp_task_text(get(json, "name"), where, &out->name);
    if (status == ESP_OK) status = esp_task_text(get(json, "unit"), where, &out->unit);
    if (status == ESP_OK) status = esp_task_text(get(json, "value"), where, &f->plot[i]);
    if (status == ESP_OK) status = esp_task_numbers(get(json, "range"), where, 2, range);
    if (status != ESP_OK) return status;
    if (!out->name || !f->plot[i]) return esp_fail(ESP_ERR_FORMAT, "%s: expected name, range and value", where);
    if (!(range[0] < range[1])) return esp_fail(ESP_ERR_RANGE, "%s.range: from %g to %g", where, range[0], range[1]);
    out->low = range[0];
    out->high = range[1];
    out->error = cJSON_IsTrue(get(json, "error"));
    return ESP_OK;
}

static esp_status read_plots(esp_task_file *f)
{
    const cJSON *list = get(f->json, "plots");
    int count = cJSON_GetArraySize(list), errors = 0;
    if (list && (!cJSON_IsArray(list) || count > ESP_TASK_LIST))
        return esp_fail(ESP_ERR_FORMAT, "plots: expected a list of at most %d", ESP_TASK_LIST);
    f->plot = esp_alloc((size_t)count + 1, sizeof *f->plot);
    esp_task_quantity *quantities = esp_alloc((size_t)count + 1, sizeof *quantities);
    f->task.about.quantities = quantities;
    for (int i = 0; i < count; i++) {
        esp_status status = read_plot(f, cJSON_GetArrayItem(list, i), i, &quantities[i]);
        if (status != ESP_OK) return status;
        f->task.about.num_quantities = i + 1;
        errors += quantities[i].error;
    }
    return errors < 2 ? ESP_OK : esp_fail(ESP_ERR_FORMAT, "plots: at most one may be the error");
}

static esp_status read_observation(esp_task_file *f)
{
    const cJSON *list = get(f->json, "observation");
    int count = cJSON_GetArraySize(list);
    char where[64];
    if (!cJSON_IsArray(list) || count < 1 || count > ESP_TASK_LIST)
        return esp_fail(ESP_ERR_FORMAT, "observation: expected a list of 1 to %d items", ESP_TASK_LIST);
    esp_obs_item *items = esp_alloc((size_t)count, sizeof *items);
    f->task.about.items = items;
    for (int i = 0; i < count; i++) {
        snprintf(where, sizeof where, "observation[%d]", i);
        esp_status status = esp_item_read(cJSON_GetArrayItem(list, i), where, &items[i]);
        if (status != ESP_OK) return status;
        f->task.about.num_items = i + 1;
    }
    return ESP_OK;
}

static esp_status read_show(esp_task_file *f)
{
    const cJSON *show = get(f->json, "show");
    esp_task_description *about = &f->task.about;
    about->show_start = about->starts[0];
    about->show_seconds = 10.0;
    if (!show) return ESP_OK;
    esp_status status = esp_task_keys(show, "show", "start|seconds");
    if (status == ESP_OK) status = esp_task_text(get(show, "start"), "show.start", &about->show_start);
    if (status == ESP_OK && esp_names_index(about->starts, about->show_start) < 0)
        status = esp_fail(ESP_ERR_FORMAT, "show.start: there is no start '%s'", about->show_start);
    if (status == ESP_OK)
        status = esp_task_number_within(get(show, "seconds"), "show.seconds", 1e-3, 1e6, &about->show_seconds);
    return status;
}

static esp_status read_about(esp_task_file *f)
{
    esp_task_description *about = &f->task.about;
    int derived = 0;
    esp_status status = esp_task_keys(f->json, "the file", KEYS);
    if (status == ESP_OK && esp_json_number(f->json, "version") != 1)
        return esp_fail(ESP_ERR_FORMAT, "version: expected 1");
    if (status == ESP_OK) status = esp_task_text(get(f->json, "about"), "about", &about->about);
    if (status == ESP_OK) status = esp_task_text(get(f->json, "scene"), "scene", &about->scene);
    if (status == ESP_OK) status = esp_task_number_within(get(f->json, "step"), "step", 1e-6, 10, &about->timestep);
    if (status == ESP_OK)
        status = esp_task_int_within(get(f->json, "action_repeat"), "action_repeat", 1, 1000, &about->action_repeat);
    if (status == ESP_OK) status = esp_task_choice(get(f->json, "derived"), "derived", "fresh|as_stepped", &derived);
    about->refresh = derived == 0;
    return status;
}

static esp_status read_all(esp_task_file *f)
{
    esp_status status = read_about(f);
    if (status == ESP_OK) status = read_aliases(f);
    if (status == ESP_OK) status = read_expressions(f);
    if (status == ESP_OK) status = read_rewards(f);
    if (status == ESP_OK) status = esp_task_texts(get(f->json, "termination"), "termination", &f->endings);
    if (status == ESP_OK) f->task.about.endings = names_of(&f->endings, 0);
    if (status == ESP_OK) status = read_starts(f);
    if (status == ESP_OK) status = read_commands(f);
    if (status == ESP_OK) status = read_goal(f);
    if (status == ESP_OK) status = read_plots(f);
    if (status == ESP_OK) status = read_observation(f);
    if (status == ESP_OK) status = read_show(f);
    return status;
}

/* ---- the functions of a task ---------------------------------------------------------------------------- */

static const esp_task_file *file_of(const esp_task *task)
{
    return task->state;
}

static esp_status open_program(const esp_task *task, const mjModel *model, void **out)
{
    return esp_program_create(file_of(task), model, (esp_program **)out);
}

static void close_program(void *program)
{
    esp_program_free(program);
}

static esp_status reset(const esp_task *task, const mjModel *model, esp_play *play, esp_rng *rng)
{
    (void)task;
    return esp_start_draw(play->program, model, play, rng);
}

static double reward(const esp_task *task, const mjModel *model, const esp_play *play, int kind)
{
    (void)task, (void)model;
    esp_program *p = play->program;
    return esp_block_run(p, &p->reward[kind], play);
}

static void terms(const esp_task *task, const mjModel *model, const esp_play *play, double *out)
{
    (void)task, (void)model;
    esp_program *p = play->program;
    esp_block_run(p, &p->terms, play);
    for (int i = 0; i < p->terms.num_results; i++) out[i] = esp_block_result(p, &p->terms, i);
}

static int done(const esp_task *task, const mjModel *model, const esp_play *play)
{
    (void)task, (void)model;
    esp_program *p = play->program;
    esp_block_run(p, &p->endings, play);
    for (int i = 0; i < p->endings.num_results; i++)
        if (esp_block_result(p, &p->endings, i) != 0.0) return i + 1;
    return 0;
}

static bool goal(const esp_task *task, const mjModel *model, const esp_play *play)
{
    (void)task, (void)model;
    esp_program *p = play->program;
    return p->goal.num_results > 0 && esp_block_run(p, &p->goal, play) != 0.0;
}

static double quantity(const esp_task *task, const mjModel *model, const esp_play *play, int index)
{
    (void)task, (void)model;
    esp_program *p = play->program;
    return esp_block_run(p, &p->plot[index], play);
}

static void observe(const esp_task *task, const mjModel *model, const esp_play *play, int index, double *out)
{
    (void)task, (void)model;
    esp_item_observe(play->program, play, index, out);
}

static void note(const esp_task *task, const mjModel *model, esp_play *play)
{
    (void)task, (void)model;
    const esp_program *p = play->program;
    if (p->num_noted == 0) return;
    for (int i = 0; i < p->num_loads; i++)
        if (p->load[i].noted >= 0)
            play->noted[p->load[i].noted] = esp_quantity_value(&p->load[i].quantity, &p->names, play);
}

/* ---- with a model ------------------------------------------------------------------------------------------ */

esp_names esp_task_file_names(const esp_task_file *f, const mjModel *model)
{
    return (esp_names){.model = model, .step = f->task.about.timestep, .num_aliases = f->num_aliases,
                       .num_commands = f->task.about.num_commands, .alias = f->alias, .command = f->command,
                       .other = f->valid};
}

static const char *joint_words[] = {"free", "ball", "slide", "hinge"};

/* Whether another scene has the joints and actuators of the task's own. */
static esp_status compare(const esp_task_file *f, const mjModel *model)
{
    const cJSON *joints = f->joints;
    const cJSON *joint;
    cJSON_ArrayForEach(joint, joints) {
        int id = mj_name2id(model, mjOBJ_JOINT, joint->string);
        if (id < 0 || model->jnt_type[id] != joint->valueint)
            return esp_fail(ESP_ERR_FORMAT, "a %s joint named '%s' is missing", joint_words[joint->valueint & 3],
                            joint->string);
    }
    if ((int)model->njnt != f->num_joints)
        return f->num_joints == 1 && joints && joints->child
                   ? esp_fail(ESP_ERR_FORMAT, "the joint '%s' must be the only one", joints->child->string)
                   : esp_fail(ESP_ERR_FORMAT, "%d joints, expected %d", (int)model->njnt, f->num_joints);
    if ((int)model->nu != f->num_actuators)
        return f->num_actuators == 1 ? esp_fail(ESP_ERR_FORMAT, "exactly one actuator is needed")
                                     : esp_fail(ESP_ERR_FORMAT, "%d actuators, expected %d", (int)model->nu,
                                                f->num_actuators);
    return ESP_OK;
}

static esp_status fit(const esp_task *task, const mjModel *model)
{
    esp_program *p = NULL;
    esp_status status = compare(file_of(task), model);
    if (status == ESP_OK) status = esp_program_create(file_of(task), model, &p);
    for (int i = 0; i < task->about.num_items && status == ESP_OK; i++)
        if (task->about.items[i].kind == ESP_ITEM_FLOATS && esp_item_width(p, i) != task->about.items[i].width)
            status = esp_fail(ESP_ERR_SHAPE, "observation[%d] has %d numbers, %d in the task's own scene", i,
                              esp_item_width(p, i), task->about.items[i].width);
    esp_program_free(p);
    return status;
}

static esp_status actuation(const esp_task *task, const mjModel *model, esp_actuation *out)
{
    return esp_actions_read(file_of(task), model, out);
}

/* ---- changes of the model ------------------------------------------------------------------------------------ */

/* "JOINT.damping", "GEOM.size.0" */
static mjtNum *place_of(const esp_task_file *f, mjModel *m, const char *key)
{
    char name[128];
    esp_names names = esp_task_file_names(f, m);
    const char *dot = strchr(key, '.');
    int id;
    uint64_t index;
    if (!dot || (size_t)(dot - key) >= sizeof name) return NULL;
    snprintf(name, sizeof name, "%.*s", (int)(dot - key), key);
    if (strncmp(dot, ".size.", 6) == 0) {
        if (!esp_u64_parse(dot + 6, &index) || index > 2) return NULL;
        return esp_element_find(&names, mjOBJ_GEOM, name, &id) == ESP_OK ? m->geom_size + 3 * id + index : NULL;
    }
    if (esp_element_find(&names, mjOBJ_JOINT, name, &id) != ESP_OK) return NULL;
    if (strcmp(dot, ".stiffness") == 0) return m->jnt_stiffness + id;
    if (strcmp(dot, ".damping") == 0) return m->dof_damping + m->jnt_dofadr[id];
    if (strcmp(dot, ".armature") == 0) return m->dof_armature + m->jnt_dofadr[id];
    if (strcmp(dot, ".frictionloss") == 0) return m->dof_frictionloss + m->jnt_dofadr[id];
    return NULL;
}

static esp_status edit(const esp_task *task, mjModel *model)
{
    const esp_task_file *f = file_of(task);
    const cJSON *changes = get(f->json, "model"), *item;
    char where[200];
    if (changes && !cJSON_IsObject(changes)) return esp_fail(ESP_ERR_FORMAT, "model: expected an object of numbers");
    cJSON_ArrayForEach(item, changes) {
        double value;
        snprintf(where, sizeof where, "model.%s", item->string);
        mjtNum *at = place_of(f, model, item->string);
        if (!at)
            return esp_fail(ESP_ERR_FORMAT, "%s: expected JOINT.damping, .stiffness, .armature or .frictionloss, or "
                            "GEOM.size.0, of the scene", where);
        esp_status status = esp_task_number(item, where, &value);
        if (status != ESP_OK) return status;
        *at = value;
    }
    return ESP_OK;
}

/* ---- a file with its own scene ---------------------------------------------------------------------------------- */

#define SAME_TIME 1e-9 /* relative tolerance, because decimal fractions are rounded in binary */

/* The step must be a multiple of the scene's time step. */
static esp_status read_times(esp_task_file *f, const mjModel *model)
{
    esp_task_description *about = &f->task.about;
    const cJSON *episode = get(f->json, "episode");
    double timestep = model->opt.timestep, seconds = 0.0;
    if (about->timestep == 0.0) about->timestep = timestep;
    double count = round(about->timestep / timestep);
    if (count < 1 || fabs(count * timestep - about->timestep) > SAME_TIME * about->timestep)
        return esp_fail(ESP_ERR_RANGE, "step: %g s is no multiple of the scene's time step, %g s", about->timestep,
                        timestep);
    about->steps = 1000;
    if (!episode) return ESP_OK;
    esp_status status = esp_task_keys(episode, "episode", "steps|seconds");
    if (status == ESP_OK)
        status = esp_task_int_within(get(episode, "steps"), "episode.steps", 1, 1000000, &about->steps);
    if (status == ESP_OK)
        status = esp_task_number_within(get(episode, "seconds"), "episode.seconds", about->timestep, 1e6, &seconds);
    if (status == ESP_OK && seconds > 0.0) {
        double steps = round(seconds / about->timestep);
        if (get(episode, "steps")) return esp_fail(ESP_ERR_FORMAT, "episode: steps or seconds, not both");
        if (steps > 1e6) return esp_fail(ESP_ERR_RANGE, "episode.seconds: %g steps, expected at most 1000000", steps);
        about->steps = (int)steps;
    }
    return status;
}

static void note_scene(esp_task_file *f, const mjModel *model)
{
    cJSON *joints = cJSON_CreateObject();
    for (int j = 0; j < (int)model->njnt; j++) {
        const char *name = mj_id2name(model, mjOBJ_JOINT, j);
        if (name) cJSON_AddNumberToObject(joints, name, model->jnt_type[j]);
    }
    f->joints = joints;
    f->num_joints = (int)model->njnt;
    f->num_actuators = (int)model->nu;
}

static void note_program(esp_task_file *f, const esp_program *p)
{
    esp_obs_item *items = (esp_obs_item *)f->task.about.items;
    for (int i = 0; i < f->task.about.num_items; i++) {
        if (items[i].kind != ESP_ITEM_FLOATS) continue;
        items[i].width = esp_item_width(p, i);
        items[i].height = 1;
    }
    for (int i = 0; i < p->num_loads; i++) f->derived |= p->load[i].quantity.derived;
    for (int i = 0; i < f->task.about.num_items; i++) f->derived |= esp_item_derived(p, i);
    f->task.about.refresh = f->task.about.refresh && f->derived;
}

typedef struct {
    esp_task_file *file;
    const char    *scene;
} checking;

static esp_status check(void *argument)
{
    const checking *c = argument;
    esp_task_file *f = c->file;
    mjModel *model = NULL;
    esp_program *p = NULL;
    esp_actuation *actions = NULL;
    esp_status status = esp_model_load(c->scene, false, &model);
    if (status != ESP_OK) return esp_fail_in(status, "%s", c->scene);
    if (model->nu < 1) status = esp_fail(ESP_ERR_FORMAT, "%s: has no actuator", c->scene);
    if (status == ESP_OK) status = edit(&f->task, model);
    if (status == ESP_OK) status = read_times(f, model);
    if (status == ESP_OK) status = esp_program_create(f, model, &p);
    if (status == ESP_OK) {
        actions = esp_alloc((size_t)model->nu, sizeof *actions);
        status = esp_actions_read(f, model, actions);
        note_scene(f, model);
        note_program(f, p);
    }
    free(actions);
    esp_program_free(p);
    mj_deleteModel(model);
    return status;
}

esp_status esp_task_file_check(esp_task_file *f, const char *scene)
{
    checking c = {f, scene};
    esp_guard_silence(true); /* MuJoCo warns again when a world loads the scene */
    esp_status status = esp_guard(check, &c, ESP_ERR_FORMAT);
    esp_guard_silence(false);
    return status == ESP_OK ? ESP_OK : esp_fail_in(status, "%s", f->path);
}

esp_status esp_task_file_read(const char *path, const char *name, esp_task_file **out)
{
    esp_task_file *f = esp_alloc(1, sizeof *f);
    f->path = esp_strdup(path);
    f->task = (esp_task){.about = {.name = esp_intern(name), .file = f->path, .scene = "scene.xml", .action_repeat = 1},
                         .state = f, .fit = fit, .open = open_program, .close = close_program, .edit = edit,
                         .actuation = actuation, .reset = reset, .reward = reward, .terms = terms, .goal = goal,
                         .done = done, .quantity = quantity, .observe = observe, .note = note};
    esp_status status = esp_json_read(path, &f->json);
    if (status == ESP_OK) {
        status = read_all(f);
        if (status != ESP_OK) esp_fail_in(status, "%s", path);
    }
    if (status == ESP_OK && f->endings.count == 0) f->task.done = NULL;
    if (status == ESP_OK && !f->goal) f->task.goal = NULL;
    if (status == ESP_OK) *out = f;
    else                  esp_task_file_free(f);
    return status;
}

/* Texts of configurations point into a file that was found, so only one that was not handed out is freed. */
void esp_task_file_free(esp_task_file *f)
{
    if (!f) return;
    esp_task_description *about = &f->task.about;
    if (get(f->json, "starts")) free((void *)about->starts);
    free((void *)about->terms);
    free((void *)about->rewards);
    free((void *)about->endings);
    free((void *)about->quantities);
    free((void *)about->items);
    free(f->definitions.item);
    free(f->rewards.item);
    free(f->endings.item);
    free(f->alias);
    free(f->valid);
    free(f->plot);
    free(f->command);
    free(f->command_range);
    cJSON_Delete(f->joints);
    cJSON_Delete(f->json);
    free(f->path);
    free(f);
}
