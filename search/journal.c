/* The journal of a search: JSON lines, a header that says what was searched, one line for every
 * evaluation, and what came out. Numbers are written so that reading gives the same bits, hence a
 * search that reads its evaluations back takes the same path as one that makes them. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "search/search_internal.h"

#define JOURNAL_FORMAT "espalier search journal 1"

/* ---- the header ---- */

/* The order of units, as a number: widths mean other cuts under another ranking. */
static uint64_t ranking_hash(const esp_network *net, const esp_ranking *ranking)
{
    uint64_t hash = ESP_HASH_START;
    for (int axis = 0; axis < net->num_axes; axis++)
        for (int i = 0; i < net->axis[axis].size; i++)
            hash = esp_hash_step(hash, (uint64_t)ranking->order[axis][i]);
    return hash;
}

static cJSON *header_json(const esp_objective_config *config)
{
    cJSON *header = cJSON_CreateObject();
    cJSON_AddStringToObject(header, "format", JOURNAL_FORMAT);
    cJSON_AddItemToObject(header, "identity",
                          config->identity ? cJSON_Duplicate(config->identity, true) : cJSON_CreateObject());
    cJSON *groups = cJSON_AddArrayToObject(header, "groups");
    for (int g = 0; g < config->grouping->num; g++)
        cJSON_AddItemToArray(groups, cJSON_CreateString(config->grouping->group[g].name));
    esp_json_add_hash(header, "ranking", ranking_hash(config->net, config->ranking));
    if (config->about) cJSON_AddItemToObject(header, "about", cJSON_Duplicate(config->about, true));
    return header;
}

static char *header_line(const esp_objective_config *config)
{
    cJSON *header = header_json(config);
    char *text = esp_json_line(header);
    size_t bytes = strlen(text) + 2;
    char *line = esp_alloc(bytes, 1);
    snprintf(line, bytes, "%s\n", text);
    free(text);
    cJSON_Delete(header);
    return line;
}

static const char *const refusal_advice = "resume it with the settings that started it, or move the file away";

/* The first key whose values differ; both objects are small. */
static esp_status compare_identity(const char *path, const cJSON *found, const cJSON *wanted)
{
    if (cJSON_Compare(found, wanted, true)) return ESP_OK;
    const cJSON *item = NULL, *other = NULL;
    cJSON_ArrayForEach(item, wanted) {
        other = cJSON_GetObjectItemCaseSensitive(found, item->string);
        if (!cJSON_Compare(item, other, true)) break;
    }
    if (!item) return esp_fail(ESP_ERR_FORMAT, "%s: journal of another search; %s", path, refusal_advice);
    char *there = other ? esp_json_line(other) : NULL, *here = esp_json_line(item);
    esp_fail(ESP_ERR_FORMAT, "%s: journal of another search, '%s' is %.200s there and %.200s here; %s", path,
             item->string, there ? there : "absent", here ? here : "unknown", refusal_advice);
    free(there);
    free(here);
    return ESP_ERR_FORMAT;
}

static esp_status refuse_foreign(const char *path)
{
    return esp_fail(ESP_ERR_FORMAT, "%s: not a search journal, its first line has no \"format\": \"%s\"", path,
                    JOURNAL_FORMAT);
}

static esp_status check_header(const char *path, const cJSON *found, const cJSON *wanted)
{
    const char *format = esp_json_text(found, "format");
    if (!format || strcmp(format, JOURNAL_FORMAT) != 0) return refuse_foreign(path);
    esp_status status = compare_identity(path, cJSON_GetObjectItemCaseSensitive(found, "identity"),
                                         cJSON_GetObjectItemCaseSensitive(wanted, "identity"));
    if (status != ESP_OK) return status;
    const char *keys[] = {"groups", "ranking"};
    for (int i = 0; i < 2; i++)
        if (!cJSON_Compare(cJSON_GetObjectItemCaseSensitive(found, keys[i]),
                           cJSON_GetObjectItemCaseSensitive(wanted, keys[i]), true))
            return esp_fail(ESP_ERR_FORMAT, "%s: journal of a search with another %s; %s", path,
                            i == 0 ? "set of groups" : "importance", refusal_advice);
    return ESP_OK;
}

/* ---- an evaluation ---- */

static esp_status read_kept(const esp_objective_config *config, const cJSON *kept, const char *source,
                            esp_widths *widths)
{
    const esp_network *net = config->net;
    *widths = esp_widths_full(net);
    const cJSON *item;
    cJSON_ArrayForEach(item, kept) {
        int axis = esp_network_find_axis(net, item->string);
        if (axis < 0 || !net->axis[axis].prunable)
            return esp_fail(ESP_ERR_FORMAT, "%s: the network has no prunable axis '%.64s'", source, item->string);
        double n = cJSON_IsNumber(item) ? item->valuedouble : NAN;
        if (!(n >= 1 && n <= net->axis[axis].size && n == floor(n)))
            return esp_fail(ESP_ERR_FORMAT, "%s: axis '%s' keeps a number of units from 1 to %d", source,
                            net->axis[axis].name, net->axis[axis].size);
        widths->kept[axis] = (int)n;
    }
    return ESP_OK;
}

