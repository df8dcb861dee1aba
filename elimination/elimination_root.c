/* The last group of an elimination: for each of its choices the remaining tables meet, and the sums
 * within a window are counted or sampled, or the best of them is found. Two halves suffice to
 * count: the partners of a sum in one half are a range of the other half's sorted list. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "elimination/elimination_internal.h"

/* Makes two halves whose products have about the same length. */
static esp_status open_halves(esp_elimination *e, int choice)
{
    int tables[ESP_TABLES], part[2][ESP_TABLES], num[2] = {0};
    double length[2] = {0};
    esp_close_halves(e);
    e->choice[e->root] = choice;
    int left = esp_tables_left(e, tables);
    esp_sort_tables(e, left, tables);
    for (int i = 0; i < left; i++) {
        int h = i == 1 || length[1] < length[0];
        part[h][num[h]++] = tables[i];
        length[h] += log2(esp_cell_at(e, tables[i])->num);
    }
    esp_status status = esp_chain_open(e, num[0], part[0], &e->half[0]);
    if (status != ESP_OK) return status;
    status = esp_chain_open(e, num[1], part[1], &e->half[1]);
    if (status != ESP_OK) esp_chain_close(&e->half[0]);
    else                  e->opened = choice;
    return status;
}

/* Terms of the second half that bring a sum of the first into the window: [*from, *to). */
static void partners(const esp_elimination *e, int64_t sum, int *from, int *to)
{
    const esp_terms *other = esp_chain_sums(&e->half[1]);
    *from = esp_terms_above(other, e->low - sum);
    *to = esp_terms_above(other, e->high - sum + 1);
}

/* Cumulates the ways of both open halves; returns the number for this choice of the root. */
static double accumulate(esp_elimination *e)
{
    const esp_terms *first = esp_chain_sums(&e->half[0]), *second = esp_chain_sums(&e->half[1]);
    e->reached[0] = esp_alloc((size_t)first->num + 1, sizeof(double));
    e->reached[1] = esp_alloc((size_t)second->num + 1, sizeof(double));
    for (int i = 0; i < second->num; i++) e->reached[1][i + 1] = e->reached[1][i] + second->term[i].value;
    for (int i = 0; i < first->num; i++) {
        int from, to;
        partners(e, first->term[i].sum, &from, &to);
        double ways = e->reached[1][to] - e->reached[1][from];
        e->reached[0][i + 1] = e->reached[0][i] + first->term[i].value * ways;
    }
    return e->reached[0][first->num];
}

static double sparsity_of(const esp_elimination *e, int64_t sum)
{
    return 1 - (double)sum / (double)e->whole;
}

static void find_nearest(const esp_elimination *e, double sparsity, double *nearest)
{
    const esp_terms *first = esp_chain_sums(&e->half[0]), *second = esp_chain_sums(&e->half[1]);
    int64_t aim = llround((double)e->whole * (1 - sparsity));
    for (int i = 0; i < first->num; i++) {
        int at = esp_terms_above(second, aim - first->term[i].sum);
        for (int k = at - 1; k <= at; k++) {
            if (k < 0 || k >= second->num) continue;
            double found = sparsity_of(e, first->term[i].sum + second->term[k].sum);
            if (!(fabs(found - sparsity) >= fabs(*nearest - sparsity))) *nearest = found;
        }
    }
}

esp_status esp_elimination_count(esp_elimination *e, double sparsity, double tolerance, double *count,
                                 double *nearest)
{
    int choices = e->choices->count[e->root];
    double reach = tolerance + ESP_SPARSITY_SLACK;
    e->low = (int64_t)ceil((double)e->whole * (1 - sparsity - reach));
    e->high = (int64_t)floor((double)e->whole * (1 - sparsity + reach));
    free(e->ways);
    e->ways = esp_alloc((size_t)choices, sizeof *e->ways);
    *count = 0;
    *nearest = NAN;
    for (int i = 0; i < choices; i++) {
        esp_status status = open_halves(e, i);
        if (status != ESP_OK) return status;
        find_nearest(e, sparsity, nearest);
        *count += e->ways[i] = accumulate(e);
    }
    return ESP_OK;
}

/* Index of the last entry of the ascending cumulated ways that is not above the rank, below
 * `end`. */
static int interval_of(const double *reached, int end, double rank)
{
    int low = 0, high = end;
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (reached[middle] <= rank) low = middle;
        else                         high = middle;
    }
    return low;
}

esp_status esp_elimination_pick(esp_elimination *e, double rank, int *choice)
{
    int root = 0, last = e->choices->count[e->root] - 1;
    while (root < last && rank >= e->ways[root]) rank -= e->ways[root++];
    esp_status status = ESP_OK;
    if (e->opened != root) {
        status = open_halves(e, root);
        if (status == ESP_OK) accumulate(e);
    }
    if (status != ESP_OK) return status;
    e->choice[e->root] = root;
    const esp_terms *first = esp_chain_sums(&e->half[0]), *second = esp_chain_sums(&e->half[1]);
    int i = interval_of(e->reached[0], first->num, rank), from, to;
    partners(e, first->term[i].sum, &from, &to);
    double ways = e->reached[1][to] - e->reached[1][from], within = rank - e->reached[0][i];
    double mine = floor(within / ways), theirs = e->reached[1][from] + within - mine * ways;
    int k = interval_of(e->reached[1], second->num, theirs);
    status = esp_trace_chain(e, &e->half[0], first->term[i].sum, mine);
    if (status == ESP_OK)
        status = esp_trace_chain(e, &e->half[1], second->term[k].sum, theirs - e->reached[1][k]);
    memcpy(choice, e->choice, (size_t)e->grouping->num * sizeof *choice);
    return status;
}

/* The term with the least loss among those with a sum of at most `most`; the smallest if there is
 * none. */
static esp_term best_term(const esp_terms *front, int64_t most)
{
    int above = esp_terms_above(front, most + 1);
    return front->term[above > 0 ? above - 1 : 0];
}

esp_status esp_elimination_best(esp_elimination *e, double sparsity, int *choice)
{
    int tables[ESP_TABLES], num = esp_tables_left(e, tables), chosen = -1;
    int64_t most = (int64_t)floor((double)e->whole * (1 - sparsity + ESP_SPARSITY_SLACK));
    esp_term best = {0};
    esp_chain c;
    for (int i = 0; i < e->choices->count[e->root]; i++) {
        e->choice[e->root] = i;
        esp_status status = esp_chain_open(e, num, tables, &c);
        if (status != ESP_OK) return status;
        esp_term term = best_term(esp_chain_sums(&c), most);
        esp_chain_close(&c);
        bool better = term.sum <= most ? best.sum > most || term.value < best.value : term.sum < best.sum;
        if (chosen >= 0 && !better) continue;
        best = term;
        chosen = i;
    }
    e->choice[e->root] = chosen;
    esp_status status = esp_chain_open(e, num, tables, &c);
    if (status != ESP_OK) return status;
    status = esp_trace_chain(e, &c, best.sum, 0);
    esp_chain_close(&c);
    memcpy(choice, e->choice, (size_t)e->grouping->num * sizeof *choice);
    return status;
}

