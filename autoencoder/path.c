/* One block of images on its way through the chain, for one cut after another. What a cut shares with the one before
 * is not computed again:
 *
 * - The output of layer l depends on the widths of the inputs of layers 0 .. l. Each unit is a separate
 *   sum, so units that were left out can be added later: a wider output costs only its new units.
 * - The sum of a unit runs over its inputs in order of importance, so a wider input continues the sum
 *   of a narrower one. The sum over whole tiles of inputs is kept, and the rest is added to a copy.
 *
 * Both are exact to the bit, because a product is always made of the same tiles, ESP_TILE_UNITS outputs by
 * ESP_TILE_UNITS inputs (fewer at the end of an axis or of the kept inputs) in the same order.
 *
 * Activations are [units, images]: the first units are contiguous in memory, whatever follows. Cuts should come in
 * lexicographic order of their widths, so that they share most.
 *
 * Cost in GFLOP for 1,000 images through the network of Table I. (grid): the 983 cuts of the paper's groups with
 * coefficients in steps of 0.1 whose nominal sparsity is 20 +- 1 %; the last layer, whose input no two of these cuts
 * share, takes 865 of it. (gd): 64 steps of a descent to 20 % with 11 cuts each.
 *                                                                   grid     gd
 *     nothing is shared                                             3614   2699
 *     layers before the first change are shared                     1656   1508
 *     and all outputs are computed whatever the cut keeps           1546   1337
 *     and outputs are added when needed                             1466   1263
 *     and sums are continued                                        1220   1020
 *     the same in whole tiles: this file                            1262   1062 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "autoencoder/objective_internal.h"

typedef struct {
    int    width;    /* kept inputs; sums and outputs are those of widths up to this one */
    int    known;    /* number of outputs in `out`, in whole tiles */
    int   *summed;   /* [tiles of outputs] number of whole tiles of inputs in `sum`; -1: not even the bias */
    float *sum;      /* [out, ESP_BLOCK_IMAGES] */
    float *out;      /* the same, activated; one tile for the last layer, whose outputs are used at once */
} stage;

struct esp_path {
    const esp_chain *chain;
    int   images;               /* images in the block; 0: nothing is known */
    stage stage[ESP_CHAIN_MAX];
};

static int tiles(int units)
{
    return (units + ESP_TILE_UNITS - 1) / ESP_TILE_UNITS;
}

static int rows_of(const esp_chain_layer *layer, int tile)
{
    int left = layer->out - tile * ESP_TILE_UNITS;
    return left < ESP_TILE_UNITS ? left : ESP_TILE_UNITS;
}

static size_t floats(int units)
{
    return (size_t)units * ESP_BLOCK_IMAGES;
}

/* ---- create ---- */

esp_path *esp_path_create(const esp_chain *chain)
{
    esp_path *path = esp_alloc(1, sizeof *path);
    path->chain = chain;
    for (int l = 0; l < chain->num; l++) {
        int out = chain->layer[l].out;
        path->stage[l].summed = esp_alloc((size_t)tiles(out), sizeof(int));
        path->stage[l].sum = esp_alloc(floats(out), sizeof(float));
        path->stage[l].out = esp_alloc(floats(l < chain->num - 1 ? out : ESP_TILE_UNITS), sizeof(float));
    }
    return path;
}

void esp_path_free(esp_path *path)
{
    if (!path) return;
    for (int l = 0; l < path->chain->num; l++) {
        free(path->stage[l].summed);
        free(path->stage[l].sum);
        free(path->stage[l].out);
    }
    free(path);
}

/* ---- what is still valid ---- */

static void forget_sums(esp_path *path, int first)
{
    for (int l = first; l < path->chain->num; l++)
        for (int t = 0; t < tiles(path->chain->layer[l].out); t++) path->stage[l].summed[t] = -1;
}

static void forget_outputs(esp_path *path, int first)
{
    for (int l = first; l < path->chain->num; l++) path->stage[l].known = 0;
}

void esp_path_forget(esp_path *path)
{
    forget_sums(path, 0);
    forget_outputs(path, 0);
}

