/* Elimination: counts, samples or optimises over all combinations of a few choices for every group
 * without enumerating them. What is constrained is a sum over tensors (structural) or groups
 * (nominal), and a tensor sees the groups of its own axes only, so groups are eliminated one at a time
 * (Bertele and Brioschi 1972): a table over its neighbours takes the place of a group, and a cell of
 * it lists what everything eliminated so far can sum up to. All sums are integers, so counts are
 * exact. The agent's 15 groups, 10^15 combinations, take about a second: given the latent, encoder
 * and heads are independent.
 *
 * The group with most neighbours is kept for the end, where the tables that are left meet for each
 * of its choices; two halves of them suffice to count the sums within a window. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pruning/pruning_internal.h"

enum {
    SCOPE = 16,               /* groups a table depends on */
    CELLS = 1 << 20,
    TABLES = 4 * ESP_MAX_AXES,
    FINE = 1 << 30            /* parts of a parameter that nominal sparsity is summed in */
};

typedef struct {
    int        num, group[SCOPE];
    int        cells;
    esp_terms *cell;          /* [cells], owned */
    int        eliminated;    /* the group whose choices the cells unite; -1: read off the network */
    int        num_children, child[TABLES];
    bool       consumed;
} table;

/* Tables that meet at fixed choices, and the products of the first 1, 2, ... of them. */
typedef struct {
    int        num, table[TABLES];
    esp_terms  product[TABLES]; /* of the tables up to each; the first is borrowed */
} chain;

struct esp_elimination {
    const esp_objective_config *settings;
    const esp_choices *choices;
    esp_algebra algebra;
    int64_t  whole;           /* the sum of the uncut network */
    int      num;
    table    table[TABLES];
    int      root;            /* -1: no groups */
    int      choice[ESP_MAX_AXES]; /* where the work is */

    int64_t  low, high;       /* counted last: sums within these */
    double  *ways;            /* [choices of the root] */
    int      opened;          /* the root's choice whose halves are open, -1: none */
    chain    half[2];
    double  *reached[2];      /* [terms + 1] ways of the first terms: first half, within the window; second */
};

static double one(esp_algebra algebra)
{
    return algebra == ESP_COUNT ? 1 : 0;
}

/* ---- tables ---- */

static int cell_of(const esp_elimination *e, const table *t)
{
    int index = 0;
    for (int i = 0; i < t->num; i++) index = index * e->choices->count[t->group[i]] + e->choice[t->group[i]];
    return index;
}

/* Steps through all choices of a table's groups; false after the last. */
static bool next_cell(esp_elimination *e, const table *t)
{
    for (int i = t->num - 1; i >= 0; i--) {
        int g = t->group[i];
        if (++e->choice[g] < e->choices->count[g]) return true;
        e->choice[g] = 0;
    }
    return false;
}

static bool depends(const table *t, int g)
{
    for (int i = 0; i < t->num; i++)
        if (t->group[i] == g) return true;
    return false;
}

