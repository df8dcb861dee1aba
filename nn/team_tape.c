/* One batch through a chain of dense layers and BatchNorm, phase by phase: in each phase all threads work on one
 * layer, each on stripes of its units. Activations are [units, n], so a stripe is contiguous, and the thread that
 * computed a unit also applies BatchNorm to it, which needs that unit over the whole batch. The width of a stripe
 * does not depend on the number of threads, so neither does the result. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn_internal.h"
#include "nn/sums.h"

#define MOMENTUM 0.1f /* momentum of the running statistics, as in PyTorch */
#define STRIPE 112    /* approximate units per stripe: 64 cost 10 % more, 336 leave threads without work */
#define MAX_STAGES ESP_MAX_LAYERS

/* A dense layer, the BatchNorm after it if there is one, and the activation after both. */
typedef struct {
    const esp_layer *dense, *norm;
    esp_act act;
    int     in, out;
    float  *centre;  /* [in] part of the tape's centres */
    float  *hidden;  /* [out, n] BatchNorm: normalised; otherwise the same memory as y */
    float  *rstd;    /* [out] BatchNorm: 1 / deviation of the last forward */
    float  *y;       /* [out, n] */
    float  *dy;      /* [out, n] gradient of y, then of the dense layer's output */
} stage;

struct esp_team_tape {
    esp_network *net;
    int     capacity;
    int     num_stages;
    stage   stages[MAX_STAGES];
    size_t  num_centres;
    float  *centres; /* [num_centres] */
};

/* What all stripes of one pass read. */
typedef struct {
    const esp_team_tape *tape;
    const float *x;      /* [in, n] */
    int          n;
    bool         batch_statistics;
    float       *grads;
} pass;

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

esp_team_tape *esp_team_tape_create(esp_network *net, int capacity)
{
    esp_team_tape *tape = esp_alloc(1, sizeof *tape);
    tape->net = net;
    tape->capacity = capacity;
    for (int i = 0; i < net->num_layers; i++)
        if (net->layer[i].kind == ESP_LAYER_DENSE) tape->num_centres += (size_t)net->layer[i].in_size;
    float *centres = tape->centres = esp_alloc(tape->num_centres, sizeof(float));
    for (int i = 0; i < net->num_layers; i++) {
        const esp_layer *dense = &net->layer[i], *next = i + 1 < net->num_layers ? dense + 1 : NULL;
        bool normed = next && next->kind == ESP_LAYER_BATCHNORM;
        assert(dense->kind == ESP_LAYER_DENSE);
        stage_create(&tape->stages[tape->num_stages++], dense, normed ? next : NULL, capacity, centres);
        centres += dense->in_size;
        i += normed;
    }
    return tape;
}

void esp_team_tape_free(esp_team_tape *tape)
{
    if (!tape) return;
    for (int i = 0; i < tape->num_stages; i++) {
        stage *s = &tape->stages[i];
        if (s->norm) free(s->hidden);
        free(s->rstd);
        free(s->y);
        free(s->dy);
    }
    free(tape->centres);
    free(tape);
}

float *esp_team_tape_centres(esp_team_tape *tape, size_t *count)
{
    *count = tape->num_centres;
    return tape->centres;
}

/* ---- one unit over the batch ---- */

/* The dense layer's bias only shifts its output's mean, which BatchNorm removes, so it enters the running mean only.
 * PyTorch keeps the unbiased variance. */
static void move_running(const esp_network *net, const stage *s, int unit, int n, float mean, float var)
{
    float bias = esp_network_weights(net, s->dense->bias)[unit];
    float *running_mean = esp_network_weights(net, s->norm->mean) + unit;
    float *running_var = esp_network_weights(net, s->norm->var) + unit;
    float unbiased = n > 1 ? (float)n / (float)(n - 1) : 1.0f;
    *running_mean += MOMENTUM * (mean + bias - *running_mean);
    *running_var += MOMENTUM * (var * unbiased - *running_var);
}

