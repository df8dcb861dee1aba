/* The same held-out episodes or images before and after a pruning: differences by start, as `prune` prints them. */
#include <math.h>
#include <stdio.h>

#include "pages/pages_internal.h"

/* The share of pairs that got worse, in whole percent: there are few pairs. */
static char *text_share(double share, char out[ESP_NUMBER_TEXT])
{
    esp_format(out, ESP_NUMBER_TEXT, "%.0f %%", 100 * share);
    return out;
}

static void add_row(esp_report *report, const esp_application *application, const char *list, int index)
{
    char place[128], start[160];
    snprintf(place, sizeof place, "%s/%d", list, index);
    snprintf(start, sizeof start, "%s/start", place);
    const cJSON *pair = esp_data_find(report->data, place);
    double before = esp_json_number(pair, "before");
    int decimals = fabs(before) < 100 ? 2 : 1;
    esp_page_row(report->page);
    esp_page_cell(report->page, esp_data_text(report->data, start) ? esp_data_text(report->data, start) : "");
    esp_report_cell(report, esp_text_count, "%s/pairs", place);
    esp_report_number(report, decimals, false, "%s/before", place);
    esp_report_performance(report, application, before, "%s/after", place);
    if (!application || !application->decibels) esp_report_cell(report, esp_text_percent, "%s/kept", place);
    esp_report_number(report, decimals, true, "%s/difference", place);
    esp_report_interval(report, before, "%s/difference_ci95", place);
    esp_report_number(report, decimals, true, "%s/difference_iqm", place);
    esp_report_number(report, decimals, true, "%s/worst", place);
    esp_report_cell(report, text_share, "%s/worse_share", place);
}

void esp_report_paired(esp_report *report, const char *pointer, const char *stage)
{
    const esp_application *application = esp_report_application(report, pointer);
    bool decibels = application && application->decibels;
    char list[96], heading[128];
    snprintf(list, sizeof list, "%s/paired_%s", pointer, stage);
    int count = cJSON_GetArraySize(esp_data_find(report->data, list));
    if (count == 0) return;
    snprintf(heading, sizeof heading, "The same %s, before and after: differences; the worst is the largest loss.",
             application ? application->sample_name : "samples");
    esp_page_table(report->page, heading,
                   decibels ? "lrrrrrrrr" : "lrrrrrrrrr",
                   decibels ? "start|pairs|before|after|difference|95 % interval|interquartile|worst|got worse"
                            : "start|pairs|before|after|kept|difference|95 % interval|interquartile|worst|got worse");
    for (int i = 0; i < count; i++) add_row(report, application, list, i);
}
