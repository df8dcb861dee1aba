/* The smallest network that keeps a share of the performance: rounds of smaller and smaller cuts until one keeps less,
 * then cuts between the last good one and that one. A network counts as good by samples that neither its search nor its
 * finetuning saw. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/prune_internal.h"

enum { MOST_TRIES = 8 };
#define STEP 0.4       /* share of the parameters that a try leaves of the last good network, until one fails */
#define CLOSE 1.25     /* a good and a failed size this close end the search */

/* The last good network, with what was found about it. */
typedef struct {
    esp_network      *net[ESP_PRUNED_STAGES]; /* owned, except for the subject's */
    esp_search_result result;
    int               num_rounds;
    double            left;                   /* share of the original's parameters */
} good_network;

static void forget(esp_network **net)
{
    for (int i = ESP_BEFORE + 1; i < ESP_PRUNED_STAGES; i++) {
        esp_network_free(net[i]);
        net[i] = NULL;
    }
}

/* Copies networks; NULL stays NULL. */
static void copy(esp_network *const *from, esp_network **to)
{
    for (int i = ESP_BEFORE + 1; i < ESP_PRUNED_STAGES; i++) to[i] = from[i] ? esp_network_clone(from[i]) : NULL;
}

static void remember(const esp_pruning *p, good_network *good)
{
    forget(good->net);
    copy(p->net, good->net);
    good->result = p->result;
    good->num_rounds = p->num_rounds;
    good->left = 1 - p->round[p->num_rounds - 1].sparsity;
}

static void go_back(esp_pruning *p, const good_network *good)
{
    forget(p->net);
    copy(good->net, p->net);
    p->result = good->result;
    p->num_rounds = good->num_rounds;
}

/* The next size to try; `failed` is the largest that kept too little, 0 before there is one. */
static double next_left(const good_network *good, double failed)
{
    if (failed > 0) return sqrt(good->left * failed);
    return good->left > ESP_ROUND_LEFT ? ESP_ROUND_LEFT : STEP * good->left;
}

static esp_status try_size(esp_pruning *p, const esp_records *r, esp_round_plan *plan, double *kept)
{
    const esp_application *app = p->subject->application;
    double left = 1 - plan->target;
    p->request.search.target = (esp_target){plan->target, left / 20};
    plan->round = p->num_rounds + 1;
    plan->finetune = p->request.finetune;
    esp_status status = esp_round_make(p, r, plan);
    if (status == ESP_OK) status = app->keeps(p->subject, p->net[esp_pruning_last(p)], kept);
    if (status != ESP_OK) return status;
    esp_log(ESP_LOG_INFO, "%.0f parameters keep %.2f %%; %.4g %% are to be kept",
            p->round[p->num_rounds - 1].params, 100 * *kept, 100 * p->request.keep);
    return ESP_OK;
}

static esp_status search_sizes(esp_pruning *p, const esp_records *r, esp_round_plan *plan, good_network *good)
{
    double failed = 0, kept = 0;
    esp_status status = ESP_OK;
    for (int i = 0; i < MOST_TRIES && good->left > CLOSE * failed && status == ESP_OK; i++) {
        plan->target = 1 - next_left(good, failed);
        status = p->num_rounds < ESP_MOST_ROUNDS ? try_size(p, r, plan, &kept) : ESP_OK;
        if (status == ESP_ERR_INFEASIBLE) kept = 0; /* no cut is that small */
        else if (status != ESP_OK) return status;
        status = ESP_OK;
        if (kept >= p->request.keep) {
            remember(p, good);
        } else {
            failed = 1 - plan->target;
            go_back(p, good);
        }
    }
    return status;
}

esp_status esp_prune_smallest(esp_pruning *p, const esp_records *r, const char *journal, esp_journal_kind kind)
{
    double original = esp_subject_original_params(p->subject);
    good_network good = {.left = esp_pruning_params(p, ESP_BEFORE) / original};
    esp_round_plan plan = {.journal = journal, .kind = kind};
    if (!p->subject->application->keeps)
        return esp_fail(ESP_ERR_USAGE, "--keep: give --sparsity with it; a network of this kind has no size search");
    esp_status status = search_sizes(p, r, &plan, &good);
    if (status == ESP_OK && good.num_rounds == 0)
        status = esp_fail(ESP_ERR_INFEASIBLE, "no smaller network keeps %.4g %%: lower --keep, or give more --finetune "
                          "steps", 100 * p->request.keep);
    p->request.rounds = p->num_rounds;
    if (status == ESP_OK) p->request.search.target.sparsity = p->round[p->num_rounds - 1].target;
    forget(good.net);
    return status;
}