/* Continues with a new cut: sums of layer l depend on the widths before its own, outputs on its own width as well. */
static void turn(esp_path *path, const int *width)
{
    int same = 0;
    while (same < path->chain->num && path->stage[same].width == width[same]) same++;
    forget_outputs(path, same);
    forget_sums(path, same + 1);
    for (int l = same; l < path->chain->num; l++) path->stage[l].width = width[l];
}

/* ---- forward ---- */

/* OpenBLAS is fastest with whole vectors: 48 images take less time than 40. The padding columns are never read. */
static int columns(int images)
{
    return (images + 15) / 16 * 16;
}

/* y [rows, images] += weight[first output.., first input..] x[first input..] */
static void multiply(const esp_chain_layer *layer, int output, int rows, int input, int inputs, const float *x,
                     int images, float *y)
{
    esp_gemm_nn_part(rows, columns(images), inputs, layer->weight + (size_t)output * layer->in + input, layer->in,
                     x + floats(input), ESP_BLOCK_IMAGES, 1.0f, y, ESP_BLOCK_IMAGES);
}

static void start_with_bias(const esp_chain_layer *layer, int output, int rows, float *sum)
{
    for (int i = 0; i < rows; i++, sum += ESP_BLOCK_IMAGES)
        for (int j = 0; j < ESP_BLOCK_IMAGES; j++) sum[j] = layer->bias[output + i];
}

/* One tile of outputs of layer l. */
static void compute_tile(esp_path *path, int l, int tile, const float *x, float *y)
{
    const esp_chain_layer *layer = &path->chain->layer[l];
    stage *at = &path->stage[l];
    int output = tile * ESP_TILE_UNITS, rows = rows_of(layer, tile);
    int whole = at->width / ESP_TILE_UNITS, *summed = &at->summed[tile];
    float *sum = at->sum + floats(output);
    if (*summed < 0 || *summed > whole) {
        start_with_bias(layer, output, rows, sum);
        *summed = 0;
    }
    for (; *summed < whole; ++*summed)
        multiply(layer, output, rows, *summed * ESP_TILE_UNITS, ESP_TILE_UNITS, x, path->images, sum);
    memcpy(y, sum, floats(rows) * sizeof *y);
    int left = at->width - whole * ESP_TILE_UNITS;
    if (left) multiply(layer, output, rows, whole * ESP_TILE_UNITS, left, x, path->images, y);
    esp_act_forward(layer->act, rows, ESP_BLOCK_IMAGES, NULL, y);
}

static const float *input(const esp_path *path, int l, const float *x)
{
    return l ? path->stage[l - 1].out : x;
}

static void compute_outputs(esp_path *path, int l, int units, const float *x)
{
    stage *at = &path->stage[l];
    for (; at->known < units; at->known += ESP_TILE_UNITS)
        compute_tile(path, l, at->known / ESP_TILE_UNITS, input(path, l, x), at->out + floats(at->known));
}

/* ---- error ---- */

static double squared_error(int rows, int images, const float *y, const float *target)
{
    double sum = 0;
    for (int i = 0; i < rows; i++, y += ESP_BLOCK_IMAGES, target += ESP_BLOCK_IMAGES) {
#pragma omp simd reduction(+ : sum)
        for (int j = 0; j < images; j++) {
            float difference = y[j] - target[j];
            sum += (double)difference * difference;
        }
    }
    return sum;
}

double esp_path_error(esp_path *path, const float *x, int images, const int *width)
{
    assert(images > 0 && images <= ESP_BLOCK_IMAGES);
    if (images != path->images) esp_path_forget(path); /* the columns after the last were not computed */
    path->images = images;
    turn(path, width);
    int last = path->chain->num - 1;
    for (int l = 0; l < last; l++) compute_outputs(path, l, width[l + 1], x);

    const esp_chain_layer *layer = &path->chain->layer[last];
    float *y = path->stage[last].out;
    double error = 0;
    for (int tile = 0; tile < tiles(layer->out); tile++) {
        compute_tile(path, last, tile, input(path, last, x), y);
        error += squared_error(rows_of(layer, tile), images, y, x + floats(tile * ESP_TILE_UNITS));
    }
    return error;
}
