/* Shared by the files of elimination: tables, and chains of tables that meet. */
#ifndef ESP_ELIMINATION_INTERNAL_H
#define ESP_ELIMINATION_INTERNAL_H

#include "elimination/terms_internal.h"

/* ---- tables ---- */

enum {
    ESP_SCOPE = 16,               /* most groups that a table depends on */
    ESP_TABLES = 4 * ESP_MAX_AXES,
};

typedef struct {
    int        num, group[ESP_SCOPE];
    int        cells;
    esp_terms *cell;          /* [cells], owned */
    int        eliminated;    /* the group whose choices are united in the cells; -1: read from the network */
    int        num_children, child[ESP_TABLES];
    bool       consumed;
} esp_table;

/* Tables that meet at fixed choices, and the products of the first 1, 2, ... of them. */
typedef struct {
    int        num, table[ESP_TABLES];
    esp_terms  product[ESP_TABLES]; /* product of the tables up to each; the first is borrowed */
} esp_chain;

struct esp_elimination {
    const esp_network  *net;
    const esp_grouping *grouping;
    const esp_choices *choices;
    esp_algebra algebra;
    int64_t  whole;           /* sum of the uncut network */
    int      num;
    esp_table table[ESP_TABLES];
    int      root;            /* the group kept for the end */
    int      choice[ESP_MAX_AXES]; /* the choices that work is at */

    int64_t  low, high;       /* window of sums counted last */
    double  *ways;            /* [choices of the root] */
    int      opened;          /* the root's choice whose halves are open; -1: none */
    esp_chain half[2];
    double  *reached[2];      /* [terms + 1] cumulated ways: of the first half, within the window; of the second half */
};

/* ---- elimination_chain.c ---- */

const esp_terms *esp_cell_at(const esp_elimination *e, int table); /* the table's cell at the present choices */
/* Sorts tables by descending length of their lists. */
void       esp_sort_tables(const esp_elimination *e, int num, int *tables);
/* Computes the products of tables at the present choices. */
esp_status esp_chain_open(const esp_elimination *e, int num, const int *tables, esp_chain *c);
void       esp_chain_close(esp_chain *c);
const esp_terms *esp_chain_sums(const esp_chain *c);
/* Closes the chain and hands over its sums. */
esp_terms  esp_chain_take(esp_chain *c);
/* Traces a sum of the chain back to choices, left in e->choice: those of way number `rank` (ESP_COUNT), or those with
 * the least loss. */
esp_status esp_trace_chain(esp_elimination *e, const esp_chain *c, int64_t sum, double rank);

/* ---- elimination.c ---- */

int  esp_tables_left(const esp_elimination *e, int *tables); /* tables that no other table has absorbed */
void esp_close_halves(esp_elimination *e);

#endif
