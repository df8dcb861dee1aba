/* The kernels of dense_kernel.h. A tile of a few rows times one panel of two vectors is summed in registers: each
 * loaded weight serves all rows of the tile, each loaded input all outputs of the panel. A panel of 512 inputs takes
 * 32 KiB with AVX2, the size of the first-level cache, and 64 KiB with AVX-512; the inputs of ROW_BLOCK rows stay in
 * the second-level cache. On an AMD Zen 3, 128 rows times 512 x 512 weights reached 105 % of the speed of OpenBLAS
 * 0.3.21, which packs weights anew in each call, and one row 4.5 times its speed. */
#include <string.h>

#include "nn/activation_functions.h"
#include "nn/dense_kernel.h"

enum {
    ROW_BLOCK = 120, /* a multiple of the full tile heights, 6 and 12 */
    MOST_VECTORS = 8 /* of outputs that a tile of one row sums at once */
};

/* Height of the next part when `left` rows are divided into as few parts of at most `most` rows as possible, all nearly
 * equal: low tiles are slow, because each addition waits for the one before it. */
static inline int part_of(int left, int most)
{
    int parts = (left + most - 1) / most;
    return (left + parts - 1) / parts;
}

/* Inputs of the panels. */
static inline int inputs_of(const esp_rows *shape)
{
    return shape->before + shape->segments * shape->length + shape->after;
}

/* Where a row of all groups begins. */
static inline size_t row_start(const esp_rows *shape, int row)
{
    return (size_t)(row / shape->rows) * shape->group_step + (size_t)(row % shape->rows) * shape->row_step;
}

/* Rows from `row` on that belong to its group, at most `count`. */
static inline int left_in_group(const esp_rows *shape, int row, int count)
{
    int left = shape->rows - row % shape->rows;
    return left < count ? left : count;
}

/* GCC keeps sums in memory unless loops over them are unrolled early. */
#ifdef __clang__
#define UNROLLED
#else
#define UNROLLED _Pragma("GCC unroll 16")
#endif

#ifdef __x86_64__
#include <immintrin.h>

#define BODY(name) name##_avx512
#define TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")))
#define LANES 16
#define TILE_ROWS 12
#define EVEN_ROWS true
#define MULTIPLY_ADD(x, w, sum) _mm512_fmadd_ps(_mm512_set1_ps(x), w, sum)
#include "nn/dense_kernel_body.inc"

#define BODY(name) name##_avx2
#define TARGET __attribute__((target("avx2,fma")))
#define LANES 8
#define TILE_ROWS 6
#define EVEN_ROWS false
#define MULTIPLY_ADD(x, w, sum) _mm256_fmadd_ps(_mm256_set1_ps(x), w, sum)
#include "nn/dense_kernel_body.inc"

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

#define BODY(name) name##_baseline
#define TARGET
#define LANES 4
#define TILE_ROWS 6
#define EVEN_ROWS false
#define MULTIPLY_ADD(x, w, sum) ((sum) + (x) * (w))
#include "nn/dense_kernel_body.inc"

static bool always(void)
{
    return true;
}

const esp_dense_kernel esp_dense_kernels[] = {
#ifdef __x86_64__
    {"avx512", 32, 16, has_avx512, run_avx512, add_avx512},
    {"avx2", 16, 8, has_avx2, run_avx2, add_avx2},
#endif
    {"baseline", 8, 4, always, run_baseline, add_baseline},
};
const int esp_dense_num_kernels = sizeof esp_dense_kernels / sizeof *esp_dense_kernels;

static const esp_dense_kernel *chosen;

const esp_dense_kernel *esp_dense_kernel_used(void)
{
    const esp_dense_kernel *kernel = esp_dense_kernels;
    if (chosen) return chosen;
    while (!kernel->usable()) kernel++;
    return kernel;
}

int esp_num_kernels(void)
{
    return esp_dense_num_kernels;
}

const char *esp_kernel_name(int index)
{
    return esp_dense_kernels[index].name;
}

const char *esp_kernel_used(void)
{
    return esp_dense_kernel_used()->name;
}

