/* Choices: a few evenly spaced settings for every group. */
#include <stdlib.h>
#include <string.h>

#include "elimination/elimination.h"

void esp_choices_make(const esp_levels *levels, const esp_grouping *grouping, int points, esp_choices *out)
{
    memset(out, 0, sizeof *out);
    for (int g = 0; g < levels->num; g++) {
        double least = grouping->group[g].least, most = grouping->group[g].most;
        out->coefficient[g] = esp_alloc((size_t)points, sizeof(double));
        out->share[g] = esp_alloc((size_t)points, sizeof(double));
        for (int i = 0, last = -1; i < points; i++) {
            double wish = least + (most - least) * i / (points > 1 ? points - 1 : 1);
            int level = esp_levels_nearest(levels, g, wish);
            if (level == last) continue;
            out->coefficient[g][out->count[g]] = levels->coefficient[g][level];
            out->share[g][out->count[g]++] = grouping->round_to > 1 ? levels->coefficient[g][level] : wish;
            last = level;
        }
    }
}

void esp_choices_free(esp_choices *choices)
{
    for (int g = 0; g < ESP_MAX_AXES; g++) {
        free(choices->coefficient[g]);
        free(choices->share[g]);
        free(choices->loss[g]);
    }
    memset(choices, 0, sizeof *choices);
}
