/* What a pruning removed from each group: coefficients as bars, kept widths as a table. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pages/pages_internal.h"

/* The pruning, and the list of its groups: name, type, axes. */
typedef struct {
    esp_report  *report;
    const char  *pointer;
    const cJSON *coefficients, *grouping;
} groups;

static const cJSON *group_of(const groups *g, const char *name)
{
    const cJSON *group;
    cJSON_ArrayForEach(group, g->grouping) {
        const char *found = esp_data_text(group, "/name");
        if (found && strcmp(found, name) == 0) return group;
    }
    return NULL;
}

static bool is_coupling(const groups *g, const char *name)
{
    const char *type = esp_data_text(group_of(g, name), "/type");
    return type && strcmp(type, "coupling") == 0;
}

/* ---- bars ---- */

static esp_status draw_coefficients(const groups *g)
{
    double component[ESP_MAX_AXES], coupling[ESP_MAX_AXES];
    const char *names[ESP_MAX_AXES];
    const cJSON *item;
    int count = 0;
    cJSON_ArrayForEach(item, g->coefficients) {
        if (count == ESP_MAX_AXES) break;
        bool shared = is_coupling(g, item->string);
        double value = cJSON_IsNumber(item) ? item->valuedouble : NAN;
        names[count] = item->string;
        component[count] = shared ? NAN : value;
        coupling[count++] = shared ? value : NAN;
    }
    esp_chart_series series[] = {{.name = g->grouping ? "component" : NULL, .count = count, .y = component},
                                 {.name = "coupling", .count = count, .y = coupling}};
    esp_chart chart = {.kind = ESP_CHART_BARS, .title = "Coefficients of the groups",
                       .y = {.label = "share of units removed", .low = 0, .high = 1},
                       .num_series = g->grouping ? 2 : 1, .series = series, .num_categories = count,
                       .categories = names};
    return esp_page_chart(g->report->page, &chart, g->grouping
                          ? "The fraction of units that each group lost. The units of a component group belong to one "
                            "component, those of a coupling group to several."
                          : "The fraction of units that each group lost.");
}

/* ---- table ---- */

/* Whether every group is one axis of the same name, so that a column for axes would say nothing
 * new. */
static bool are_axes(const groups *g)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, g->coefficients) {
        const cJSON *axes = esp_data_find(group_of(g, item->string), "/axes");
        const char *axis = esp_data_text(axes, "/0");
        if (axis && (cJSON_GetArraySize(axes) > 1 || strcmp(axis, item->string) != 0)) return false;
    }
    return true;
}

/* The row of one axis of a group; the first row also describes the group. */
static void add_axis(const groups *g, const char *group, const char *axis, bool first, bool named)
{
    esp_page *page = g->report->page;
    bool coupling = is_coupling(g, group);
    char place[256];
    snprintf(place, sizeof place, "%s/kept/%s", g->pointer, axis);
    const cJSON *kept = esp_data_find(g->report->data, place);
    double share = esp_data_number(kept, "/0") / esp_data_number(kept, "/1");
    esp_page_row(page);
    esp_page_cell(page, first ? group : "");
    esp_page_cell(page, !first || !g->grouping ? "" : coupling ? "coupling" : "component");
    if (first) esp_report_cell(g->report, esp_text_percent, "%s/coefficients/%s", g->pointer, group);
    else       esp_page_cell(page, "");
    if (named) esp_page_cell(page, axis);
    esp_report_cell(g->report, esp_text_count, "%s/kept/%s/1", g->pointer, axis);
    esp_report_cell(g->report, esp_text_count, "%s/kept/%s/0", g->pointer, axis);
    if (share >= 0) esp_page_bar(page, share, coupling ? ESP_TONE_SECOND : ESP_TONE_FIRST);
    else            esp_page_cell(page, "");
}

static void add_widths(const groups *g)
{
    const cJSON *item, *axis;
    bool named = !are_axes(g);
    esp_page_table(g->report->page, "What is left of each group.", named ? "llrlrrb" : "llrrrb",
                   named ? "group|type|removed|axis|units|kept|share kept"
                         : "group|type|removed|units|kept|share kept");
    cJSON_ArrayForEach(item, g->coefficients) {
        const cJSON *axes = esp_data_find(group_of(g, item->string), "/axes");
        bool first = true;
        cJSON_ArrayForEach(axis, axes) {
            if (!cJSON_IsString(axis)) continue;
            add_axis(g, item->string, axis->valuestring, first, named);
            first = false;
        }
        if (first) add_axis(g, item->string, item->string, true, named); /* most groups are a single axis */
    }
}

esp_status esp_report_groups(esp_report *report, const char *pointer, const char *grouping)
{
    char place[256];
    snprintf(place, sizeof place, "%s/coefficients", pointer);
    groups g = {.report = report, .pointer = pointer, .coefficients = esp_data_find(report->data, place),
                .grouping = esp_data_find(report->data, grouping)};
    if (!cJSON_IsObject(g.coefficients) || !g.coefficients->child) return ESP_OK;
    esp_status status = draw_coefficients(&g);
    if (status == ESP_OK) add_widths(&g);
    return status;
}
