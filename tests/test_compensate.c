/* Compensation: mean keeps means, least squares is the plain solution of the normal equations, and what has not
 * changed stays bit-identical. */
#include "pruning/refit_internal.h"

#include "recorded_data.h"

/* Keeps all units but `removed` of one axis. */
static esp_cut cut_units(const esp_network *net, const char *name, int num_removed, const int *removed)
{
    esp_cut cut = {.widths = esp_widths_full(net)};
    int axis = esp_network_find_axis(net, name);
    for (int a = 0; a < net->num_axes; a++) {
        cut.kept[a] = esp_alloc((size_t)net->axis[a].size, sizeof(int));
        int kept = 0;
        for (int u = 0; u < net->axis[a].size; u++) {
            bool stays = true;
            for (int i = 0; i < num_removed && a == axis; i++) stays = stays && u != removed[i];
            if (stays) cut.kept[a][kept++] = u;
        }
        cut.widths.kept[a] = kept;
    }
    return cut;
}

/* Removes about half of every axis. */
static esp_cut cut_half(const esp_network *net)
{
    esp_ranking ranking;
    esp_cut cut;
    esp_widths widths = esp_widths_full(net);
    for (int a = 0; a < net->num_axes; a++)
        if (net->axis[a].prunable) widths.kept[a] = (net->axis[a].size + 1) / 2;
    CHECK_OK(esp_ranking_make(net, esp_importance_find("random"), 3, NULL, &ranking));
    esp_cut_make(net, &ranking, &widths, &cut);
    esp_ranking_free(&ranking);
    return cut;
}

static esp_network *operate(const recorded *r, const char *compensation, const esp_cut *cut)
{
    esp_surgeon *surgeon = NULL;
    esp_network *smaller = NULL;
    CHECK_OK(esp_surgeon_create(r->net, esp_compensation_find(compensation), &r->calibration, &surgeon));
    CHECK_OK(esp_surgeon_operate(surgeon, cut, &smaller));
    esp_surgeon_free(surgeon);
    return smaller;
}

static bool same_weights(const esp_network *a, const esp_network *b)
{
    return a->num_weights == b->num_weights && memcmp(a->weights, b->weights, a->num_weights * sizeof(float)) == 0;
}

/* ---- bits ---- */

static void without_compensation_the_surgeon_is_surgery(void)
{
    recorded r = recorded_agent(3, 4, 5, 8);
    esp_cut cut = cut_half(r.net);
    esp_network *plain = NULL, *operated = operate(&r, "none", &cut);
    CHECK_OK(esp_surgery(r.net, &cut, &plain));
    CU_ASSERT(same_weights(plain, operated));
    esp_network_free(plain);
    esp_network_free(operated);
    esp_cut_free(&cut);
    recorded_free(&r);
}

static void surgery_of_nothing_changes_nothing(void)
{
    recorded r = recorded_agent(20, 4, 5, 8);
    esp_cut cut = cut_units(r.net, "latent", 0, NULL);
    for (const esp_compensation *c = esp_compensations; c->name; c++) {
        esp_network *operated = operate(&r, c->name, &cut);
        CU_ASSERT(same_weights(r.net, operated));
        esp_network_free(operated);
    }
    esp_cut_free(&cut);
    recorded_free(&r);
}

static bool layer_kept_bits(const esp_network *surgery, const esp_network *operated, int l)
{
    const esp_layer *layer = &operated->layer[l];
    const int tensors[] = {layer->weight, layer->bias};
    for (int i = 0; i < 2; i++) {
        if (tensors[i] < 0) continue;
        const float *before = esp_network_weights(surgery, tensors[i]);
        const float *after = esp_network_weights(operated, tensors[i]);
        if (memcmp(before, after, surgery->tensor[tensors[i]].count * sizeof *before) != 0) return false;
    }
    return true;
}

