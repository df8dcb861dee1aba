/* The autoencoder of Table I as a network with named axes. */
#include <stdio.h>

#include "autoencoder/autoencoder.h"

enum { LATENT = 256, HIDDEN_LAYERS = 3 };
static const int hidden[HIDDEN_LAYERS] = {652, 520, 388};

/* Linear BatchNorm ReLU three times, then Linear: modules 0 1 (2) 3 4 (5) 6 7 (8) 9, as in
 * PyTorch's Sequential, which numbers activations too. */
static void add_component(esp_network *net, const char *name, int in, const int axes[HIDDEN_LAYERS], int out,
                          esp_act last)
{
    char module[ESP_NAME];
    esp_network_component(net, name);
    for (int i = 0; i < HIDDEN_LAYERS; i++) {
        snprintf(module, sizeof module, "%s.%d", name, 3 * i);
        esp_network_dense(net, module, esp_dim_of(i ? axes[i - 1] : in), esp_dim_of(axes[i]), ESP_ACT_NONE);
        snprintf(module, sizeof module, "%s.%d", name, 3 * i + 1);
        esp_network_norm(net, ESP_LAYER_BATCHNORM, module, axes[i], ESP_ACT_RELU);
    }
    snprintf(module, sizeof module, "%s.%d", name, 3 * HIDDEN_LAYERS);
    esp_network_dense(net, module, esp_dim_of(axes[HIDDEN_LAYERS - 1]), esp_dim_of(out), last);
}

esp_status esp_autoencoder_create(esp_network **out)
{
    esp_network *net = esp_network_new();
    int pixels = esp_network_axis(net, "pixels", ESP_IMAGE_PIXELS, false);
    int encoder[HIDDEN_LAYERS], decoder[HIDDEN_LAYERS];
    char name[ESP_NAME];
    for (int i = 0; i < HIDDEN_LAYERS; i++) {
        snprintf(name, sizeof name, "encoder.hidden%d", i + 1);
        encoder[i] = esp_network_axis(net, name, hidden[i], true);
    }
    int latent = esp_network_axis(net, "latent", LATENT, true);
    for (int i = 0; i < HIDDEN_LAYERS; i++) {
        snprintf(name, sizeof name, "decoder.hidden%d", i + 1);
        decoder[i] = esp_network_axis(net, name, hidden[HIDDEN_LAYERS - 1 - i], true);
    }
    add_component(net, "encoder", pixels, encoder, latent, ESP_ACT_NONE);
    add_component(net, "decoder", latent, decoder, pixels, ESP_ACT_SIGMOID);
    esp_status status = esp_network_finish(net);
    if (status == ESP_OK) *out = net;
    else                  esp_network_free(net);
    return status;
}

/* Numbered as in Table II: from the latent outwards. */
const esp_group_spec esp_autoencoder_paper_groups[] = {
    {"encoder.1", false, {"encoder.hidden3"}, {"encoder.6", "encoder.7", "encoder.8", "encoder.9"}},
    {"encoder.2", false, {"encoder.hidden2"}, {"encoder.3", "encoder.4", "encoder.5", "encoder.6"}},
    {"decoder.1", false, {"decoder.hidden3"}, {"decoder.6", "decoder.7", "decoder.8", "decoder.9"}},
    {"decoder.2", false, {"decoder.hidden2"}, {"decoder.3", "decoder.4", "decoder.5", "decoder.6"}},
    {"encoder-decoder", true, {"latent"}, {"encoder.9"}},
};
const int esp_autoencoder_num_paper_groups =
    sizeof esp_autoencoder_paper_groups / sizeof *esp_autoencoder_paper_groups;