/* Journals from before there were scales have none. */
static esp_status read_scale(const cJSON *entry, const char *source, int *scale)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(entry, "scale");
    double value = !item ? 1 : cJSON_IsNumber(item) ? item->valuedouble : NAN;
    if (!(value >= 1 && value <= INT_MAX && value == floor(value)))
        return esp_fail(ESP_ERR_FORMAT, "%s: \"scale\" is a whole number from 1", source);
    *scale = (int)value;
    return ESP_OK;
}

static esp_status read_entry(const esp_objective_config *config, const cJSON *entry, const char *source,
                             esp_widths *widths, int *scale, double *performance)
{
    const cJSON *kept = cJSON_GetObjectItemCaseSensitive(entry, "kept");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(entry, "performance");
    if (!cJSON_IsObject(kept) || !cJSON_IsNumber(value))
        return esp_fail(ESP_ERR_FORMAT, "%s: an evaluation has \"kept\" (an object) and \"performance\" (a number)",
                        source);
    *performance = value->valuedouble;
    esp_status status = read_scale(entry, source, scale);
    return status == ESP_OK ? read_kept(config, kept, source, widths) : status;
}

/* cJSON rounds to 15 digits when it deems that close enough; resuming needs every bit. */
static void add_exact(cJSON *object, const char *name, double value)
{
    char text[32];
    esp_format(text, sizeof text, "%.17g", value);
    cJSON_AddRawToObject(object, name, text);
}

esp_status esp_journal_append(const esp_objective_config *config, const esp_widths *widths, int scale,
                              double performance, double wall_s, int number)
{
    const esp_network *net = config->net;
    cJSON *entry = cJSON_CreateObject();
    cJSON *kept = cJSON_AddObjectToObject(entry, "kept");
    cJSON *coefficients = cJSON_AddObjectToObject(entry, "coefficients");
    for (int g = 0; g < config->grouping->num; g++) {
        const esp_group *group = &config->grouping->group[g];
        for (int i = 0; i < group->num_axes; i++)
            cJSON_AddNumberToObject(kept, net->axis[group->axis[i]].name, widths->kept[group->axis[i]]);
        add_exact(coefficients, group->name, esp_group_fraction(net, group, widths));
    }
    cJSON_AddNumberToObject(entry, "scale", scale);
    add_exact(entry, "performance", performance);
    add_exact(entry, "wall_s", wall_s);
    cJSON_AddNumberToObject(entry, "evaluation", number);
    add_exact(entry, "structural", esp_structural_sparsity(net, widths, config->grouping->components));
    add_exact(entry, "nominal", esp_nominal_sparsity(net, config->grouping, widths));
    esp_status status = esp_json_append(config->journal, entry);
    cJSON_Delete(entry);
    return status;
}

/* ---- the result ---- */

esp_status esp_journal_add_result(const char *path, const cJSON *result)
{
    cJSON *line = cJSON_CreateObject();
    cJSON_AddItemReferenceToObject(line, "result", (cJSON *)result);
    esp_status status = esp_json_append(path, line);
    cJSON_Delete(line);
    return status;
}

/* ---- the file ---- */

typedef struct {
    const esp_objective_config *config;
    const cJSON *header;        /* what this search would write */
    esp_journal_fn found;
    void *context;
    int   lines;                /* so far */
} reader;

static esp_status take_evaluation(const reader *reader, int line, const cJSON *json)
{
    char source[512];
    snprintf(source, sizeof source, "%.400s: line %d", reader->config->journal, line);
    esp_widths widths;
    int scale = 1;
    double performance = NAN;
    esp_status status = read_entry(reader->config, json, source, &widths, &scale, &performance);
    if (status == ESP_OK) reader->found(reader->context, &widths, scale, performance);
    return status;
}

/* The result of an earlier search is for people. */
static esp_status take_line(void *context, int line, cJSON *json)
{
    reader *reader = context;
    const char *path = reader->config->journal;
    esp_status status = ESP_OK;
    reader->lines = line;
    if (line == 1)                                 status = check_header(path, json, reader->header);
    else if (!cJSON_HasObjectItem(json, "result")) status = take_evaluation(reader, line, json);
    cJSON_Delete(json);
    return status;
}

/* Instead of a file without a line, which is empty or was killed within its header. */
static esp_status start(const char *path, const char *header)
{
    char *text = NULL;
    size_t size = 0;
    esp_status status = esp_file_read(path, ESP_JSON_LINES_LIMIT, &text, &size);
    if (status == ESP_OK && strncmp(header, text, size) != 0) status = refuse_foreign(path);
    if (status == ESP_OK) status = esp_file_write(path, header, strlen(header));
    free(text);
    return status;
}

static esp_status read_journal(reader *reader, const char *header)
{
    const char *path = reader->config->journal;
    if (access(path, F_OK) != 0) return esp_file_write(path, header, strlen(header));
    esp_status status = esp_json_lines_read(path, take_line, reader);
    if (status != ESP_OK) return status;
    return reader->lines > 0 ? esp_json_lines_mend(path) : start(path, header);
}

esp_status esp_journal_open(const esp_objective_config *config, esp_journal_fn found, void *context)
{
    char *line = header_line(config);
    cJSON *header = NULL; /* read back, so that both sides of a comparison went through text */
    esp_status status = esp_json_parse(line, strlen(line), "identity of the search", &header);
    reader reader = {config, header, found, context, 0};
    if (status == ESP_OK) status = read_journal(&reader, line);
    free(line);
    cJSON_Delete(header);
    return status;
}
