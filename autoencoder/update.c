/* One gradient step of the autoencoder, phase by phase: in a phase all threads work on one layer, each
 * on stripes of its units. Activations are [units, n], so a stripe is contiguous, and BatchNorm, which
 * needs one unit of the whole batch, belongs to the thread that computed the unit. A stripe's width does
 * not depend on the number of threads, so neither does the result. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "autoencoder/autoencoder.h"

#define BN_EPS 1e-5f
#define BN_MOMENTUM 0.1f
#define STRIPE 112           /* units, about: 64 cost 10 % more, 336 leave threads without work */
#define ADAM_STRETCH 16384   /* weights */
#define MAX_STAGES (ESP_MAX_LAYERS / 2)

/* A dense layer, the BatchNorm behind it if there is one, and the activation behind both. */
typedef struct {
    const esp_layer *dense, *norm;
    esp_act act;
    int     in, out;
    float  *centre;  /* [in] part of the updater's centres */
    float  *hidden;  /* [out, n] BatchNorm: normalised; otherwise the same memory as y */
    float  *rstd;    /* [out] BatchNorm: 1 / deviation of the last forward */
    float  *y;       /* [out, n] */
    float  *dy;      /* [out, n] gradient of y, then of the dense layer's output */
} stage;

typedef struct esp_autoencoder_work {
    int     num_stages;
    stage   stages[MAX_STAGES];
    double *error;   /* [pixels] squared error of one unit over the batch */
} work;

/* ---- memory ---- */

static void stage_create(stage *s, const esp_layer *dense, const esp_layer *norm, int capacity, float *centre)
{
    size_t count = (size_t)dense->out_size * (size_t)capacity;
    *s = (stage){.dense = dense, .norm = norm, .act = norm ? norm->act : dense->act, .in = dense->in_size,
                 .out = dense->out_size, .centre = centre, .y = esp_alloc(count, sizeof(float)),
                 .dy = esp_alloc(count, sizeof(float))};
    assert(!norm || dense->act == ESP_ACT_NONE);
    s->hidden = norm ? esp_alloc(count, sizeof(float)) : s->y;
    if (norm) s->rstd = esp_alloc((size_t)s->out, sizeof(float));
}

static work *work_create(const esp_network *net, int capacity, float *centres)
{
    work *w = esp_alloc(1, sizeof *w);
    for (int i = 0; i < net->num_layers; i++) {
        const esp_layer *dense = &net->layer[i], *next = i + 1 < net->num_layers ? dense + 1 : NULL;
        bool normed = next && next->kind == ESP_LAYER_BATCHNORM;
        assert(dense->kind == ESP_LAYER_DENSE);
        stage_create(&w->stages[w->num_stages++], dense, normed ? next : NULL, capacity, centres);
        centres += dense->in_size;
        i += normed;
    }
    w->error = esp_alloc((size_t)w->stages[w->num_stages - 1].out, sizeof *w->error);
    return w;
}

static void work_free(work *w)
{
    for (int i = 0; i < w->num_stages; i++) {
        stage *s = &w->stages[i];
        if (s->norm) free(s->hidden);
        free(s->rstd);
        free(s->y);
        free(s->dy);
    }
    free(w->error);
    free(w);
}

esp_autoencoder_updater *esp_autoencoder_updater_create(esp_network *net, int capacity)
{
    esp_autoencoder_updater *u = esp_alloc(1, sizeof *u);
    size_t pixels = (size_t)net->layer[0].in_size * (size_t)capacity, inputs = 0;
    for (int i = 0; i < net->num_layers; i++)
        if (net->layer[i].kind == ESP_LAYER_DENSE) inputs += (size_t)net->layer[i].in_size;
    *u = (esp_autoencoder_updater){.net = net, .capacity = capacity, .input = esp_alloc(pixels, sizeof(float)),
                                   .target = esp_alloc(pixels, sizeof(float)),
                                   .grads = esp_alloc(net->num_weights, sizeof(float)),
                                   .num_centres = inputs, .centres = esp_alloc(inputs, sizeof(float))};
    u->work = work_create(net, capacity, u->centres);
    esp_adam_init(&u->adam, net->num_weights);
    return u;
}

