/* The journal of a search: JSON lines, with a header that says what is searched, one line per evaluation, and the
 * result. Numbers are written with all their bits: a search that reads its evaluations back takes the same path as
 * one that makes them.
 *
 * It is locked from opening to closing, and created by the first evaluation: a search that cannot begin leaves none. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "search/journal_internal.h"

enum { SECTION_NAME = 17 }; /* 16 digits of a hash */

#define JOURNAL_FORMAT "espalier search journal 1"

struct esp_journal {
    char         *path;     /* owned */
    esp_lock     *lock;
    esp_json_log *log;      /* NULL: the file does not exist yet */
    /* What this search writes first; parsed from its own text, to compare equal to what is read. */
    cJSON        *header;
    cJSON        *last;     /* what the file's last search asked: "about" of the header or the last result; or NULL */
    bool          begun;    /* whether the file has a header */
    char         *obstacle; /* why an existing file is set aside; NULL: it is not */
};

/* ---- the header ---- */

/* A hash of the order of units: under another ranking the same widths mean other cuts. */
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

static esp_status read_back(cJSON *header, cJSON **out)
{
    char *line = esp_json_line(header);
    esp_status status = esp_json_parse(line, strlen(line), "identity of the search", out);
    free(line);
    cJSON_Delete(header);
    return status;
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
    if (!item) return esp_fail(ESP_ERR_FORMAT, "%s: belongs to another search; %s", path, refusal_advice);
    char *there = other ? esp_json_line(other) : NULL, *here = esp_json_line(item);
    esp_fail(ESP_ERR_FORMAT, "%s: belongs to another search: '%s' is %.200s there and %.200s here; %s", path,
             item->string, there ? there : "absent", here ? here : "unknown", refusal_advice);
    free(there);
    free(here);
    return ESP_ERR_FORMAT;
}

static esp_status refuse_foreign(const char *path)
{
    return esp_fail(ESP_ERR_FORMAT, "%s: not a search journal; its first line has no \"format\": \"%s\"", path,
                    JOURNAL_FORMAT);
}

static esp_status check_header(const esp_objective_config *config, const cJSON *found, const cJSON *wanted)
{
    const char *path = config->journal;
    const char *format = esp_json_text(found, "format");
    if (!format || strcmp(format, JOURNAL_FORMAT) != 0) return refuse_foreign(path);
    esp_status status = compare_identity(path, cJSON_GetObjectItemCaseSensitive(found, "identity"),
                                         cJSON_GetObjectItemCaseSensitive(wanted, "identity"));
    if (status != ESP_OK) return status;
    const char *keys[] = {"groups", "ranking"};
    for (int i = 0; i < (config->section ? 1 : 2); i++) /* a section is named after its ranking, too */
        if (!cJSON_Compare(cJSON_GetObjectItemCaseSensitive(found, keys[i]),
                           cJSON_GetObjectItemCaseSensitive(wanted, keys[i]), true))
            return esp_fail(ESP_ERR_FORMAT, "%s: belongs to a search with another %s; %s", path,
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
            return esp_fail(ESP_ERR_FORMAT, "%s: axis '%s' must keep 1 to %d units", source,
                            net->axis[axis].name, net->axis[axis].size);
        widths->kept[axis] = (int)n;
    }
    return ESP_OK;
}

/* Journals from before scales existed have none. */
static esp_status read_scale(const cJSON *entry, const char *source, int *scale)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(entry, "scale");
    double value = !item ? 1 : cJSON_IsNumber(item) ? item->valuedouble : NAN;
    if (!(value >= 1 && value <= INT_MAX && value == floor(value)))
        return esp_fail(ESP_ERR_FORMAT, "%s: \"scale\" must be a whole number of at least 1", source);
    *scale = (int)value;
    return ESP_OK;
}

static esp_status read_entry(const esp_objective_config *config, const cJSON *entry, const char *source,
                             esp_widths *widths, int *scale, double *performance)
{
    const cJSON *kept = cJSON_GetObjectItemCaseSensitive(entry, "kept");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(entry, "performance");
    if (!cJSON_IsObject(kept) || !cJSON_IsNumber(value))
        return esp_fail(ESP_ERR_FORMAT, "%s: an evaluation needs \"kept\" (an object) and \"performance\" (a number)",
                        source);
    *performance = value->valuedouble;
    esp_status status = read_scale(entry, source, scale);
    return status == ESP_OK ? read_kept(config, kept, source, widths) : status;
}

