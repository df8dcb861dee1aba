/* Start states of a task file: a keyframe or the model's own, then rules by joint, numbers drawn by name, and steps in
 * which the scene comes to rest. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "envs/task_internal.h"

#define MOST_TRIES 10000 /* draws before a start is given up */

/* How a joint begins: its base, and what is added to it. */
typedef enum { NOTHING, UNIFORM, NORMAL, RANGE } noise;

typedef struct {
    bool   velocity;    /* of qvel, not of qpos */
    int    joint;
    int    first, count; /* entries of qpos or qvel */
    noise  noise;
    double low, high;   /* UNIFORM: bounds; NORMAL: low is the deviation */
    double base[7];
} rule;

/* An entry that an expression sets. */
typedef struct {
    esp_quantity target;
    esp_block    value;
} assignment;

struct esp_start_rules {
    int           key;          /* keyframe; -1: none */
    int           settle_steps;
    int           num_rules;
    rule         *rules;
    esp_text_list draws;        /* names alone */
    double       *range;        /* [draws.count, 2] */
    int           num_assignments;
    assignment   *assignment;
    int           num_commands; /* rows of commands, which episodes take in turn by their number; 0: drawn */
    float        *commands;     /* [num_commands, commands of the task] */
    bool          has_again;
    esp_block     again;        /* draw again while it is not 0 */
};

/* What compiling needs to know of a start. */
typedef struct {
    esp_program     *program;
    esp_start_rules *start;
    const char      *where;
} compiling;

/* ---- rules by joint ----------------------------------------------------------------------------------- */

static bool limited(const mjModel *m, int joint)
{
    return m->jnt_limited[joint] && m->jnt_type[joint] != mjJNT_BALL && m->jnt_type[joint] != mjJNT_FREE;
}

/* The range of a joint that is not limited: a whole turn; none for a slider. */
static void range_of(const mjModel *m, int joint, rule *r)
{
    r->noise = RANGE;
    if (limited(m, joint)) {
        r->low = m->jnt_range[2 * joint];
        r->high = m->jnt_range[2 * joint + 1];
    } else if (m->jnt_type[joint] == mjJNT_HINGE) {
        r->low = -M_PI;
        r->high = M_PI;
    } else if (m->jnt_type[joint] == mjJNT_SLIDE) {
        r->noise = NOTHING;
    }
}

static esp_status read_uniform(const cJSON *json, const char *where, rule *r)
{
    double ends[2];
    esp_status status;
    r->noise = UNIFORM;
    if (cJSON_IsArray(json)) {
        status = esp_task_numbers(json, where, 2, ends);
    } else {
        status = esp_task_number(json, where, &ends[1]);
        ends[0] = -ends[1];
    }
    if (status == ESP_OK && !(ends[0] <= ends[1] && isfinite(ends[1] - ends[0])))
        return esp_fail(ESP_ERR_RANGE, "%s: from %g to %g", where, ends[0], ends[1]);
    r->low = ends[0];
    r->high = ends[1];
    return status;
}

static esp_status read_value(const compiling *c, const cJSON *json, const char *where, rule *r)
{
    const mjModel *m = c->program->names.model;
    if (!json) return ESP_OK;
    esp_status status = cJSON_IsArray(json) || r->count > 1 ? esp_task_numbers(json, where, r->count, r->base)
                                                            : esp_task_number(json, where, r->base);
    const mjtNum *range = m->jnt_range + 2 * r->joint;
    if (status == ESP_OK && !r->velocity && limited(m, r->joint) &&
        (r->base[0] < range[0] - 1e-9 || r->base[0] > range[1] + 1e-9))
        return esp_fail(ESP_ERR_RANGE, "%s: %g is outside the joint's limits, %g to %g", where, r->base[0], range[0],
                        range[1]);
    return status;
}