void esp_autoencoder_updater_free(esp_autoencoder_updater *updater)
{
    if (!updater) return;
    free(updater->input);
    free(updater->target);
    free(updater->grads);
    free(updater->centres);
    esp_adam_free(&updater->adam);
    work_free(updater->work);
    free(updater);
}

/* ---- one unit over the batch ---- */

static float sum(int n, const float *x)
{
    float total = 0.0f;
#pragma omp simd reduction(+ : total)
    for (int i = 0; i < n; i++) total += x[i];
    return total;
}

static float dot(int n, const float *x, const float *y)
{
    float total = 0.0f;
#pragma omp simd reduction(+ : total)
    for (int i = 0; i < n; i++) total += x[i] * y[i];
    return total;
}

static float squares(int n, const float *x, float mean)
{
    float total = 0.0f;
#pragma omp simd reduction(+ : total)
    for (int i = 0; i < n; i++) total += (x[i] - mean) * (x[i] - mean);
    return total;
}

/* The dense layer's bias moves its output's mean and nothing else that BatchNorm lets through, so it
 * enters the running mean only. */
static void move_running(const esp_network *net, const stage *s, int unit, int n, float mean, float var)
{
    float bias = esp_network_weights(net, s->dense->bias)[unit];
    float *running_mean = esp_network_weights(net, s->norm->mean) + unit;
    float *running_var = esp_network_weights(net, s->norm->var) + unit;
    float unbiased = n > 1 ? (float)n / (float)(n - 1) : 1.0f;
    *running_mean += BN_MOMENTUM * (mean + bias - *running_mean);
    *running_var += BN_MOMENTUM * (var * unbiased - *running_var);
}

/* x: output of the dense layer without bias, normalised in place. */
static void norm_forward(const esp_network *net, const stage *s, int unit, const esp_autoencoder_step *step, float *x,
                         float *y)
{
    int n = step->n;
    float mean, var;
    if (step->batch_statistics) {
        mean = sum(n, x) / (float)n;
        var = squares(n, x, mean) / (float)n;
        move_running(net, s, unit, n, mean, var);
    } else {
        mean = esp_network_weights(net, s->norm->mean)[unit] - esp_network_weights(net, s->dense->bias)[unit];
        var = esp_network_weights(net, s->norm->var)[unit];
    }
    float rstd = s->rstd[unit] = 1.0f / sqrtf(var + BN_EPS);
    float gain = esp_network_weights(net, s->norm->weight)[unit];
    float offset = esp_network_weights(net, s->norm->bias)[unit];
    for (int i = 0; i < n; i++) {
        x[i] = (x[i] - mean) * rstd;
        y[i] = x[i] * gain + offset;
    }
}

/* Of a unit, in the input of the stage above; the last stage has none above. */
static float centre_of(const work *w, const stage *s, int unit)
{
    return s == &w->stages[w->num_stages - 1] ? 0.0f : s[1].centre[unit];
}

static void unit_forward(const esp_autoencoder_updater *u, const stage *s, int unit, const esp_autoencoder_step *step)
{
    const esp_network *net = u->net;
    float centre = centre_of(u->work, s, unit);
    size_t at = (size_t)unit * (size_t)step->n;
    float *y = s->y + at;
    if (s->norm) {
        norm_forward(net, s, unit, step, s->hidden + at, y);
    } else {
        float bias = esp_network_weights(net, s->dense->bias)[unit];
        for (int i = 0; i < step->n; i++) y[i] += bias;
    }
    esp_act_forward(s->act, 1, step->n, NULL, y);
    for (int i = 0; i < step->n; i++) y[i] -= centre;
}

/* dx = gain rstd (dy - mean(dy) - h mean(dy h)), the means only with batch statistics: then the bias
 * before BatchNorm has no gradient, and rounding must not give it one that Adam would scale up. */
