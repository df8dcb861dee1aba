/* A pruning in several rounds: a table of them, and where each begins among the evaluations. */
#include <stdio.h>

#include "pages/pages_internal.h"

void esp_report_rounds(esp_report *report, const char *pointer)
{
    char list[96], place[128], number[ESP_NUMBER_TEXT];
    snprintf(list, sizeof list, "%s/rounds", pointer);
    int count = cJSON_GetArraySize(esp_data_find(report->data, list));
    if (count < 2) return;
    esp_page_table(report->page, "Rounds: each one searched, cut and finetuned the network that the one before left. "
                   "Performance: of its cut, as its search saw it.", "rrrrrrr",
                   "round|removed|parameters|evaluations|performance|gradient steps|time");
    for (int i = 0; i < count; i++) {
        snprintf(place, sizeof place, "%s/%d", list, i);
        esp_page_row(report->page);
        esp_page_cell(report->page, esp_text_count(i + 1, number));
        esp_report_cell(report, esp_text_percent, "%s/structural_sparsity", place);
        esp_report_cell(report, esp_text_count, "%s/params", place);
        esp_report_cell(report, esp_text_count, "%s/evaluations", place);
        esp_report_number(report, 1, false, "%s/search_performance", place);
        esp_report_cell(report, esp_text_count, "%s/finetune_steps", place);
        esp_report_cell(report, esp_text_seconds, "%s/wall_s", place);
    }
}

int esp_round_marks(const esp_evaluations *e, esp_chart_reference out[ESP_ROUND_MARKS])
{
    static const char *const labels[] = {"round 2", "round 3", "round 4", "round 5", "round 6", "round 7", "round 8"};
    int count = 0;
    for (int i = 1; i < e->count && count < (int)(sizeof labels / sizeof *labels); i++)
        if (e->round[i] > e->round[i - 1]) {
            out[count] = (esp_chart_reference){.vertical = true, .at = e->number[i] - 0.5, .label = labels[count]};
            count++;
        }
    return count;
}
