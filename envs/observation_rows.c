/* An observation as one row of numbers per episode, the way a network reads it. */
#include <string.h>

#include "envs/envs.h"

int esp_observation_numbers(const esp_world *world)
{
    size_t numbers = 0;
    for (int k = 0; k < world->num_items; k++)
        if (world->item[k].kind == ESP_ITEM_FLOATS)
            numbers += esp_obs_item_size(&world->item[k]) * (size_t)world->item[k].history;
    return (int)numbers;
}

void esp_observation_rows(const esp_world *world, const esp_observation *obs, int n, float *out)
{
    size_t width = (size_t)esp_observation_numbers(world), at = 0;
    for (int k = 0; k < world->num_items; k++) {
        size_t size = esp_obs_item_size(&world->item[k]) * (size_t)world->item[k].history;
        if (world->item[k].kind != ESP_ITEM_FLOATS) continue;
        for (size_t e = 0; e < (size_t)n; e++)
            memcpy(out + e * width + at, (const float *)obs->item[k] + e * size, size * sizeof *out);
        at += size;
    }
}