static esp_status read_noise(const compiling *c, const cJSON *json, const char *where, rule *r)
{
    const cJSON *uniform = cJSON_GetObjectItemCaseSensitive(json, "uniform");
    const cJSON *normal = cJSON_GetObjectItemCaseSensitive(json, "normal");
    const cJSON *range = cJSON_GetObjectItemCaseSensitive(json, "range");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, "value");
    if (!!uniform + !!normal + !!range > 1 || (range && value))
        return esp_fail(ESP_ERR_FORMAT, "%s: more than one of uniform, normal and range (which replaces value)", where);
    if (range && (!cJSON_IsTrue(range) || r->velocity))
        return esp_fail(ESP_ERR_FORMAT, "%s: range is true, and of qpos alone", where);
    esp_status status = read_value(c, value, where, r);
    if (status == ESP_OK && uniform) status = read_uniform(uniform, where, r);
    if (status == ESP_OK && normal) {
        r->noise = NORMAL;
        status = esp_task_number_within(normal, where, 0, 1e9, &r->low);
    }
    if (range) range_of(c->program->names.model, r->joint, r);
    return status;
}

static rule base_of(const compiling *c, int joint, bool velocity)
{
    const mjModel *m = c->program->names.model;
    const mjtNum *qpos = c->start->key < 0 ? m->qpos0 : m->key_qpos + c->start->key * m->nq;
    rule r = {.velocity = velocity, .joint = joint};
    r.first = velocity ? m->jnt_dofadr[joint] : m->jnt_qposadr[joint];
    r.count = velocity ? esp_joint_velocities(m, joint) : esp_joint_positions(m, joint);
    const mjtNum *qvel = c->start->key < 0 ? NULL : m->key_qvel + c->start->key * m->nv;
    for (int i = 0; i < r.count; i++)
        r.base[i] = !velocity ? qpos[r.first + i] : qvel ? qvel[r.first + i] : 0.0;
    return r;
}

/* Rules of a joint that is named, else those of "all". */
static const cJSON *rule_of(const compiling *c, const cJSON *object, int joint)
{
    const cJSON *item, *all = NULL;
    cJSON_ArrayForEach(item, object) {
        int id;
        if (strcmp(item->string, "all") == 0) all = item;
        else if (esp_element_find(&c->program->names, mjOBJ_JOINT, item->string, &id) == ESP_OK && id == joint)
            return item;
    }
    return all;
}

/* Joints in the order of the model, so that the order of keys in the file changes nothing. */
static esp_status read_rules(const compiling *c, const cJSON *object, bool velocity)
{
    char where[600];
    int joint;
    if (!object) return ESP_OK;
    snprintf(where, sizeof where, "%s.%s", c->where, velocity ? "qvel" : "qpos");
    if (!cJSON_IsObject(object)) return esp_fail(ESP_ERR_FORMAT, "%s: expected an object with joints", where);
    const cJSON *item;
    cJSON_ArrayForEach(item, object) {
        snprintf(where, sizeof where, "%s.%s.%s", c->where, velocity ? "qvel" : "qpos", item->string);
        esp_status status = strcmp(item->string, "all") == 0 ? ESP_OK : esp_element_find(&c->program->names,
                                                                           mjOBJ_JOINT, item->string, &joint);
        if (status != ESP_OK) return esp_fail_in(status, "%s", where);
        status = esp_task_keys(item, where, "value|uniform|normal|range");
        if (status != ESP_OK) return status;
    }
    for (joint = 0; joint < (int)c->program->names.model->njnt; joint++) {
        const cJSON *json = rule_of(c, object, joint);
        rule r = base_of(c, joint, velocity);
        if (!json) continue;
        snprintf(where, sizeof where, "%s.%s.%s", c->where, velocity ? "qvel" : "qpos", json->string);
        esp_status status = read_noise(c, json, where, &r);
        if (status != ESP_OK) return status;
        c->start->rules[c->start->num_rules++] = r;
    }
    return ESP_OK;
}

/* ---- draws and assignments ------------------------------------------------------------------------------ */

static esp_status read_draws(const compiling *c, const cJSON *object)
{
    char where[600];
    esp_start_rules *s = c->start;
    int count = cJSON_GetArraySize(object), i = 0;
    snprintf(where, sizeof where, "%s.draw", c->where);
    if (!object) return ESP_OK;
    if (!cJSON_IsObject(object) || count > ESP_TASK_LIST)
        return esp_fail(ESP_ERR_FORMAT, "%s: expected an object of at most %d names", where, ESP_TASK_LIST);
    s->draws.item = esp_alloc((size_t)count + 1, sizeof *s->draws.item);
    s->range = esp_alloc((size_t)count + 1, 2 * sizeof *s->range);
    const cJSON *item;
    cJSON_ArrayForEach(item, object) {
        snprintf(where, sizeof where, "%s.draw.%s", c->where, item->string);
        if (!esp_is_identifier(item->string)) return esp_fail(ESP_ERR_FORMAT, "%s: is no name", where);
        esp_status status = esp_task_numbers(item, where, 2, s->range + 2 * i);
        if (status != ESP_OK) return status;
        s->draws.item[i++].name = item->string;
        s->draws.count = i;
    }
    return ESP_OK;
}

