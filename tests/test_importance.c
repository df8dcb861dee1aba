/* Importance: norms against plain loops over whole tensors, and the properties of a ranking. */
#include "check.h"
#include "recorded_data.h"

static float weight_at(const esp_network *net, const char *tensor, int row, int column)
{
    int t = esp_network_find_tensor(net, tensor);
    return esp_network_weights(net, t)[row * net->tensor[t].shape[1] + column];
}

/* Scores of one axis, [its size]. */
static void axis_scores(const esp_network *net, int axis, const char *name, uint64_t seed, double *scores)
{
    esp_ranking ranking;
    CHECK_OK(esp_ranking_make(net, esp_importance_find(name), seed, NULL, &ranking));
    memcpy(scores, ranking.score[axis], (size_t)net->axis[axis].size * sizeof *scores);
    esp_ranking_free(&ranking);
}

static void hidden_unit_counts_incoming_and_outgoing_weights(void)
{
    esp_network *net = small_network();
    double l1[7], l2[7];
    axis_scores(net, esp_network_find_axis(net, "one"), "l1", 0, l1);
    axis_scores(net, esp_network_find_axis(net, "one"), "l2", 0, l2);
    for (int unit = 0; unit < 7; unit++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < 3; i++) {
            double w = weight_at(net, "net.0.weight", unit, i);
            sum += fabs(w);
            squares += w * w;
        }
        for (int o = 0; o < 5; o++) {
            double w = weight_at(net, "net.2.weight", o, unit);
            sum += fabs(w);
            squares += w * w;
        }
        CU_ASSERT_DOUBLE_EQUAL(l1[unit], sum, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(l2[unit], sqrt(squares), 1e-12);
    }
    esp_network_free(net);
}

static void flattened_channel_counts_all_its_pixels(void)
{
    esp_network *net = agent_network_of(8, 6, 16);
    double scores[8];
    axis_scores(net, esp_network_find_axis(net, "enc.conv4"), "l1", 0, scores);
    const float *kernel = esp_network_weights(net, esp_network_find_tensor(net, "_encoder.7.weight"));
    for (int channel = 0; channel < 8; channel++) {
        double sum = 0;
        for (int i = 0; i < 8 * 9; i++) sum += fabsf(kernel[channel * 8 * 9 + i]);
        for (int row = 0; row < 6; row++)
            for (int pixel = 0; pixel < 9; pixel++)
                sum += fabsf(weight_at(net, "_encoder.10.weight", row, channel * 9 + pixel));
        CU_ASSERT_DOUBLE_EQUAL(scores[channel], sum, 1e-9);
    }
    esp_network_free(net);
}

static void latent_unit_counts_every_component_but_not_the_action(void)
{
    const char *readers[] = {"_dynamics.0", "_reward.0", "_pi.0", "_Q1.0", "_Q2.0"};
    esp_network *net = agent_network_of(8, 6, 16);
    double scores[6];
    axis_scores(net, esp_network_find_axis(net, "latent"), "l1", 0, scores);
    for (int unit = 0; unit < 6; unit++) {
        double sum = 0;
        for (int i = 0; i < 72; i++) sum += fabsf(weight_at(net, "_encoder.10.weight", unit, i));
        for (int i = 0; i < 16; i++) sum += fabsf(weight_at(net, "_dynamics.4.weight", unit, i));
        for (int r = 0; r < 5; r++) {
            char name[2 * ESP_NAME];
            snprintf(name, sizeof name, "%s.weight", readers[r]);
            for (int row = 0; row < 16; row++) sum += fabsf(weight_at(net, name, row, unit));
        }
        CU_ASSERT_DOUBLE_EQUAL(scores[unit], sum, 1e-9);
    }
    esp_network_free(net);
}

static void ranking_lists_every_unit_once_most_important_first(void)
{
    esp_network *net = agent_network_of(8, 6, 16);
    esp_ranking ranking;
    CHECK_OK(esp_ranking_make(net, esp_importance_find("l2"), 0, NULL, &ranking));
    for (int axis = 0; axis < net->num_axes; axis++) {
        const double *scores = ranking.score[axis];
        bool seen[64] = {false};
        for (int i = 0; i < net->axis[axis].size; i++) {
            int unit = ranking.order[axis][i];
            CU_ASSERT_FALSE(seen[unit]);
            seen[unit] = true;
            if (i > 0) CU_ASSERT(scores[ranking.order[axis][i - 1]] >= scores[unit]);
        }
    }
    esp_ranking_free(&ranking);
    esp_network_free(net);
}

static void equal_scores_keep_the_lower_index(void)
{
    esp_network *net = small_network();
    for (size_t i = 0; i < net->num_weights; i++) net->weights[i] = 0.5f;
    esp_ranking ranking;
    CHECK_OK(esp_ranking_make(net, esp_importance_find("l1"), 0, NULL, &ranking));
    for (int i = 0; i < 7; i++) CU_ASSERT_EQUAL(ranking.order[1][i], i);
    esp_ranking_free(&ranking);
    esp_network_free(net);
}