static void norm_backward(const esp_autoencoder_updater *u, const stage *s, int unit, const esp_autoencoder_step *step,
                          const float *h, float *dy)
{
    int n = step->n;
    const esp_tensor *tensor = u->net->tensor;
    float dgain = dot(n, dy, h), doffset = sum(n, dy);
    float factor = esp_network_weights(u->net, s->norm->weight)[unit] * s->rstd[unit];
    float dy_mean = step->batch_statistics ? doffset / (float)n : 0.0f;
    float dyh_mean = step->batch_statistics ? dgain / (float)n : 0.0f;
    u->grads[tensor[s->norm->weight].offset + (size_t)unit] = dgain;
    u->grads[tensor[s->norm->bias].offset + (size_t)unit] = doffset;
    u->grads[tensor[s->dense->bias].offset + (size_t)unit] = step->batch_statistics ? 0.0f : factor * doffset;
    for (int i = 0; i < n; i++) dy[i] = factor * (dy[i] - dy_mean - h[i] * dyh_mean);
}

static void unit_backward(const esp_autoencoder_updater *u, const stage *s, int unit, const esp_autoencoder_step *step)
{
    size_t at = (size_t)unit * (size_t)step->n;
    float *dy = s->dy + at, *y = s->y + at, centre = centre_of(u->work, s, unit);
    for (int i = 0; i < step->n; i++) y[i] += centre; /* the stage above has read it for the last time */
    esp_act_backward(s->act, (size_t)step->n, y, dy);
    if (s->norm) norm_backward(u, s, unit, step, s->hidden + at, dy);
    else u->grads[u->net->tensor[s->dense->bias].offset + (size_t)unit] = sum(step->n, dy);
}

/* ---- one stripe of units ---- */

typedef struct { int first, count; } stripe;

/* An even number of stripes of nearly the same width, so that two threads, or four, share a layer alike;
 * a multiple of 4 units, in which OpenBLAS's kernels count. */
static int stripe_width(const stage *s)
{
    int pairs = (s->out + STRIPE) / (2 * STRIPE), stripes = pairs > 1 ? 2 * pairs : 2;
    return ((s->out + stripes - 1) / stripes + 3) / 4 * 4;
}

static int num_stripes(const stage *s)
{
    return (s->out + stripe_width(s) - 1) / stripe_width(s);
}

static stripe stripe_of(const stage *s, int index)
{
    int width = stripe_width(s), first = index * width;
    return (stripe){first, s->out - first < width ? s->out - first : width};
}

static void stripe_forward(const esp_autoencoder_updater *u, int index, stripe part, const esp_autoencoder_step *step)
{
    const stage *s = &u->work->stages[index];
    const float *x = index ? s[-1].y : u->input, *w = esp_network_weights(u->net, s->dense->weight);
    esp_gemm_nn(part.count, step->n, s->in, w + (size_t)part.first * s->in, x, 0.0f,
                s->hidden + (size_t)part.first * step->n);
    for (int j = part.first; j < part.first + part.count; j++) unit_forward(u, s, j, step);
}

/* The squared error of the last stage's units, and its gradient. */
static void stripe_loss(const esp_autoencoder_updater *u, stripe part, int n)
{
    const stage *s = &u->work->stages[u->work->num_stages - 1];
    float scale = 2.0f / (float)n;
    for (int j = part.first; j < part.first + part.count; j++) {
        const float *y = s->y + (size_t)j * n, *target = u->target + (size_t)j * n;
        float *dy = s->dy + (size_t)j * n;
        for (int i = 0; i < n; i++) dy[i] = y[i] - target[i];
        u->work->error[j] = dot(n, dy, dy);
        for (int i = 0; i < n; i++) dy[i] *= scale;
    }
}

/* From the gradient of the stage above to that of this stage's dense weights. */
static void stripe_backward(const esp_autoencoder_updater *u, int index, stripe part, const esp_autoencoder_step *step)
{
    const stage *s = &u->work->stages[index], *above = s + 1;
    int n = step->n;
    if (index < u->work->num_stages - 1)
        esp_gemm_tn_columns(part.count, n, above->out, above->in,
                            esp_network_weights(u->net, above->dense->weight) + part.first, above->dy, 0.0f,
                            s->dy + (size_t)part.first * n);
    for (int j = part.first; j < part.first + part.count; j++) unit_backward(u, s, j, step);
    esp_gemm_nt(part.count, s->in, n, s->dy + (size_t)part.first * n, index ? s[-1].y : u->input, 0.0f,
                u->grads + u->net->tensor[s->dense->weight].offset + (size_t)part.first * s->in);
}