static bool may_be_set(const esp_quantity *q)
{
    bool state = q->source == ESP_FROM_QPOS || q->source == ESP_FROM_QVEL;
    bool mocap = q->source == ESP_FROM_MOCAP_POS || q->source == ESP_FROM_MOCAP_QUAT;
    return q->take == ESP_TAKE_ONE && !q->before && (state || mocap);
}

static esp_status read_assignments(const compiling *c, const cJSON *object)
{
    char where[600];
    esp_program *p = c->program;
    const cJSON *item;
    if (!object) return ESP_OK;
    if (!cJSON_IsObject(object)) return esp_fail(ESP_ERR_FORMAT, "%s.set: expected an object of expressions", c->where);
    c->start->assignment = esp_alloc((size_t)cJSON_GetArraySize(object) + 1, sizeof *c->start->assignment);
    cJSON_ArrayForEach(item, object) {
        assignment *a = &c->start->assignment[c->start->num_assignments];
        int formula;
        snprintf(where, sizeof where, "%s.set.%s", c->where, item->string);
        if (!cJSON_IsString(item)) return esp_fail(ESP_ERR_FORMAT, "%s: expected an expression", where);
        esp_status status = esp_quantity_find(&p->names, item->string, &a->target);
        if (status != ESP_OK) return esp_fail_in(status, "%s", where);
        if (!may_be_set(&a->target))
            return esp_fail(ESP_ERR_FORMAT, "%s: only qpos, qvel, mocap_pos and mocap_quat can be set", where);
        status = esp_program_add(p, NULL, item->valuestring, where, &formula);
        if (status != ESP_OK) return status;
        esp_block_make(p, 1, &formula, &a->value);
        c->start->num_assignments++;
    }
    return ESP_OK;
}

static esp_status read_again(const compiling *c, const cJSON *json)
{
    char where[600];
    const char *text = NULL;
    int formula;
    snprintf(where, sizeof where, "%s.draw_again_while", c->where);
    esp_status status = esp_task_text(json, where, &text);
    if (status != ESP_OK || !text) return status;
    status = esp_program_add(c->program, NULL, text, where, &formula);
    if (status != ESP_OK) return status;
    esp_block_make(c->program, 1, &formula, &c->start->again);
    c->start->has_again = true;
    return ESP_OK;
}

/* A list of commands, each a list with one number for each of the task's. */
static esp_status read_commands(const compiling *c, const cJSON *list)
{
    const cJSON *item;
    int width = c->program->names.num_commands;
    char where[300];
    snprintf(where, sizeof where, "%s.commands", c->where);
    if (!list) return ESP_OK;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0 || width == 0)
        return esp_fail(ESP_ERR_FORMAT, "%s: expected a list of commands, whose names and ranges the task's 'commands' "
                        "gives", where);
    double *row = esp_alloc((size_t)width, sizeof *row);
    c->start->commands = esp_alloc((size_t)cJSON_GetArraySize(list) * (size_t)width, sizeof *c->start->commands);
    esp_status status = ESP_OK;
    cJSON_ArrayForEach(item, list) {
        status = esp_task_numbers(item, where, width, row);
        if (status != ESP_OK) break;
        for (int i = 0; i < width; i++) c->start->commands[c->start->num_commands * width + i] = (float)row[i];
        c->start->num_commands++;
    }
    free(row);
    return status;
}

/* ---- a whole start ---------------------------------------------------------------------------------------- */

static esp_status check_keyframe(const compiling *c)
{
    const mjModel *m = c->program->names.model;
    for (int j = 0; j < (int)m->njnt; j++) {
        double q = m->key_qpos[c->start->key * m->nq + m->jnt_qposadr[j]];
        const mjtNum *range = m->jnt_range + 2 * j;
        if (!limited(m, j) || (q >= range[0] - 1e-9 && q <= range[1] + 1e-9)) continue;
        return esp_fail(ESP_ERR_RANGE, "%s.keyframe: joint '%s' is at %g, outside its limits, %g to %g", c->where,
                        mj_id2name(m, mjOBJ_JOINT, j) ? mj_id2name(m, mjOBJ_JOINT, j) : "", q, range[0], range[1]);
    }
    return ESP_OK;
}

