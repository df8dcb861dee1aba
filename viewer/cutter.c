/* Cuts a network to any sparsity, at once: by magnitude, the same fraction of every group, or as a sweep or a search
 * found. */
#include <math.h>
#include <stdlib.h>

#include "viewer/viewer_internal.h"

#define TOLERANCE 0.02 /* of the sparsity: what a slider cannot tell apart */

struct esp_cutter {
    const esp_network *net;    /* borrowed */
    esp_trail          trail;  /* empty: by magnitude */
};

esp_status esp_cutter_create(const esp_network *net, const char *along, esp_cutter **out)
{
    esp_cutter *cutter = esp_alloc(1, sizeof *cutter);
    cutter->net = net;
    esp_status status = along ? esp_trail_read(net, along, &cutter->trail) : ESP_OK;
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

static double distance_to_trail(const esp_cutter *cutter, esp_controller_kind kind, double sparsity)
{
    double least = INFINITY;
    for (int i = 0; i < cutter->trail.count; i++)
        if (cutter->trail.cut[i].kind == kind) least = fmin(least, fabs(cutter->trail.cut[i].sparsity - sparsity));
    return least;
}

/* Longer evaluations are to be trusted more. */
static bool is_better(const esp_tried *tried, const esp_tried *other)
{
    return tried->scale > other->scale || (tried->scale == other->scale && tried->performance > other->performance);
}

/* Of the cuts nearest to the sparsity, the one that acts best; the whole network may be nearer than any. */
static esp_status nearest_point(const esp_cutter *cutter, esp_controller_kind kind, double sparsity, esp_tried *out)
{
    const esp_tried *best = NULL;
    double least = distance_to_trail(cutter, kind, sparsity);
    for (int i = 0; i < cutter->trail.count; i++) {
        const esp_tried *tried = &cutter->trail.cut[i];
        bool near = tried->kind == kind && fabs(tried->sparsity - sparsity) <= least + TOLERANCE;
        if (near && (!best || is_better(tried, best))) best = tried;
    }
    if (!best) return esp_fail(ESP_ERR_USAGE, "what it goes along is of the other controller");
    *out = *best;
    if (sparsity < least) out->widths = esp_widths_full(cutter->net);
    return ESP_OK;
}

static esp_status cut_as_tried(const esp_cutter *cutter, esp_controller_kind kind, double sparsity, esp_cut *out)
{
    esp_tried tried;
    esp_ranking ranking;
    esp_status status = nearest_point(cutter, kind, sparsity, &tried);
    if (status == ESP_OK) status = esp_ranking_make(cutter->net, tried.importance, tried.seed, NULL, &ranking);
    if (status != ESP_OK) return status;
    esp_cut_make(cutter->net, &ranking, &tried.widths, out);
    esp_ranking_free(&ranking);
    return ESP_OK;
}

static esp_status cut_equally(const esp_cutter *cutter, esp_controller_kind kind, double sparsity, esp_cut *out)
{
    const esp_target target = {sparsity, TOLERANCE};
    esp_grouping grouping;
    esp_ranking ranking;
    esp_status status = esp_ranking_make(cutter->net, ESP_IMPORTANCE_L2, 0, NULL, &ranking);
    if (status != ESP_OK) return status;
    esp_grouping_structural(cutter->net, esp_controller_components(kind), &grouping);
    status = esp_cut_equal(cutter->net, &grouping, &ranking, &target, out);
    esp_ranking_free(&ranking);
    return status;
}

esp_status esp_cutter_cut(const esp_cutter *cutter, esp_controller_kind kind, double sparsity, esp_network **out)
{
    esp_cut cut;
    esp_status status = cutter->trail.count > 0 ? cut_as_tried(cutter, kind, sparsity, &cut)
                                               : cut_equally(cutter, kind, sparsity, &cut);
    if (status != ESP_OK) return status;
    status = esp_surgery(cutter->net, &cut, out);
    esp_cut_free(&cut);
    return status;
}