/* ---- sections ---- */

/* The name of this search's section: the same widths of another network, or under another ranking, are other cuts.
 * Empty for the search that began the journal. */
static void name_section(const esp_objective_config *config, char name[SECTION_NAME])
{
    uint64_t hash = esp_hash_step(config->section, ranking_hash(config->net, config->ranking));
    snprintf(name, SECTION_NAME, "%016jx", (uintmax_t)hash);
    if (!config->section) name[0] = '\0';
}

static bool in_section(const esp_objective_config *config, const cJSON *entry)
{
    char name[SECTION_NAME];
    const char *found = esp_json_text(entry, "section");
    name_section(config, name);
    return strcmp(found ? found : "", name) == 0;
}

static void add_section(cJSON *entry, const esp_objective_config *config)
{
    char name[SECTION_NAME];
    name_section(config, name);
    if (!name[0]) return;
    cJSON_AddNumberToObject(entry, "round", config->round);
    cJSON_AddStringToObject(entry, "section", name);
}

/* cJSON rounds to 15 digits when it considers that close enough; resuming needs every bit. */
static void add_exact(cJSON *object, const char *name, double value)
{
    char text[32];
    esp_format(text, sizeof text, "%.17g", value);
    cJSON_AddRawToObject(object, name, text);
}

static cJSON *entry_json(const esp_objective_config *config, const esp_evaluation *e)
{
    const esp_network *net = config->net;
    double left = (double)esp_widths_params(net, e->widths, config->grouping->components);
    cJSON *entry = cJSON_CreateObject();
    add_section(entry, config);
    cJSON *kept = cJSON_AddObjectToObject(entry, "kept");
    cJSON *coefficients = cJSON_AddObjectToObject(entry, "coefficients");
    for (int g = 0; g < config->grouping->num; g++) {
        const esp_group *group = &config->grouping->group[g];
        for (int i = 0; i < group->num_axes; i++)
            cJSON_AddNumberToObject(kept, net->axis[group->axis[i]].name, e->widths->kept[group->axis[i]]);
        add_exact(coefficients, group->name, esp_group_fraction(net, group, e->widths));
    }
    cJSON_AddNumberToObject(entry, "scale", e->scale);
    add_exact(entry, "performance", e->performance);
    add_exact(entry, "wall_s", e->wall_s);
    cJSON_AddNumberToObject(entry, "evaluation", e->number);
    add_exact(entry, "structural", config->whole > 0 ? 1 - left / config->whole
                                   : esp_structural_sparsity(net, e->widths, config->grouping->components));
    add_exact(entry, "nominal", esp_nominal_sparsity(net, config->grouping, e->widths));
    return entry;
}

/* ---- writing ---- */

/* Renames the file of another search by appending ".old". */
static esp_status make_way(esp_journal *journal)
{
    size_t size = strlen(journal->path) + sizeof ".old";
    char *aside = esp_alloc(size, 1);
    snprintf(aside, size, "%s.old", journal->path);
    esp_status status = ESP_OK;
    if (rename(journal->path, aside) != 0)
        status = esp_fail(ESP_ERR_IO, "cannot rename '%s' to '%s': %s", journal->path, aside, strerror(errno));
    else
        esp_log(ESP_LOG_WARNING, "%s; moved to %s", journal->obstacle, aside);
    free(aside);
    free(journal->obstacle);
    journal->obstacle = NULL;
    return status;
}

/* Drops a header that a kill cut short. */
static esp_status begin(esp_journal *journal)
{
    esp_status status = journal->obstacle ? make_way(journal) : ESP_OK;
    if (status == ESP_OK && !journal->log) status = esp_json_log_open(journal->path, &journal->log);
    if (status == ESP_OK) status = esp_json_log_mend(journal->log);
    if (status == ESP_OK) status = esp_json_log_append(journal->log, journal->header);
    journal->begun = status == ESP_OK;
    return status;
}