static void random_importance_depends_on_seed_and_axis_alone(void)
{
    esp_network *net = agent_network_of(8, 6, 16);
    int one = esp_network_find_axis(net, "pi.hidden1"), two = esp_network_find_axis(net, "pi.hidden2");
    double a[16], b[16], other_seed[16], other_axis[16];
    axis_scores(net, one, "random", 7, a);
    fill_weights(net, 99);
    axis_scores(net, one, "random", 7, b);
    axis_scores(net, one, "random", 8, other_seed);
    axis_scores(net, two, "random", 7, other_axis);
    CU_ASSERT_EQUAL(memcmp(a, b, sizeof a), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(a, other_seed, sizeof a), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(a, other_axis, sizeof a), 0);
    esp_network_free(net);
}

/* Two units of equal norm count each other: neither is smaller. */
static void lamp_divides_by_the_units_that_are_not_smaller(void)
{
    esp_network *net = small_network();
    int axis = esp_network_find_axis(net, "one");
    const float *in = esp_network_weights(net, esp_network_find_tensor(net, "net.0.weight"));
    float *out = esp_network_weights(net, esp_network_find_tensor(net, "net.2.weight"));
    for (int i = 0; i < 3; i++) ((float *)in)[4 * 3 + i] = in[2 * 3 + i];
    for (int o = 0; o < 5; o++) out[o * 7 + 4] = out[o * 7 + 2];
    double l2[7], lamp[7];
    axis_scores(net, axis, "l2", 0, l2);
    axis_scores(net, axis, "lamp", 0, lamp);
    CU_ASSERT_EQUAL(l2[2], l2[4]);
    double largest = 0;
    for (int u = 0; u < 7; u++) {
        double sum = 0;
        for (int other = 0; other < 7; other++) sum += l2[other] >= l2[u] ? l2[other] * l2[other] : 0;
        CU_ASSERT_DOUBLE_EQUAL(lamp[u], l2[u] * l2[u] / sum, 1e-12);
        largest = fmax(largest, lamp[u]);
    }
    CU_ASSERT_DOUBLE_EQUAL(largest, 1, 1e-12); /* so the last unit of an axis is never the first to go */
    esp_network_free(net);
}

static void lamp_of_units_without_weights_is_zero(void)
{
    esp_network *net = small_network();
    memset(net->weights, 0, net->num_weights * sizeof(float));
    double lamp[7];
    axis_scores(net, esp_network_find_axis(net, "one"), "lamp", 0, lamp);
    for (int u = 0; u < 7; u++) CU_ASSERT_EQUAL(lamp[u], 0);
    esp_network_free(net);
}

static void every_criterion_is_found_by_its_name(void)
{
    for (const esp_importance *row = esp_importances; row->name; row++) {
        CU_ASSERT_PTR_EQUAL(esp_importance_find(row->name), row);
        CU_ASSERT(strlen(row->help) > 0 && row->score != NULL);
    }
}

static void unknown_criterion_is_answered_with_all_names(void)
{
    CU_ASSERT_PTR_NULL(esp_importance_find("l3"));
    CU_ASSERT_STRING_EQUAL(esp_error_text(), "expected l1|l2|random|lamp|activation|taylor|obs, found 'l3'");
    CU_ASSERT_PTR_NULL(esp_importance_find("l"));
    CU_ASSERT_PTR_NULL(esp_importance_find(NULL));
}

static void criterion_without_need_of_data_ignores_it(void)
{
    recorded r = recorded_autoencoder(5);
    for (const esp_importance *row = esp_importances; row->name; row++) {
        if (row->needs_data) continue;
        esp_ranking with, without;
        CHECK_OK(esp_ranking_make(r.net, row, 7, &r.calibration, &with));
        CHECK_OK(esp_ranking_make(r.net, row, 7, NULL, &without));
        for (int axis = 0; axis < r.net->num_axes; axis++)
            CU_ASSERT_EQUAL(memcmp(with.score[axis], without.score[axis],
                                   (size_t)r.net->axis[axis].size * sizeof(double)), 0);
        esp_ranking_free(&with);
        esp_ranking_free(&without);
    }
    recorded_free(&r);
}

static CU_TestInfo tests[] = {
    {"hidden_unit_counts_incoming_and_outgoing_weights", hidden_unit_counts_incoming_and_outgoing_weights},
    {"flattened_channel_counts_all_its_pixels", flattened_channel_counts_all_its_pixels},
    {"latent_unit_counts_every_component_but_not_the_action", latent_unit_counts_every_component_but_not_the_action},
    {"ranking_lists_every_unit_once_most_important_first", ranking_lists_every_unit_once_most_important_first},
    {"equal_scores_keep_the_lower_index", equal_scores_keep_the_lower_index},
    {"random_importance_depends_on_seed_and_axis_alone", random_importance_depends_on_seed_and_axis_alone},
    {"lamp_divides_by_the_units_that_are_not_smaller", lamp_divides_by_the_units_that_are_not_smaller},
    {"lamp_of_units_without_weights_is_zero", lamp_of_units_without_weights_is_zero},
    {"every_criterion_is_found_by_its_name", every_criterion_is_found_by_its_name},
    {"unknown_criterion_is_answered_with_all_names", unknown_criterion_is_answered_with_all_names},
    {"criterion_without_need_of_data_ignores_it", criterion_without_need_of_data_ignores_it},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("importance", tests)