/* Cut in one head: only the layers after the cut are fitted again. */
static void layers_with_unchanged_input_stay_bit_identical(void)
{
    recorded r = recorded_agent(40, 4, 5, 8);
    const int removed[] = {1, 6};
    esp_cut cut = cut_units(r.net, "dynamics.hidden1", 2, removed);
    esp_network *surgery = NULL;
    CHECK_OK(esp_surgery(r.net, &cut, &surgery));
    for (const esp_compensation *c = &esp_compensations[1]; c->name; c++) {
        esp_network *operated = operate(&r, c->name, &cut);
        for (int l = 0; l < operated->num_layers; l++) {
            const char *module = operated->layer[l].module;
            bool reads = strcmp(module, "_dynamics.2") == 0;
            bool follows = strcmp(c->name, "lsq") == 0 && strcmp(module, "_dynamics.4") == 0;
            CU_ASSERT_EQUAL(layer_kept_bits(surgery, operated, l), !reads && !follows);
        }
        esp_network_free(operated);
    }
    esp_network_free(surgery);
    esp_cut_free(&cut);
    recorded_free(&r);
}

static void result_does_not_depend_on_the_number_of_threads(void)
{
    recorded agent = recorded_agent(300, 4, 5, 8);
    esp_cut cut = cut_half(agent.net);
    agent.calibration.refinements = 1;
    int before = omp_get_max_threads();
    for (const esp_compensation *c = esp_compensations; c->name; c++) {
        omp_set_num_threads(1);
        esp_network *one = operate(&agent, c->name, &cut);
        omp_set_num_threads(2);
        esp_network *two = operate(&agent, c->name, &cut);
        CU_ASSERT(same_weights(one, two));
        esp_network_free(one);
        esp_network_free(two);
    }
    omp_set_num_threads(before);
    esp_cut_free(&cut);
    recorded_free(&agent);
}

static void one_surgeon_may_operate_in_several_threads(void)
{
    enum { CUTS = 6 };
    recorded r = recorded_autoencoder(700);
    esp_surgeon *surgeon = NULL;
    esp_network *together[CUTS], *alone = NULL;
    esp_cut cuts[CUTS];
    CHECK_OK(esp_surgeon_create(r.net, esp_compensation_find("lsq"), &r.calibration, &surgeon));
    for (int i = 0; i < CUTS; i++) cuts[i] = cut_units(r.net, "one", 1, &i);
    esp_status status[CUTS];
#pragma omp parallel for num_threads(3)
    for (int i = 0; i < CUTS; i++) status[i] = esp_surgeon_operate(surgeon, &cuts[i], &together[i]);
    for (int i = 0; i < CUTS; i++) {
        CU_ASSERT_EQUAL_FATAL(status[i], ESP_OK);
        CHECK_OK(esp_surgeon_operate(surgeon, &cuts[i], &alone));
        CU_ASSERT(same_weights(alone, together[i]));
        esp_network_free(alone);
        esp_network_free(together[i]);
        esp_cut_free(&cuts[i]);
    }
    esp_surgeon_free(surgeon);
    recorded_free(&r);
}

/* ---- mean ---- */

/* Means of the units that a layer outputs, over all samples and pixels. */
static double *mean_outputs(const esp_network *net, const esp_calibration *calibration, int l, int units)
{
    const esp_component *component = &net->component[net->layer[l].component];
    bool last = l == component->first_layer + component->num_layers - 1;
    float *outputs[ESP_MAX_COMPONENTS] = {NULL}, *inputs = last ? NULL : recorded_inputs(net, calibration, l + 1);
    double *mean = esp_alloc((size_t)units, sizeof *mean);
    if (last) recorded_outputs(net, calibration, outputs);
    const float *y = last ? outputs[net->layer[l].component] : inputs;
    int values = calibration->count * net->layer[l].out_size;
    for (int i = 0; i < values; i++) mean[i % units] += (double)y[i] * units / values;
    for (int c = 0; c < net->num_components; c++) free(outputs[c]);
    free(inputs);
    return mean;
}