static esp_status compile_start(const compiling *c, const cJSON *json)
{
    const char *keyframe = NULL;
    const mjModel *m = c->program->names.model;
    esp_start_rules *s = c->start;
    s->key = -1;
    s->rules = esp_alloc(2 * (size_t)m->njnt + 1, sizeof *s->rules);
    esp_status status = esp_task_keys(json, c->where, "keyframe|qpos|qvel|draw|set|draw_again_while|settle_steps|"
                                                "commands");
    if (status == ESP_OK)
        status = esp_task_text(cJSON_GetObjectItemCaseSensitive(json, "keyframe"), c->where, &keyframe);
    if (status == ESP_OK && keyframe) {
        status = esp_element_find(&c->program->names, mjOBJ_KEY, keyframe, &s->key);
        status = status == ESP_OK ? check_keyframe(c) : esp_fail_in(status, "%s.keyframe", c->where);
    }
    if (status == ESP_OK) status = esp_task_int_within(cJSON_GetObjectItemCaseSensitive(json, "settle_steps"), c->where,
                                                       0, 100000, &s->settle_steps);
    if (status == ESP_OK) status = read_rules(c, cJSON_GetObjectItemCaseSensitive(json, "qpos"), false);
    if (status == ESP_OK) status = read_rules(c, cJSON_GetObjectItemCaseSensitive(json, "qvel"), true);
    if (status == ESP_OK) status = read_commands(c, cJSON_GetObjectItemCaseSensitive(json, "commands"));
    if (status == ESP_OK) status = read_draws(c, cJSON_GetObjectItemCaseSensitive(json, "draw"));
    c->program->draws = &s->draws;
    if (status == ESP_OK) status = read_assignments(c, cJSON_GetObjectItemCaseSensitive(json, "set"));
    if (status == ESP_OK) status = read_again(c, cJSON_GetObjectItemCaseSensitive(json, "draw_again_while"));
    c->program->draws = NULL;
    return status;
}

esp_status esp_starts_compile(esp_program *p)
{
    const cJSON *starts = cJSON_GetObjectItemCaseSensitive(p->file->json, "starts");
    int count = esp_names_count(p->file->task.about.starts);
    char where[200];
    p->start = esp_alloc((size_t)count + 1, sizeof *p->start);
    esp_status status = ESP_OK;
    for (int i = 0; i < count && status == ESP_OK; i++) {
        const char *name = p->file->task.about.starts[i];
        snprintf(where, sizeof where, "starts.%s", name);
        compiling c = {p, &p->start[i], where};
        const cJSON *json = cJSON_GetObjectItemCaseSensitive(starts, name);
        cJSON *empty = json ? NULL : cJSON_CreateObject(); /* a file without starts has one: the model's own state */
        status = compile_start(&c, json ? json : empty);
        cJSON_Delete(empty);
    }
    return status;
}

void esp_starts_free(esp_program *p)
{
    int count = esp_names_count(p->file->task.about.starts);
    for (int i = 0; p->start && i < count; i++) {
        esp_start_rules *s = &p->start[i];
        for (int k = 0; k < s->num_assignments; k++) esp_block_free(&s->assignment[k].value);
        esp_block_free(&s->again);
        free(s->rules);
        free(s->draws.item);
        free(s->range);
        free(s->assignment);
        free(s->commands);
    }
    free(p->start);
}

/* ---- drawing ---------------------------------------------------------------------------------------------- */

static double normal(esp_rng *rng)
{
    float x;
    esp_rng_normal(rng, &x, 1);
    return (double)x;
}

/* A rotation, all of them equally likely: four normal numbers on a sphere. A limited joint turns about a random axis,
 * by an angle within its limit. */
static void draw_rotation(const mjModel *m, int joint, esp_rng *rng, mjtNum *quat)
{
    bool cone = m->jnt_limited[joint];
    for (int i = cone; i < 4; i++) quat[i] = normal(rng);
    if (!cone) {
        mju_normalize4(quat);
        return;
    }
    mjtNum axis[3] = {quat[1], quat[2], quat[3]};
    mju_normalize3(axis);
    mju_axisAngle2Quat(quat, axis, m->jnt_range[2 * joint + 1] * esp_rng_uniform(rng));
}

