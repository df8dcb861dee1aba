/* Finalists: the best points of a search, re-evaluated at larger scales. The best of hundreds of
 * points on two episodes is the one that was luckiest on them, so the few best play more episodes,
 * and the better half of those more again (successive halving, Jamieson and Talwalkar 2016); the
 * last round decides the result. The uncut network plays every round, so that the reported
 * performances are comparable. */
#include <math.h>
#include <string.h>

#include "search/run_internal.h"

/* 6 finalists at 4 and 3 at 16 times the episodes, with the uncut network, cost 92 evaluations; a
 * quarter of a budget is reserved for them, and rounds are made smaller when that is not enough. */
#define SHARE 4

static const int scales[] = {4, 16};

enum { ROUNDS = sizeof scales / sizeof *scales };

/* ---- the list ---- */

/* Keeps the list sorted, best first; of equal ones the earlier stays ahead. */
static void insert(esp_search_run *run, esp_finalist finalist)
{
    int at = run->num_finalists;
    while (at > 0 && finalist.performance > run->finalist[at - 1].performance) at--;
    if (at == run->config->finalists) return;
    if (run->num_finalists < run->config->finalists) run->num_finalists++;
    memmove(&run->finalist[at + 1], &run->finalist[at],
            (size_t)(run->num_finalists - 1 - at) * sizeof *run->finalist);
    run->finalist[at] = finalist;
}

void esp_search_offer(esp_search_run *run, const esp_widths *widths, double performance)
{
    if (isnan(performance) || !esp_search_feasible(run, widths)) return;
    for (int i = 0; i < run->num_finalists; i++)
        if (esp_widths_equal(run->settings->net, &run->finalist[i].widths, widths)) return;
    insert(run, (esp_finalist){*widths, performance});
}

/* ---- the rounds ---- */

void esp_finalists_reserve(const esp_search_run *run)
{
    int budget = run->settings->budget;
    esp_objective_reserve(run->objective, run->config->finalists > 1 ? budget / SHARE : 0);
}

/* Share of the progress bar, about the share of time that finalists take. */
double esp_finalists_share(const esp_search_config *config)
{
    return config->finalists > 1 ? 0.25 : 0;
}

/* How many finalists can be judged at a scale in addition to the uncut network. */
static int affordable(const esp_search_run *run, int scale)
{
    return esp_objective_left(run->objective) / scale - 1;
}

/* Judges the best n at one scale and sorts them by the result. */
static esp_status judge(esp_search_run *run, int n, int scale)
{
    esp_widths widths[1 + ESP_MAX_FINALISTS];
    double performance[1 + ESP_MAX_FINALISTS];
    widths[0] = esp_widths_full(run->settings->net);
    for (int i = 0; i < n; i++) widths[1 + i] = run->finalist[i].widths;
    esp_status status = esp_objective_evaluate(run->objective, 1 + n, widths, scale, performance);
    if (status != ESP_OK) return status;
    run->result.baseline = performance[0];
    run->result.scale = scale;
    run->num_finalists = 0;
    for (int i = 0; i < n; i++) insert(run, (esp_finalist){widths[1 + i], performance[1 + i]});
    return ESP_OK;
}

/* A round that the budget cannot pay in full is made smaller, at a smaller scale if need be. */
static esp_status play_round(esp_search_run *run, int wanted, int scale)
{
    while (affordable(run, scale) < 2 && scale / 2 > run->result.scale) scale /= 2;
    int n = affordable(run, scale) < wanted ? affordable(run, scale) : wanted;
    return n < 2 ? ESP_OK : judge(run, n, scale);
}

esp_status esp_finalists_judge(esp_search_run *run)
{
    double share = esp_finalists_share(run->config);
    esp_status status = ESP_OK;
    for (int round = 0; round < ROUNDS && run->num_finalists > 1 && status == ESP_OK; round++) {
        int half = run->num_finalists > 2 ? (run->num_finalists + 1) / 2 : 2;
        esp_objective_stage(run->objective, 1 - share + share * round / ROUNDS, share / ROUNDS);
        status = play_round(run, round == 0 ? run->num_finalists : half, scales[round]);
    }
    run->result.widths = run->finalist[0].widths;
    run->result.performance = run->finalist[0].performance;
    if (status != ESP_OK || run->result.scale > 1) return status;
    /* usually known, unless the method offered it with its performance at a larger scale */
    return esp_objective_evaluate(run->objective, 1, &run->result.widths, 1, &run->result.performance);
}
