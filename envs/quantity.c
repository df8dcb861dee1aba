/* Named numbers of a simulation: finds them by name, and reads them. */
#include "envs/quantity_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- elements of the scene ------------------------------------------------------------------------- */

static const struct { int kind; const char *word; } kinds[] = {
    {mjOBJ_JOINT, "joint"}, {mjOBJ_ACTUATOR, "actuator"}, {mjOBJ_SENSOR, "sensor"}, {mjOBJ_BODY, "body"},
    {mjOBJ_GEOM, "geom"}, {mjOBJ_SITE, "site"}, {mjOBJ_TENDON, "tendon"}, {mjOBJ_KEY, "keyframe"}};

enum { NUM_KINDS = sizeof kinds / sizeof kinds[0] };

const char *esp_element_kind(int kind)
{
    for (int i = 0; i < NUM_KINDS; i++)
        if (kinds[i].kind == kind) return kinds[i].word;
    return "element";
}

static int elements_of(const mjModel *m, int kind)
{
    switch (kind) {
    case mjOBJ_JOINT:    return (int)m->njnt;
    case mjOBJ_ACTUATOR: return (int)m->nu;
    case mjOBJ_SENSOR:   return (int)m->nsensor;
    case mjOBJ_BODY:     return (int)m->nbody;
    case mjOBJ_GEOM:     return (int)m->ngeom;
    case mjOBJ_SITE:     return (int)m->nsite;
    case mjOBJ_TENDON:   return (int)m->ntendon;
    case mjOBJ_KEY:      return (int)m->nkey;
    default:             return 0;
    }
}

/* -1 when there is none. */
static int find_element(const esp_names *names, int kind, const char *name)
{
    for (int i = 0; i < names->num_aliases; i++) {
        const esp_alias *alias = &names->alias[i];
        if (strcmp(alias->name, name) == 0 && (alias->kind < 0 || alias->kind == kind))
            return mj_name2id(names->model, kind, alias->target);
    }
    return mj_name2id(names->model, kind, name);
}

esp_status esp_element_find(const esp_names *names, int kind, const char *name, int *id)
{
    *id = find_element(names, kind, name);
    if (*id >= 0) return ESP_OK;
    int total = elements_of(names->model, kind), count = 0;
    const char **known = esp_alloc((size_t)(total + names->num_aliases) + 1, sizeof *known);
    for (int i = 0; i < total; i++)
        if (mj_id2name(names->model, kind, i)) known[count++] = mj_id2name(names->model, kind, i);
    for (int i = 0; i < names->num_aliases; i++) known[count++] = names->alias[i].name;
    const char *nearest = esp_nearest(name, known, count);
    esp_status status = esp_fail(ESP_ERR_FORMAT, "the scene has no %s '%s'%s%s%s", esp_element_kind(kind), name,
                                 nearest ? "; did you mean '" : count == 0 ? ", nor any other with a name" : "",
                                 nearest ? nearest : "", nearest ? "'?" : "");
    free(known);
    return status;
}

int esp_joint_positions(const mjModel *model, int joint)
{
    int type = model->jnt_type[joint];
    return type == mjJNT_FREE ? 7 : type == mjJNT_BALL ? 4 : 1;
}

int esp_joint_velocities(const mjModel *model, int joint)
{
    int type = model->jnt_type[joint];
    return type == mjJNT_FREE ? 6 : type == mjJNT_BALL ? 3 : 1;
}

/* ---- properties ---------------------------------------------------------------------------------- */

