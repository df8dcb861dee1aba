/* Elimination: counts, samples or optimises over all combinations of a few choices per group without enumerating
 * them. The constraint is a sum over tensors (structural) or groups (nominal), and each tensor depends only on the
 * groups of its own axes, so groups can be eliminated one at a time (Bertele and Brioschi 1972): a table over its
 * neighbours replaces a group, and each cell of the table lists the possible sums over everything eliminated so far.
 * All sums are integers, so counts are exact. The agent's 15 groups, 10^15 combinations, take about a second: given
 * the latent, encoder and heads are independent.
 *
 * The group with most neighbours is kept for the end, where the remaining tables meet for each of its choices; two
 * halves of them suffice to count the sums within a window. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "elimination/elimination_internal.h"

enum {
    CELLS = 1 << 20,
    FINE = 1 << 30 /* resolution of nominal sparsity: parts per parameter */
};

/* A set of groups, one bit each. */
typedef unsigned __int128 groups;
_Static_assert(ESP_MAX_AXES <= 128, "a set of groups has a bit for each");

static groups only(int g)
{
    return (groups)1 << g;
}

static int members(groups set)
{
    return __builtin_popcountll((uint64_t)set) + __builtin_popcountll((uint64_t)(set >> 64));
}

static double one(esp_algebra algebra)
{
    return algebra == ESP_COUNT ? 1 : 0;
}

/* ---- tables ---- */

/* Steps through all choices of a table's groups; false after the last. */
static bool next_cell(esp_elimination *e, const esp_table *t)
{
    for (int i = t->num - 1; i >= 0; i--) {
        int g = t->group[i];
        if (++e->choice[g] < e->choices->count[g]) return true;
        e->choice[g] = 0;
    }
    return false;
}

static bool depends(const esp_table *t, int g)
{
    for (int i = 0; i < t->num; i++)
        if (t->group[i] == g) return true;
    return false;
}

static esp_status add_table(esp_elimination *e, groups scope, esp_table **out)
{
    double cells = 1;
    if (e->num == ESP_TABLES || members(scope) > ESP_SCOPE)
        return esp_fail(ESP_ERR_RANGE, "groups depend on too many others to count their combinations");
    esp_table *t = &e->table[e->num];
    *t = (esp_table){.eliminated = -1};
    for (int g = 0; g < ESP_MAX_AXES; g++) {
        if (!(scope >> g & 1)) continue;
        t->group[t->num++] = g;
        cells *= e->choices->count[g];
        e->choice[g] = 0;
    }
    if (cells > CELLS)
        return esp_fail(ESP_ERR_RANGE, "groups depend on too many others to count their combinations: %.2g at once",
                        cells);
    t->cells = (int)cells;
    t->cell = esp_alloc((size_t)t->cells, sizeof *t->cell);
    e->num++;
    *out = t;
    return ESP_OK;
}

/* ---- read from the network ---- */

static void group_of_axes(const esp_elimination *e, int *group)
{
    const esp_grouping *grouping = e->grouping;
    for (int i = 0; i < ESP_MAX_AXES; i++) group[i] = -1;
    for (int g = 0; g < grouping->num; g++)
        for (int i = 0; i < grouping->group[g].num_axes; i++) group[grouping->group[g].axis[i]] = g;
}

static groups scope_of(const esp_tensor *tensor, const int *group)
{
    groups scope = 0;
    for (int d = 0; d < tensor->rank; d++)
        for (int p = 0; p < tensor->dim[d].num; p++) {
            int g = group[tensor->dim[d].part[p].axis];
            if (g >= 0) scope |= only(g);
        }
    return scope;
}

static esp_widths widths_at(const esp_elimination *e)
{
    double coefficient[ESP_MAX_AXES];
    for (int g = 0; g < e->grouping->num; g++)
        coefficient[g] = e->choices->coefficient[g][e->choice[g]];
    return esp_widths_of(e->net, e->grouping, coefficient);
}

/* Parameters of all tensors that depend on exactly these groups. */
static int64_t params_at(const esp_elimination *e, const int *group, groups scope)
{
    const esp_network *net = e->net;
    esp_widths widths = widths_at(e);
    int64_t params = 0;
    for (int i = 0; i < net->num_tensors; i++) {
        const esp_tensor *tensor = &net->tensor[i];
        bool counted = tensor->trainable && (e->grouping->components >> tensor->component & 1u);
        if (counted && scope_of(tensor, group) == scope) params += (int64_t)esp_tensor_params(tensor, &widths);
    }
    return params;
}

static esp_status add_tensors(esp_elimination *e, const int *group, groups scope)
{
    esp_table *t;
    esp_status status = add_table(e, scope, &t);
    if (status != ESP_OK) return status;
    int i = 0;
    do t->cell[i++] = esp_terms_one(params_at(e, group, scope), one(e->algebra));
    while (next_cell(e, t));
    return ESP_OK;
}

static esp_status read_structure(esp_elimination *e)
{
    const esp_network *net = e->net;
    int group[ESP_MAX_AXES];
    groups known[ESP_MAX_TENSORS];
    int num_known = 0;
    group_of_axes(e, group);
    e->whole += (int64_t)esp_network_params(net, e->grouping->components);
    esp_status status = ESP_OK;
    for (int i = 0; i < net->num_tensors && status == ESP_OK; i++) {
        if (!net->tensor[i].trainable || !(e->grouping->components >> net->tensor[i].component & 1u)) continue;
        groups scope = scope_of(&net->tensor[i], group);
        bool seen = false;
        for (int k = 0; k < num_known; k++) seen = seen || known[k] == scope;
        if (seen) continue;
        known[num_known++] = scope;
        status = add_tensors(e, group, scope);
    }
    return status;
}

