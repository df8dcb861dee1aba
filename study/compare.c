/* Two checkpoints on the same episodes, until it is sure whether the second is worse. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/study.h"

/* Episodes of each start between two looks: enough to fill blocks on several threads. */
#define BETWEEN_LOOKS 20
#define ERROR 0.05

const char *const esp_verdict_names[] = {[ESP_UNDECIDED] = "undecided", [ESP_NOT_WORSE] = "not worse",
                                         [ESP_WORSE] = "worse"};

/* ---- what can be compared ---- */

/* The first member that differs, except for the controller; NULL: none. */
static const char *difference(const cJSON *a, const cJSON *b)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, a)
        if (strcmp(item->string, "controller") != 0 &&
            !cJSON_Compare(item, cJSON_GetObjectItemCaseSensitive(b, item->string), true)) return item->string;
    return NULL;
}

static esp_status check_question(const esp_subject *a, const esp_subject *b)
{
    cJSON *of_a = cJSON_CreateObject(), *of_b = cJSON_CreateObject();
    esp_subject_question_json(a, of_a);
    esp_subject_question_json(b, of_b);
    const char *key = difference(of_a, of_b);
    if (!key) key = difference(of_b, of_a);
    esp_status status = ESP_OK;
    if (key)
        status = esp_fail(ESP_ERR_USAGE, "%s and %s differ in their %s, so their episodes are not the same; use --set "
                          "or --start", a->path, b->path, key);
    cJSON_Delete(of_a);
    cJSON_Delete(of_b);
    return status;
}

static esp_status check(const esp_subject *a, const esp_subject *b)
{
    if (a->application != b->application)
        return esp_fail(ESP_ERR_USAGE, "%s belongs to application '%s' and %s to '%s'; both must play the same task",
                        a->path, a->application->name, b->path, b->application->name);
    if (!a->application->sample)
        return esp_fail(ESP_ERR_USAGE, "%s belongs to application '%s', which is judged on all its %s at once; use "
                        "`espalier eval' for each", a->path, a->application->name, a->application->sample_name);
    return check_question(a, b);
}

static esp_status check_samples(const esp_comparison *c)
{
    const esp_samples *a = &c->samples[0], *b = &c->samples[1];
    if (!isfinite(a->most) || a->most != b->most)
        return esp_fail(ESP_ERR_USAGE, "the largest possible return is %g and %g; the comparison needs one number for "
                        "both", a->most, b->most);
    for (int s = 0; s < a->num_starts; s++)
        for (int i = 0; i < a->start[s].count; i++)
            for (int k = 0; k < 2; k++) {
                double value = c->samples[k].start[s].value[0][i];
                if (!(value >= 0 && value <= a->most))
                    return esp_fail(ESP_ERR_RANGE, "an episode returned %g; the comparison needs returns from 0 to %g",
                                    value, a->most);
            }
    return ESP_OK;
}

/* ---- until it is sure ---- */

/* Samples number `from` and later, in rounds of one sample of every start. */
static void bet(const esp_comparison *c, int from, esp_bets *bets)
{
    const esp_samples *a = &c->samples[0], *b = &c->samples[1];
    for (int i = from; i < a->start[0].count; i++)
        for (int s = 0; s < a->num_starts; s++) esp_bets_add(bets, a->start[s].value[0][i], b->start[s].value[0][i]);
}

static void find_bounds(esp_comparison *c, const esp_noninferiority *test)
{
    esp_start_samples a = esp_samples_all(&c->samples[0]), b = esp_samples_all(&c->samples[1]);
    esp_noninferiority_bounds(test, a.count, a.value[0], b.value[0], &c->low, &c->high);
    c->all = esp_pair(a.count, a.value[0], b.value[0], c->seed);
    esp_start_samples_free(&a);
    esp_start_samples_free(&b);
}

static esp_status play(const esp_subject *subject, int first, int count, esp_samples *samples)
{
    esp_samples more = {.num_starts = 0};
    esp_status status = subject->application->sample(subject, subject->net, first, count, NULL, &more);
    if (status == ESP_OK) esp_samples_append(samples, &more);
    esp_samples_free(&more);
    return status;
}

