/* One layer fitted again: from what it reads now it is to compute what the dense layer computed.
 *
 * First by linear least squares on the pre-activations. Where an activation follows, the error behind it is what
 * counts: a ReLU forgets how negative its input was, a sigmoid how far in its tail. So the fit is refined by
 * iteratively reweighted least squares (Holland and Welsch 1977): a residual counts by the squared slope of the
 * activation between what is and what should be, relative to its steepest slope. As no weight exceeds 1, a step is
 * solved for weighted residuals but with the unweighted Gram matrix, and every refinement reuses its factor. Residuals
 * as large as the signal can raise the error; those of a pruned layer are small.
 *
 * Added test error of the MNIST autoencoder that was trained the ordinary way, the same cuts fitted to 20,000 images:
 * 0.00138 becomes 0.00112 where half of the parameters are gone, 0.0069 becomes 0.0049 where four fifths are. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pruning/refit_internal.h"

enum {
    BLOCK = 256, /* samples that go through the layer together */
    STRIPE = 128 /* outputs fitted together */
};

#define RELAXATION 1.8f /* lengthens the steps of refinements, which the unweighted matrix makes too short */
#define SMALL 1e-6f     /* difference of pre-activations without a slope */

typedef struct {
    const esp_refit *request;
    esp_network *net;
    esp_layer   *layer;
    int      outs, rows, columns; /* rows per sample */
    esp_act  act;                 /* what follows the pre-activation times `scale` plus `shift` */
    float    steepest;            /* largest slope of the activation */
    float   *scale, *shift;       /* [outs], owned */
    float   *old;                 /* [outs, columns] weights before the fit, owned */
    float   *residual;            /* [count * rows, outs], owned */
    esp_gram gram;                /* of what the layer reads, factored; owned */
} fitting;

/* ---- what follows the layer ---- */

/* The layer that alone reads this one's output; NULL: there is none, or several do. */
static const esp_layer *only_reader(const fitting *f)
{
    const esp_component *component = &f->net->component[f->layer->component];
    const esp_layer *reader = NULL;
    int found = 0;
    for (int l = component->first_layer; l < component->first_layer + component->num_layers; l++)
        for (int k = 0; k < f->net->layer[l].num_inputs; k++)
            if (f->net->layer[l].input[k] == f->request->layer) {
                reader = &f->net->layer[l];
                found++;
            }
    return found == 1 ? reader : NULL;
}

/* A BatchNorm between the layer and its activation. */
static void fold_norm(fitting *f, const esp_layer *norm)
{
    const float *gain = esp_network_weights(f->net, norm->weight), *offset = esp_network_weights(f->net, norm->bias);
    const float *mean = esp_network_weights(f->net, norm->mean), *var = esp_network_weights(f->net, norm->var);
    for (int o = 0; o < f->outs; o++) {
        f->scale[o] = gain[o] / sqrtf(var[o] + norm->eps);
        f->shift[o] = offset[o] - mean[o] * f->scale[o];
    }
    f->act = norm->act;
}

static void find_activation(fitting *f)
{
    const esp_layer *reader = only_reader(f);
    for (int o = 0; o < f->outs; o++) f->scale[o] = 1.0f;
    f->act = f->layer->act;
    if (f->act == ESP_ACT_NONE && reader && reader->kind == ESP_LAYER_BATCHNORM) fold_norm(f, reader);
    f->steepest = f->act == ESP_ACT_SIGMOID ? 0.25f : 1.0f;
}

/* ---- residuals ---- */

/* Memory of one thread. */
typedef struct { float *scratch, *is, *should; } workspace;

static workspace workspace_make(const fitting *f)
{
    size_t scratch = esp_layer_scratch(f->layer), block = (size_t)(BLOCK * f->rows) * (size_t)f->outs;
    return (workspace){esp_alloc(scratch ? scratch : 1, sizeof(float)), esp_alloc(block, sizeof(float)),
                       esp_alloc(block, sizeof(float))};
}

static void workspace_free(workspace *space)
{
    free(space->scratch);
    free(space->is);
    free(space->should);
}