/* One table per group: its loss, and with nominal sparsity its kept share of s_i. */
static esp_status read_groups(esp_elimination *e)
{
    const esp_grouping *grouping = e->grouping;
    bool nominal = !grouping->structural_constraint;
    esp_status status = ESP_OK;
    for (int g = 0; g < grouping->num && status == ESP_OK; g++) {
        esp_table *t;
        status = add_table(e, only(g), &t);
        int64_t size = nominal ? (int64_t)grouping->group[g].params * FINE : 0;
        for (int i = 0; i < e->choices->count[g] && status == ESP_OK; i++) {
            double loss = e->algebra == ESP_LEAST ? e->choices->loss[g][i] : 1;
            t->cell[i] = esp_terms_one(llround((double)size * (1 - e->choices->share[g][i])), loss);
        }
        e->whole += size;
    }
    return status;
}

/* ---- elimination ---- */

static int take_tables_of(esp_elimination *e, int g, int *tables, groups *scope)
{
    int num = 0;
    *scope = 0;
    for (int i = 0; i < e->num; i++) {
        if (e->table[i].consumed || !depends(&e->table[i], g)) continue;
        e->table[i].consumed = true;
        tables[num++] = i;
        for (int k = 0; k < e->table[i].num; k++) *scope |= only(e->table[i].group[k]);
    }
    *scope &= ~only(g);
    return num;
}

/* The possible sums of the tables below, whatever the choice of the group. */
static esp_status unite(esp_elimination *e, const esp_table *t, esp_terms *out)
{
    int count = e->choices->count[t->eliminated], made = 0;
    esp_terms *list = esp_alloc((size_t)count, sizeof *list);
    esp_status status = ESP_OK;
    while (made < count && status == ESP_OK) {
        esp_chain c;
        e->choice[t->eliminated] = made;
        status = esp_chain_open(e, t->num_children, t->child, &c);
        if (status == ESP_OK) list[made++] = esp_chain_take(&c);
    }
    if (status == ESP_OK) status = esp_terms_union(e->algebra, count, list, out);
    for (int i = 0; i < made; i++) esp_terms_free(&list[i]);
    free(list);
    return status;
}

/* Replaces all tables of the group by one over its neighbours. */
static esp_status eliminate(esp_elimination *e, int g)
{
    groups scope;
    int child[ESP_TABLES], num = take_tables_of(e, g, child, &scope), cell = 0;
    esp_table *t;
    esp_status status = add_table(e, scope, &t);
    if (status != ESP_OK) return status;
    t->eliminated = g;
    t->num_children = num;
    memcpy(t->child, child, (size_t)num * sizeof *child);
    do status = unite(e, t, &t->cell[cell++]);
    while (status == ESP_OK && next_cell(e, t));
    return status;
}

static int neighbours(const esp_elimination *e, int g)
{
    groups scope = 0;
    for (int i = 0; i < e->num; i++)
        for (int k = 0; k < e->table[i].num && !e->table[i].consumed && depends(&e->table[i], g); k++)
            scope |= only(e->table[i].group[k]);
    return members(scope);
}

/* Groups with few neighbours first, the root never. */
static esp_status eliminate_all(esp_elimination *e)
{
    int num = e->grouping->num;
    bool done[ESP_MAX_AXES] = {false};
    e->root = 0;
    for (int g = 1; g < num; g++)
        if (neighbours(e, g) > neighbours(e, e->root)) e->root = g;
    done[e->root] = true;
    esp_status status = ESP_OK;
    for (int round = 1; round < num && status == ESP_OK; round++) {
        int next = -1;
        for (int g = 0; g < num; g++)
            if (!done[g] && (next < 0 || neighbours(e, g) < neighbours(e, next))) next = g;
        assert(next >= 0); /* a group remains in every round */
        done[next] = true;
        status = eliminate(e, next);
    }
    return status;
}

int esp_tables_left(const esp_elimination *e, int *tables)
{
    int num = 0;
    for (int i = 0; i < e->num; i++)
        if (!e->table[i].consumed) tables[num++] = i;
    return num;
}

/* The two halves need two tables. */
static esp_status add_neutral(esp_elimination *e)
{
    int tables[ESP_TABLES];
    esp_table *t = NULL;
    esp_status status = ESP_OK;
    while (status == ESP_OK && esp_tables_left(e, tables) < 2) {
        status = add_table(e, 0, &t);
        if (status == ESP_OK) t->cell[0] = esp_terms_one(0, one(e->algebra));
    }
    return status;
}

esp_status esp_elimination_create(const esp_network *net, const esp_grouping *grouping, const esp_choices *choices,
                                  esp_algebra algebra, esp_elimination **out)
{
    esp_elimination *e = esp_alloc(1, sizeof *e);
    *e = (esp_elimination){.net = net, .grouping = grouping, .choices = choices, .algebra = algebra,
                           .opened = -1};
    esp_status status = read_groups(e);
    if (status == ESP_OK && grouping->structural_constraint) status = read_structure(e);
    if (status == ESP_OK) status = eliminate_all(e);
    if (status == ESP_OK) status = add_neutral(e);
    if (status == ESP_OK) *out = e;
    else                  esp_elimination_free(e);
    return status;
}

void esp_close_halves(esp_elimination *e)
{
    for (int h = 0; h < 2 && e->opened >= 0; h++) {
        esp_chain_close(&e->half[h]);
        free(e->reached[h]);
    }
    e->opened = -1;
}

void esp_elimination_free(esp_elimination *e)
{
    if (!e) return;
    esp_close_halves(e);
    for (int i = 0; i < e->num; i++) {
        for (int k = 0; k < e->table[i].cells; k++) esp_terms_free(&e->table[i].cell[k]);
        free(e->table[i].cell);
    }
    free(e->ways);
    free(e);
}

