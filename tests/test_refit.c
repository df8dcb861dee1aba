/* The least-squares fit of one layer, alone and behind activations. */
#include "pruning/refit_internal.h"

#include "recorded_data.h"

enum { COUNT = 3000, IN = 8, OUT = 6 };

/* Reads IN numbers; OUT units behind an activation, with a BatchNorm in between or without. */
static esp_network *one_layer(esp_act act, bool norm)
{
    esp_network *net = esp_network_new();
    int in = esp_network_axis(net, "in", IN, false), out = esp_network_axis(net, "out", OUT, false);
    esp_network_component(net, "net");
    esp_network_dense(net, "net.0", esp_dim_of(in), esp_dim_of(out), norm ? ESP_ACT_NONE : act);
    if (norm) esp_network_norm(net, ESP_LAYER_BATCHNORM, "net.1", out, act);
    CHECK_OK(esp_network_finish(net));
    fill_weights(net, 8);
    return net;
}

/* Inputs x [COUNT, IN] and wanted pre-activations [COUNT, OUT], a tenth of whose variance no layer has. */
typedef struct { float x[COUNT * IN], wanted[COUNT * OUT]; } problem;

static problem *make_problem(void)
{
    problem *p = esp_alloc(1, sizeof *p);
    esp_rng rng = esp_rng_make(5, ESP_RNG_TEST, 70);
    esp_rng_normal(&rng, p->x, COUNT * IN);
    for (int i = 0; i < COUNT; i++)
        for (int o = 0; o < OUT; o++)
            p->wanted[i * OUT + o] = p->x[i * IN + o] + 0.35f * p->x[i * IN + o + 1] * p->x[i * IN + o + 2];
    return p;
}

/* Runs COUNT samples through the layers from `from` on. */
static void run(const esp_network *net, int from, const float *x, float *y)
{
    float *between = esp_alloc(COUNT * OUT, sizeof *between);
    for (int l = from; l < net->num_layers; l++) {
        esp_layer_forward(net, l, x, COUNT, NULL, l == net->num_layers - 1 ? y : between);
        x = between;
    }
    free(between);
}

/* Of what the network puts out, to what it would from the wanted pre-activations. */
static double squared_error(esp_network *net, const problem *p)
{
    static float is[COUNT * OUT], should[COUNT * OUT];
    run(net, 0, p->x, is);
    if (net->num_layers > 1) {
        run(net, 1, p->wanted, should);
    } else {
        memcpy(should, p->wanted, sizeof should);
        esp_act_forward(net->layer[0].act, COUNT, OUT, (const float[OUT]){0}, should);
    }
    double sum = 0;
    for (int i = 0; i < COUNT * OUT; i++) sum += pow((double)is[i] - (double)should[i], 2);
    return sum / (COUNT * OUT);
}

static double error_after(esp_act act, bool norm, int refinements, const problem *p)
{
    static const int kept[OUT] = {0, 1, 2, 3, 4, 5};
    esp_network *net = one_layer(act, norm);
    CHECK_OK(esp_refit_layer(&(esp_refit){.net = net, .layer = 0, .count = COUNT, .refinements = refinements,
                                          .x = p->x, .target_outs = OUT, .target = p->wanted, .kept = kept}));
    CU_ASSERT_EQUAL(net->layer[0].act, norm ? ESP_ACT_NONE : act);
    double error = squared_error(net, p);
    esp_network_free(net);
    return error;
}

static void refinements_lower_the_error_behind_an_activation(void)
{
    problem *p = make_problem();
    for (int norm = 0; norm < 2; norm++)
        for (esp_act act = ESP_ACT_RELU; act <= ESP_ACT_SIGMOID; act++)
            CU_ASSERT(error_after(act, norm, 2, p) < error_after(act, norm, 0, p));
    free(p);
}

static void without_an_activation_nothing_is_refined(void)
{
    problem *p = make_problem();
    for (int norm = 0; norm < 2; norm++)
        CU_ASSERT_EQUAL(error_after(ESP_ACT_NONE, norm, 5, p), error_after(ESP_ACT_NONE, norm, 0, p));
    free(p);
}

static CU_TestInfo tests[] = {
    {"refinements lower the error behind an activation", refinements_lower_the_error_behind_an_activation},
    {"without an activation nothing is refined", without_an_activation_nothing_is_refined},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("refit", tests)
