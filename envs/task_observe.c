/* Observations and actions of a task file. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "envs/task_internal.h"

/* Where the numbers of an item come from: quantities, then formulas. One of both lists is empty. */
struct esp_item_rules {
    int           width;       /* numbers per moment */
    int           num_quantities;
    esp_quantity *quantity;    /* [num_quantities] */
    double       *subtract;    /* [num_quantities] values of a keyframe; NULL: none */
    esp_block     formulas;
    double        clock;       /* period, s; 0: no clock */
    double       *scale, *offset; /* [width] or NULL */
    double        clip_low, clip_high;
};

#define ITEM_KEYS "name|history|pixels|size|supersample|qpos|qvel|sensors|values|last_action|command|clock|" \
                  "minus_keyframe|scale|offset|clip"

static const char *const source_keys[] = {"pixels", "qpos", "qvel", "sensors", "values", "last_action", "command",
                                          "clock"};

enum { PIXELS, QPOS, QVEL, SENSORS, VALUES, LAST_ACTION, COMMAND, CLOCK, NUM_SOURCES };

static const cJSON *get(const cJSON *json, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(json, key);
}

/* ---- without a model ------------------------------------------------------------------------------------ */

/* The one key that says where numbers come from; -1: none or several. */
static int source_of(const cJSON *json)
{
    int found = -1, count = 0;
    for (int i = 0; i < NUM_SOURCES; i++)
        if (get(json, source_keys[i])) {
            found = i;
            count++;
        }
    return count == 1 ? found : -1;
}

static esp_status read_pixels(const cJSON *json, const char *where, esp_obs_item *out)
{
    static const char *const vectors[] = {"minus_keyframe", "scale", "offset", "clip"};
    out->kind = ESP_ITEM_PIXELS;
    out->history = 0;
    for (int i = 0; i < 4; i++)
        if (get(json, vectors[i])) return esp_fail(ESP_ERR_FORMAT, "%s: pixels have no '%s'", where, vectors[i]);
    esp_status status = esp_task_text(get(json, "pixels"), where, &out->camera);
    if (status == ESP_OK)
        status = esp_task_int_within(get(json, "size"), where, ESP_IMAGE_SIZE_MIN, ESP_IMAGE_SIZE_MAX, &out->width);
    out->height = out->width;
    if (status == ESP_OK) status = esp_task_int_within(get(json, "supersample"), where, 1, 8, &out->supersample);
    return status;
}

esp_status esp_item_read(const cJSON *json, const char *where, esp_obs_item *out)
{
    esp_status status = esp_task_keys(json, where, ITEM_KEYS);
    if (status != ESP_OK) return status;
    int source = source_of(json);
    if (source < 0)
        return esp_fail(ESP_ERR_FORMAT, "%s: expected exactly one of pixels, qpos, qvel, sensors, values, last_action, "
                        "command, clock", where);
    *out = (esp_obs_item){.name = source_keys[source], .kind = ESP_ITEM_FLOATS, .history = 1};
    status = esp_task_text(get(json, "name"), where, &out->name);
    if (status == ESP_OK && source == PIXELS) status = read_pixels(json, where, out);
    else if (status == ESP_OK && (get(json, "size") || get(json, "supersample")))
        status = esp_fail(ESP_ERR_FORMAT, "%s: size and supersample belong to pixels", where);
    if (status == ESP_OK)
        status = esp_task_int_within(get(json, "history"), where, 1, ESP_FRAME_STACK_MAX, &out->history);
    return status;
}

/* ---- numbers of an item ----------------------------------------------------------------------------------- */

typedef struct {
    esp_program    *program;
    esp_item_rules *item;
    const cJSON    *json;
    const char     *where;
} compiling;

static esp_status add_quantities(const compiling *c, esp_source source, int first, int count)
{
    esp_item_rules *item = c->item;
    if (item->num_quantities + count > ESP_TASK_WIDTH)
        return esp_fail(ESP_ERR_RANGE, "%s: more than %d numbers", c->where, ESP_TASK_WIDTH);
    for (int i = 0; i < count; i++)
        item->quantity[item->num_quantities++] =
            (esp_quantity){.source = source, .first = first + i, .count = 1, .derived = source == ESP_FROM_SENSOR};
    return ESP_OK;
}

