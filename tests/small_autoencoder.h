/* A chain like the autoencoder, small enough for central differences: BatchNorm, ReLU and a latent
 * in the middle, Sigmoid at the end. */
#ifndef ESP_TESTS_SMALL_AUTOENCODER_H
#define ESP_TESTS_SMALL_AUTOENCODER_H

#include "autoencoder/autoencoder.h"

#include "check.h"

static inline esp_network *small_autoencoder(int pixels, int hidden, int latent, uint64_t seed)
{
    esp_network *net = esp_network_new();
    int in = esp_network_axis(net, "pixels", pixels, false);
    int down = esp_network_axis(net, "encoder.hidden1", hidden, true);
    int z = esp_network_axis(net, "latent", latent, true);
    int up = esp_network_axis(net, "decoder.hidden1", hidden, true);
    esp_network_component(net, "encoder");
    esp_network_dense(net, "encoder.0", esp_dim_of(in), esp_dim_of(down), ESP_ACT_NONE);
    esp_network_norm(net, ESP_LAYER_BATCHNORM, "encoder.1", down, ESP_ACT_RELU);
    esp_network_dense(net, "encoder.3", esp_dim_of(down), esp_dim_of(z), ESP_ACT_NONE);
    esp_network_component(net, "decoder");
    esp_network_dense(net, "decoder.0", esp_dim_of(z), esp_dim_of(up), ESP_ACT_NONE);
    esp_network_norm(net, ESP_LAYER_BATCHNORM, "decoder.1", up, ESP_ACT_RELU);
    esp_network_dense(net, "decoder.3", esp_dim_of(up), esp_dim_of(in), ESP_ACT_SIGMOID);
    CHECK_OK(esp_network_finish(net));
    esp_network_init_default(net, seed);
    return net;
}

/* The same with normalisations that are not the identity. */
static inline esp_network *shaken_autoencoder(int pixels, int hidden, int latent, uint64_t seed)
{
    esp_network *net = small_autoencoder(pixels, hidden, latent, seed);
    esp_rng rng = esp_rng_make(2, ESP_RNG_TEST, 0);
    for (int i = 0; i < net->num_tensors; i++) {
        const esp_layer *layer = &net->layer[net->tensor[i].layer];
        if (layer->kind != ESP_LAYER_BATCHNORM) continue;
        float *w = esp_network_weights(net, i);
        for (size_t k = 0; k < net->tensor[i].count; k++) w[k] += (float)(0.5 * esp_rng_uniform(&rng));
    }
    return net;
}

/* Images that have something in common: bright within a rectangle that differs from image to
 * image. */
static inline esp_images rectangles(int count)
{
    esp_images images = {.count = count, .pixels = esp_alloc((size_t)count * ESP_IMAGE_PIXELS, 1)};
    for (int i = 0; i < count; i++) {
        esp_rng rng = esp_rng_make(3, ESP_RNG_TEST, (uint64_t)i);
        int left = (int)esp_rng_below(&rng, 20), top = (int)esp_rng_below(&rng, 20);
        int width = 4 + (int)esp_rng_below(&rng, 5), height = 4 + (int)esp_rng_below(&rng, 5);
        uint8_t *corner = images.pixels + (size_t)i * ESP_IMAGE_PIXELS + top * ESP_IMAGE_SIDE + left;
        for (int y = 0; y < height; y++) memset(corner + y * ESP_IMAGE_SIDE, 200 + i % 50, (size_t)width);
    }
    return images;
}

#endif