/* Properties of elements: "NAME.PROPERTY". The first row whose kind has an element of that name is meant. */
static const struct {
    const char *property;
    int         kind;
    esp_source  source;
    int         width;   /* numbers per element; 0: as the joint has */
    bool        derived;
} properties[] = {
    {"qpos", mjOBJ_JOINT, ESP_FROM_QPOS, 0, false},
    {"qvel", mjOBJ_JOINT, ESP_FROM_QVEL, 0, false},
    {"qacc", mjOBJ_JOINT, ESP_FROM_QACC, 0, true},
    {"ctrl", mjOBJ_ACTUATOR, ESP_FROM_CTRL, 1, false},
    {"force", mjOBJ_ACTUATOR, ESP_FROM_ACTUATOR_FORCE, 1, true},
    {"pos", mjOBJ_BODY, ESP_FROM_BODY_POS, 3, true},
    {"pos", mjOBJ_SITE, ESP_FROM_SITE_POS, 3, true},
    {"pos", mjOBJ_GEOM, ESP_FROM_GEOM_POS, 3, true},
    {"mat", mjOBJ_BODY, ESP_FROM_BODY_MAT, 9, true},
    {"mat", mjOBJ_SITE, ESP_FROM_SITE_MAT, 9, true},
    {"mat", mjOBJ_GEOM, ESP_FROM_GEOM_MAT, 9, true},
    {"quat", mjOBJ_BODY, ESP_FROM_BODY_QUAT, 4, true},
    {"com", mjOBJ_BODY, ESP_FROM_BODY_COM, 3, true},
    {"subtree_com", mjOBJ_BODY, ESP_FROM_SUBTREE_COM, 3, true},
    {"mass", mjOBJ_BODY, ESP_FROM_BODY_MASS, 1, false},
    {"size", mjOBJ_GEOM, ESP_FROM_GEOM_SIZE, 3, false},
    {"size", mjOBJ_SITE, ESP_FROM_SITE_SIZE, 3, false},
    {"length", mjOBJ_TENDON, ESP_FROM_TENDON_LENGTH, 1, true},
    {"velocity", mjOBJ_TENDON, ESP_FROM_TENDON_VELOCITY, 1, true},
    {"mocap_pos", mjOBJ_BODY, ESP_FROM_MOCAP_POS, 3, false},
    {"mocap_quat", mjOBJ_BODY, ESP_FROM_MOCAP_QUAT, 4, false},
};

enum { NUM_PROPERTIES = sizeof properties / sizeof properties[0] };

/* Whole arrays: "ARRAY.3", "ARRAY.sum". */
static const struct { const char *name; esp_source source; bool derived; } arrays[] = {
    {"qpos", ESP_FROM_QPOS, false}, {"qvel", ESP_FROM_QVEL, false}, {"qacc", ESP_FROM_QACC, true},
    {"ctrl", ESP_FROM_CTRL, false}, {"act", ESP_FROM_ACT, false}, {"action", ESP_FROM_ACTION, false},
    {"qfrc_constraint", ESP_FROM_QFRC_CONSTRAINT, true}, {"qfrc_actuator", ESP_FROM_QFRC_ACTUATOR, true},
};

enum { NUM_ARRAYS = sizeof arrays / sizeof arrays[0] };

static int array_length(const mjModel *m, esp_source source)
{
    switch (source) {
    case ESP_FROM_QPOS: return (int)m->nq;
    case ESP_FROM_CTRL: case ESP_FROM_ACTION: return (int)m->nu;
    case ESP_FROM_ACT:  return (int)m->na;
    default:            return (int)m->nv;
    }
}

/* ---- components: the part of a name after the array -------------------------------------------------- */

static const char *const reductions[] = {"sum", "sum_of_squares", "sum_of_abs", "norm", "max_abs"};
static const char *const axes[] = {"x", "y", "z"};
static const char *const turns[] = {"w", "x", "y", "z"};
static const char *const cells[] = {"xx", "xy", "xz", "yx", "yy", "yz", "zx", "zy", "zz"};

static int index_of(const char *const *words, int count, const char *word)
{
    for (int i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0) return i;
    return -1;
}

/* Index of a component among `count` numbers, or -1. */
static int component_of(const char *text, int count)
{
    uint64_t index;
    if (esp_u64_parse(text, &index)) return index < (uint64_t)count ? (int)index : -1;
    if (count == 9) return index_of(cells, 9, text);
    return count == 4 ? index_of(turns, 4, text) : index_of(axes, count < 3 ? count : 3, text);
}

