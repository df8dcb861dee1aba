/* The autoencoder of Table I as a network with named axes. */
#include <stdio.h>

#include "autoencoder/autoencoder.h"
#include "graph/graph.h"

enum { LATENT = 256, HIDDEN_LAYERS = 3 };
static const int hidden[HIDDEN_LAYERS] = {652, 520, 388};

/* Values whose axes are shared or named. */
typedef struct { int in, out, hidden[HIDDEN_LAYERS]; } part;

static int dense(esp_graph *graph, int x, const char *name, int index, int outputs)
{
    char module[ESP_NAME];
    snprintf(module, sizeof module, "%s.%d", name, index);
    return esp_graph_dense(graph, x, &(esp_dense_spec){.module = module, .outputs = outputs});
}

/* Linear BatchNorm ReLU three times, then Linear: modules 0 1 (2) 3 4 (5) 6 7 (8) 9, as in
 * PyTorch's Sequential, which numbers activations too. */
static part add_component(esp_graph *graph, const char *name, int in, const int sizes[HIDDEN_LAYERS], int out,
                          esp_act last)
{
    char module[ESP_NAME];
    esp_graph_component(graph, name);
    part p = {.in = esp_graph_input(graph, "input", in)};
    int x = p.in;
    for (int i = 0; i < HIDDEN_LAYERS; i++) {
        p.hidden[i] = dense(graph, x, name, 3 * i, sizes[i]);
        snprintf(module, sizeof module, "%s.%d", name, 3 * i + 1);
        x = esp_graph_batchnorm(graph, p.hidden[i], &(esp_norm_spec){.module = module});
        x = esp_graph_act(graph, x, ESP_ACT_RELU);
    }
    p.out = esp_graph_act(graph, dense(graph, x, name, 3 * HIDDEN_LAYERS, out), last);
    esp_graph_output(graph, "output", p.out);
    return p;
}

/* Axes in the order in which searches number them. */
static void name_axes(esp_graph *graph, const part *encoder, const part *decoder)
{
    char name[ESP_NAME];
    esp_graph_name(graph, encoder->in, 0, "pixels");
    for (int i = 0; i < HIDDEN_LAYERS; i++) {
        snprintf(name, sizeof name, "encoder.hidden%d", i + 1);
        esp_graph_name(graph, encoder->hidden[i], 0, name);
    }
    esp_graph_name(graph, encoder->out, 0, "latent");
    for (int i = 0; i < HIDDEN_LAYERS; i++) {
        snprintf(name, sizeof name, "decoder.hidden%d", i + 1);
        esp_graph_name(graph, decoder->hidden[i], 0, name);
    }
}

esp_status esp_autoencoder_create(esp_network **out)
{
    esp_graph *graph = esp_graph_new();
    part encoder = add_component(graph, "encoder", ESP_IMAGE_PIXELS, hidden, LATENT, ESP_ACT_NONE);
    part decoder = add_component(graph, "decoder", LATENT, (const int[]){hidden[2], hidden[1], hidden[0]},
                                 ESP_IMAGE_PIXELS, ESP_ACT_SIGMOID);
    esp_graph_wire(graph, encoder.out, 0, decoder.in, 0, LATENT);
    esp_graph_tie(graph, encoder.in, 0, decoder.out, 0, ESP_IMAGE_PIXELS);
    name_axes(graph, &encoder, &decoder);
    esp_status status = esp_graph_finish(graph, out);
    esp_graph_free(graph);
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
