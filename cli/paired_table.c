/* The same samples of two networks, side by side. */
#include <stdio.h>

#include "cli/cli.h"

static void print_row(esp_table *table, const char *name, const esp_paired *p, int decimals)
{
    char kept[ESP_NUMBER_TEXT] = "-";
    if (p->before > 0) esp_text_percent(p->after / p->before, kept);
    esp_table_row(table, "%s|%d|%.*f|%.*f|%s|%+.*f|%+.*f to %+.*f|%+.*f|%+.*f|%.0f %%", name, p->count, decimals,
                  p->before, decimals, p->after, kept, decimals, p->mean, decimals, p->low, decimals, p->high,
                  decimals, p->iqm, decimals, p->worst, 100 * p->worse);
}

void esp_print_paired(const char *sample_name, const char *name_a, const esp_samples *a, const char *name_b,
                      const esp_samples *b, uint64_t seed)
{
    if (a->num_starts == 0 || b->num_starts == 0) return;
    printf("\nthe same %s, %s and %s: %s\n", sample_name, name_a, name_b, a->trait[0].label);
    esp_table *table = esp_table_create("lrrrrrrrrr");
    esp_table_row(table, "start|pairs|%s|%s|kept|difference|95 %% interval|interquartile|worst|got worse", name_a,
                  name_b);
    esp_table_rule(table);
    for (int s = 0; s < a->num_starts; s++) {
        const esp_start_samples *start = &a->start[s];
        esp_paired p = esp_pair(start->count, start->value[0], b->start[s].value[0], seed);
        print_row(table, start->name ? start->name : "-", &p, a->trait[0].decimals);
    }
    esp_table_print(table);
}