/* `found` holds the whole array; `text` is NULL for its only number. */
static esp_status take_component(const char *name, const char *text, esp_quantity *found)
{
    int reduction = text ? index_of(reductions, 5, text) : -1, count = found->count;
    if (!text && count == 1) return ESP_OK;
    if (reduction >= 0) {
        found->take = (esp_take)(ESP_TAKE_SUM + reduction);
        return ESP_OK;
    }
    int index = text ? component_of(text, count) : -1;
    const char *letters = count == 9 ? " or .xx to .zz" : count == 4 ? " or .w .x .y .z" : " or .x .y .z";
    if (index < 0)
        return esp_fail(ESP_ERR_FORMAT, "'%s': there %s %d number%s; write one of .0 to .%d%s, or .sum, "
                        ".sum_of_squares, .sum_of_abs, .norm, .max_abs", name, count == 1 ? "is" : "are", count,
                        count == 1 ? "" : "s", count - 1,
                        count == 3 || count == 4 || count == 9 ? letters : "");
    found->first += index;
    found->count = 1;
    return ESP_OK;
}

/* ---- finding ------------------------------------------------------------------------------------------ */

/* A name in parts: "a.b.c"; absent parts are NULL. */
typedef struct {
    char        text[128];
    const char *part[3];
    int         count;   /* parts, more than 3 when there are too many */
} split_name;

static void split(const char *name, split_name *out)
{
    *out = (split_name){.count = 0};
    strncpy(out->text, name, sizeof out->text - 1);
    for (char *at = out->text; at; out->count++) {
        if (out->count < 3) out->part[out->count] = at;
        at = strchr(at, '.');
        if (at) *at++ = '\0';
    }
}

static bool find_word(const esp_names *names, const split_name *s, esp_quantity *out)
{
    static const struct { const char *name; esp_source source; } words[] = {
        {"time", ESP_FROM_TIME}, {"step", ESP_FROM_STEP}, {"contacts", ESP_FROM_CONTACTS}};
    for (int i = 0; i < 3 && s->count == 1; i++)
        if (strcmp(words[i].name, s->part[0]) == 0) {
            *out = (esp_quantity){.source = words[i].source, .count = 1, .derived = i == 2};
            return true;
        }
    int command = s->count == 2 && strcmp(s->part[0], "command") == 0
                      ? index_of(names->command, names->num_commands, s->part[1]) : -1;
    if (command >= 0) *out = (esp_quantity){.source = ESP_FROM_COMMAND, .first = command, .count = 1};
    return command >= 0;
}

static void locate(const mjModel *m, int row, int id, esp_quantity *out)
{
    bool joint = properties[row].kind == mjOBJ_JOINT, positions = properties[row].source == ESP_FROM_QPOS;
    int width = properties[row].width;
    *out = (esp_quantity){.source = properties[row].source, .first = id * width, .count = width,
                          .derived = properties[row].derived};
    if (joint) {
        out->first = positions ? m->jnt_qposadr[id] : m->jnt_dofadr[id];
        out->count = positions ? esp_joint_positions(m, id) : esp_joint_velocities(m, id);
    }
    if (out->source == ESP_FROM_MOCAP_POS || out->source == ESP_FROM_MOCAP_QUAT)
        out->first = m->body_mocapid[id] * width;
}

/* Whether the name is that of a property of an element. */
static bool find_property(const esp_names *names, const split_name *s, esp_quantity *out)
{
    for (int row = 0; row < NUM_PROPERTIES && s->count >= 2 && s->count <= 3; row++) {
        if (strcmp(properties[row].property, s->part[1]) != 0) continue;
        int id = find_element(names, properties[row].kind, s->part[0]);
        if (id < 0) continue;
        locate(names->model, row, id, out);
        return out->first >= 0; /* below 0: the body is not a mocap body */
    }
    return false;
}