/* Cuts an axis and checks a linear layer that reads it. */
static void check_mean(recorded *r, const char *axis, const char *reader)
{
    int l = layer_named(r->net, reader), units = r->net->axis[r->net->layer[l].out.part[0].axis].size;
    r->net->layer[l].act = ESP_ACT_NONE;
    const int removed[] = {0, 2};
    esp_cut cut = cut_units(r->net, axis, 2, removed);
    esp_network *surgery = operate(r, "none", &cut), *operated = operate(r, "mean", &cut);
    double *dense = mean_outputs(r->net, &r->calibration, l, units), worst = 0;
    double *bare = mean_outputs(surgery, &r->calibration, l, units);
    double *mean = mean_outputs(operated, &r->calibration, l, units);
    for (int o = 0; o < units; o++) {
        CU_ASSERT_DOUBLE_EQUAL(mean[o], dense[o], 1e-4);
        worst = fmax(worst, fabs(bare[o] - dense[o]));
    }
    CU_ASSERT(worst > 1e-3); /* there was something to compensate */
    free(dense);
    free(bare);
    free(mean);
    esp_network_free(surgery);
    esp_network_free(operated);
    esp_cut_free(&cut);
}

static void mean_compensation_keeps_mean_pre_activations(void)
{
    recorded r = recorded_agent(150, 4, 5, 8);
    check_mean(&r, "dynamics.hidden2", "_dynamics.4");
    check_mean(&r, "enc.conv4", "_encoder.10"); /* after flatten */
    check_mean(&r, "enc.conv2", "_encoder.5");
    check_mean(&r, "latent", "_reward.0");      /* latent and action */
    recorded_free(&r);
}

/* ---- least squares ---- */

/* Pre-activations of the dense layer, [count * rows, outs], from the definition. */
static double plain_pre_activation(const esp_network *net, int l, const float *inputs, int sample, int place, int out)
{
    const esp_layer *layer = &net->layer[l];
    int columns = esp_layer_columns(layer);
    const float *w = esp_network_weights(net, layer->weight) + out * columns;
    const float *x = inputs + (size_t)sample * (size_t)layer->in_size;
    double sum = (double)esp_network_weights(net, layer->bias)[out];
    for (int j = 0; j < columns; j++) sum += (double)w[j] * plain_column(layer, x, place, j);
    return sum;
}

/* What the pruned network itself reads at layer l: covariance of the columns, their covariances with the dense
 * pre-activations of its outputs, and the means of both. */
typedef struct {
    int     n, outs;
    double *gram, *cross, *mean, *mean_out;
} plain_moments;

static plain_moments moments_make(const recorded *r, const esp_network *operated, const esp_cut *cut, int l)
{
    const esp_layer *layer = &operated->layer[l];
    int count = r->calibration.count, rows = esp_layer_rows(layer), n = esp_layer_columns(layer);
    int axis = layer->out.part[0].axis, outs = operated->axis[axis].size;
    plain_moments m = {n, outs, esp_alloc((size_t)(n * n), sizeof(double)),
                       esp_alloc((size_t)(outs * n), sizeof(double)), esp_alloc((size_t)n, sizeof(double)),
                       esp_alloc((size_t)outs, sizeof(double))};
    float *dense = recorded_inputs(r->net, &r->calibration, l), *read = recorded_inputs(operated, &r->calibration, l);
    double *x = esp_alloc((size_t)n, sizeof *x);
    for (int s = 0; s < count; s++)
        for (int place = 0; place < rows; place++) {
            for (int j = 0; j < n; j++) {
                x[j] = plain_column(layer, read + (size_t)s * (size_t)layer->in_size, place, j);
                m.mean[j] += x[j] / (count * rows);
            }
            for (int i = 0; i < n * n; i++) m.gram[i] += x[i / n] * x[i % n] / (count * rows);
            for (int o = 0; o < outs; o++) {
                double y = plain_pre_activation(r->net, l, dense, s, place, cut->kept[axis][o]);
                m.mean_out[o] += y / (count * rows);
                for (int j = 0; j < n; j++) m.cross[o * n + j] += y * x[j] / (count * rows);
            }
        }
    for (int i = 0; i < n * n; i++) m.gram[i] -= m.mean[i / n] * m.mean[i % n];
    for (int i = 0; i < outs * n; i++) m.cross[i] -= m.mean_out[i / n] * m.mean[i % n];
    free(dense);
    free(read);
    free(x);
    return m;
}