/* x: output of the dense layer without bias, normalised in place. */
ESP_VECTORISED
static void norm_forward(const pass *p, const stage *s, int unit, float *x, float *y)
{
    const esp_network *net = p->tape->net;
    int n = p->n;
    float mean, var;
    if (p->batch_statistics) {
        mean = esp_sum(n, x) / (float)n;
        var = esp_squares(n, x, mean) / (float)n;
        move_running(net, s, unit, n, mean, var);
    } else {
        mean = esp_network_weights(net, s->norm->mean)[unit] - esp_network_weights(net, s->dense->bias)[unit];
        var = esp_network_weights(net, s->norm->var)[unit];
    }
    float rstd = s->rstd[unit] = 1.0f / sqrtf(var + ESP_NORM_EPS);
    float gain = esp_network_weights(net, s->norm->weight)[unit];
    float offset = esp_network_weights(net, s->norm->bias)[unit];
    for (int i = 0; i < n; i++) {
        x[i] = (x[i] - mean) * rstd;
        y[i] = x[i] * gain + offset;
    }
}

static const stage *last_stage(const esp_team_tape *tape)
{
    return &tape->stages[tape->num_stages - 1];
}

/* Centre of a unit, in the input of the stage above; the last stage has none above. */
static float centre_of(const esp_team_tape *tape, const stage *s, int unit)
{
    return s == last_stage(tape) ? 0.0f : s[1].centre[unit];
}

ESP_VECTORISED
static void unit_forward(const pass *p, const stage *s, int unit)
{
    float centre = centre_of(p->tape, s, unit);
    size_t at = (size_t)unit * (size_t)p->n;
    float *y = s->y + at;
    if (s->norm) {
        norm_forward(p, s, unit, s->hidden + at, y);
    } else {
        float bias = esp_network_weights(p->tape->net, s->dense->bias)[unit];
        for (int i = 0; i < p->n; i++) y[i] += bias;
    }
    esp_act_forward(s->act, 1, p->n, NULL, y);
    for (int i = 0; i < p->n; i++) y[i] -= centre;
}

/* dx = gain rstd (dy - mean(dy) - h mean(dy h)), with the means only for batch statistics: then the bias before
 * BatchNorm has no gradient, and rounding must not give it one that Adam would scale up. */
ESP_VECTORISED
static void norm_backward(const pass *p, const stage *s, int unit, const float *h, float *dy)
{
    const esp_network *net = p->tape->net;
    const esp_tensor *tensor = net->tensor;
    int n = p->n;
    float dgain = esp_dot(n, dy, h), doffset = esp_sum(n, dy);
    float factor = esp_network_weights(net, s->norm->weight)[unit] * s->rstd[unit];
    float dy_mean = p->batch_statistics ? doffset / (float)n : 0.0f;
    float dyh_mean = p->batch_statistics ? dgain / (float)n : 0.0f;
    p->grads[tensor[s->norm->weight].offset + (size_t)unit] = dgain;
    p->grads[tensor[s->norm->bias].offset + (size_t)unit] = doffset;
    p->grads[tensor[s->dense->bias].offset + (size_t)unit] = p->batch_statistics ? 0.0f : factor * doffset;
    for (int i = 0; i < n; i++) dy[i] = factor * (dy[i] - dy_mean - h[i] * dyh_mean);
}

ESP_VECTORISED
static void unit_backward(const pass *p, const stage *s, int unit)
{
    size_t at = (size_t)unit * (size_t)p->n;
    float *dy = s->dy + at, *y = s->y + at, centre = centre_of(p->tape, s, unit);
    for (int i = 0; i < p->n; i++) y[i] += centre; /* the stage above has read it for the last time */
    esp_act_backward(s->act, (size_t)p->n, y, dy);
    if (s->norm) norm_backward(p, s, unit, s->hidden + at, dy);
    else p->grads[p->tape->net->tensor[s->dense->bias].offset + (size_t)unit] = esp_sum(p->n, dy);
}

/* ---- one stripe of units ---- */

typedef struct { int first, count; } stripe;

/* An even number of stripes of nearly equal width, so that two or four threads share a layer evenly; a multiple of 4
 * units, the unit of OpenBLAS's kernels. */
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

static const float *input_of(const pass *p, const stage *s)
{
    return s == p->tape->stages ? p->x : s[-1].y;
}