static bool find_array(const esp_names *names, const split_name *s, esp_quantity *out)
{
    for (int i = 0; i < NUM_ARRAYS && s->count == 2; i++)
        if (strcmp(arrays[i].name, s->part[0]) == 0) {
            *out = (esp_quantity){.source = arrays[i].source, .count = array_length(names->model, arrays[i].source),
                                  .derived = arrays[i].derived};
            return out->count > 0;
        }
    return false;
}

static bool find_sensor(const esp_names *names, const split_name *s, esp_quantity *out)
{
    int id = s->count <= 2 ? find_element(names, mjOBJ_SENSOR, s->part[0]) : -1;
    if (id < 0) return false;
    *out = (esp_quantity){.source = ESP_FROM_SENSOR, .first = names->model->sensor_adr[id],
                          .count = names->model->sensor_dim[id], .derived = true};
    return true;
}

/* ---- sentences about names that are not known ----------------------------------------------------------- */

typedef struct {
    char **name;
    int    count, room;
} name_list;

static void list_name(name_list *list, const char *format, const char *a, const char *b)
{
    char text[256];
    snprintf(text, sizeof text, format, a, b);
    if (list->count == list->room) {
        char **more = esp_alloc((size_t)list->room * 2 + 64, sizeof *more);
        if (list->count) memcpy(more, list->name, (size_t)list->count * sizeof *more);
        free(list->name);
        list->name = more;
        list->room = list->room * 2 + 64;
    }
    list->name[list->count++] = esp_strdup(text);
}

static void list_properties(const esp_names *names, name_list *list)
{
    for (int row = 0; row < NUM_PROPERTIES; row++)
        for (int i = 0; i < elements_of(names->model, properties[row].kind); i++) {
            const char *name = mj_id2name(names->model, properties[row].kind, i);
            if (name) list_name(list, "%s.%s", name, properties[row].property);
        }
}

static void list_all(const esp_names *names, name_list *list)
{
    for (const char *const *other = names->other; other && *other; other++) list_name(list, "%s%s", *other, "");
    list_properties(names, list);
    for (int i = 0; i < (int)names->model->nsensor; i++) {
        const char *name = mj_id2name(names->model, mjOBJ_SENSOR, i);
        if (name) list_name(list, "%s%s", name, "");
    }
    for (int i = 0; i < NUM_ARRAYS; i++) list_name(list, "%s%s", arrays[i].name, "");
    for (int i = 0; i < names->num_commands; i++) list_name(list, "%s.%s", "command", names->command[i]);
    for (int i = 0; i < names->num_aliases; i++) list_name(list, "%s%s", names->alias[i].name, "");
    list_name(list, "%s%s", "time", "");
    list_name(list, "%s%s", "step", "");
    list_name(list, "%s%s", "contacts", "");
}

/* Looks for the nearest of all names without its component, which may be right. */
static esp_status refuse(const esp_names *names, const char *name, const split_name *s)
{
    name_list list = {.name = NULL};
    char stem[256];
    list_all(names, &list);
    const char *nearest = esp_nearest(name, (const char *const *)list.name, list.count), *rest = "", *dot = "";
    if (!nearest && s->count > 1) {
        snprintf(stem, sizeof stem, "%s", name);
        *strrchr(stem, '.') = '\0';
        nearest = esp_nearest(stem, (const char *const *)list.name, list.count);
        dot = ".";
        rest = strrchr(name, '.') + 1;
    }
    esp_status status = nearest ? esp_fail(ESP_ERR_FORMAT, "there is no '%s'; did you mean '%s%s%s'?", name, nearest,
                                           dot, rest)
                                : esp_fail(ESP_ERR_FORMAT, "there is no '%s'; docs/tasks.md lists what can be named, "
                                           "such as JOINT.qpos, ACTUATOR.ctrl, SENSOR.x, BODY.pos.z", name);
    for (int i = 0; i < list.count; i++) free(list.name[i]);
    free(list.name);
    return status;
}

