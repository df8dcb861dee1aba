/* Cuts a network to any sparsity immediately, without a search: by magnitude, with the same fraction of every group, or
 * by repeating a cut that a sweep or a search has tried. */
#include <math.h>
#include <stdlib.h>

#include "viewer/viewer_internal.h"

#define TOLERANCE 0.02 /* in units of sparsity: differences too small to see on a slider */

struct esp_cutter {
    esp_role           role;   /* the role whose network is cut */
    esp_trail          trail;  /* empty: cut by magnitude */
};

esp_status esp_cutter_create(const esp_role *role, const char *along, esp_cutter **out)
{
    esp_cutter *cutter = esp_alloc(1, sizeof *cutter);
    cutter->role = *role;
    esp_status status = along ? esp_trail_read(role, along, &cutter->trail) : ESP_OK;
    if (status == ESP_OK) *out = cutter;
    else                  esp_cutter_free(cutter);
    return status;
}

void esp_cutter_free(esp_cutter *cutter)
{
    if (!cutter) return;
    esp_trail_free(&cutter->trail);
    free(cutter);
}

/* ---- cuts ---------------------------------------------------------------------------------------------- */

static double distance_to_trail(const esp_cutter *cutter, int controller, double sparsity)
{
    double least = INFINITY;
    for (int i = 0; i < cutter->trail.count; i++) {
        const esp_tried *tried = &cutter->trail.cut[i];
        if (tried->controller == controller) least = fmin(least, fabs(tried->sparsity - sparsity));
    }
    return least;
}

/* Results of longer evaluations are trusted more. */
static bool is_better(const esp_tried *tried, const esp_tried *other)
{
    return tried->scale > other->scale || (tried->scale == other->scale && tried->performance > other->performance);
}

/* Of the cuts closest to the sparsity, the one that performs best; the uncut network may be closer than any of
 * them. */
static esp_status nearest_point(const esp_cutter *cutter, int controller, double sparsity, esp_tried *out)
{
    const esp_tried *best = NULL;
    double least = distance_to_trail(cutter, controller, sparsity);
    for (int i = 0; i < cutter->trail.count; i++) {
        const esp_tried *tried = &cutter->trail.cut[i];
        bool near = tried->controller == controller && fabs(tried->sparsity - sparsity) <= least + TOLERANCE;
        if (near && (!best || is_better(tried, best))) best = tried;
    }
    if (!best) return esp_fail(ESP_ERR_USAGE, "the sweep or search behind the slider has no cut for this controller");
    *out = *best;
    if (sparsity < least) out->widths = esp_widths_full(cutter->role.net);
    return ESP_OK;
}

static esp_status cut_as_tried(const esp_cutter *cutter, int controller, double sparsity, esp_cut *out)
{
    esp_tried tried;
    esp_ranking ranking;
    esp_status status = nearest_point(cutter, controller, sparsity, &tried);
    if (status == ESP_OK) status = esp_ranking_make(cutter->role.net, tried.importance, tried.seed, NULL, &ranking);
    if (status != ESP_OK) return status;
    esp_cut_make(cutter->role.net, &ranking, &tried.widths, out);
    esp_ranking_free(&ranking);
    return ESP_OK;
}

static esp_status cut_equally(const esp_cutter *cutter, int controller, double sparsity, esp_cut *out)
{
    const esp_target target = {sparsity, TOLERANCE};
    esp_grouping grouping;
    esp_ranking ranking;
    esp_status status = esp_ranking_make(cutter->role.net, esp_importance_find("l2"), 0, NULL, &ranking);
    if (status != ESP_OK) return status;
    esp_grouping_structural(cutter->role.net, cutter->role.acting->components(controller), &grouping);
    status = esp_cut_equal(cutter->role.net, &grouping, &ranking, &target, out);
    esp_ranking_free(&ranking);
    return status;
}

esp_status esp_cutter_cut(const esp_cutter *cutter, int controller, double sparsity, esp_network **out)
{
    esp_cut cut;
    esp_status status = cutter->trail.count > 0 ? cut_as_tried(cutter, controller, sparsity, &cut)
                                               : cut_equally(cutter, controller, sparsity, &cut);
    if (status != ESP_OK) return status;
    status = esp_surgery(cutter->role.net, &cut, out);
    esp_cut_free(&cut);
    return status;
}