static esp_status add_table(esp_elimination *e, uint64_t scope, table **out)
{
    double cells = 1;
    if (e->num == TABLES || __builtin_popcountll(scope) > SCOPE)
        return esp_fail(ESP_ERR_RANGE, "groups depend on too many others to count their combinations");
    table *t = &e->table[e->num];
    *t = (table){.eliminated = -1};
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

/* ---- what the network says ---- */

static void group_of_axes(const esp_elimination *e, int *group)
{
    const esp_grouping *grouping = e->settings->grouping;
    for (int i = 0; i < ESP_MAX_AXES; i++) group[i] = -1;
    for (int g = 0; g < grouping->num; g++)
        for (int i = 0; i < grouping->group[g].num_axes; i++) group[grouping->group[g].axis[i]] = g;
}

static uint64_t scope_of(const esp_tensor *tensor, const int *group)
{
    uint64_t scope = 0;
    for (int d = 0; d < tensor->rank; d++)
        for (int p = 0; p < tensor->dim[d].num; p++) {
            int g = group[tensor->dim[d].part[p].axis];
            if (g >= 0) scope |= (uint64_t)1 << g;
        }
    return scope;
}

static esp_widths widths_at(const esp_elimination *e)
{
    double coefficient[ESP_MAX_AXES];
    for (int g = 0; g < e->settings->grouping->num; g++)
        coefficient[g] = e->choices->coefficient[g][e->choice[g]];
    return esp_widths_of(e->settings->net, e->settings->grouping, coefficient);
}

/* Parameters of all tensors that depend on just these groups. */
static int64_t params_at(const esp_elimination *e, const int *group, uint64_t scope)
{
    const esp_network *net = e->settings->net;
    esp_widths widths = widths_at(e);
    int64_t params = 0;
    for (int i = 0; i < net->num_tensors; i++) {
        const esp_tensor *tensor = &net->tensor[i];
        bool counted = tensor->trainable && (e->settings->components >> tensor->component & 1u);
        if (counted && scope_of(tensor, group) == scope) params += (int64_t)esp_tensor_params(tensor, &widths);
    }
    return params;
}

static esp_status add_tensors(esp_elimination *e, const int *group, uint64_t scope)
{
    table *t;
    esp_status status = add_table(e, scope, &t);
    if (status != ESP_OK) return status;
    int i = 0;
    do t->cell[i++] = esp_terms_one(params_at(e, group, scope), one(e->algebra));
    while (next_cell(e, t));
    return ESP_OK;
}

static esp_status read_structure(esp_elimination *e)
{
    const esp_network *net = e->settings->net;
    int group[ESP_MAX_AXES];
    uint64_t known[ESP_MAX_TENSORS];
    int num_known = 0;
    group_of_axes(e, group);
    e->whole += (int64_t)esp_network_params(net, e->settings->components);
    esp_status status = ESP_OK;
    for (int i = 0; i < net->num_tensors && status == ESP_OK; i++) {
        if (!net->tensor[i].trainable || !(e->settings->components >> net->tensor[i].component & 1u)) continue;
        uint64_t scope = scope_of(&net->tensor[i], group);
        bool seen = false;
        for (int k = 0; k < num_known; k++) seen = seen || known[k] == scope;
        if (seen) continue;
        known[num_known++] = scope;
        status = add_tensors(e, group, scope);
    }
    return status;
}

/* One table a group: its loss, and with nominal sparsity what it keeps of s_i. */
static esp_status read_groups(esp_elimination *e)
{
    const esp_grouping *grouping = e->settings->grouping;
    bool nominal = !grouping->structural_constraint;
    esp_status status = ESP_OK;
    for (int g = 0; g < grouping->num && status == ESP_OK; g++) {
        table *t;
        status = add_table(e, (uint64_t)1 << g, &t);
        int64_t size = nominal ? (int64_t)grouping->group[g].params * FINE : 0;
        for (int i = 0; i < e->choices->count[g] && status == ESP_OK; i++) {
            double loss = e->algebra == ESP_LEAST ? e->choices->loss[g][i] : 1;
            t->cell[i] = esp_terms_one(llround((double)size * (1 - e->choices->share[g][i])), loss);
        }
        e->whole += size;
    }
    return status;
}

/* ---- chains ---- */

static const esp_terms *cell_at(const esp_elimination *e, int t)
{
    return &e->table[t].cell[cell_of(e, &e->table[t])];
}

static void chain_close(chain *c)
{
    for (int i = 1; i < c->num; i++) esp_terms_free(&c->product[i]);
    c->num = 0;
}

/* The longest list first: tracing walks through all others. */
static void sort_tables(const esp_elimination *e, int num, int *tables)
{
    for (int i = 1; i < num; i++) {
        int t = tables[i], at = i;
        for (; at > 0 && cell_at(e, t)->num > cell_at(e, tables[at - 1])->num; at--) tables[at] = tables[at - 1];
        tables[at] = t;
    }
}

static esp_status chain_open(const esp_elimination *e, int num, const int *tables, chain *c)
{
    esp_status status = ESP_OK;
    memcpy(c->table, tables, (size_t)num * sizeof *tables);
    sort_tables(e, num, c->table);
    c->product[0] = *cell_at(e, c->table[0]);
    for (c->num = 1; c->num < num && status == ESP_OK; c->num++)
        status = esp_terms_product(e->algebra, &c->product[c->num - 1], cell_at(e, c->table[c->num]),
                                   &c->product[c->num]);
    if (status == ESP_OK) return ESP_OK;
    c->num--; /* the last product was not made */
    chain_close(c);
    return status;
}

static const esp_terms *chain_sums(const chain *c)
{
    return &c->product[c->num - 1];
}

/* Closes the chain and hands over its sums. */
static esp_terms chain_take(chain *c)
{
    esp_terms sums = *chain_sums(c);
    if (c->num == 1) { /* borrowed */
        sums.term = esp_alloc((size_t)sums.num, sizeof *sums.term);
        memcpy(sums.term, c->product[0].term, (size_t)sums.num * sizeof *sums.term);
    } else {
        c->num--;
    }
    chain_close(c);
    return sums;
}

/* ---- tracing: from a sum back to choices ---- */

/* Among alternatives met one after another: COUNT takes the one that `rank` falls into, LEAST the least. */
typedef struct {
    esp_algebra algebra;
    double rank;      /* left of it; within the alternative once that is taken */
    double least;
    bool   taken;
} selection;

/* True when this alternative is to be remembered. Rounding beyond 2^53 ways cannot leave none. */
static bool select_it(selection *s, double value)
{
    if (s->algebra == ESP_LEAST) {
        bool better = !s->taken || value < s->least;
        if (better) s->least = value;
        s->taken = true;
        return better;
    }
    if (s->taken || !(value > 0)) return false;
    s->taken = s->rank < value;
    if (!s->taken) s->rank -= value;
    return true;
}

static esp_status trace_table(esp_elimination *e, int t, int64_t sum, double rank);

/* The last table of the chain gives up its part first, then the one before. */
static esp_status trace_chain(esp_elimination *e, const chain *c, int64_t sum, double rank)
{
    esp_status status = ESP_OK;
    for (int i = c->num - 1; i > 0 && status == ESP_OK; i--) {
        const esp_terms *part = cell_at(e, c->table[i]);
        selection s = {.algebra = e->algebra, .rank = rank};
        esp_term mine = {0}, rest = {0};
        for (int k = 0; k < part->num && !(s.taken && e->algebra == ESP_COUNT); k++) {
            const esp_term *other = esp_terms_find(&c->product[i - 1], sum - part->term[k].sum);
            if (!other) continue;
            double value = e->algebra == ESP_COUNT ? other->value * part->term[k].value
                                                   : other->value + part->term[k].value;
            if (!select_it(&s, value)) continue;
            mine = part->term[k];
            rest = *other;
        }
        double within = fmod(s.rank, mine.value);
        rank = e->algebra == ESP_COUNT ? fmin(floor(s.rank / mine.value), rest.value - 1) : 0;
        sum = rest.sum;
        status = trace_table(e, c->table[i], mine.sum, within);
    }
    return status == ESP_OK ? trace_table(e, c->table[0], sum, rank) : status;
}

/* Sets the choice of the group that the table eliminated, and of those below it. */
static esp_status trace_table(esp_elimination *e, int index, int64_t sum, double rank)
{
    const table *t = &e->table[index];
    if (t->eliminated < 0) return ESP_OK;
    selection s = {.algebra = e->algebra, .rank = rank};
    int g = t->eliminated, chosen = 0;
    chain c;
    for (int i = 0; i < e->choices->count[g] && !(s.taken && e->algebra == ESP_COUNT); i++) {
        e->choice[g] = i;
        esp_status status = chain_open(e, t->num_children, t->child, &c);
        if (status != ESP_OK) return status;
        const esp_term *term = esp_terms_find(chain_sums(&c), sum);
        if (term && select_it(&s, term->value)) chosen = i;
        chain_close(&c);
    }
    e->choice[g] = chosen;
    esp_status status = chain_open(e, t->num_children, t->child, &c);
    if (status != ESP_OK) return status;
    status = trace_chain(e, &c, sum, s.rank);
    chain_close(&c);
    return status;
}

/* ---- elimination ---- */

static int take_tables_of(esp_elimination *e, int g, int *tables, uint64_t *scope)
{
    int num = 0;
    *scope = 0;
    for (int i = 0; i < e->num; i++) {
        if (e->table[i].consumed || !depends(&e->table[i], g)) continue;
        e->table[i].consumed = true;
        tables[num++] = i;
        for (int k = 0; k < e->table[i].num; k++) *scope |= (uint64_t)1 << e->table[i].group[k];
    }
    *scope &= ~((uint64_t)1 << g);
    return num;
}

/* What the tables below sum up to, whatever the group is. */
static esp_status unite(esp_elimination *e, const table *t, esp_terms *out)
{
    int count = e->choices->count[t->eliminated], made = 0;
    esp_terms *list = esp_alloc((size_t)count, sizeof *list);
    esp_status status = ESP_OK;
    while (made < count && status == ESP_OK) {
        chain c;
        e->choice[t->eliminated] = made;
        status = chain_open(e, t->num_children, t->child, &c);
        if (status == ESP_OK) list[made++] = chain_take(&c);
    }
    if (status == ESP_OK) status = esp_terms_union(e->algebra, count, list, out);
    for (int i = 0; i < made; i++) esp_terms_free(&list[i]);
    free(list);
    return status;
}

/* All tables of the group become one over its neighbours. */
static esp_status eliminate(esp_elimination *e, int g)
{
    uint64_t scope;
    int child[TABLES], num = take_tables_of(e, g, child, &scope), cell = 0;
    table *t;
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
    uint64_t scope = 0;
    for (int i = 0; i < e->num; i++)
        for (int k = 0; k < e->table[i].num && !e->table[i].consumed && depends(&e->table[i], g); k++)
            scope |= (uint64_t)1 << e->table[i].group[k];
    return __builtin_popcountll(scope);
}

/* Few neighbours first, the root never. */
static esp_status eliminate_all(esp_elimination *e)
{
    int num = e->settings->grouping->num;
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
        done[next] = true;
        status = eliminate(e, next);
    }
    return status;
}

