/* The caption of a tile: who acts, how far the episode is, and how large the network is. */
#include <stdio.h>

#include "viewer/colors.h"

/* "5.00 s   return 187.0" */
static void write_state(const esp_actor *actor, char *out, size_t size)
{
    esp_format(out, size, "%.2f s   return %.1f", actor->play->data->time,
               actor->play->episode_return + actor->play->reward);
}

/* "policy, 144,706 parameters, 60.0 % removed", or the beginning of it that fits. */
static void write_details(const esp_actor *actor, esp_text_size text, int width, char *out, size_t size)
{
    char controller[ESP_CONFIG_TEXT], params[ESP_NUMBER_TEXT], removed[ESP_NUMBER_TEXT];
    esp_choice_word(actor->role.acting->controllers, actor->role.controller, controller);
    esp_text_count((double)actor->params, params);
    esp_text_percent(actor->sparsity, removed);
    for (int parts = actor->params > 0 ? 3 : 1; parts > 0; parts--) {
        snprintf(out, size, "%.64s%s%s%s%s%s", controller, parts > 1 ? ", " : "", parts > 1 ? params : "",
                 parts > 1 ? " parameters" : "", parts > 2 ? ", " : "", parts > 2 ? removed : "");
        if (parts > 2) snprintf(out + strlen(out), size - strlen(out), " removed");
        if (esp_sketch_text_width(text, out) <= width) return;
    }
}

void esp_caption_draw(const esp_actor *actor, const esp_layout *layout, esp_sketch *sketch)
{
    enum { LEFT = 8, TOP = 3 };
    char state[64], details[256];
    esp_text_size size = layout->size;
    int line = esp_text_height(size), width = layout->header.width - 2 * LEFT, top = TOP;
    if (layout->header.height == 0) return;
    esp_sketch_fill(sketch, layout->header, esp_color_panel);
    write_state(actor, state, sizeof state);
    int taken = layout->narrow ? 0 : esp_sketch_text_width(size, state) + line;
    esp_sketch_text_within(sketch, size, LEFT, top, width - taken, actor->role.name, esp_color_text);
    if (layout->narrow) esp_sketch_text_within(sketch, size, LEFT, top += line, width, state, esp_color_text);
    else                esp_sketch_text(sketch, size, LEFT + width - taken + line, top, state, esp_color_text);
    if (!layout->details) return;
    write_details(actor, size, width, details, sizeof details);
    esp_sketch_text_within(sketch, size, LEFT, top + line, width, details, esp_color_soft);
}
