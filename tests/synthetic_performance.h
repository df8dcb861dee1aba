/* A performance whose best cut is known: every group of units may be thinned up to its own limit,
 * and performance falls off around it. Stands in for the closed loop, and counts evaluations. */
#ifndef ESP_SYNTHETIC_PERFORMANCE_H
#define ESP_SYNTHETIC_PERFORMANCE_H

#include <math.h>

#include "search/search.h"

typedef struct {
    const esp_network *net;
    const esp_grouping *grouping;
    double limit[ESP_MAX_AXES];  /* fraction removed at which a group halves the performance; 0: never */
    double height, offset;       /* P = height * product + offset */
    double noise;                /* relative; depends on the cut and the episode */
    int    calls, evaluations;   /* evaluations, and the same in units of scale 1 */
    int    largest_batch;
} synthetic;

static inline double synthetic_truth(const synthetic *s, const esp_widths *widths)
{
    double product = 1;
    for (int g = 0; g < s->grouping->num; g++)
        if (s->limit[g] > 0)
            product /= 1 + pow(esp_group_fraction(s->net, &s->grouping->group[g], widths) / s->limit[g], 3);
    return s->height * product + s->offset;
}

/* The mean over `scale` episodes, which include those of smaller scales. */
static inline double synthetic_noise(const synthetic *s, const esp_widths *widths, int scale)
{
    uint64_t hash = 0;
    for (int i = 0; i < s->net->num_axes; i++) hash = hash * 1099511628211u + (uint64_t)widths->kept[i];
    esp_rng rng = esp_rng_make(hash, ESP_RNG_TEST, 4);
    double sum = 0;
    for (int i = 0; i < scale; i++) {
        float normal;
        esp_rng_normal(&rng, &normal, 1);
        sum += normal;
    }
    return s->noise * sum / scale;
}

static inline esp_status synthetic_performance(void *context, int n, const esp_cut *cuts, int scale,
                                               double *performance)
{
    synthetic *s = context;
    s->calls++;
    s->evaluations += n * scale;
    if (n > s->largest_batch) s->largest_batch = n;
    for (int i = 0; i < n; i++)
        performance[i] = synthetic_truth(s, &cuts[i].widths) * (1 + synthetic_noise(s, &cuts[i].widths, scale));
    return ESP_OK;
}

/* A network, its groups, its ranking and the synthetic performance: everything that a search
 * borrows. */
typedef struct {
    esp_network *net;
    esp_grouping grouping;
    esp_ranking  ranking;
    synthetic    performance;
    esp_objective_config config;
} bench;

/* Initialises in place, because the members point to each other; takes ownership of the network. */
static inline void bench_start(bench *b, esp_network *net)
{
    *b = (bench){.net = net};
    esp_grouping_structural(net, ESP_ALL_COMPONENTS, &b->grouping);
    CHECK_OK(esp_ranking_make(net, esp_importance_find("l1"), 0, NULL, &b->ranking));
    b->performance = (synthetic){.net = net, .grouping = &b->grouping, .height = 845};
    b->config = (esp_objective_config){.net = net, .grouping = &b->grouping, .ranking = &b->ranking,
                                       .performance = synthetic_performance, .context = &b->performance};
}

static inline void bench_end(bench *b)
{
    esp_ranking_free(&b->ranking);
    esp_network_free(b->net);
}

/* Runs one search on a new objective. */
static inline esp_status bench_search(bench *b, const char *method, const esp_search_config *config,
                                      esp_search_result *result)
{
    esp_objective *objective = NULL;
    esp_status status = esp_objective_create(&b->config, &objective);
    if (status == ESP_OK) status = esp_search(objective, esp_search_find(method), config, result);
    esp_objective_free(objective);
    return status;
}

#endif
