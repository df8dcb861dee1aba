/* Gradient steps after the cut. A policy is distilled (distil.c); a planner learns from recorded episodes of the dense
 * agent: the losses of training, with the dense agent's values as targets, and imitation of its actions.
 *
 * The shipped agent, 60 % smaller, 400 steps, returns on held-out episodes (dense: 770): the policy had 511 with the
 * losses of training alone, and 768 after 500 steps of imitation alone, each of which costs about a quarter. The
 * planner had 707 when values were bootstrapped from the damaged ones and 748 with the dense agent's as targets; 20 %
 * smaller, 200 steps, it had 758 and 750: there it makes no difference. One seed each. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_internal.h"

esp_finetune_config esp_finetune_config_default(void)
{
    return (esp_finetune_config){.steps = 1000, .components = ESP_ALL_COMPONENTS, .learning_rate = 1e-3,
                                 .learning_rate_end = 0.1, .seed = 1};
}

typedef struct {
    const esp_agent_config    *config;
    const esp_finetune_config *settings;
    esp_network *net, *average; /* network being trained, and its running average */
    esp_updater  *updater;
    esp_imitator *imitator;
    esp_replay   *replay;
    esp_draw     *draw;
    const float  *intended;     /* per slot of the replay buffer */
    float        *wanted;       /* [B, A] intended actions of the batch */
    float        *target;       /* value targets per slot of the replay buffer */
    float        *td_target;    /* [T, B] value targets of the batch */
    double        loss;         /* loss of imitation */
} finetuning;

static finetuning finetuning_create(const esp_network *net, const esp_agent_config *config, const esp_network *dense,
                                    const esp_recording *recording, const esp_finetune_config *settings)
{
    int batch = config->train.batch, horizon = config->train.horizon;
    finetuning f = {.config = config, .settings = settings, .net = esp_network_clone(net),
                    .replay = esp_recording_replay(recording, config),
                    .draw = esp_draw_create(config, recording->num_actions), .intended = recording->intended,
                    .wanted = esp_alloc((size_t)batch * recording->num_actions, sizeof *f.wanted)};
    if (config->train.average > 0.0) f.average = esp_network_clone(net);
    f.updater = esp_updater_create(f.net, &config->loss, batch, horizon);
    f.target = esp_dense_targets(dense, config, recording);
    f.td_target = esp_alloc((size_t)horizon * batch, sizeof *f.td_target);
    f.draw->batch.td_target = f.td_target;
    f.imitator = esp_imitator_create(f.net, batch);
    return f;
}

static void finetuning_free(finetuning *f)
{
    esp_updater_free(f->updater);
    esp_imitator_free(f->imitator);
    free(f->wanted);
    free(f->target);
    free(f->td_target);
    esp_replay_free(f->replay);
    esp_draw_free(f->draw);
    esp_network_free(f->net);
    esp_network_free(f->average);
}

static esp_status update(finetuning *f, int step, double rate)
{
    const esp_batch *batch = &f->draw->batch;
    for (int i = 0; i < batch->horizon * batch->batch; i++)
        f->td_target[i] = f->target[f->draw->slots[i % batch->batch] + i / batch->batch];
    esp_status status = esp_updater_step(f->updater, &f->draw->batch, step, rate);
    if (status == ESP_OK)
        esp_replay_update(f->replay, batch->batch, f->draw->slots, f->updater->record.priorities);
    return status;
}

static esp_status imitate(finetuning *f, double rate)
{
    size_t A = (size_t)f->draw->num_actions;
    for (int b = 0; b < f->draw->batch.batch; b++)
        memcpy(f->wanted + b * A, f->intended + f->draw->slots[b] * A, A * sizeof *f->wanted);
    return esp_imitator_step(f->imitator, f->draw->obs, f->wanted, rate, &f->loss);
}

static esp_status step_once(finetuning *f, int step)
{
    const esp_finetune_config *s = f->settings;
    double rate = s->learning_rate * esp_cosine_schedule(s->learning_rate_end, (double)step / s->steps);
    esp_draw_batch(f->draw, f->replay, s->seed, step);
    esp_status status = update(f, step, rate);
    if (status == ESP_OK) status = imitate(f, rate);
    if (status != ESP_OK) return esp_fail_in(status, "finetuning, step %d", step);
    if (f->average) esp_average_weights(f->config->train.average, step + 1, f->net, f->average);
    return ESP_OK;
}

static esp_status check_fit(const esp_network *net, const esp_recording *recording)
{
    int image = net->component[ESP_TOLD_ENCODER].in_size, actions = net->component[ESP_TOLD_POLICY].out_size;
    if (recording->stack * recording->frame != image || recording->num_actions != actions)
        return esp_fail(ESP_ERR_SHAPE, "the recording has observations of %d values and %d actions, but the network "
                        "reads %d and has %d",
                        recording->stack * recording->frame, recording->num_actions, image, actions);
    return ESP_OK;
}

esp_status esp_agent_finetune(esp_network *net, const esp_agent_config *config, const esp_network *dense,
                              const esp_recording *recording, const esp_finetune_config *settings)
{
    esp_status status = check_fit(net, recording);
    if (status == ESP_OK) status = check_fit(dense, recording);
    if (status == ESP_OK && config->train.horizon >= recording->num_steps)
        status = esp_fail(ESP_ERR_RANGE, "train.horizon (%d) must be shorter than a recorded episode (%d control "
                          "steps)", config->train.horizon, recording->num_steps);
    if (status != ESP_OK || settings->steps == 0) return status;
    if (!(settings->components >> ESP_TOLD_DYNAMICS & 1)) return esp_distil(net, config, dense, recording, settings);
    finetuning f = finetuning_create(net, config, dense, recording, settings);
    for (int step = 0; step < settings->steps && status == ESP_OK; step++) {
        status = esp_check_interrupt();
        if (status == ESP_OK) status = step_once(&f, step);
        if (status == ESP_OK)
            esp_progress("finetune", step + 1, settings->steps, "action error %.3f", sqrt(f.loss));
    }
    const esp_network *result = f.average ? f.average : f.net;
    if (status == ESP_OK) memcpy(net->weights, result->weights, net->num_weights * sizeof *net->weights);
    finetuning_free(&f);
    return status;
}
