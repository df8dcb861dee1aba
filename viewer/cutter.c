/* Cuts a network to any sparsity, at once: units ranked once by magnitude, the same fraction of every group. */
#include <stdlib.h>

#include "viewer/viewer_internal.h"

#define TOLERANCE 0.02 /* of the sparsity: what a slider cannot tell apart */

struct esp_cutter {
    const esp_network *net;     /* borrowed */
    esp_ranking        ranking; /* owned */
};

esp_status esp_cutter_create(const esp_network *net, esp_cutter **out)
{
    esp_cutter *cutter = esp_alloc(1, sizeof *cutter);
    cutter->net = net;
    esp_status status = esp_ranking_make(net, ESP_IMPORTANCE_L2, 0, NULL, &cutter->ranking);
    if (status == ESP_OK) *out = cutter;
    else                  free(cutter);
    return status;
}

void esp_cutter_free(esp_cutter *cutter)
{
    if (!cutter) return;
    esp_ranking_free(&cutter->ranking);
    free(cutter);
}

static esp_status choose_widths(const esp_cutter *cutter, esp_controller_kind kind, double sparsity, esp_widths *out)
{
    esp_grouping grouping;
    esp_objective *objective = NULL;
    unsigned used = esp_controller_components(kind);
    esp_grouping_structural(cutter->net, used, &grouping);
    esp_objective_config config = {.net = cutter->net, .grouping = &grouping, .ranking = &cutter->ranking,
                                   .components = used};
    esp_search_config search = esp_search_config_default();
    search.sparsity = sparsity;
    search.tolerance = TOLERANCE;
    const double equally[ESP_MAX_AXES] = {0};
    esp_status status = esp_objective_create(&config, &objective);
    if (status == ESP_OK) status = esp_search_project(objective, &search, equally, out);
    esp_objective_free(objective);
    return status;
}

esp_status esp_cutter_cut(const esp_cutter *cutter, esp_controller_kind kind, double sparsity, esp_network **out)
{
    esp_widths widths = esp_widths_full(cutter->net);
    esp_cut cut;
    esp_status status = sparsity > 0 ? choose_widths(cutter, kind, sparsity, &widths) : ESP_OK;
    if (status != ESP_OK) return status;
    esp_cut_make(cutter->net, &cutter->ranking, &widths, &cut);
    status = esp_surgery(cutter->net, &cut, out);
    esp_cut_free(&cut);
    return status;
}