esp_status esp_quantity_find(const esp_names *names, const char *name, esp_quantity *out)
{
    static const char before[] = "before.";
    split_name s;
    bool earlier = strncmp(name, before, sizeof before - 1) == 0;
    split(earlier ? name + sizeof before - 1 : name, &s);
    bool found = true;
    const char *component = NULL;
    if (find_word(names, &s, out)) component = NULL;
    else if (find_property(names, &s, out)) component = s.part[2];
    else if (find_array(names, &s, out) || find_sensor(names, &s, out)) component = s.part[1];
    else found = false;
    if (!found) return refuse(names, earlier ? name + sizeof before - 1 : name, &s);
    out->before = earlier;
    return take_component(name, component, out);
}

/* ---- reading -------------------------------------------------------------------------------------------- */

static const mjtNum *array_of(esp_source source, const mjModel *m, const mjData *d)
{
    switch (source) {
    case ESP_FROM_QPOS:            return d->qpos;
    case ESP_FROM_QVEL:            return d->qvel;
    case ESP_FROM_QACC:            return d->qacc;
    case ESP_FROM_CTRL:            return d->ctrl;
    case ESP_FROM_ACT:             return d->act;
    case ESP_FROM_ACTUATOR_FORCE:  return d->actuator_force;
    case ESP_FROM_QFRC_CONSTRAINT: return d->qfrc_constraint;
    case ESP_FROM_QFRC_ACTUATOR:   return d->qfrc_actuator;
    case ESP_FROM_SENSOR:          return d->sensordata;
    case ESP_FROM_BODY_POS:        return d->xpos;
    case ESP_FROM_BODY_MAT:        return d->xmat;
    case ESP_FROM_BODY_QUAT:       return d->xquat;
    case ESP_FROM_BODY_COM:        return d->xipos;
    case ESP_FROM_SUBTREE_COM:     return d->subtree_com;
    case ESP_FROM_GEOM_POS:        return d->geom_xpos;
    case ESP_FROM_GEOM_MAT:        return d->geom_xmat;
    case ESP_FROM_SITE_POS:        return d->site_xpos;
    case ESP_FROM_SITE_MAT:        return d->site_xmat;
    case ESP_FROM_TENDON_LENGTH:   return d->ten_length;
    case ESP_FROM_TENDON_VELOCITY: return d->ten_velocity;
    case ESP_FROM_MOCAP_POS:       return d->mocap_pos;
    case ESP_FROM_MOCAP_QUAT:      return d->mocap_quat;
    case ESP_FROM_GEOM_SIZE:       return m->geom_size;
    case ESP_FROM_SITE_SIZE:       return m->site_size;
    case ESP_FROM_BODY_MASS:       return m->body_mass;
    default:                       return NULL;
    }
}

static double entry(const esp_quantity *q, const esp_names *names, const esp_play *play, int i)
{
    switch (q->source) {
    case ESP_FROM_TIME:     return play->data->time - play->began;
    case ESP_FROM_STEP:     return names->step;
    case ESP_FROM_CONTACTS: return play->data->ncon;
    case ESP_FROM_ACTION:   return (double)play->action[i];
    case ESP_FROM_COMMAND:  return (double)play->command[i];
    default:                return array_of(q->source, names->model, play->data)[i];
    }
}

double esp_quantity_value(const esp_quantity *q, const esp_names *names, const esp_play *play)
{
    if (q->take == ESP_TAKE_ONE) return entry(q, names, play, q->first);
    double sum = 0.0;
    for (int i = q->first; i < q->first + q->count; i++) {
        double x = entry(q, names, play, i);
        switch (q->take) {
        case ESP_TAKE_SUM: sum += x; break;
        case ESP_TAKE_ABS: sum += fabs(x); break;
        case ESP_TAKE_MAX: sum = fabs(x) > sum || isnan(x) ? fabs(x) : sum; break;
        default:           sum += x * x; break;
        }
    }
    return q->take == ESP_TAKE_NORM ? sqrt(sum) : sum;
}