static esp_status append(esp_journal *journal, cJSON *line)
{
    esp_status status = journal->begun ? ESP_OK : begin(journal);
    if (status == ESP_OK) status = esp_json_log_append(journal->log, line);
    cJSON_Delete(line);
    return status;
}

esp_status esp_journal_append(esp_journal *journal, const esp_objective_config *config,
                              const esp_evaluation *evaluation)
{
    return append(journal, entry_json(config, evaluation));
}

esp_status esp_journal_add_result(esp_journal *journal, const cJSON *result)
{
    cJSON *line = cJSON_CreateObject();
    cJSON_AddItemReferenceToObject(line, "result", (cJSON *)result);
    return append(journal, line);
}

/* ---- reading ---- */

typedef struct {
    const esp_objective_config *config;
    esp_journal   *journal;
    esp_journal_fn found;
    void          *context;
    int            lines;       /* lines so far */
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

static void keep_question(esp_journal *journal, cJSON *line, const char *key)
{
    cJSON_Delete(journal->last);
    journal->last = cJSON_DetachItemFromObjectCaseSensitive(line, key);
}

/* Takes one line; of the result of an earlier search, only its question is looked at. */
static esp_status take_line(void *context, int line, cJSON *json)
{
    reader *reader = context;
    esp_status status = ESP_OK;
    reader->lines = line;
    if (line == 1) {
        status = check_header(reader->config, json, reader->journal->header);
        keep_question(reader->journal, json, "about");
    } else if (cJSON_HasObjectItem(json, "result")) {
        keep_question(reader->journal, json, "result");
    } else if (in_section(reader->config, json)) {
        status = take_evaluation(reader, line, json);
    }
    cJSON_Delete(json);
    return status;
}

/* Accepts a file without a complete line: it is empty, or its writer was killed within the header. */
static esp_status check_start(const esp_journal *journal)
{
    char *line = esp_json_line(journal->header);
    esp_status status = esp_json_log_begins(journal->log, line) ? ESP_OK : refuse_foreign(journal->path);
    free(line);
    return status;
}

static esp_status read_journal(esp_journal *journal, const esp_objective_config *config, esp_journal_fn found,
                               void *context)
{
    reader reader = {config, journal, found, context, 0};
    esp_status status = esp_json_log_open(journal->path, &journal->log);
    if (status == ESP_OK) status = esp_json_log_read(journal->log, take_line, &reader);
    if (status != ESP_OK) return status;
    if (reader.lines == 0) return check_start(journal);
    journal->begun = true;
    return esp_json_log_mend(journal->log);
}

/* ---- opening and closing ---- */

static esp_status open_journal(esp_journal *journal, const esp_objective_config *config, esp_journal_fn found,
                               void *context)
{
    esp_status status = read_back(header_json(config), &journal->header);
    if (status == ESP_OK) status = esp_lock_take(journal->path, &journal->lock);
    if (status != ESP_OK) return status;
    if (access(journal->path, F_OK) != 0) return esp_file_writable(journal->path);
    status = read_journal(journal, config, found, context);
    if (status != ESP_ERR_FORMAT || !config->set_aside) return status;
    journal->obstacle = esp_strdup(esp_error_text());
    journal->begun = false;
    esp_json_log_close(journal->log);
    journal->log = NULL;
    return ESP_OK;
}

esp_status esp_journal_open(const esp_objective_config *config, esp_journal_fn found, void *context, esp_journal **out)
{
    esp_journal *journal = esp_alloc(1, sizeof *journal);
    journal->path = esp_strdup(config->journal);
    esp_status status = open_journal(journal, config, found, context);
    if (status == ESP_OK) *out = journal;
    else                  esp_journal_close(journal);
    return status;
}

bool esp_journal_makes_way(const esp_journal *journal)
{
    return journal->obstacle != NULL;
}

const cJSON *esp_journal_question(const esp_journal *journal)
{
    return journal->last;
}

void esp_journal_close(esp_journal *journal)
{
    if (!journal) return;
    esp_json_log_close(journal->log);
    esp_lock_release(journal->lock);
    cJSON_Delete(journal->header);
    cJSON_Delete(journal->last);
    free(journal->obstacle);
    free(journal->path);
    free(journal);
}