esp_status esp_kernel_choose(const char *name)
{
    for (int i = 0; i < esp_dense_num_kernels; i++) {
        if (strcmp(name, esp_dense_kernels[i].name) != 0) continue;
        if (!esp_dense_kernels[i].usable()) return esp_fail(ESP_ERR_MACHINE, "this processor lacks %s", name);
        chosen = &esp_dense_kernels[i];
        return ESP_OK;
    }
    return esp_fail(ESP_ERR_USAGE, "expected avx512, avx2 or baseline, found '%s'", name);
}

int esp_padded_outputs(const esp_dense_kernel *kernel, int outputs)
{
    return (outputs + kernel->vector - 1) / kernel->vector * kernel->vector;
}

size_t esp_panels_size(const esp_dense_kernel *kernel, int outputs, int inputs)
{
    return (size_t)esp_padded_outputs(kernel, outputs) * (size_t)inputs;
}

/* Width of the panel that begins with output `first`. */
static int panel_width(const esp_dense_kernel *kernel, int outputs, int first)
{
    int left = esp_padded_outputs(kernel, outputs) - first;
    return left < kernel->panel ? left : kernel->panel;
}

typedef float quad __attribute__((vector_size(16)));

/* The transpose of 4 x 4 floats, in registers. */
static inline void transpose4(const float *w, int w_step, float *out, int out_step)
{
    quad a, b, c, d;
    memcpy(&a, w, sizeof a);
    memcpy(&b, w + w_step, sizeof b);
    memcpy(&c, w + 2 * (size_t)w_step, sizeof c);
    memcpy(&d, w + 3 * (size_t)w_step, sizeof d);
    quad ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    quad cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    const quad rows[4] = {__builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5),
                          __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7),
                          __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5),
                          __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7)};
    for (int i = 0; i < 4; i++) memcpy(out + (size_t)i * out_step, &rows[i], sizeof rows[i]);
}

/* Inputs [first, end) of one panel of `width` outputs, a multiple of 4, of which `present` exist. */
static void fill_block(int width, int present, int inputs, int first, int end, const float *w, float *panel)
{
    for (int c = 0; c < width; c += 4) {
        int i = first;
        for (; c + 4 <= present && i + 4 <= end; i += 4)
            transpose4(w + (size_t)c * inputs + i, inputs, panel + (size_t)i * width + c, width);
        for (; i < end; i++)
            for (int o = c; o < c + 4; o++)
                panel[(size_t)i * width + o] = o < present ? w[(size_t)o * inputs + i] : 0.0f;
    }
}

/* One cache line of each output at a time: the lines of all outputs, 2 KiB apart, do not fit the first-level cache. */
static void fill_panel(int width, int present, int inputs, const float *w, float *panel)
{
    enum { LINE = 16 };
    for (int first = 0; first < inputs; first += LINE)
        fill_block(width, present, inputs, first, inputs - first < LINE ? inputs : first + LINE, w, panel);
}

void esp_panels_fill(const esp_dense_kernel *kernel, int outputs, int inputs, const float *w, float *panels)
{
    for (int first = 0; first < outputs; first += kernel->panel) {
        int width = panel_width(kernel, outputs, first), present = outputs - first < width ? outputs - first : width;
        fill_panel(width, present, inputs, w + (size_t)first * inputs, panels + (size_t)first * inputs);
    }
}

void esp_panels_copy(const esp_dense_kernel *kernel, int outputs, int inputs, const float *w, float *panels)
{
    for (int first = 0; first < outputs; first += kernel->panel) {
        int width = panel_width(kernel, outputs, first), present = outputs - first < width ? outputs - first : width;
        for (int i = 0; i < inputs; i++, panels += width)
            for (int c = 0; c < width; c++) panels[c] = c < present ? w[(size_t)i * outputs + first + c] : 0.0f;
    }
}

size_t esp_panels_index(const esp_dense_kernel *kernel, int outputs, int inputs, int output, int input)
{
    int first = output / kernel->panel * kernel->panel;
    return (size_t)first * inputs + (size_t)input * panel_width(kernel, outputs, first) + (output - first);
}