/* Fills residual and the workspace with a block of n samples: what is, and what should be, before the activation. */
static void subtract(const fitting *f, const workspace *space, int first, int n, float *residual)
{
    const esp_refit *r = f->request;
    const float *target = r->target + (size_t)first * (size_t)(f->rows * r->target_outs), *scale = f->scale;
    float *is = space->is, *should = space->should;
    esp_layer_forward(f->net, r->layer, r->x + (size_t)first * (size_t)f->layer->in_size, n, space->scratch, is);
    for (int i = 0; i < n * f->rows; i++, target += r->target_outs) {
        for (int o = 0; o < f->outs; o++) should[o] = target[r->kept[o]];
        for (int o = 0; o < f->outs; o++) {
            residual[o] = should[o] - is[o];
            is[o] *= scale[o];
            should[o] *= scale[o];
        }
        is += f->outs;
        should += f->outs;
        residual += f->outs;
    }
}

/* Weights the residuals by the squared relative slope of the activation. */
static void weigh(const fitting *f, const workspace *space, int n, float *residual)
{
    const float *is = space->is, *should = space->should;
    esp_act_forward(f->act, n * f->rows, f->outs, f->shift, space->is);
    esp_act_forward(f->act, n * f->rows, f->outs, f->shift, space->should);
    for (int i = 0; i < n * f->rows; i++, is += f->outs, should += f->outs, residual += f->outs)
        for (int o = 0; o < f->outs; o++) {
            float distance = f->scale[o] * residual[o] * f->steepest, slope = 1.0f;
            if (fabsf(distance) > SMALL) slope = (should[o] - is[o]) / distance;
            residual[o] *= RELAXATION * fminf(slope * slope, 1.0f);
        }
}

static void find_residuals(fitting *f, bool weighted)
{
    const esp_act act = f->layer->act;
    f->layer->act = ESP_ACT_NONE; /* the layer's pre-activations */
#pragma omp parallel
    {
        workspace space = workspace_make(f);
#pragma omp for schedule(dynamic)
        for (int first = 0; first < f->request->count; first += BLOCK) {
            int n = f->request->count - first < BLOCK ? f->request->count - first : BLOCK;
            float *residual = f->residual + (size_t)first * (size_t)(f->rows * f->outs);
            subtract(f, &space, first, n, residual);
            if (weighted) weigh(f, &space, n, residual);
        }
        workspace_free(&space);
    }
    f->layer->act = act;
}

/* ---- the normal equations ---- */

static void residual_means(const fitting *f, int first_out, int outs, double *mean)
{
    size_t rows = (size_t)f->request->count * (size_t)f->rows;
    const float *residual = f->residual + first_out;
    for (size_t i = 0; i < rows; i++, residual += f->outs)
        for (int o = 0; o < outs; o++) mean[o] += (double)residual[o];
    for (int o = 0; o < outs; o++) mean[o] /= (double)rows;
}

/* The residuals of a few outputs, relative to their means. */
static void gather(const fitting *f, int first, int n, int first_out, int outs, const double *mean, float *y)
{
    const float *residual = f->residual + (size_t)first * (size_t)(f->rows * f->outs) + first_out;
    for (int i = 0; i < n * f->rows; i++, residual += f->outs)
        for (int o = 0; o < outs; o++) *y++ = residual[o] - (float)mean[o];
}

/* One sum over all samples: the Gram matrix (outs 0), or the products of a few residuals with what the layer reads. */
static void collect(const fitting *f, int first_out, int outs, const double *mean, esp_gram *gram)
{
    const esp_refit *r = f->request;
    float *y = outs ? esp_alloc((size_t)(BLOCK * f->rows) * (size_t)outs, sizeof *y) : NULL;
    esp_gram_init(gram, f->layer, outs);
    for (int first = 0; first < r->count; first += BLOCK) {
        int n = r->count - first < BLOCK ? r->count - first : BLOCK;
        if (y) gather(f, first, n, first_out, outs, mean, y);
        esp_gram_add(gram, f->layer, r->x + (size_t)first * (size_t)f->layer->in_size, n, y);
    }
    esp_gram_finish(gram);
    free(y);
}

/* Without a bias the fit has to meet the means, too: moments in place of covariances. */
static void use_moments(const fitting *f, int height, const double *mean, const double *x_mean, double *g)
{
    if (f->layer->bias >= 0) return;
    for (int i = 0; i < height; i++)
        for (int j = 0; j < f->columns; j++) *g++ += mean[i] * x_mean[j];
}

