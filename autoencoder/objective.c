/* The reconstruction objective: many cuts judged by the same images. Images are divided into blocks of fixed size,
 * which threads share; each block visits the cuts in the order in which neighbours have most in common. */
#include <assert.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "autoencoder/objective_internal.h"

/* A block of images and its way through the network. */
typedef struct {
    float    *x; /* [784, ESP_BLOCK_IMAGES] */
    esp_path *path;
} lane;

struct esp_autoencoder_objective {
    const esp_network *net;
    const esp_images  *images;
    int       *place[ESP_MAX_AXES]; /* place of every unit in the ranking, 0 for the most important */
    esp_chain  chain;
    int        count;               /* number of images at scale 1 */
    int        kept, threads;
    lane      *lane;                /* [kept + threads]: one per block of scale 1, which keeps its activations; then
                                     * one per thread for all other blocks, since every lane takes 4 MB */
};

static int blocks_of(int images)
{
    return (images + ESP_BLOCK_IMAGES - 1) / ESP_BLOCK_IMAGES;
}

/* ---- create ---- */

static int *places(const int *order, int size)
{
    int *place = esp_alloc((size_t)size, sizeof *place);
    for (int i = 0; i < size; i++) place[order[i]] = i;
    return place;
}

/* Copies images side by side, pixel by pixel: the layout of activations. */
static void load_block(const esp_images *images, int block, float *x)
{
    int first = block * ESP_BLOCK_IMAGES, left = images->count - first;
    for (int i = 0; i < left && i < ESP_BLOCK_IMAGES; i++) {
        const uint8_t *pixels = images->pixels + (size_t)(first + i) * ESP_IMAGE_PIXELS;
        for (int k = 0; k < ESP_IMAGE_PIXELS; k++) x[(size_t)k * ESP_BLOCK_IMAGES + i] = (float)pixels[k] / 255.0f;
    }
}

static void make_lanes(esp_autoencoder_objective *objective)
{
    objective->kept = blocks_of(objective->count);
    objective->threads = omp_get_max_threads();
    objective->lane = esp_alloc((size_t)(objective->kept + objective->threads), sizeof *objective->lane);
    for (int i = 0; i < objective->kept + objective->threads; i++) {
        lane *l = &objective->lane[i];
        l->x = esp_alloc((size_t)ESP_IMAGE_PIXELS * ESP_BLOCK_IMAGES, sizeof *l->x);
        l->path = esp_path_create(&objective->chain);
        if (i < objective->kept) load_block(objective->images, i, l->x);
    }
}

esp_status esp_autoencoder_objective_create(const esp_network *net, const esp_ranking *ranking,
                                            const esp_images *images, int count, esp_autoencoder_objective **out)
{
    if (count < 1 || images->count < 1)
        return esp_fail(ESP_ERR_RANGE, "%d of %d images to search on, expected at least 1", count, images->count);
    esp_autoencoder_objective *objective = esp_alloc(1, sizeof *objective);
    esp_status status = esp_chain_make(net, ranking, &objective->chain);
    if (status != ESP_OK) {
        free(objective);
        return status;
    }
    assert(objective->chain.layer[0].in == ESP_IMAGE_PIXELS);
    objective->net = net;
    objective->images = images;
    objective->count = count < images->count ? count : images->count;
    for (int axis = 0; axis < net->num_axes; axis++)
        objective->place[axis] = places(ranking->order[axis], net->axis[axis].size);
    make_lanes(objective);
    *out = objective;
    return ESP_OK;
}

void esp_autoencoder_objective_free(esp_autoencoder_objective *objective)
{
    if (!objective) return;
    for (int i = 0; i < objective->kept + objective->threads; i++) {
        free(objective->lane[i].x);
        esp_path_free(objective->lane[i].path);
    }
    for (int axis = 0; axis < ESP_MAX_AXES; axis++) free(objective->place[axis]);
    esp_chain_free(&objective->chain);
    free(objective->lane);
    free(objective);
}

/* ---- candidates ---- */

