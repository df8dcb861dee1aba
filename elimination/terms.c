/* Lists of sums: how much a part of the network can weigh, and in how many ways (grid) or at what
 * least loss (sensitivity). Two parts that do not interact combine by the product of their lists. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "elimination/terms_internal.h"

enum {
    LONGEST = 1 << 25,   /* longest list, terms: 512 MiB */
    WIDEST = 1 << 24,    /* largest span of sums that an array may be indexed by */
    FRONT = 256          /* terms of a front: each step is 0.4 % of its span */
};

static double join(esp_algebra algebra, double a, double b)
{
    return algebra == ESP_COUNT ? a * b : a + b;
}

static double either(esp_algebra algebra, double a, double b)
{
    return algebra == ESP_COUNT ? a + b : a < b ? a : b;
}

static double nothing(esp_algebra algebra)
{
    return algebra == ESP_COUNT ? 0 : INFINITY;
}

void esp_terms_free(esp_terms *terms)
{
    free(terms->term);
    *terms = (esp_terms){0};
}

esp_terms esp_terms_one(int64_t sum, double value)
{
    esp_terms one = {1, esp_alloc(1, sizeof *one.term)};
    one.term[0] = (esp_term){sum, value};
    return one;
}

/* ---- fronts ---- */

/* Drops every term that weighs at least as much and loses at least as much as another; keeps from
 * each of FRONT steps the term with the least loss. */
static void keep_front(esp_terms *terms)
{
    double least = INFINITY;
    int num = 0;
    for (int i = 0; i < terms->num; i++) {
        if (!(terms->term[i].value < least)) continue;
        least = terms->term[i].value;
        terms->term[num++] = terms->term[i];
    }
    terms->num = num;
    if (num <= FRONT) return;
    int64_t first = terms->term[0].sum, step = (terms->term[num - 1].sum - first) / FRONT + 1;
    int kept = 0;
    for (int i = 0; i < num; i++) {
        if (kept > 0 && (terms->term[i].sum - first) / step == (terms->term[kept - 1].sum - first) / step) kept--;
        terms->term[kept++] = terms->term[i];
    }
    terms->num = kept;
}

/* ---- lists of pairs: by an array indexed by sums where it is not much longer than the list, else
 * by sorting ---- */

static int compare_terms(const void *a, const void *b)
{
    const esp_term *left = a, *right = b;
    int order = (left->sum > right->sum) - (left->sum < right->sum);
    return order ? order : (left->value > right->value) - (left->value < right->value);
}

static void merge_sorted(esp_algebra algebra, esp_terms *terms)
{
    int num = 0;
    for (int i = 0; i < terms->num; i++) {
        esp_term term = terms->term[i];
        if (num > 0 && terms->term[num - 1].sum == term.sum)
            terms->term[num - 1].value = either(algebra, terms->term[num - 1].value, term.value);
        else
            terms->term[num++] = term;
    }
    terms->num = num;
}

static esp_terms from_array(esp_algebra algebra, int64_t first, int span, const double *values)
{
    esp_terms terms = {0};
    for (int i = 0; i < span; i++) terms.num += values[i] != nothing(algebra);
    terms.term = esp_alloc((size_t)terms.num + 1, sizeof *terms.term);
    int at = 0;
    for (int i = 0; i < span; i++)
        if (values[i] != nothing(algebra)) terms.term[at++] = (esp_term){first + i, values[i]};
    return terms;
}

static double *empty_array(esp_algebra algebra, int span)
{
    double *values = esp_alloc((size_t)span, sizeof *values);
    for (int i = 0; i < span; i++) values[i] = nothing(algebra);
    return values;
}

/* Whether an array pays: its span is at most about 16 times the number of pairs. */
static bool dense(int64_t span, double pairs)
{
    return span <= WIDEST && (double)span <= 16 * pairs + 1024;
}

static int64_t span_of(const esp_terms *terms)
{
    return terms->term[terms->num - 1].sum - terms->term[0].sum;
}

