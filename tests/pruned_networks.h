/* Networks for the tests of pruning: a small perceptron and the agent of Table III, with weights
 * that are all different. */
#ifndef ESP_PRUNED_NETWORKS_H
#define ESP_PRUNED_NETWORKS_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "pruning/pruning.h"

static inline void fill_weights(esp_network *net, uint64_t seed)
{
    esp_rng rng = esp_rng_make(seed, ESP_RNG_TEST, 0);
    esp_rng_normal(&rng, net->weights, net->num_weights);
    for (int t = 0; t < net->num_tensors; t++) /* running variances are positive */
        for (size_t i = 0; i < net->tensor[t].count && !net->tensor[t].trainable; i++)
            esp_network_weights(net, t)[i] = 0.5f + fabsf(esp_network_weights(net, t)[i]);
}

/* Random widths for prunable axes; fixed axes stay. */
static inline esp_widths random_widths(const esp_network *net, uint64_t seed)
{
    esp_rng rng = esp_rng_make(seed, ESP_RNG_TEST, 1);
    esp_widths widths = esp_widths_full(net);
    for (int i = 0; i < net->num_axes; i++)
        if (net->axis[i].prunable) widths.kept[i] = 1 + (int)esp_rng_below(&rng, (uint32_t)net->axis[i].size);
    return widths;
}

/* in 3 -> one 7 (ReLU) -> two 5 (ELU) -> out 2 */
static inline esp_network *small_network(void)
{
    esp_network *net = esp_network_new();
    int in = esp_network_axis(net, "in", 3, false), one = esp_network_axis(net, "one", 7, true);
    int two = esp_network_axis(net, "two", 5, true), out = esp_network_axis(net, "out", 2, false);
    esp_network_component(net, "net");
    esp_network_dense(net, "net.0", esp_dim_of(in), esp_dim_of(one), ESP_ACT_RELU);
    esp_network_dense(net, "net.2", esp_dim_of(one), esp_dim_of(two), ESP_ACT_ELU);
    esp_network_dense(net, "net.4", esp_dim_of(two), esp_dim_of(out), ESP_ACT_NONE);
    if (esp_network_finish(net) != ESP_OK) abort();
    fill_weights(net, 1);
    return net;
}

/* One head of the agent: two hidden layers, LayerNorm after the first when `norm` names it. */
static inline void agent_head(esp_network *net, const char *name, esp_dim in, int out, int hidden, const char *norm)
{
    char one[ESP_NAME], two[ESP_NAME], module[3][ESP_NAME];
    snprintf(one, sizeof one, "%s.hidden1", name + 1);
    snprintf(two, sizeof two, "%s.hidden2", name + 1);
    int h1 = esp_network_axis(net, one, hidden, true), h2 = esp_network_axis(net, two, hidden, true);
    for (int i = 0; i < 3; i++)
        snprintf(module[i], sizeof module[i], "%s.%d", name, norm && i > 0 ? 2 * i + 1 : 2 * i);
    esp_network_component(net, name);
    esp_network_dense(net, module[0], in, esp_dim_of(h1), norm ? ESP_ACT_NONE : ESP_ACT_ELU);
    if (norm) esp_network_norm(net, ESP_LAYER_LAYERNORM, norm, h1, ESP_ACT_TANH);
    esp_network_dense(net, module[1], esp_dim_of(h1), esp_dim_of(h2), ESP_ACT_ELU);
    esp_network_dense(net, module[2], esp_dim_of(h2), esp_dim_of(out), ESP_ACT_NONE);
}

/* The agent of Table III: 9 x 28 x 28 pixels, 32 channels, latent 50, hidden 512, one action. */
static inline esp_network *agent_network_of(int channels, int latent_size, int hidden)
{
    esp_network *net = esp_network_new();
    int pixels = esp_network_axis(net, "pixels", 9, false), conv[4];
    for (int i = 0; i < 4; i++) {
        char name[ESP_NAME];
        snprintf(name, sizeof name, "enc.conv%d", i + 1);
        conv[i] = esp_network_axis(net, name, channels, true);
    }
    int latent = esp_network_axis(net, "latent", latent_size, true);
    int action = esp_network_axis(net, "action", 1, false), scalar = esp_network_axis(net, "scalar", 1, false);
    esp_network_component(net, "_encoder");
    esp_network_image(net, pixels, 28);
    esp_network_conv2d(net, "_encoder.1", pixels, conv[0], 7, 2, ESP_ACT_RELU);
    esp_network_conv2d(net, "_encoder.3", conv[0], conv[1], 5, 1, ESP_ACT_RELU);
    esp_network_conv2d(net, "_encoder.5", conv[1], conv[2], 3, 1, ESP_ACT_RELU);
    esp_network_conv2d(net, "_encoder.7", conv[2], conv[3], 3, 1, ESP_ACT_RELU);
    esp_network_flatten(net);
    esp_network_dense(net, "_encoder.10", esp_dim_of(conv[3]), esp_dim_of(latent), ESP_ACT_NONE);
    esp_dim z = esp_dim_of(latent), za = esp_dim_concat(latent, action);
    agent_head(net, "_dynamics", za, latent, hidden, NULL);
    agent_head(net, "_reward", za, scalar, hidden, NULL);
    agent_head(net, "_pi", z, action, hidden, NULL);
    agent_head(net, "_Q1", za, scalar, hidden, "_Q1.1");
    agent_head(net, "_Q2", za, scalar, hidden, "_Q2.1");
    if (esp_network_finish(net) != ESP_OK) abort();
    fill_weights(net, 2);
    return net;
}

static inline esp_network *agent_network(void)
{
    return agent_network_of(32, 50, 512);
}

/* Table IV, with the coefficients of Table VII in their order: eight component-specific, two coupling. */
static const esp_group_spec table_iv[] = {
    {"Encoder 1", false, {"enc.conv2"}, {"_encoder.3"}},
    {"Encoder 2", false, {"enc.conv3"}, {"_encoder.5"}},
    {"Encoder 3", false, {"enc.conv4"}, {"_encoder.7"}},
    {"Dynamics", false, {"dynamics.hidden2"}, {"_dynamics.2"}},
    {"Reward", false, {"reward.hidden2"}, {"_reward.2"}},
    {"Pi", false, {"pi.hidden2"}, {"_pi.2"}},
    {"Q1", false, {"Q1.hidden2"}, {"_Q1.3"}},
    {"Q2", false, {"Q2.hidden2"}, {"_Q2.3"}},
    {"Encoder-Pi", true, {"pi.hidden1"}, {"_encoder.10", "_pi.0"}},
    {"Encoder-World", true, {"dynamics.hidden1", "reward.hidden1", "Q1.hidden1", "Q2.hidden1"},
     {"_encoder.10", "_dynamics.0", "_reward.0", "_Q1.0", "_Q2.0"}},
};

enum { TABLE_IV = sizeof table_iv / sizeof *table_iv };

#endif
