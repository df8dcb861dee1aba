/* Recorded data: every layer reads the values that plain loops compute, and feeds that do not fit
 * are refused. */
#include "plain_network.h"
#include "recorded_data.h"

/* One sample of a component's input in double, images as their values. */
static double *plain_input(const recorded *r, float *const *outputs, int c, int sample)
{
    const esp_feed *feed = &r->calibration.feed[c];
    size_t size = (size_t)r->net->component[c].in_size;
    double *x = esp_alloc(size, sizeof *x);
    bool image = r->net->layer[r->net->component[c].first_layer].kind == ESP_LAYER_IMAGE;
    for (size_t j = 0; j < size; j++) {
        size_t width = feed->source < 0 ? 0 : (size_t)r->net->component[feed->source].out_size;
        if (j < width) x[j] = (double)outputs[feed->source][(size_t)sample * width + j];
        else if (image) x[j] = ((const uint8_t *)feed->data)[(size_t)sample * size + j];
        else x[j] = (double)((const float *)feed->data)[(size_t)sample * (size - width) + j - width];
    }
    return x;
}

static void check_outputs(recorded *r, const int *samples, int num_samples)
{
    float *outputs[ESP_MAX_COMPONENTS];
    double *weights = esp_alloc(r->net->num_weights, sizeof *weights);
    for (size_t i = 0; i < r->net->num_weights; i++) weights[i] = (double)r->net->weights[i];
    recorded_outputs(r->net, &r->calibration, outputs);
    for (int c = 0; c < r->net->num_components; c++) {
        size_t size = (size_t)r->net->component[c].out_size;
        for (int s = 0; s < num_samples; s++) {
            double *x = plain_input(r, outputs, c, samples[s]), *y = plain_forward(r->net, c, weights, x, 1, false);
            const float *got = outputs[c] + (size_t)samples[s] * size;
            for (size_t j = 0; j < size; j++)
                CU_ASSERT_DOUBLE_EQUAL((double)got[j], y[j], 1e-4 * (1 + fabs(y[j])));
            free(x);
            free(y);
        }
    }
    for (int c = 0; c < r->net->num_components; c++) free(outputs[c]);
    free(weights);
    recorded_free(r);
}

/* 1,100 samples are more than one batch of eight blocks, and the last block is not full. */
static void components_read_their_source_and_their_data(void)
{
    const int samples[] = {0, 127, 128, 1023, 1024, 1099}, few[] = {0, 77, 128, 139};
    recorded autoencoder = recorded_autoencoder(1100), agent = recorded_agent(140, 4, 5, 8);
    check_outputs(&autoencoder, samples, 6);
    check_outputs(&agent, few, 4);
}

static void component_without_feed_is_left_out(void)
{
    recorded r = recorded_agent(3, 4, 5, 8);
    int latent = esp_network_find_axis(r.net, "latent"), reward = esp_network_find_component(r.net, "_reward");
    esp_reader readers[ESP_MAX_READERS];
    CU_ASSERT_EQUAL(esp_axis_readers(r.net, &r.calibration, latent, readers), 5);
    r.calibration.feed[reward] = (esp_feed){.source = -1};
    CHECK_OK(esp_calibration_check(r.net, &r.calibration));
    CU_ASSERT_EQUAL(esp_axis_readers(r.net, &r.calibration, latent, readers), 4);
    esp_playback *play = esp_playback_create(r.net, &r.calibration);
    CU_ASSERT(esp_playback_next(play));
    CU_ASSERT_PTR_NULL(play->block[0].tape[reward]);
    CU_ASSERT_FALSE(esp_playback_next(play));
    esp_playback_free(play);
    recorded_free(&r);
}

static void readers_know_the_columns_of_a_unit(void)
{
    recorded r = recorded_agent(1, 4, 5, 8);
    esp_reader readers[ESP_MAX_READERS];
    CU_ASSERT_EQUAL(esp_axis_readers(r.net, &r.calibration, esp_network_find_axis(r.net, "enc.conv1"), readers), 1);
    CU_ASSERT_EQUAL(readers[0].layer, layer_named(r.net, "_encoder.3"));
    CU_ASSERT_EQUAL(readers[0].block, 25);
    int conv4 = esp_network_find_axis(r.net, "enc.conv4");
    CU_ASSERT_EQUAL(esp_axis_readers(r.net, &r.calibration, conv4, readers), 1);
    CU_ASSERT_EQUAL(readers[0].layer, layer_named(r.net, "_encoder.10"));
    CU_ASSERT_EQUAL(readers[0].block, 9);
    int *unit = esp_reader_units(r.net, &readers[0], conv4);
    for (int j = 0; j < 36; j++) CU_ASSERT_EQUAL(unit[j], j / 9);
    free(unit);
    int latent = esp_network_find_axis(r.net, "latent");
    CU_ASSERT_EQUAL(esp_axis_readers(r.net, &r.calibration, latent, readers), 5);
    unit = esp_reader_units(r.net, &readers[0], latent);
    CU_ASSERT_EQUAL(unit[4], 4);
    CU_ASSERT_EQUAL(unit[5], -1); /* the action */
    free(unit);
    recorded_free(&r);
}

static void feeds_that_do_not_fit_are_refused(void)
{
    recorded r = recorded_agent(2, 4, 5, 8);
    esp_calibration good = r.calibration, bad = good;
    int policy = esp_network_find_component(r.net, "_pi"), dynamics = esp_network_find_component(r.net, "_dynamics");
    bad.count = 0;
    CHECK_FAILS(ESP_ERR_SHAPE, esp_calibration_check(r.net, &bad), "0 samples");
    bad = good;
    bad.feed[dynamics].source = policy;
    CHECK_FAILS(ESP_ERR_SHAPE, esp_calibration_check(r.net, &bad), "stands before");
    bad = good;
    bad.feed[dynamics].source = r.net->num_components;
    CHECK_FAILS(ESP_ERR_SHAPE, esp_calibration_check(r.net, &bad), "stands before");
    bad = good;
    bad.feed[dynamics].columns = 2;
    CHECK_FAILS(ESP_ERR_SHAPE, esp_calibration_check(r.net, &bad), "the input has 6");
    bad = good;
    bad.feed[dynamics].data = NULL;
    CHECK_FAILS(ESP_ERR_SHAPE, esp_calibration_check(r.net, &bad), "_dynamics");
    bad = good;
    bad.feed[0] = (esp_feed){.source = -1};
    CHECK_FAILS(ESP_ERR_SHAPE, esp_calibration_check(r.net, &bad), "is fed");
    bad = good;
    bad.feed[policy] = (esp_feed){.source = -1, .data = good.feed[dynamics].data};
    CHECK_FAILS(ESP_ERR_SHAPE, esp_calibration_check(r.net, &bad), "latent");
    bad = (esp_calibration){.count = 2};
    for (int c = 0; c < ESP_MAX_COMPONENTS; c++) bad.feed[c].source = -1;
    CHECK_FAILS(ESP_ERR_SHAPE, esp_calibration_check(r.net, &bad), "no component is fed");
    CHECK_OK(esp_calibration_check(r.net, &good));
    recorded_free(&r);
}

static CU_TestInfo tests[] = {
    {"components_read_their_source_and_their_data", components_read_their_source_and_their_data},
    {"component_without_feed_is_left_out", component_without_feed_is_left_out},
    {"readers_know_the_columns_of_a_unit", readers_know_the_columns_of_a_unit},
    {"feeds_that_do_not_fit_are_refused", feeds_that_do_not_fit_are_refused},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("calibration", tests)
