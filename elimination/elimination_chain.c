/* Tables that meet at fixed choices: their possible sums together, and the way from such a sum back
 * to the choices behind it. Tables store counts, not choices; a trace recomputes the few lists that
 * it passes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "elimination/elimination_internal.h"

static int cell_of(const esp_elimination *e, const esp_table *t)
{
    int index = 0;
    for (int i = 0; i < t->num; i++) index = index * e->choices->count[t->group[i]] + e->choice[t->group[i]];
    return index;
}

const esp_terms *esp_cell_at(const esp_elimination *e, int t)
{
    return &e->table[t].cell[cell_of(e, &e->table[t])];
}

void esp_chain_close(esp_chain *c)
{
    for (int i = 1; i < c->num; i++) esp_terms_free(&c->product[i]);
    c->num = 0;
}

/* The longest list first, because tracing walks through all others. */
void esp_sort_tables(const esp_elimination *e, int num, int *tables)
{
    for (int i = 1; i < num; i++) {
        int t = tables[i], at = i;
        for (; at > 0 && esp_cell_at(e, t)->num > esp_cell_at(e, tables[at - 1])->num; at--)
            tables[at] = tables[at - 1];
        tables[at] = t;
    }
}

esp_status esp_chain_open(const esp_elimination *e, int num, const int *tables, esp_chain *c)
{
    esp_status status = ESP_OK;
    memcpy(c->table, tables, (size_t)num * sizeof *tables);
    esp_sort_tables(e, num, c->table);
    c->product[0] = *esp_cell_at(e, c->table[0]);
    for (c->num = 1; c->num < num && status == ESP_OK; c->num++)
        status = esp_terms_product(e->algebra, &c->product[c->num - 1], esp_cell_at(e, c->table[c->num]),
                                   &c->product[c->num]);
    if (status == ESP_OK) return ESP_OK;
    c->num--; /* the last product was not computed */
    esp_chain_close(c);
    return status;
}

const esp_terms *esp_chain_sums(const esp_chain *c)
{
    return &c->product[c->num - 1];
}

esp_terms esp_chain_take(esp_chain *c)
{
    esp_terms sums = *esp_chain_sums(c);
    if (c->num == 1) { /* borrowed */
        sums.term = esp_alloc((size_t)sums.num, sizeof *sums.term);
        memcpy(sums.term, c->product[0].term, (size_t)sums.num * sizeof *sums.term);
    } else {
        c->num--;
    }
    esp_chain_close(c);
    return sums;
}

/* ---- tracing: from a sum back to choices ---- */

/* Chooses among alternatives that come one after another: ESP_COUNT takes the one that `rank` falls
 * into, ESP_LEAST the one with the least loss. */
typedef struct {
    esp_algebra algebra;
    double rank;      /* remaining rank; within the alternative once that is taken */
    double least;
    bool   taken;
} selection;

/* True when this alternative is to be remembered. Even when rounding beyond 2^53 ways is off, one
 * is remembered. */
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

/* Removes the part of the last table in the chain first, then of the one before. */
esp_status esp_trace_chain(esp_elimination *e, const esp_chain *c, int64_t sum, double rank)
{
    esp_status status = ESP_OK;
    for (int i = c->num - 1; i > 0 && status == ESP_OK; i--) {
        const esp_terms *part = esp_cell_at(e, c->table[i]);
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

/* Sets the choice of the group that the table eliminated, and of the groups below it. */
static esp_status trace_table(esp_elimination *e, int index, int64_t sum, double rank)
{
    const esp_table *t = &e->table[index];
    if (t->eliminated < 0) return ESP_OK;
    selection s = {.algebra = e->algebra, .rank = rank};
    int g = t->eliminated, chosen = 0;
    esp_chain c;
    for (int i = 0; i < e->choices->count[g] && !(s.taken && e->algebra == ESP_COUNT); i++) {
        e->choice[g] = i;
        esp_status status = esp_chain_open(e, t->num_children, t->child, &c);
        if (status != ESP_OK) return status;
        const esp_term *term = esp_terms_find(esp_chain_sums(&c), sum);
        if (term && select_it(&s, term->value)) chosen = i;
        esp_chain_close(&c);
    }
    e->choice[g] = chosen;
    esp_status status = esp_chain_open(e, t->num_children, t->child, &c);
    if (status != ESP_OK) return status;
    status = esp_trace_chain(e, &c, sum, s.rank);
    esp_chain_close(&c);
    return status;
}