static int tables_left(const esp_elimination *e, int *tables)
{
    int num = 0;
    for (int i = 0; i < e->num; i++)
        if (!e->table[i].consumed) tables[num++] = i;
    return num;
}

/* Two halves take two tables. */
static esp_status add_neutral(esp_elimination *e)
{
    int tables[TABLES];
    table *t = NULL;
    esp_status status = ESP_OK;
    while (status == ESP_OK && tables_left(e, tables) < 2) {
        status = add_table(e, 0, &t);
        if (status == ESP_OK) t->cell[0] = esp_terms_one(0, one(e->algebra));
    }
    return status;
}

esp_status esp_elimination_create(const esp_objective_config *settings, const esp_choices *choices,
                                  esp_algebra algebra, esp_elimination **out)
{
    esp_elimination *e = esp_alloc(1, sizeof *e);
    *e = (esp_elimination){.settings = settings, .choices = choices, .algebra = algebra, .opened = -1};
    esp_status status = read_groups(e);
    if (status == ESP_OK && settings->grouping->structural_constraint) status = read_structure(e);
    if (status == ESP_OK) status = eliminate_all(e);
    if (status == ESP_OK) status = add_neutral(e);
    if (status == ESP_OK) *out = e;
    else                  esp_elimination_free(e);
    return status;
}