static esp_terms product_by_array(esp_algebra algebra, const esp_terms *a, const esp_terms *b, int span)
{
    int64_t first = a->term[0].sum + b->term[0].sum;
    double *values = empty_array(algebra, span);
    for (int i = 0; i < a->num; i++) {
        for (int k = 0; k < b->num; k++) {
            double *value = &values[a->term[i].sum + b->term[k].sum - first];
            *value = either(algebra, *value, join(algebra, a->term[i].value, b->term[k].value));
        }
    }
    esp_terms out = from_array(algebra, first, span, values);
    free(values);
    return out;
}

static esp_terms product_by_sorting(esp_algebra algebra, const esp_terms *a, const esp_terms *b)
{
    esp_terms out = {0, esp_alloc((size_t)a->num * (size_t)b->num, sizeof *out.term)};
    for (int i = 0; i < a->num; i++)
        for (int k = 0; k < b->num; k++)
            out.term[out.num++] = (esp_term){a->term[i].sum + b->term[k].sum,
                                             join(algebra, a->term[i].value, b->term[k].value)};
    bool sorted = a->num == 1 || b->num == 1;
    if (!sorted) qsort(out.term, (size_t)out.num, sizeof *out.term, compare_terms);
    merge_sorted(algebra, &out);
    return out;
}

static esp_status too_many(double terms)
{
    return esp_fail(ESP_ERR_RANGE, "counting the combinations needs lists of %.2g sums, but at most %d are kept; use "
                    "fewer points, groups or units", terms, LONGEST);
}

esp_status esp_terms_product(esp_algebra algebra, const esp_terms *a, const esp_terms *b, esp_terms *out)
{
    double pairs = (double)a->num * b->num;
    int64_t span = span_of(a) + span_of(b) + 1;
    if (a->num > 1 && b->num > 1 && dense(span, pairs)) *out = product_by_array(algebra, a, b, (int)span);
    else if (pairs > LONGEST)                           return too_many(pairs);
    else                                                *out = product_by_sorting(algebra, a, b);
    if (algebra == ESP_LEAST) keep_front(out);
    return ESP_OK;
}

/* ---- union ---- */

static void union_by_array(esp_algebra algebra, esp_terms *all, int64_t first, int span)
{
    double *values = empty_array(algebra, span);
    for (int i = 0; i < all->num; i++) {
        double *value = &values[all->term[i].sum - first];
        *value = either(algebra, *value, all->term[i].value);
    }
    esp_terms out = from_array(algebra, first, span, values);
    free(values);
    free(all->term);
    *all = out;
}

esp_status esp_terms_union(esp_algebra algebra, int num, const esp_terms *lists, esp_terms *out)
{
    double total = 0;
    for (int i = 0; i < num; i++) total += lists[i].num;
    if (total > LONGEST) return too_many(total);
    esp_terms all = {0, esp_alloc((size_t)total, sizeof *all.term)};
    int64_t first = lists[0].term[0].sum, last = first;
    for (int i = 0; i < num; i++) {
        memcpy(all.term + all.num, lists[i].term, (size_t)lists[i].num * sizeof *all.term);
        all.num += lists[i].num;
        if (lists[i].term[0].sum < first) first = lists[i].term[0].sum;
        if (lists[i].term[lists[i].num - 1].sum > last) last = lists[i].term[lists[i].num - 1].sum;
    }
    if (dense(last - first + 1, total)) {
        union_by_array(algebra, &all, first, (int)(last - first + 1));
    } else {
        qsort(all.term, (size_t)all.num, sizeof *all.term, compare_terms);
        merge_sorted(algebra, &all);
    }
    if (algebra == ESP_LEAST) keep_front(&all);
    *out = all;
    return ESP_OK;
}

/* ---- look-up ---- */

int esp_terms_above(const esp_terms *terms, int64_t sum)
{
    int low = 0, high = terms->num;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (terms->term[middle].sum < sum) low = middle + 1;
        else                               high = middle;
    }
    return low;
}

const esp_term *esp_terms_find(const esp_terms *terms, int64_t sum)
{
    int at = esp_terms_above(terms, sum);
    return at < terms->num && terms->term[at].sum == sum ? &terms->term[at] : NULL;
}