static void stripe_forward(const pass *p, const stage *s, stripe part)
{
    const float *w = esp_network_weights(p->tape->net, s->dense->weight);
    esp_gemm_nn(part.count, p->n, s->in, w + (size_t)part.first * s->in, input_of(p, s), 0.0f,
                s->hidden + (size_t)part.first * p->n);
    for (int j = part.first; j < part.first + part.count; j++) unit_forward(p, s, j);
}

/* From the gradient of the stage above to the gradient of this stage's dense weights. */
static void stripe_backward(const pass *p, const stage *s, stripe part)
{
    const esp_network *net = p->tape->net;
    const stage *above = s + 1;
    int n = p->n;
    if (s != last_stage(p->tape))
        esp_gemm_tn_columns(part.count, n, above->out, above->in,
                            esp_network_weights(net, above->dense->weight) + part.first, above->dy, 0.0f,
                            s->dy + (size_t)part.first * n);
    for (int j = part.first; j < part.first + part.count; j++) unit_backward(p, s, j);
    esp_gemm_nt(part.count, s->in, n, s->dy + (size_t)part.first * n, input_of(p, s), 0.0f,
                p->grads + net->tensor[s->dense->weight].offset + (size_t)part.first * s->in);
}

/* ---- the pass ---- */

void esp_team_gradient(esp_team_tape *tape, const float *x, int n, bool batch_statistics, esp_team_loss_fn loss,
                       void *context, float *grads)
{
    assert(n >= 1 && n <= tape->capacity);
    const pass p = {tape, x, n, batch_statistics, grads};
    const stage *last = last_stage(tape);
#pragma omp parallel
    {
        for (const stage *s = tape->stages; s < last; s++) {
#pragma omp for schedule(dynamic, 1)
            for (int i = 0; i < num_stripes(s); i++) stripe_forward(&p, s, stripe_of(s, i));
        }
#pragma omp for schedule(dynamic, 1)
        for (int i = 0; i < num_stripes(last); i++) {
            stripe part = stripe_of(last, i);
            size_t at = (size_t)part.first * (size_t)n;
            stripe_forward(&p, last, part);
            loss(context, part.first, part.count, n, last->y + at, last->dy + at);
            stripe_backward(&p, last, part);
        }
        for (const stage *s = last - 1; s >= tape->stages; s--) {
#pragma omp for schedule(dynamic, 1)
            for (int i = 0; i < num_stripes(s); i++) stripe_backward(&p, s, stripe_of(s, i));
        }
    }
}

/* ---- centres ---- */

/* Changes the biases of `weights` for an input without (sign 1) or with (sign -1) its centre. */
static void fold_centres(const esp_team_tape *tape, float sign, float *weights)
{
    for (int i = 0; i < tape->num_stages; i++) {
        const stage *s = &tape->stages[i];
        const float *w = weights + tape->net->tensor[s->dense->weight].offset;
        float *bias = weights + tape->net->tensor[s->dense->bias].offset;
        for (int j = 0; j < s->out; j++) {
            double moved = 0.0;
            for (int k = 0; k < s->in; k++) moved += (double)w[(size_t)j * s->in + k] * (double)s->centre[k];
            bias[j] += sign * (float)moved;
        }
    }
}

void esp_team_tape_centre(esp_team_tape *tape, const float *x, int n)
{
    const pass p = {tape, x, n, false, NULL};
    memset(tape->centres, 0, tape->num_centres * sizeof *tape->centres);
    for (int i = 0; i < tape->num_stages; i++) {
        const stage *s = &tape->stages[i];
        const float *input = input_of(&p, s);
        for (int k = 0; k < s->in; k++) s->centre[k] = esp_sum(n, input + (size_t)k * n) / (float)n;
        for (int j = 0; j < num_stripes(s); j++) stripe_forward(&p, s, stripe_of(s, j));
    }
    fold_centres(tape, 1.0f, tape->net->weights);
}

void esp_team_tape_plain(const esp_team_tape *tape, const float *weights, float *out)
{
    if (out != weights) memcpy(out, weights, tape->net->num_weights * sizeof *out);
    fold_centres(tape, -1.0f, out);
}
