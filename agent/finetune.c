/* Gradient steps after the cut: the losses that trained the agent, on what the dense one did. */
#include <string.h>

#include "agent/agent_internal.h"

esp_finetune_config esp_finetune_config_default(void)
{
    return (esp_finetune_config){.steps = 1000, .learning_rate = 3e-4, .learning_rate_end = 0.1, .seed = 1};
}

typedef struct {
    const esp_agent_config    *config;
    const esp_finetune_config *settings;
    esp_network *net, *average; /* what the steps move, and what comes out */
    esp_updater *updater;
    esp_replay  *replay;
    esp_draw    *draw;
} finetuning;

static finetuning finetuning_create(const esp_network *net, const esp_agent_config *config,
                                    const esp_recording *recording, const esp_finetune_config *settings)
{
    finetuning f = {.config = config, .settings = settings, .net = esp_network_clone(net),
                    .replay = esp_recording_replay(recording, config),
                    .draw = esp_draw_create(config, recording->num_actions)};
    if (config->train.average > 0.0) f.average = esp_network_clone(net);
    f.updater = esp_updater_create(f.net, &config->loss, config->train.batch, config->train.horizon);
    return f;
}

static void finetuning_free(finetuning *f)
{
    esp_updater_free(f->updater);
    esp_replay_free(f->replay);
    esp_draw_free(f->draw);
    esp_network_free(f->net);
    esp_network_free(f->average);
}

static esp_status step_once(finetuning *f, int step)
{
    const esp_finetune_config *s = f->settings;
    double rate = s->learning_rate * esp_cosine_schedule(s->learning_rate_end, (double)step / s->steps);
    esp_draw_batch(f->draw, f->replay, s->seed, step);
    esp_status status = esp_updater_step(f->updater, &f->draw->batch, step, rate);
    if (status != ESP_OK) return esp_fail_in(status, "finetuning, step %d", step);
    esp_replay_update(f->replay, f->draw->batch.batch, f->draw->slots, f->updater->record.priorities);
    if (f->average) esp_average_weights(f->config->train.average, step + 1, f->net, f->average);
    return ESP_OK;
}

static esp_status check_fit(const esp_network *net, const esp_agent_config *config, const esp_recording *recording)
{
    int image = net->component[ESP_TOLD_ENCODER].in_size, actions = net->component[ESP_TOLD_POLICY].out_size;
    if (recording->stack * recording->frame != image || recording->num_actions != actions)
        return esp_fail(ESP_ERR_SHAPE, "the recording has observations of %d values and %d actions, the network reads "
                        "%d and has %d", recording->stack * recording->frame, recording->num_actions, image, actions);
    if (config->train.horizon >= recording->num_steps)
        return esp_fail(ESP_ERR_RANGE, "train.horizon (%d) must be shorter than a recorded episode (%d control steps)",
                        config->train.horizon, recording->num_steps);
    return ESP_OK;
}

esp_status esp_agent_finetune(esp_network *net, const esp_agent_config *config, const esp_recording *recording,
                              const esp_finetune_config *settings)
{
    esp_status status = check_fit(net, config, recording);
    if (status != ESP_OK || settings->steps == 0) return status;
    finetuning f = finetuning_create(net, config, recording, settings);
    for (int step = 0; step < settings->steps && status == ESP_OK; step++) {
        status = esp_check_interrupt();
        if (status == ESP_OK) status = step_once(&f, step);
        if (status == ESP_OK)
            esp_progress("finetune", step + 1, settings->steps, "loss %.4f", f.updater->record.weighted_loss);
    }
    const esp_network *result = f.average ? f.average : f.net;
    if (status == ESP_OK) memcpy(net->weights, result->weights, net->num_weights * sizeof *net->weights);
    finetuning_free(&f);
    return status;
}