static void close_halves(esp_elimination *e)
{
    for (int h = 0; h < 2 && e->opened >= 0; h++) {
        chain_close(&e->half[h]);
        free(e->reached[h]);
    }
    e->opened = -1;
}

void esp_elimination_free(esp_elimination *e)
{
    if (!e) return;
    close_halves(e);
    for (int i = 0; i < e->num; i++) {
        for (int k = 0; k < e->table[i].cells; k++) esp_terms_free(&e->table[i].cell[k]);
        free(e->table[i].cell);
    }
    free(e->ways);
    free(e);
}

/* ---- the root: what is left meets ---- */

/* Halves whose products are about equally long. */
static esp_status open_halves(esp_elimination *e, int choice)
{
    int tables[TABLES], part[2][TABLES], num[2] = {0};
    double length[2] = {0};
    close_halves(e);
    e->choice[e->root] = choice;
    int left = tables_left(e, tables);
    sort_tables(e, left, tables);
    for (int i = 0; i < left; i++) {
        int h = i == 1 || length[1] < length[0];
        part[h][num[h]++] = tables[i];
        length[h] += log2(cell_at(e, tables[i])->num);
    }
    esp_status status = chain_open(e, num[0], part[0], &e->half[0]);
    if (status != ESP_OK) return status;
    status = chain_open(e, num[1], part[1], &e->half[1]);
    if (status != ESP_OK) chain_close(&e->half[0]);
    else                  e->opened = choice;
    return status;
}

