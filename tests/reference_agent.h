/* An agent of the size that a recorded case states, with the weights and constants of that case. */
#ifndef ESP_TESTS_REFERENCE_AGENT_H
#define ESP_TESTS_REFERENCE_AGENT_H

#include "agent/agent.h"
#include "reference.h"

/* Shared by all cases: pre_tanh and acting on the mean are ours, not the reference's. */
static inline esp_agent_config reference_config(const esp_safetensors *file)
{
    esp_agent_config config = esp_agent_config_default();
    config.env.image_size = reference_int(file, "img_size");
    config.env.frame_stack = 3 * reference_int(file, "frame_stack"); /* its frames have three colours */
    config.network = (esp_network_config){.latent = reference_int(file, "latent_dim"),
                                          .hidden = reference_int(file, "mlp_dim"),
                                          .channels = reference_int(file, "num_channels")};
    config.loss = (esp_loss_config){.consistency = reference_number_or(file, "consistency_coef", 2.0),
                                    .reward = reference_number_or(file, "reward_coef", 0.5),
                                    .value = reference_number_or(file, "value_coef", 0.1),
                                    .grad_clip = reference_number_or(file, "grad_clip_norm", 10.0),
                                    .rho = reference_number(file, "rho"),
                                    .discount = reference_number(file, "discount"),
                                    .learning_rate = reference_number(file, "lr"),
                                    .tau = reference_number(file, "tau"),
                                    .target_every = (int)reference_number_or(file, "update_freq", 2.0),
                                    .policy_std = reference_number(file, "min_std"), .pre_tanh = 0.0};
    return config;
}

/* Full-size cases name another file for their weights. */
static inline esp_network *reference_agent(const esp_safetensors *file, const esp_agent_config *config)
{
    const char *other = esp_safetensors_metadata(file, "weights_file");
    esp_safetensors *weights = other ? reference_open(other) : NULL;
    esp_network *net = NULL;
    CHECK_OK(esp_told_create(config, reference_int(file, "action_dim"), &net));
    CHECK_OK(esp_network_load(net, weights ? weights : file, ""));
    esp_safetensors_free(weights);
    return net;
}

#endif