/* "all", or "FROM:TO" as in Python: TO is not included, each may be absent. */
static esp_status add_range(const compiling *c, esp_source source, const char *text, int total)
{
    uint64_t from = 0, to = (uint64_t)total;
    size_t digits = 0;
    if (strcmp(text, "all") == 0) return add_quantities(c, source, 0, total);
    digits = esp_digits_parse(text, &from);
    bool good = text[digits] == ':';
    if (good && text[digits + 1]) good = esp_u64_parse(text + digits + 1, &to);
    if (!good || from >= to || to > (uint64_t)total)
        return esp_fail(ESP_ERR_FORMAT, "%s: '%s', expected \"all\", or \"FROM:TO\" within 0:%d", c->where, text,
                        total);
    return add_quantities(c, source, (int)from, (int)(to - from));
}

static esp_status add_joint(const compiling *c, esp_source source, const char *name)
{
    const mjModel *m = c->program->names.model;
    int joint;
    esp_status status = esp_element_find(&c->program->names, mjOBJ_JOINT, name, &joint);
    if (status != ESP_OK) return esp_fail_in(status, "%s", c->where);
    bool velocity = source == ESP_FROM_QVEL;
    return add_quantities(c, source, velocity ? m->jnt_dofadr[joint] : m->jnt_qposadr[joint],
                          velocity ? esp_joint_velocities(m, joint) : esp_joint_positions(m, joint));
}

static esp_status add_sensor(const compiling *c, const char *name)
{
    const mjModel *m = c->program->names.model;
    int sensor;
    esp_status status = esp_element_find(&c->program->names, mjOBJ_SENSOR, name, &sensor);
    if (status != ESP_OK) return esp_fail_in(status, "%s", c->where);
    return add_quantities(c, ESP_FROM_SENSOR, m->sensor_adr[sensor], m->sensor_dim[sensor]);
}

/* A range, or a list of names. */
static esp_status add_state(const compiling *c, int key)
{
    const mjModel *m = c->program->names.model;
    const cJSON *value = get(c->json, source_keys[key]), *name;
    esp_source source = key == QPOS ? ESP_FROM_QPOS : ESP_FROM_QVEL;
    esp_status status = ESP_OK;
    if (cJSON_IsString(value) && key != SENSORS)
        return add_range(c, source, value->valuestring, key == QPOS ? (int)m->nq : (int)m->nv);
    if (!cJSON_IsArray(value))
        return esp_fail(ESP_ERR_FORMAT, "%s: expected a list of names%s", c->where,
                        key == SENSORS ? "" : ", \"all\" or \"FROM:TO\"");
    cJSON_ArrayForEach(name, value) {
        if (!cJSON_IsString(name)) return esp_fail(ESP_ERR_FORMAT, "%s: expected names", c->where);
        status = key == SENSORS ? add_sensor(c, name->valuestring) : add_joint(c, source, name->valuestring);
        if (status != ESP_OK) break;
    }
    return status;
}

static esp_status add_values(const compiling *c)
{
    const cJSON *value = get(c->json, "values"), *text;
    int count = cJSON_GetArraySize(value), at = 0;
    char where[300];
    if (!cJSON_IsArray(value) || count > ESP_TASK_WIDTH)
        return esp_fail(ESP_ERR_FORMAT, "%s: expected a list of at most %d expressions", c->where, ESP_TASK_WIDTH);
    int *formulas = esp_alloc((size_t)count + 1, sizeof *formulas);
    esp_status status = ESP_OK;
    cJSON_ArrayForEach(text, value) {
        snprintf(where, sizeof where, "%s.values[%d]", c->where, at);
        status = cJSON_IsString(text) ? esp_program_add(c->program, NULL, text->valuestring, where, &formulas[at++])
                                      : esp_fail(ESP_ERR_FORMAT, "%s: expected an expression, as text", where);
        if (status != ESP_OK) break;
    }
    if (status == ESP_OK) esp_block_make(c->program, count, formulas, &c->item->formulas);
    free(formulas);
    return status;
}

static esp_status add_numbers(const compiling *c, int source)
{
    const esp_names *names = &c->program->names;
    switch (source) {
    case PIXELS: return ESP_OK;
    case QPOS: case QVEL: case SENSORS: return add_state(c, source);
    case VALUES: return add_values(c);
    case CLOCK:
        c->item->width = 2;
        return esp_task_number_within(get(c->json, "clock"), c->where, 1e-6, 1e6, &c->item->clock);
    default:
        if (!cJSON_IsTrue(get(c->json, source_keys[source])))
            return esp_fail(ESP_ERR_FORMAT, "%s.%s: expected true", c->where, source_keys[source]);
        if (source == LAST_ACTION) return add_quantities(c, ESP_FROM_ACTION, 0, (int)names->model->nu);
        return add_quantities(c, ESP_FROM_COMMAND, 0, names->num_commands);
    }
}

/* ---- what is done with them ---------------------------------------------------------------------------------- */