/* The weights of the layer solve (G + ridge) w = cross + ridge w0, and its bias keeps the mean. */
static void check_normal_equations(const recorded *r, const esp_network *surgery, const esp_network *operated,
                                   const esp_cut *cut, int l)
{
    const esp_layer *layer = &operated->layer[l];
    plain_moments m = moments_make(r, operated, cut, l);
    int n = m.n, rows = r->calibration.count * esp_layer_rows(layer);
    double *copy = esp_alloc((size_t)(n * n), sizeof *copy);
    esp_gram gram = {.columns = n, .g = m.gram};
    esp_gram_add_ridge(&gram, ESP_LSQ_SHRINKAGE * n / rows);
    const float *w0 = esp_network_weights(surgery, layer->weight), *w = esp_network_weights(operated, layer->weight);
    for (int o = 0; o < m.outs; o++) {
        double *b = m.cross + o * n, bias = m.mean_out[o];
        for (int j = 0; j < n; j++) b[j] += gram.ridge * (double)w0[o * n + j];
        memcpy(copy, m.gram, (size_t)(n * n) * sizeof *copy);
        plain_solve(n, copy, b);
        for (int j = 0; j < n; j++) { /* float32 sums and activations */
            CU_ASSERT_DOUBLE_EQUAL((double)w[o * n + j], b[j], 2e-3 * (1 + fabs(b[j])));
            bias -= b[j] * m.mean[j];
        }
        CU_ASSERT_DOUBLE_EQUAL((double)esp_network_weights(operated, layer->bias)[o], bias, 2e-3 * (1 + fabs(bias)));
    }
    free(m.gram);
    free(m.cross);
    free(m.mean);
    free(m.mean_out);
    free(copy);
}

static void check_refit(const recorded *r, const char *const *modules)
{
    esp_cut cut = cut_half(r->net);
    esp_network *surgery = operate(r, "none", &cut), *operated = operate(r, "lsq", &cut);
    for (; *modules; modules++)
        check_normal_equations(r, surgery, operated, &cut, layer_named(r->net, *modules));
    esp_network_free(surgery);
    esp_network_free(operated);
    esp_cut_free(&cut);
}

static void least_squares_solves_the_normal_equations_layer_by_layer(void)
{
    const char *const coder[] = {"encoder.3", "decoder.0", "decoder.3", NULL};
    const char *const agent[] = {"_encoder.3", "_encoder.5", "_encoder.7", "_encoder.10", "_dynamics.0", "_pi.2",
                                 "_Q1.0", "_Q2.3", NULL};
    recorded autoencoder = recorded_autoencoder(300), small_agent = recorded_agent(10, 4, 5, 8);
    check_refit(&autoencoder, coder);
    check_refit(&small_agent, agent);
    recorded_free(&autoencoder);
    recorded_free(&small_agent);
}

