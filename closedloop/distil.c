/* Distillation: a pruned network learns the actions of the dense one.
 *
 * A pruned controller leaves the dense one's path and then has to act in states that no recording of the dense one
 * holds. Therefore it plays episodes of its own while it learns, the dense one says what it would have done there, and
 * both kinds of episodes fill the batches (DAgger: Ross, Gordon and Bagnell, AISTATS 2011). The error of the actions
 * says little about the return, so at every check the averaged weights play episodes, and the best weights are the
 * result. */
#include <math.h>
#include <string.h>

#include "closedloop/closedloop.h"

enum { CHECKS = 5 };     /* evaluations of the averaged weights, evenly spread */
#define RATE_END 0.02    /* share of the rate at the last step */
#define AVERAGE 0.995    /* decay of the averaged weights */

typedef struct {
    const esp_distillation *about;
    esp_network *average, *best; /* running mean of the weights, and the best mean so far */
    double       loss, best_return;
} distilling;

/* Keeps the weights if they return more than all before them. Without episodes the last ones are kept. */
static esp_status offer(distilling *d, const esp_network *net)
{
    double mean = 0.0;
    esp_status status = d->about->judge ? d->about->judge(d->about->context, net, &mean) : ESP_OK;
    if (status != ESP_OK || (d->about->judge && !(mean > d->best_return))) return status;
    d->best_return = mean;
    memcpy(d->best->weights, net->weights, net->num_weights * sizeof *net->weights);
    return ESP_OK;
}

static esp_status step_once(distilling *d, int step)
{
    const esp_distillation *about = d->about;
    double rate = about->rate * esp_cosine_schedule(RATE_END, (double)step / about->steps);
    esp_status status = esp_check_interrupt();
    if (status == ESP_OK) status = about->step(about->context, step, rate, &d->loss);
    if (status == ESP_ERR_INTERRUPTED) return status;
    if (status != ESP_OK) return esp_fail_in(status, "finetuning, step %d", step);
    esp_average_weights(AVERAGE, step + 1, about->net, d->average);
    if (about->judge)
        esp_progress("finetune", step + 1, about->steps, "action error %.3f, mean return %.1f", sqrt(d->loss),
                     d->best_return);
    else
        esp_progress("finetune", step + 1, about->steps, "action error %.3f", sqrt(d->loss));
    return ESP_OK;
}

/* Whether the part number `part` of `parts` of all steps ends after `step` steps. */
static bool ends_part(const distilling *d, int step, int parts)
{
    return (int64_t)step * parts / d->about->steps != (int64_t)(step - 1) * parts / d->about->steps;
}

static esp_status learn(distilling *d)
{
    const esp_distillation *about = d->about;
    esp_status status = offer(d, about->net);
    if (status == ESP_OK && about->play) status = about->play(about->context, d->average);
    for (int step = 1; step <= about->steps && status == ESP_OK; step++) {
        status = step_once(d, step - 1);
        if (status == ESP_OK && ends_part(d, step, CHECKS)) status = offer(d, d->average);
        if (status == ESP_OK && about->play && step < about->steps && ends_part(d, step, ESP_DISTIL_PLAYS))
            status = about->play(about->context, d->average);
    }
    return status;
}

esp_status esp_distil_run(const esp_distillation *about)
{
    distilling d = {.about = about, .average = esp_network_clone(about->net), .best = esp_network_clone(about->net),
                    .best_return = -INFINITY};
    esp_network *before = esp_network_clone(about->net);
    esp_status status = learn(&d);
    const esp_network *result = status == ESP_OK ? d.best : before;
    memcpy(about->net->weights, result->weights, result->num_weights * sizeof *result->weights);
    esp_network_free(before);
    esp_network_free(d.average);
    esp_network_free(d.best);
    return status;
}