static esp_status read_minus(const compiling *c)
{
    const mjModel *m = c->program->names.model;
    const char *name = NULL;
    int key;
    esp_status status = esp_task_text(get(c->json, "minus_keyframe"), c->where, &name);
    if (status != ESP_OK || !name) return status;
    status = esp_element_find(&c->program->names, mjOBJ_KEY, name, &key);
    if (status != ESP_OK) return esp_fail_in(status, "%s.minus_keyframe", c->where);
    c->item->subtract = esp_alloc((size_t)c->item->num_quantities + 1, sizeof(double));
    for (int i = 0; i < c->item->num_quantities; i++) {
        const esp_quantity *q = &c->item->quantity[i];
        if (q->source == ESP_FROM_QPOS)      c->item->subtract[i] = m->key_qpos[key * m->nq + q->first];
        else if (q->source == ESP_FROM_QVEL) c->item->subtract[i] = m->key_qvel[key * m->nv + q->first];
        else return esp_fail(ESP_ERR_FORMAT, "%s.minus_keyframe: only of qpos and qvel", c->where);
    }
    return ESP_OK;
}

/* One number for all, or one each. */
static esp_status read_each(const compiling *c, const char *key, double **out)
{
    const cJSON *json = get(c->json, key);
    char where[300];
    if (!json) return ESP_OK;
    snprintf(where, sizeof where, "%s.%s", c->where, key);
    *out = esp_alloc((size_t)c->item->width + 1, sizeof **out);
    if (cJSON_IsArray(json)) return esp_task_numbers(json, where, c->item->width, *out);
    esp_status status = esp_task_number(json, where, *out);
    for (int i = 1; i < c->item->width; i++) (*out)[i] = (*out)[0];
    return status;
}

static esp_status read_clip(const compiling *c)
{
    double ends[2] = {-INFINITY, INFINITY};
    char where[300];
    snprintf(where, sizeof where, "%s.clip", c->where);
    esp_status status = get(c->json, "clip") ? esp_task_numbers(get(c->json, "clip"), where, 2, ends) : ESP_OK;
    if (status == ESP_OK && !(ends[0] < ends[1]))
        status = esp_fail(ESP_ERR_RANGE, "%s: from %g to %g", where, ends[0], ends[1]);
    c->item->clip_low = ends[0];
    c->item->clip_high = ends[1];
    return status;
}

static esp_status compile_item(const compiling *c)
{
    int source = source_of(c->json);
    c->item->quantity = esp_alloc(ESP_TASK_WIDTH, sizeof *c->item->quantity);
    esp_status status = add_numbers(c, source);
    if (source != CLOCK) c->item->width = c->item->num_quantities + c->item->formulas.num_results;
    if (status == ESP_OK && source != PIXELS && c->item->width == 0)
        status = esp_fail(ESP_ERR_FORMAT, "%s: an observation of 0 numbers", c->where);
    if (status == ESP_OK && source != PIXELS) status = read_minus(c);
    if (status == ESP_OK) status = read_each(c, "scale", &c->item->scale);
    if (status == ESP_OK) status = read_each(c, "offset", &c->item->offset);
    return status == ESP_OK ? read_clip(c) : status;
}

esp_status esp_items_compile(esp_program *p)
{
    int count = p->file->task.about.num_items;
    char where[256];
    p->item = esp_alloc((size_t)count + 1, sizeof *p->item);
    esp_status status = ESP_OK;
    for (int i = 0; i < count && status == ESP_OK; i++) {
        snprintf(where, sizeof where, "observation[%d]", i);
        compiling c = {p, &p->item[i], cJSON_GetArrayItem(get(p->file->json, "observation"), i), where};
        status = compile_item(&c);
    }
    return status;
}

void esp_items_free(esp_program *p)
{
    for (int i = 0; p->item && i < p->file->task.about.num_items; i++) {
        free(p->item[i].quantity);
        free(p->item[i].subtract);
        free(p->item[i].scale);
        free(p->item[i].offset);
        esp_block_free(&p->item[i].formulas);
    }
    free(p->item);
}

int esp_item_width(const esp_program *p, int item)
{
    return p->item[item].width;
}

bool esp_item_derived(const esp_program *p, int item)
{
    for (int i = 0; i < p->item[item].num_quantities; i++)
        if (p->item[item].quantity[i].derived) return true;
    return false;
}

/* ---- observing ------------------------------------------------------------------------------------------------- */

