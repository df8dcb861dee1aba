/* What was measured of every held-out sample, summarised and paired. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/application.h"

static void append(double **to, int count, const double *more, int num_more)
{
    double *longer = esp_alloc((size_t)(count + num_more), sizeof *longer);
    if (count > 0) memcpy(longer, *to, (size_t)count * sizeof *longer);
    memcpy(longer + count, more, (size_t)num_more * sizeof *longer);
    free(*to);
    *to = longer;
}

void esp_samples_append(esp_samples *to, const esp_samples *more)
{
    if (to->num_starts == 0) {
        *to = *more;
        for (int s = 0; s < to->num_starts; s++)
            to->start[s] = (esp_start_samples){.name = more->start[s].name};
    }
    for (int s = 0; s < to->num_starts; s++) {
        esp_start_samples *start = &to->start[s];
        for (int t = 0; t < to->num_traits; t++)
            append(&start->value[t], start->count, more->start[s].value[t], more->start[s].count);
        start->count += more->start[s].count;
    }
}

void esp_samples_free(esp_samples *samples)
{
    for (int s = 0; s < samples->num_starts; s++)
        for (int t = 0; t < samples->num_traits; t++) free(samples->start[s].value[t]);
    *samples = (esp_samples){.num_starts = 0};
}

esp_start_samples esp_samples_all(const esp_samples *samples)
{
    esp_start_samples all = {.name = "all"};
    for (int s = 0; s < samples->num_starts; s++) {
        const esp_start_samples *start = &samples->start[s];
        for (int t = 0; t < samples->num_traits; t++) append(&all.value[t], all.count, start->value[t], start->count);
        all.count += start->count;
    }
    return all;
}

void esp_start_samples_free(esp_start_samples *start)
{
    for (int t = 0; t < ESP_MOST_TRAITS; t++) free(start->value[t]);
    *start = (esp_start_samples){.count = 0};
}

double esp_start_samples_mean(const esp_start_samples *start, int trait)
{
    double sum = 0;
    int known = 0;
    for (int i = 0; i < start->count; i++) {
        double value = start->value[trait][i];
        if (isnan(value)) continue;
        sum += value;
        known++;
    }
    return known > 0 ? sum / known : NAN;
}

/* ---- JSON ---- */

static void add_number(cJSON *json, const char *key, const char *ending, double value)
{
    char name[64];
    snprintf(name, sizeof name, "%s%s", key, ending);
    if (isnan(value)) cJSON_AddNullToObject(json, name);
    else              cJSON_AddNumberToObject(json, name, value);
}

void esp_start_samples_json(const esp_samples *samples, const esp_start_samples *start, const char *sample_name,
                            uint64_t seed, cJSON *json)
{
    const char *key = samples->trait[0].key;
    char name[64];
    esp_summary summary = esp_summarise(start->count, start->value[0], seed);
    double worst = INFINITY;
    for (int i = 0; i < start->count; i++) worst = fmin(worst, start->value[0][i]);
    cJSON_AddNumberToObject(json, sample_name, start->count);
    add_number(json, key, "_mean", summary.mean);
    snprintf(name, sizeof name, "%s_ci95", key);
    esp_json_add_doubles(json, name, 2, (double[]){summary.low, summary.high});
    add_number(json, key, "_iqm", summary.iqm);
    add_number(json, key, "_worst", worst);
    for (int t = 1; t < samples->num_traits; t++)
        add_number(json, samples->trait[t].key, "", esp_start_samples_mean(start, t));
}

void esp_samples_starts_json(const esp_samples *samples, const char *sample_name, uint64_t seed, const char *key,
                             cJSON *json)
{
    if (samples->num_starts == 0 || !samples->start[0].name) return;
    cJSON *starts = cJSON_AddObjectToObject(json, key);
    for (int s = 0; s < samples->num_starts; s++)
        esp_start_samples_json(samples, &samples->start[s], sample_name, seed,
                               cJSON_AddObjectToObject(starts, samples->start[s].name));
}

static cJSON *paired_json(const char *name, const esp_paired *p)
{
    cJSON *json = cJSON_CreateObject();
    if (name) cJSON_AddStringToObject(json, "start", name);
    cJSON_AddNumberToObject(json, "pairs", p->count);
    cJSON_AddNumberToObject(json, "before", p->before);
    cJSON_AddNumberToObject(json, "after", p->after);
    add_number(json, "kept", "", p->before > 0 ? p->after / p->before : NAN);
    cJSON_AddNumberToObject(json, "difference", p->mean);
    esp_json_add_doubles(json, "difference_ci95", 2, (double[]){p->low, p->high});
    cJSON_AddNumberToObject(json, "difference_iqm", p->iqm);
    cJSON_AddNumberToObject(json, "worst", p->worst);
    cJSON_AddNumberToObject(json, "worst_index", p->worst_index);
    cJSON_AddNumberToObject(json, "worse_share", p->worse);
    cJSON_AddNumberToObject(json, "better_share", p->better);
    return json;
}

cJSON *esp_samples_paired_json(const esp_samples *before, const esp_samples *after, uint64_t seed)
{
    cJSON *list = cJSON_CreateArray();
    for (int s = 0; s < before->num_starts && s < after->num_starts; s++) {
        const esp_start_samples *a = &before->start[s], *b = &after->start[s];
        esp_paired p = esp_pair(a->count, a->value[0], b->value[0], seed);
        cJSON_AddItemToArray(list, paired_json(a->name, &p));
    }
    return list;
}
