/* The cuts that a sweep or a search tried: the places of a slider. Only cuts ranked by weights alone are useful,
 * because ranking by data takes too long. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/viewer_internal.h"

typedef struct {
    const esp_role *role;   /* the role whose network was cut */
    const char *path;       /* path of the file */
    bool        journal;    /* a journal of a search; false: results of a sweep */
    esp_trail  *trail;
    int         room;       /* room for cuts */
    esp_tried   search;     /* header of the journal: what all its cuts share */
    int         misfits;    /* cuts skipped because the network has other sizes */
} reader;

/* Reads which controller acted and how units were ranked; false when weights alone cannot reproduce the network. */
static bool read_way(const char *controllers, const cJSON *object, esp_tried *out)
{
    int controller = esp_json_choice(object, "controller", controllers);
    const esp_importance *importance = esp_importance_find(esp_json_text(object, "importance"));
    const esp_compensation *compensation = esp_compensation_find(esp_json_text(object, "compensation"));
    double seed = esp_json_number(object, "seed");
    out->controller = controller;
    out->importance = importance;
    if (controller < 0 || !importance || !compensation || !(seed >= 0 && seed < 0x1p53)) return false;
    out->seed = (uint64_t)seed;
    return !importance->needs_data && !compensation->repair;
}

/* Reads {axis: units} or {axis: [units, units before]}; false when it does not fit this network. Other axes stay
 * whole. */
static bool read_widths(const esp_network *net, const cJSON *kept, esp_widths *out)
{
    const cJSON *item;
    *out = esp_widths_full(net);
    cJSON_ArrayForEach(item, kept) {
        int axis = esp_network_find_axis(net, item->string);
        const cJSON *left = cJSON_IsArray(item) ? cJSON_GetArrayItem(item, 0) : item;
        const cJSON *before = cJSON_IsArray(item) ? cJSON_GetArrayItem(item, 1) : NULL;
        if (axis < 0 || !net->axis[axis].prunable || !cJSON_IsNumber(left)) return false;
        if (before && before->valuedouble != net->axis[axis].size) return false;
        if (!(left->valuedouble >= 1 && left->valuedouble <= net->axis[axis].size)) return false;
        out->kept[axis] = (int)left->valuedouble;
    }
    return true;
}

static void append(reader *r, const esp_tried *tried)
{
    esp_trail *trail = r->trail;
    if (trail->count == r->room) {
        r->room = r->room ? 2 * r->room : 64;
        esp_tried *larger = esp_alloc((size_t)r->room, sizeof *larger);
        if (trail->cut) memcpy(larger, trail->cut, (size_t)trail->count * sizeof *larger);
        free(trail->cut);
        trail->cut = larger;
    }
    trail->cut[trail->count++] = *tried;
}

static void add(reader *r, const cJSON *kept, esp_tried tried, bool measure)
{
    if (!cJSON_IsObject(kept) || !isfinite(tried.performance)) return;
    const esp_role *role = r->role;
    if (!read_widths(role->net, kept, &tried.widths)) {
        r->misfits++;
        return;
    }
    if (measure)
        tried.sparsity = esp_structural_sparsity(role->net, &tried.widths, role->acting->components(tried.controller));
    append(r, &tried);
}

/* Reads a finished cell of a sweep, which stands for the sparsity that it was asked for. */
static void take_cell(reader *r, const cJSON *cell)
{
    esp_tried tried = {.sparsity = esp_json_number(cell, "target_sparsity"),
                       .performance = esp_json_number(cell, "performance_after")};
    if (read_way(r->role->acting->controllers, cell, &tried) && isfinite(tried.sparsity) &&
        esp_json_number(cell, "finetune_steps") == 0)
        add(r, cJSON_GetObjectItemCaseSensitive(cell, "kept"), tried, false);
}

/* Reads one evaluation of a search. */
static void take_evaluation(reader *r, const cJSON *entry)
{
    esp_tried tried = r->search;
    double scale = esp_json_number(entry, "scale");
    tried.performance = esp_json_number(entry, "performance");
    tried.scale = scale >= 1 ? scale : 1;
    add(r, cJSON_GetObjectItemCaseSensitive(entry, "kept"), tried, true);
}

static esp_status take_header(reader *r, const cJSON *header)
{
    const cJSON *identity = cJSON_GetObjectItemCaseSensitive(header, "identity");
    if (!cJSON_IsObject(identity))
        return esp_fail(ESP_ERR_FORMAT, "%s: neither the folder of a sweep nor the journal of a search", r->path);
    if (read_way(r->role->acting->controllers, identity, &r->search)) return ESP_OK;
    return esp_fail(ESP_ERR_FORMAT, "%s: not a search that cuts by weights alone", r->path);
}

static esp_status take_line(void *context, int number, cJSON *line)
{
    reader *r = context;
    esp_status status = ESP_OK;
    if (!r->journal)      take_cell(r, line);
    else if (number == 1) status = take_header(r, line);
    else                  take_evaluation(r, line);
    cJSON_Delete(line);
    return status;
}

static esp_status check_any(const reader *r)
{
    if (r->trail->count > 0) return ESP_OK;
    if (r->misfits > 0) return esp_fail(ESP_ERR_SHAPE, "%s: was made for a network of other sizes", r->path);
    return esp_fail(ESP_ERR_FORMAT, "%s: holds no network that was cut by its weights alone", r->path);
}

esp_status esp_trail_read(const esp_role *role, const char *source, esp_trail *out)
{
    bool journal = !esp_is_folder(source);
    char *path = journal ? esp_strdup(source) : esp_path_join(source, "results.jsonl");
    esp_trail trail = {.count = 0};
    reader r = {.role = role, .path = path, .journal = journal, .trail = &trail};
    esp_status status = esp_json_lines_read(path, take_line, &r);
    if (status == ESP_OK) status = check_any(&r);
    if (status == ESP_OK) *out = trail;
    else                  esp_trail_free(&trail);
    free(path);
    return status;
}

void esp_trail_free(esp_trail *trail)
{
    free(trail->cut);
    *trail = (esp_trail){.count = 0};
}