static void gather(esp_program *p, const esp_play *play, const esp_item_rules *item, double *out)
{
    for (int i = 0; i < item->num_quantities; i++)
        out[i] = esp_quantity_value(&item->quantity[i], &p->names, play);
    for (int i = 0; i < item->num_quantities && item->subtract; i++) out[i] -= item->subtract[i];
    if (item->formulas.num_results > 0) esp_block_run(p, &item->formulas, play);
    for (int i = 0; i < item->formulas.num_results; i++) out[i] = esp_block_result(p, &item->formulas, i);
    if (item->clock > 0.0) {
        double phase = 2.0 * M_PI * (play->data->time - play->began) / item->clock;
        out[0] = sin(phase);
        out[1] = cos(phase);
    }
}

void esp_item_observe(esp_program *p, const esp_play *play, int k, double *out)
{
    const esp_item_rules *item = &p->item[k];
    gather(p, play, item, out);
    for (int i = 0; i < item->width && item->scale; i++) out[i] *= item->scale[i];
    for (int i = 0; i < item->width && item->offset; i++) out[i] += item->offset[i];
    for (int i = 0; i < item->width; i++)
        out[i] = out[i] < item->clip_low ? item->clip_low : out[i] > item->clip_high ? item->clip_high : out[i];
}

/* ---- actions --------------------------------------------------------------------------------------------------- */

/* Without a map of its own a file needs the range of every actuator. */
static esp_status check_ranges(const mjModel *m)
{
    for (int k = 0; k < (int)m->nu; k++)
        if (!m->actuator_ctrllimited[k])
            return esp_fail(ESP_ERR_FORMAT, "actuator %d ('%s') has no ctrlrange: give action.scale", k,
                            mj_id2name(m, mjOBJ_ACTUATOR, k) ? mj_id2name(m, mjOBJ_ACTUATOR, k) : "");
    return ESP_OK;
}

static esp_status read_map(const cJSON *json, const char *where, int count, double otherwise, double *out)
{
    for (int k = 0; k < count; k++) out[k] = otherwise;
    if (!json) return ESP_OK;
    if (cJSON_IsArray(json)) return esp_task_numbers(json, where, count, out);
    esp_status status = esp_task_number(json, where, out);
    for (int k = 1; k < count; k++) out[k] = out[0];
    return status;
}

/* The controls of a keyframe. */
static esp_status read_offset(const esp_names *names, const cJSON *json, double *out)
{
    const mjModel *m = names->model;
    const char *key = NULL;
    int id;
    if (!cJSON_IsObject(json)) return read_map(json, "action.offset", (int)m->nu, 0.0, out);
    esp_status status = esp_task_keys(json, "action.offset", "keyframe");
    if (status == ESP_OK) status = esp_task_text(get(json, "keyframe"), "action.offset.keyframe", &key);
    if (status == ESP_OK) status = esp_element_find(names, mjOBJ_KEY, key ? key : "", &id);
    if (status != ESP_OK) return esp_fail_in(status, "action.offset");
    for (int k = 0; k < (int)m->nu; k++) out[k] = m->key_ctrl[id * m->nu + k];
    return ESP_OK;
}

static esp_status read_limits(const cJSON *json, double ends[2])
{
    ends[0] = -1.0;
    ends[1] = 1.0;
    if (!json) return ESP_OK;
    esp_status status = esp_task_numbers(json, "action.clip", 2, ends);
    if (status == ESP_OK && !(ends[0] < ends[1]))
        status = esp_fail(ESP_ERR_RANGE, "action.clip: from %g to %g", ends[0], ends[1]);
    return status;
}

static void fill(const mjModel *m, const double *offset, const double *scale, const double *ends, esp_actuation *out)
{
    for (int k = 0; k < (int)m->nu; k++) {
        const mjtNum *range = m->actuator_ctrlrange + 2 * k;
        bool limited = m->actuator_ctrllimited[k];
        out[k] = (esp_actuation){.low = ends[0], .high = ends[1], .offset = offset[k], .scale = scale[k],
                                 .control_low = limited ? range[0] : -INFINITY,
                                 .control_high = limited ? range[1] : INFINITY};
    }
}

esp_status esp_actions_read(const esp_task_file *file, const mjModel *m, esp_actuation *out)
{
    const cJSON *json = get(file->json, "action");
    esp_names names = esp_task_file_names(file, m);
    double ends[2];
    if (!json) return check_ranges(m);
    esp_status status = esp_task_keys(json, "action", "offset|scale|clip");
    if (status == ESP_OK) status = read_limits(get(json, "clip"), ends);
    double *map = esp_alloc(2 * (size_t)m->nu + 1, sizeof *map);
    if (status == ESP_OK) status = read_offset(&names, get(json, "offset"), map);
    if (status == ESP_OK) status = read_map(get(json, "scale"), "action.scale", (int)m->nu, 1.0, map + m->nu);
    if (status == ESP_OK) fill(m, map, map + m->nu, ends, out);
    free(map);
    return status;
}