/* Terms of the second half that bring a sum of the first into the window: [*from, *to). */
static void partners(const esp_elimination *e, int64_t sum, int *from, int *to)
{
    const esp_terms *other = chain_sums(&e->half[1]);
    *from = esp_terms_above(other, e->low - sum);
    *to = esp_terms_above(other, e->high - sum + 1);
}

/* Cumulated ways of both open halves; returns those of this choice of the root. */
static double accumulate(esp_elimination *e)
{
    const esp_terms *first = chain_sums(&e->half[0]), *second = chain_sums(&e->half[1]);
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
    const esp_terms *first = chain_sums(&e->half[0]), *second = chain_sums(&e->half[1]);
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

/* Index of the last entry of rising cumulated ways that is not above the rank, below `end`. */
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
    const esp_terms *first = chain_sums(&e->half[0]), *second = chain_sums(&e->half[1]);
    int i = interval_of(e->reached[0], first->num, rank), from, to;
    partners(e, first->term[i].sum, &from, &to);
    double ways = e->reached[1][to] - e->reached[1][from], within = rank - e->reached[0][i];
    double mine = floor(within / ways), theirs = e->reached[1][from] + within - mine * ways;
    int k = interval_of(e->reached[1], second->num, theirs);
    status = trace_chain(e, &e->half[0], first->term[i].sum, mine);
    if (status == ESP_OK)
        status = trace_chain(e, &e->half[1], second->term[k].sum, theirs - e->reached[1][k]);
    memcpy(choice, e->choice, (size_t)e->settings->grouping->num * sizeof *choice);
    return status;
}

/* The term with the least loss of those that weigh no more than `most`; the lightest if there is none. */
static esp_term best_term(const esp_terms *front, int64_t most)
{
    int above = esp_terms_above(front, most + 1);
    return front->term[above > 0 ? above - 1 : 0];
}

esp_status esp_elimination_best(esp_elimination *e, double sparsity, int *choice)
{
    int tables[TABLES], num = tables_left(e, tables), chosen = -1;
    int64_t most = (int64_t)floor((double)e->whole * (1 - sparsity + ESP_SPARSITY_SLACK));
    esp_term best = {0};
    chain c;
    for (int i = 0; i < e->choices->count[e->root]; i++) {
        e->choice[e->root] = i;
        esp_status status = chain_open(e, num, tables, &c);
        if (status != ESP_OK) return status;
        esp_term term = best_term(chain_sums(&c), most);
        chain_close(&c);
        bool better = term.sum <= most ? best.sum > most || term.value < best.value : term.sum < best.sum;
        if (chosen >= 0 && !better) continue;
        best = term;
        chosen = i;
    }
    e->choice[e->root] = chosen;
    esp_status status = chain_open(e, num, tables, &c);
    if (status != ESP_OK) return status;
    status = trace_chain(e, &c, best.sum, 0);
    chain_close(&c);
    memcpy(choice, e->choice, (size_t)e->settings->grouping->num * sizeof *choice);
    return status;
}

/* ---- choices ---- */

void esp_choices_make(const esp_levels *levels, const esp_grouping *grouping, int points, esp_choices *out)
{
    memset(out, 0, sizeof *out);
    for (int g = 0; g < levels->num; g++) {
        double least = grouping->group[g].least, most = grouping->group[g].most;
        out->coefficient[g] = esp_alloc((size_t)points, sizeof(double));
        out->share[g] = esp_alloc((size_t)points, sizeof(double));
        for (int i = 0, last = -1; i < points; i++) {
            double wish = least + (most - least) * i / (points > 1 ? points - 1 : 1);
            int level = esp_levels_nearest(levels, g, wish);
            if (level == last) continue;
            out->coefficient[g][out->count[g]] = levels->coefficient[g][level];
            out->share[g][out->count[g]++] = grouping->round_to > 1 ? levels->coefficient[g][level] : wish;
            last = level;
        }
    }
}

void esp_choices_free(esp_choices *choices)
{
    for (int g = 0; g < ESP_MAX_AXES; g++) {
        free(choices->coefficient[g]);
        free(choices->share[g]);
        free(choices->loss[g]);
    }
    memset(choices, 0, sizeof *choices);
}