static esp_status factor(fitting *f)
{
    collect(f, 0, 0, NULL, &f->gram);
    use_moments(f, f->columns, f->gram.mean, f->gram.mean, f->gram.g);
    esp_gram_add_ridge(&f->gram, ESP_LSQ_SHRINKAGE * f->columns / (double)f->gram.rows);
    esp_status status = esp_spd_factor(f->columns, f->gram.g);
    return status == ESP_OK ? status : esp_fail_in(status, "layer '%s' cannot be fitted", f->layer->module);
}

/* (G + ridge) dw^T = cross^T + ridge (w0 - w)^T: the step to the least-squares fit that is drawn towards the old
 * weights w0; the bias then keeps the mean. */
static void move(const fitting *f, int first_out, int outs)
{
    size_t columns = (size_t)f->columns, at = (size_t)first_out * columns, num = (size_t)outs * columns;
    float *weights = esp_network_weights(f->net, f->layer->weight) + at;
    float *bias = f->layer->bias >= 0 ? esp_network_weights(f->net, f->layer->bias) + first_out : NULL;
    double *mean = esp_alloc((size_t)outs, sizeof *mean);
    esp_gram cross;
    residual_means(f, first_out, outs, mean);
    collect(f, first_out, outs, mean, &cross);
    use_moments(f, outs, mean, f->gram.mean, cross.g);
    for (size_t i = 0; i < num; i++) cross.g[i] += f->gram.ridge * ((double)f->old[at + i] - (double)weights[i]);
    esp_spd_solve(f->columns, outs, f->gram.g, cross.g);
    for (size_t o = 0; o < (size_t)outs; o++) {
        for (size_t j = 0; j < columns; j++) {
            double step = cross.g[o * columns + j];
            weights[o * columns + j] = (float)((double)weights[o * columns + j] + step);
            mean[o] -= step * f->gram.mean[j];
        }
        if (bias) bias[o] = (float)((double)bias[o] + mean[o]);
    }
    esp_gram_free(&cross);
    free(mean);
}

/* Stripes of outputs are independent, so the threads share them. */
static void iterate(fitting *f, bool weighted)
{
    int stripes = (f->outs + STRIPE - 1) / STRIPE;
    find_residuals(f, weighted);
#pragma omp parallel for schedule(dynamic)
    for (int s = 0; s < stripes; s++) {
        int left = f->outs - s * STRIPE;
        move(f, s * STRIPE, left < STRIPE ? left : STRIPE);
    }
}

/* ---- all ---- */

static fitting fitting_create(const esp_refit *request)
{
    fitting f = {.request = request, .net = request->net, .layer = &request->net->layer[request->layer]};
    f.rows = esp_layer_rows(f.layer);
    f.outs = f.layer->out_size / f.rows;
    f.columns = esp_layer_columns(f.layer);
    f.scale = esp_alloc((size_t)f.outs, sizeof *f.scale);
    f.shift = esp_alloc((size_t)f.outs, sizeof *f.shift);
    f.residual = esp_alloc((size_t)request->count * (size_t)f.layer->out_size, sizeof *f.residual);
    size_t weights = (size_t)f.outs * (size_t)f.columns;
    f.old = esp_alloc(weights, sizeof *f.old);
    memcpy(f.old, esp_network_weights(f.net, f.layer->weight), weights * sizeof *f.old);
    find_activation(&f);
    return f;
}

static void fitting_free(fitting *f)
{
    esp_gram_free(&f->gram);
    free(f->scale);
    free(f->shift);
    free(f->residual);
    free(f->old);
}

esp_status esp_refit_layer(const esp_refit *request)
{
    fitting f = fitting_create(request);
    esp_status status = factor(&f);
    if (status == ESP_OK) iterate(&f, false);
    /* Fewer rows than columns meet any target: refinements would only fit the rows closer. */
    bool refined = f.act != ESP_ACT_NONE && f.gram.rows > f.columns;
    for (int i = 0; i < request->refinements && refined && status == ESP_OK; i++) iterate(&f, true);
    fitting_free(&f);
    return status;
}