static void move_weights(esp_autoencoder_updater *u, esp_adam_rates rates, size_t first)
{
    size_t rest = u->net->num_weights - first, count = rest < ADAM_STRETCH ? rest : ADAM_STRETCH;
    esp_adam_move(&u->adam, rates, 1.0f, first, count, u->grads, u->net->weights);
}

/* ---- centres ---- */

/* Biases of `weights` for an input without (sign 1) or with (sign -1) its centre. */
static void fold_centres(const esp_autoencoder_updater *u, float sign, float *weights)
{
    for (int i = 0; i < u->work->num_stages; i++) {
        const stage *s = &u->work->stages[i];
        const float *w = weights + u->net->tensor[s->dense->weight].offset;
        float *bias = weights + u->net->tensor[s->dense->bias].offset;
        for (int j = 0; j < s->out; j++) {
            double moved = 0.0;
            for (int k = 0; k < s->in; k++) moved += (double)w[(size_t)j * s->in + k] * (double)s->centre[k];
            bias[j] += sign * (float)moved;
        }
    }
}

void esp_autoencoder_updater_centre(esp_autoencoder_updater *u, int n)
{
    const esp_autoencoder_step step = {.n = n};
    memset(u->centres, 0, u->num_centres * sizeof *u->centres);
    for (int i = 0; i < u->work->num_stages; i++) {
        const stage *s = &u->work->stages[i];
        const float *x = i ? s[-1].y : u->input;
        for (int k = 0; k < s->in; k++) s->centre[k] = sum(n, x + (size_t)k * n) / (float)n;
        for (int p = 0; p < num_stripes(s); p++) stripe_forward(u, i, stripe_of(s, p), &step);
    }
    fold_centres(u, 1.0f, u->net->weights);
}

void esp_autoencoder_updater_export(const esp_autoencoder_updater *u, const float *weights, float *out)
{
    if (out != weights) memcpy(out, weights, u->net->num_weights * sizeof *out);
    fold_centres(u, -1.0f, out);
}

/* ---- the step ---- */

esp_status esp_autoencoder_updater_step(esp_autoencoder_updater *u, const esp_autoencoder_step *step, double *mse)
{
    assert(step->n >= 1 && step->n <= u->capacity);
    const work *w = u->work;
    int last = w->num_stages - 1;
    esp_adam_rates rates = esp_adam_begin(&u->adam, (float)step->learning_rate);
#pragma omp parallel
    {
        for (int s = 0; s < last; s++) {
#pragma omp for schedule(dynamic, 1)
            for (int p = 0; p < num_stripes(&w->stages[s]); p++)
                stripe_forward(u, s, stripe_of(&w->stages[s], p), step);
        }
#pragma omp for schedule(dynamic, 1)
        for (int p = 0; p < num_stripes(&w->stages[last]); p++) {
            stripe part = stripe_of(&w->stages[last], p);
            stripe_forward(u, last, part, step);
            stripe_loss(u, part, step->n);
            stripe_backward(u, last, part, step);
        }
        for (int s = last - 1; s >= 0; s--) {
#pragma omp for schedule(dynamic, 1)
            for (int p = 0; p < num_stripes(&w->stages[s]); p++)
                stripe_backward(u, s, stripe_of(&w->stages[s], p), step);
        }
#pragma omp for schedule(static)
        for (size_t first = 0; first < u->net->num_weights; first += ADAM_STRETCH)
            move_weights(u, rates, first);
    }
    double error = 0.0;
    for (int j = 0; j < w->stages[last].out; j++) error += w->error[j];
    *mse = error / ((double)step->n * w->stages[last].out);
    if (!isfinite(*mse))
        return esp_fail(ESP_ERR_NUMERIC, "the reconstruction error is not finite; lower train.learning_rate");
    return ESP_OK;
}
