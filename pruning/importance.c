/* Importance: the score by which the units of an axis are ranked. A criterion is one function and one row of the
 * table below.
 *
 * The weights of a unit are all those that it reads and writes with. Biases, and scales and shifts of normalisations,
 * do not count: they say where a unit works, not how much it matters. */
#include <math.h>
#include <stdlib.h>

#include "pruning/importance_internal.h"

static esp_status score_random(const esp_network *net, const esp_calibration *calibration, uint64_t seed,
                               double *const *scores)
{
    (void)calibration;
    for (int axis = 0; axis < net->num_axes; axis++) {
        esp_rng rng = esp_rng_make(seed, ESP_RNG_IMPORTANCE, (uint64_t)axis);
        for (int i = 0; i < net->axis[axis].size; i++) scores[axis][i] = esp_rng_uniform(&rng);
    }
    return ESP_OK;
}

const esp_importance esp_importances[] = {
    {"l1", "sum of the absolute weights", false, esp_score_l1},
    {"l2", "2-norm of the weights", false, esp_score_l2},
    {"random", "a draw from the seed (baseline)", false, score_random},
    {"lamp", "squared norm over those that are not smaller", false, esp_score_lamp},
    {"activation", "RMS of the output, times norm of the weights that read it", true, esp_score_activation},
    {"taylor", "mean size of the loss gradient times the output", true, esp_score_taylor},
    {"obs", "error left after refitting the readers (brain surgeon)", true, esp_score_obs},
    {NULL, NULL, false, NULL},
};

const esp_importance *esp_importance_find(const char *name)
{
    return esp_row_find(esp_importances, sizeof *esp_importances, name);
}

/* ---- ranks ---- */

typedef struct {
    double score;
    int    unit;
} scored_unit;

static int compare_units(const void *a, const void *b)
{
    const scored_unit *left = a, *right = b;
    int order = (left->score < right->score) - (left->score > right->score);
    return order ? order : left->unit - right->unit;
}

static void rank_axis(int n, const double *scores, int *order)
{
    scored_unit *units = esp_alloc((size_t)n, sizeof *units);
    for (int i = 0; i < n; i++) units[i] = (scored_unit){scores[i], i};
    qsort(units, (size_t)n, sizeof *units, compare_units);
    for (int i = 0; i < n; i++) order[i] = units[i].unit;
    free(units);
}

static esp_status check_finite(const esp_network *net, const esp_ranking *ranking, const char *name)
{
    for (int axis = 0; axis < net->num_axes; axis++)
        for (int u = 0; u < net->axis[axis].size; u++)
            if (!isfinite(ranking->score[axis][u]))
                return esp_fail(ESP_ERR_NUMERIC, "importance '%s' of unit %d of '%s' is %g, expected a finite number",
                                name, u, net->axis[axis].name, ranking->score[axis][u]);
    return ESP_OK;
}

esp_status esp_ranking_make(const esp_network *net, const esp_importance *importance, uint64_t seed,
                            const esp_calibration *calibration, esp_ranking *out)
{
    if (importance->needs_data && !calibration)
        return esp_fail(ESP_ERR_USAGE, "importance '%s' needs recorded data, but there is none", importance->name);
    esp_status status = calibration ? esp_calibration_check(net, calibration) : ESP_OK;
    if (status != ESP_OK) return status;
    esp_ranking ranking = {.order = {NULL}};
    for (int axis = 0; axis < net->num_axes; axis++) {
        ranking.order[axis] = esp_alloc((size_t)net->axis[axis].size, sizeof(int));
        ranking.score[axis] = esp_alloc((size_t)net->axis[axis].size, sizeof(double));
    }
    status = importance->score(net, calibration, seed, ranking.score);
    if (status == ESP_OK) status = check_finite(net, &ranking, importance->name);
    if (status != ESP_OK) {
        esp_ranking_free(&ranking);
        return status;
    }
    for (int axis = 0; axis < net->num_axes; axis++)
        rank_axis(net->axis[axis].size, ranking.score[axis], ranking.order[axis]);
    *out = ranking;
    return ESP_OK;
}

void esp_ranking_free(esp_ranking *ranking)
{
    for (int axis = 0; axis < ESP_MAX_AXES; axis++) {
        free(ranking->order[axis]);
        free(ranking->score[axis]);
    }
    *ranking = (esp_ranking){.order = {NULL}};
}
