/* What was demanded of a pruning, checked on held-out data. */
#include "study/study.h"

static const esp_figure *figure_of(const esp_pruning *p, esp_prune_stage stage, const char *key)
{
    return esp_figure_list_find(&p->measured[stage].figures, key);
}

/* The figure that is bounded must not have grown beyond the bound. */
static esp_status check_bound(const esp_pruning *p, esp_prune_stage last)
{
    const esp_given *given = esp_judging_find(&p->subject->judging, ESP_KEY_BOUND);
    const char *key = p->subject->application->bounded;
    if (!given || !key) return ESP_OK;
    double before = figure_of(p, ESP_BEFORE, key)->value, after = figure_of(p, last, key)->value;
    if (after <= given->number * before) return ESP_OK;
    return esp_fail(ESP_ERR_RANGE, "%s: %.4g is above --%s %g times the %.4g before; --finetune 0 or a lower "
                    "--sparsity may lower it", key, after, given->option->name, given->number, before);
}

esp_status esp_pruning_check(const esp_pruning *p)
{
    esp_prune_stage last = p->has[ESP_FINETUNED] ? ESP_FINETUNED : ESP_AFTER;
    return check_bound(p, last);
}