/* A dense layer after a linear one: unit 1 is the sum of units 0 and 2, and unit 3 is always 2. */
static void removed_combinations_of_kept_units_leave_no_error(void)
{
    enum { COUNT = 20000 };
    recorded r = {.net = esp_network_new()};
    int in = esp_network_axis(r.net, "in", 3, false), hidden = esp_network_axis(r.net, "hidden", 4, true);
    int out = esp_network_axis(r.net, "out", 5, false);
    esp_network_component(r.net, "net");
    esp_network_dense(r.net, "net.0", esp_dim_of(in), esp_dim_of(hidden), ESP_ACT_NONE);
    esp_network_dense(r.net, "net.1", esp_dim_of(hidden), esp_dim_of(out), ESP_ACT_NONE);
    CHECK_OK(esp_network_finish(r.net));
    fill_weights(r.net, 6);
    float *w = esp_network_weights(r.net, 0), *b = esp_network_weights(r.net, 1);
    for (int j = 0; j < 3; j++) {
        w[3 + j] = w[j] + w[6 + j];
        w[9 + j] = 0;
    }
    b[1] = b[0] + b[2];
    b[3] = 2;
    r.calibration = (esp_calibration){.count = COUNT, .feed = {{.source = -1}}};
    r.calibration.feed[0].data = recorded_normals(&r, 3 * COUNT, 50);
    const int removed[] = {1, 3};
    esp_cut cut = cut_units(r.net, "hidden", 2, removed);
    esp_network *operated = operate(&r, "lsq", &cut);
    float *dense[ESP_MAX_COMPONENTS], *after[ESP_MAX_COMPONENTS];
    recorded_outputs(r.net, &r.calibration, dense);
    recorded_outputs(operated, &r.calibration, after);
    CHECK_CLOSE("outputs", 5 * COUNT, after[0], dense[0], 2e-3, 1e-3); /* the ridge, 4e-5 of the diagonal */
    free(dense[0]);
    free(after[0]);
    esp_network_free(operated);
    esp_cut_free(&cut);
    recorded_free(&r);
}

/* Squared error of all outputs of a component against the dense network. */
static double error_of(const recorded *r, const esp_network *smaller, int component)
{
    float *dense[ESP_MAX_COMPONENTS], *after[ESP_MAX_COMPONENTS];
    double sum = 0;
    recorded_outputs(r->net, &r->calibration, dense);
    recorded_outputs(smaller, &r->calibration, after);
    for (int i = 0; i < r->calibration.count * r->net->component[component].out_size; i++)
        sum += pow((double)dense[component][i] - (double)after[component][i], 2);
    for (int c = 0; c < r->net->num_components; c++) {
        free(dense[c]);
        free(after[c]);
    }
    return sum;
}

static void least_squares_beats_mean_beats_nothing(void)
{
    recorded r = recorded_agent(300, 4, 6, 12);
    int c = esp_network_find_component(r.net, "_reward");
    const int removed[] = {0, 1, 2};
    esp_cut cut = cut_units(r.net, "reward.hidden1", 3, removed);
    const char *const names[] = {"none", "mean", "lsq"};
    double error[3];
    for (int i = 0; i < 3; i++) {
        esp_network *operated = operate(&r, names[i], &cut);
        error[i] = error_of(&r, operated, c);
        esp_network_free(operated);
    }
    CU_ASSERT(error[2] < error[1]);
    CU_ASSERT(error[1] < error[0]);
    esp_cut_free(&cut);
    recorded_free(&r);
}

/* Fewer samples than columns, dead channels and a dead latent: the Gram matrices are singular. */
static void singular_data_still_give_finite_weights(void)
{
    recorded r = recorded_agent(2, 4, 5, 8);
    for (int l = layer_named(r.net, "_encoder.7"); l <= layer_named(r.net, "_encoder.10"); l++) {
        if (r.net->layer[l].weight < 0) continue;
        const esp_tensor *w = &r.net->tensor[r.net->layer[l].weight];
        memset(esp_network_weights(r.net, r.net->layer[l].weight), 0, w->count * sizeof(float));
        memset(esp_network_weights(r.net, r.net->layer[l].bias), 0, (size_t)w->shape[0] * sizeof(float));
    }
    esp_cut cut = cut_half(r.net);
    esp_network *operated = operate(&r, "lsq", &cut);
    for (size_t i = 0; i < operated->num_weights; i++) CU_ASSERT(fabsf(operated->weights[i]) < 10);
    esp_network_free(operated);
    esp_cut_free(&cut);
    recorded_free(&r);
}