typedef struct {
    int width[ESP_CHAIN_MAX]; /* kept width of every layer's input; 0 after the last */
    int index;                /* index in the caller's array */
} candidate;

static int compare_widths(const void *a, const void *b)
{
    const candidate *left = a, *right = b;
    for (int l = 0; l < ESP_CHAIN_MAX; l++)
        if (left->width[l] != right->width[l]) return left->width[l] < right->width[l] ? -1 : 1;
    return 0;
}

/* The leading blocks of the ordered weights represent a cut only if it keeps the units ranked first. */
static esp_status check_ranking(const esp_autoencoder_objective *objective, const esp_cut *cut)
{
    for (int axis = 0; axis < objective->net->num_axes; axis++) {
        int width = cut->widths.kept[axis];
        for (int i = 0; i < width; i++) {
            int unit = cut->kept[axis][i], place = objective->place[axis][unit];
            if (place >= width)
                return esp_fail(ESP_ERR_SHAPE, "the cut keeps unit %d among %d of axis '%s', but the ranking has it at "
                                "place %d: cuts must follow the ranking of the objective", unit, width,
                                objective->net->axis[axis].name, place + 1);
        }
    }
    return ESP_OK;
}

static esp_status sort_cuts(const esp_autoencoder_objective *objective, int n, const esp_cut *cuts, candidate *sorted)
{
    esp_status status = ESP_OK;
    for (int i = 0; i < n && status == ESP_OK; i++) {
        status = check_ranking(objective, &cuts[i]);
        sorted[i].index = i;
        for (int l = 0; l < objective->chain.num; l++)
            sorted[i].width[l] = cuts[i].widths.kept[objective->chain.layer[l].axis];
    }
    if (status == ESP_OK) qsort(sorted, (size_t)n, sizeof *sorted, compare_widths);
    return status;
}

/* ---- evaluate ---- */

static lane *lane_of(const esp_autoencoder_objective *objective, int block)
{
    if (block < objective->kept) return &objective->lane[block];
    lane *own = &objective->lane[objective->kept + omp_get_thread_num()];
    load_block(objective->images, block, own->x);
    esp_path_forget(own->path);
    return own;
}

/* Fills errors [blocks, n], in the order of the candidates. An interruption leaves the rest at 0. */
static void judge(const esp_autoencoder_objective *objective, int images, int n, const candidate *sorted,
                  double *errors)
{
    int threads = omp_get_max_threads() < objective->threads ? omp_get_max_threads() : objective->threads;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (int block = 0; block < blocks_of(images); block++) {
        lane *own = lane_of(objective, block);
        int left = images - block * ESP_BLOCK_IMAGES, inside = left < ESP_BLOCK_IMAGES ? left : ESP_BLOCK_IMAGES;
        double *error = errors + (size_t)block * (size_t)n;
        for (int i = 0; i < n && !esp_interrupted(); i++)
            error[i] = esp_path_error(own->path, own->x, inside, sorted[i].width);
    }
}

/* Sums the blocks in index order, whoever computed them. */
static double psnr(const double *errors, int stride, int images)
{
    double sum = 0;
    for (int block = 0; block < blocks_of(images); block++) sum += errors[(size_t)block * (size_t)stride];
    return 10 * log10((double)images * ESP_IMAGE_PIXELS / sum);
}

esp_status esp_autoencoder_objective_performance(void *context, int n, const esp_cut *cuts, int scale,
                                                 double *performance)
{
    const esp_autoencoder_objective *objective = context;
    int most = objective->images->count, images = scale > most / objective->count ? most : scale * objective->count;
    candidate *sorted = esp_alloc((size_t)n, sizeof *sorted);
    double *errors = esp_alloc((size_t)blocks_of(images) * (size_t)n, sizeof *errors);
    esp_status status = sort_cuts(objective, n, cuts, sorted);
    if (status == ESP_OK) {
        judge(objective, images, n, sorted, errors);
        status = esp_check_interrupt();
    }
    for (int i = 0; i < n && status == ESP_OK; i++) performance[sorted[i].index] = psnr(errors + i, n, images);
    free(errors);
    free(sorted);
    return status;
}