static esp_status play_until_sure(const esp_comparison_request *request, esp_comparison *c)
{
    esp_noninferiority test = {.margin = request->margin, .error = c->error};
    esp_bets bets;
    int first = 0;
    while (c->verdict == ESP_UNDECIDED && first < c->limit) {
        int left = c->limit - first, count = left < BETWEEN_LOOKS ? left : BETWEEN_LOOKS;
        esp_status status = play(request->a, first, count, &c->samples[0]);
        if (status == ESP_OK) status = play(request->b, first, count, &c->samples[1]);
        if (status == ESP_OK) status = check_samples(c);
        if (status != ESP_OK) return status;
        test.most = c->samples[0].most;
        if (first == 0) bets = esp_bets_begin(&test);
        bet(c, first, &bets);
        c->verdict = esp_bets_verdict(&bets);
        first += count;
        esp_progress("compare", c->verdict == ESP_UNDECIDED ? first : c->limit, c->limit, "B returns %.2f %% of A",
                     100 * bets.sum_b / fmax(bets.sum_a, 1e-300));
    }
    find_bounds(c, &test);
    return ESP_OK;
}

esp_status esp_compare(const esp_comparison_request *request, esp_comparison *out)
{
    *out = (esp_comparison){.margin = request->margin, .error = ERROR, .limit = request->limit,
                            .seed = request->a->settings->seed};
    esp_status status = check(request->a, request->b);
    if (status == ESP_OK) status = esp_subject_prepare(request->a);
    if (status == ESP_OK) status = esp_subject_prepare(request->b);
    if (status == ESP_OK) status = play_until_sure(request, out);
    if (status != ESP_OK) esp_comparison_free(out);
    return status;
}

void esp_comparison_free(esp_comparison *comparison)
{
    for (int k = 0; k < 2; k++) esp_samples_free(&comparison->samples[k]);
}

/* ---- JSON ---- */

static void add_network(cJSON *json, const char *key, const esp_subject *subject, const esp_samples *samples,
                        uint64_t seed)
{
    cJSON *network = cJSON_AddObjectToObject(json, key), *question = cJSON_CreateObject();
    esp_start_samples all = esp_samples_all(samples);
    esp_subject_question_json(subject, question);
    const char *controller = esp_json_text(question, "controller");
    cJSON_AddStringToObject(network, "checkpoint", subject->path);
    if (controller) cJSON_AddStringToObject(network, "controller", controller);
    cJSON_AddNumberToObject(network, "params_used", (double)esp_network_params(subject->net, subject->components));
    esp_start_samples_json(samples, &all, subject->application->sample_name, seed, network);
    esp_samples_starts_json(samples, subject->application->sample_name, seed, "starts", network);
    esp_start_samples_free(&all);
    cJSON_Delete(question);
}

cJSON *esp_comparison_json(const esp_comparison_request *request, const esp_comparison *c)
{
    const esp_application *app = request->a->application;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "application", app->name);
    esp_subject_question_json(request->a, json);
    cJSON_DeleteItemFromObject(json, "controller"); /* both may have their own */
    cJSON_DeleteItemFromObject(json, "start");      /* see "paired" */
    cJSON_AddNumberToObject(json, "seed", (double)c->seed);
    cJSON_AddStringToObject(json, "verdict", esp_verdict_names[c->verdict]);
    cJSON_AddNumberToObject(json, "margin", c->margin);
    cJSON_AddNumberToObject(json, "error", c->error);
    cJSON_AddNumberToObject(json, app->sample_name, c->samples[0].start[0].count);
    cJSON_AddNumberToObject(json, "limit", c->limit);
    if (c->all.before > 0) cJSON_AddNumberToObject(json, "kept", c->all.after / c->all.before);
    else                   cJSON_AddNullToObject(json, "kept");
    cJSON_AddNumberToObject(json, "kept_low", c->low);
    if (isfinite(c->high)) cJSON_AddNumberToObject(json, "kept_high", c->high);
    else                   cJSON_AddNullToObject(json, "kept_high");
    cJSON_AddItemToObject(json, "paired", esp_samples_paired_json(&c->samples[0], &c->samples[1], c->seed));
    add_network(json, "a", request->a, &c->samples[0], c->seed);
    add_network(json, "b", request->b, &c->samples[1], c->seed);
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
    return json;
}
