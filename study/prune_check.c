/* What was demanded of a pruning, checked on held-out data, and what an unhappy user can try next. */
#include <math.h>
#include <stdio.h>

#include "study/study.h"

/* ---- how much is left ---- */

double esp_pruning_kept(const esp_pruning *p)
{
    esp_prune_stage last = esp_pruning_last(p);
    if (!p->has[ESP_BEFORE] || !p->has[last]) return NAN;
    const esp_application *app = p->subject->application;
    const esp_measurement *before = &p->measured[ESP_BEFORE], *after = &p->measured[last];
    if (before->samples.num_starts == 0) return esp_application_kept(app, before->performance, after->performance);
    double least = INFINITY;
    for (int i = 0; i < before->samples.num_starts; i++) {
        double was = esp_start_samples_mean(&before->samples.start[i], 0);
        least = fmin(least, esp_application_kept(app, was, esp_start_samples_mean(&after->samples.start[i], 0)));
    }
    return least;
}

/* ---- demands ---- */

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

static esp_status check_performance(const esp_pruning *p)
{
    const esp_given *least = esp_judging_find(&p->request.judging, ESP_KEY_DEMAND);
    double kept = esp_pruning_kept(p), performance = p->measured[esp_pruning_last(p)].performance;
    const char *measure = p->subject->application->measure_name;
    if (least && !(performance >= least->number))
        return esp_fail(ESP_ERR_RANGE, "%s: %.4g is below --%s %g", measure, performance, least->option->name,
                        least->number);
    if (p->request.keep > 0 && !(kept >= p->request.keep))
        return esp_fail(ESP_ERR_RANGE, "%s: %.2f %% kept is less than --keep %g%%", measure, 100 * kept,
                        100 * p->request.keep);
    return ESP_OK;
}

esp_status esp_pruning_check(const esp_pruning *p)
{
    esp_status status = check_performance(p);
    return status == ESP_OK ? check_bound(p, esp_pruning_last(p)) : status;
}

/* ---- a warning ---- */

/* What costs least and helps most, in that order. */
static const char *advice(const esp_prune_request *r, const esp_subject *subject)
{
    const esp_application *app = subject->application;
    if (app->has_data && !app->has_data(subject)) return "--data, recorded inputs from which the cut is repaired";
    if (r->preset == ESP_PRESET_PAPER) return "--preset best, which repairs and finetunes";
    if (!r->compensation->repair)      return "--compensate lsq, which repairs the cut";
    if (r->finetune == 0)              return "--finetune N, gradient steps after the cut";
    return "more --rounds, more --finetune steps, or a lower --sparsity";
}

void esp_pruning_warn(const esp_pruning *p)
{
    double kept = esp_pruning_kept(p);
    bool demanded = p->request.keep > 0 || esp_judging_find(&p->request.judging, ESP_KEY_DEMAND);
    if (demanded || !(kept < ESP_KEPT_ENOUGH)) return;
    esp_log(ESP_LOG_WARNING, "only %.1f %% of the %s is left; try %s", 100 * kept,
            p->subject->application->measure_name, advice(&p->request, p->subject));
}