static void component_without_feed_is_plain_surgery(void)
{
    recorded r = recorded_agent(20, 4, 5, 8);
    int reward = esp_network_find_component(r.net, "_reward");
    r.calibration.feed[reward] = (esp_feed){.source = -1};
    esp_cut cut = cut_half(r.net);
    esp_network *surgery = operate(&r, "none", &cut);
    esp_network *operated = operate(&r, "lsq", &cut);
    const esp_component *part = &operated->component[reward];
    CU_ASSERT_EQUAL(memcmp(surgery->weights + part->offset, operated->weights + part->offset,
                           part->count * sizeof(float)), 0);
    CU_ASSERT_FALSE(same_weights(surgery, operated));
    esp_network_free(surgery);
    esp_network_free(operated);
    esp_cut_free(&cut);
    recorded_free(&r);
}

/* ---- errors ---- */

static void missing_or_wrong_data_is_refused(void)
{
    recorded r = recorded_autoencoder(5);
    esp_surgeon *surgeon = NULL;
    for (const esp_compensation *c = esp_compensations; c->name; c++)
        if (c->needs_data)
            CHECK_FAILS(ESP_ERR_USAGE, esp_surgeon_create(r.net, c, NULL, &surgeon), c->name);
    r.calibration.count = -1;
    const esp_compensation *lsq = esp_compensation_find("lsq");
    CHECK_FAILS(ESP_ERR_SHAPE, esp_surgeon_create(r.net, lsq, &r.calibration, &surgeon), "-1 samples");
    CU_ASSERT_PTR_NULL(surgeon);
    CHECK_OK(esp_surgeon_create(r.net, esp_compensation_find("none"), NULL, &surgeon));
    esp_surgeon_free(surgeon);
    esp_surgeon_free(NULL);
    recorded_free(&r);
}

static void data_that_are_not_numbers_are_an_error(void)
{
    recorded r = recorded_autoencoder(5);
    esp_surgeon *surgeon = NULL;
    esp_network *smaller = NULL;
    ((float *)r.owned[0])[3] = NAN;
    esp_cut cut = cut_half(r.net);
    CHECK_OK(esp_surgeon_create(r.net, esp_compensation_find("lsq"), &r.calibration, &surgeon));
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_surgeon_operate(surgeon, &cut, &smaller), "encoder.3");
    CU_ASSERT_PTR_NULL(smaller);
    esp_surgeon_free(surgeon);
    esp_cut_free(&cut);
    recorded_free(&r);
}

static CU_TestInfo tests[] = {
    {"without_compensation_the_surgeon_is_surgery", without_compensation_the_surgeon_is_surgery},
    {"surgery_of_nothing_changes_nothing", surgery_of_nothing_changes_nothing},
    {"layers_with_unchanged_input_stay_bit_identical", layers_with_unchanged_input_stay_bit_identical},
    {"result_does_not_depend_on_the_number_of_threads", result_does_not_depend_on_the_number_of_threads},
    {"one_surgeon_may_operate_in_several_threads", one_surgeon_may_operate_in_several_threads},
    {"mean_compensation_keeps_mean_pre_activations", mean_compensation_keeps_mean_pre_activations},
    {"least_squares_solves_the_normal_equations_layer_by_layer",
     least_squares_solves_the_normal_equations_layer_by_layer},
    {"removed_combinations_of_kept_units_leave_no_error", removed_combinations_of_kept_units_leave_no_error},
    {"least_squares_beats_mean_beats_nothing", least_squares_beats_mean_beats_nothing},
    {"singular_data_still_give_finite_weights", singular_data_still_give_finite_weights},
    {"component_without_feed_is_plain_surgery", component_without_feed_is_plain_surgery},
    {"missing_or_wrong_data_is_refused", missing_or_wrong_data_is_refused},
    {"data_that_are_not_numbers_are_an_error", data_that_are_not_numbers_are_an_error},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("compensate", tests)