static void draw_range(const mjModel *m, const rule *r, esp_rng *rng, mjtNum *at)
{
    int type = m->jnt_type[r->joint];
    memcpy(at, r->base, (size_t)r->count * sizeof *at);
    if (type == mjJNT_BALL)      draw_rotation(m, r->joint, rng, at);
    else if (type == mjJNT_FREE) draw_rotation(m, r->joint, rng, at + 3);
    else                         at[0] = r->low + (r->high - r->low) * esp_rng_uniform(rng);
}

static void apply(const mjModel *m, const rule *r, esp_rng *rng, mjData *data)
{
    mjtNum *at = (r->velocity ? data->qvel : data->qpos) + r->first;
    if (r->noise == RANGE) {
        draw_range(m, r, rng, at);
        return;
    }
    for (int i = 0; i < r->count; i++) {
        double add = 0.0;
        if (r->noise == NORMAL) add = r->low * normal(rng);
        /* symmetric noise in this form gives the returns that were published of the pendulum, bit for bit */
        if (r->noise == UNIFORM && r->low == -r->high) add = r->high * (2.0 * esp_rng_uniform(rng) - 1.0);
        else if (r->noise == UNIFORM) add = r->low + (r->high - r->low) * esp_rng_uniform(rng);
        at[i] = r->base[i] + add;
    }
}

static mjtNum *entry_of(const esp_quantity *q, mjData *data)
{
    switch (q->source) {
    case ESP_FROM_QPOS:      return data->qpos + q->first;
    case ESP_FROM_QVEL:      return data->qvel + q->first;
    case ESP_FROM_MOCAP_POS: return data->mocap_pos + q->first;
    default:                 return data->mocap_quat + q->first;
    }
}

static void draw_once(esp_program *p, const mjModel *m, const esp_start_rules *s, esp_play *play, esp_rng *rng)
{
    for (int i = 0; i < s->num_rules; i++) apply(m, &s->rules[i], rng, play->data);
    mj_normalizeQuat(m, play->data->qpos);
    for (int i = 0; i < s->draws.count; i++)
        p->drawn[i] = s->range[2 * i] + (s->range[2 * i + 1] - s->range[2 * i]) * esp_rng_uniform(rng);
    for (int i = 0; i < s->num_assignments; i++)
        *entry_of(&s->assignment[i].target, play->data) = esp_block_run(p, &s->assignment[i].value, play);
}

/* From the start's list by the number of the episode, or uniformly. */
static void draw_commands(const esp_task_file *file, const esp_start_rules *s, esp_play *play, esp_rng *rng)
{
    size_t width = (size_t)file->task.about.num_commands;
    if (s->num_commands > 0) {
        size_t row = play->name.index % (uint64_t)s->num_commands;
        memcpy(play->command, s->commands + row * width, width * sizeof *play->command);
        return;
    }
    for (int i = 0; i < file->task.about.num_commands; i++) {
        const double *range = file->command_range + 2 * i;
        play->command[i] = (float)(range[0] + (range[1] - range[0]) * esp_rng_uniform(rng));
    }
}

esp_status esp_start_draw(esp_program *p, const mjModel *m, esp_play *play, esp_rng *rng)
{
    const esp_start_rules *s = &p->start[play->name.start];
    bool again = true;
    if (s->key >= 0) mj_resetDataKeyframe(m, play->data, s->key);
    play->began = play->data->time = 0.0;
    for (int try = 0; again && try < MOST_TRIES; try++) {
        draw_once(p, m, s, play, rng);
        if (!s->has_again) break;
        mj_forward(m, play->data);
        again = esp_block_run(p, &s->again, play) != 0.0;
        if (!again) break;
    }
    if (s->has_again && again)
        return esp_fail(ESP_ERR_NUMERIC, "start '%s': draw_again_while still holds after %d draws",
                        p->file->task.about.starts[play->name.start], MOST_TRIES);
    draw_commands(p->file, s, play, rng);
    for (int i = 0; i < s->settle_steps; i++) mj_step(m, play->data);
    play->data->time = 0.0;
    return ESP_OK;
}
