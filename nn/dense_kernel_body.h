/* One instruction set of dense_kernel.c, which includes this file once for each with
 *   BODY(name)  the name of a function for this set
 *   TARGET      its target attribute, or nothing
 *   LANES       floats of a vector
 *   MULTIPLY_ADD(x, w, sum)  sum + x w for a number x and vectors w and sum. Spelled out, because compilers choose
 *                            freely between one rounding and two, and equal inputs must give equal outputs
 *   TILE_ROWS   rows of a tile: 2 * TILE_ROWS sums, the weights and an input must fit into the registers */

typedef float BODY(vector) __attribute__((vector_size(4 * LANES)));

/* out [rows, vectors * LANES], its rows `step` floats apart, = bias + x w for one panel. `rows` and `vectors` are
 * constants where this is called, so that all sums stay in registers. */
static inline __attribute__((always_inline)) TARGET void BODY(tile)(const int rows, const int vectors,
                                                                   const esp_rows *shape, const float *x,
                                                                   const float *panel, const float *bias, float *out,
                                                                   size_t step)
{
    BODY(vector) sum[TILE_ROWS][2], w[2];
    for (int v = 0; v < vectors; v++) memcpy(&w[v], bias + v * LANES, sizeof w[v]);
    UNROLLED for (int r = 0; r < rows; r++)
        UNROLLED for (int v = 0; v < vectors; v++) sum[r][v] = w[v];
    for (int s = 0; s < shape->segments; s++, x += shape->segment_step)
        for (int i = 0; i < shape->length; i++, panel += vectors * LANES) {
            UNROLLED for (int v = 0; v < vectors; v++) memcpy(&w[v], panel + v * LANES, sizeof w[v]);
            UNROLLED for (int r = 0; r < rows; r++)
                UNROLLED for (int v = 0; v < vectors; v++)
                    sum[r][v] = MULTIPLY_ADD(x[(size_t)r * shape->row_step + i], w[v], sum[r][v]);
        }
    UNROLLED for (int r = 0; r < rows; r++)
        UNROLLED for (int v = 0; v < vectors; v++) memcpy(out + r * step + v * LANES, &sum[r][v], sizeof sum[r][v]);
}

#define TILE_OF(ROWS)                                                                         \
    case ROWS:                                                                                \
        if (vectors == 2) BODY(tile)(ROWS, 2, shape, x, panel, bias, out, step);              \
        else              BODY(tile)(ROWS, 1, shape, x, panel, bias, out, step);              \
        return ROWS;

/* The tile of the largest height that `left` rows fill; returns it. */
static TARGET int BODY(any_tile)(int left, int vectors, const esp_rows *shape, const float *x, const float *panel,
                                 const float *bias, float *out, size_t step)
{
    switch (left < TILE_ROWS ? left < 6 ? left : 6 : TILE_ROWS) {
#if TILE_ROWS > 6
        TILE_OF(TILE_ROWS)
#endif
        TILE_OF(6)
        TILE_OF(5)
        TILE_OF(4)
        TILE_OF(3)
        TILE_OF(2)
    default:
        TILE_OF(1)
    }
}

#define APPLY(FUNCTION)                                                 \
    for (int r = 0; r < rows; r++, y += step)                           \
        for (int i = 0; i < vectors * LANES; i++) y[i] = FUNCTION(y[i])

static inline __attribute__((always_inline)) TARGET void BODY(activate_rows)(esp_act act, int rows, const int vectors,
                                                                            size_t step, float *restrict y)
{
    switch (act) {
    case ESP_ACT_NONE:    break;
    case ESP_ACT_RELU:    APPLY(esp_relu); break;
    case ESP_ACT_ELU:     APPLY(esp_elu); break;
    case ESP_ACT_TANH:    APPLY(esp_tanh); break;
    case ESP_ACT_SIGMOID: APPLY(esp_sigmoid); break;
    }
}

static TARGET void BODY(activate)(esp_act act, int rows, int vectors, size_t step, float *y)
{
    if (vectors == 2) BODY(activate_rows)(act, rows, 2, step, y);
    else              BODY(activate_rows)(act, rows, 1, step, y);
}

/* All tiles of one panel in `groups` groups from `x` on, rows [first, end) of each. */
static TARGET void BODY(panel)(const esp_rows *shape, int groups, int first, int end, int outputs, int columns,
                               const float *x, const float *panel, const float *bias, esp_act act, float *y)
{
    float partial[TILE_ROWS * 2 * LANES]; /* a tile of a panel that is wider than its outputs */
    int vectors = columns > LANES ? 2 : 1, width = vectors * LANES;
    bool whole = columns == width;
    for (int g = 0; g < groups; g++, x += shape->group_step, y += (size_t)shape->rows * outputs)
        for (int row = first, rows; row < end; row += rows) {
            float *at = y + (size_t)row * outputs, *out = whole ? at : partial;
            size_t step = (size_t)(whole ? outputs : width);
            rows = BODY(any_tile)(end - row, vectors, shape, x + (size_t)row * shape->row_step, panel, bias, out, step);
            BODY(activate)(act, rows, vectors, step, out);
            for (int r = 0; r < rows && !whole; r++)
                for (int c = 0; c < columns; c++) at[(size_t)r * outputs + c] = partial[r * width + c];
        }
}

static TARGET void BODY(run)(const esp_rows *shape, int outputs, const float *x, const float *panels, const float *bias,
                             esp_act act, float *y)
{
    int inputs = shape->segments * shape->length, rows = shape->rows;
    int groups = shape->rows < ROW_BLOCK ? ROW_BLOCK / shape->rows : 1;
    for (int g = 0; g < shape->groups; g += groups) {
        if (shape->groups - g < groups) groups = shape->groups - g;
        for (int row = 0; row < rows; row += ROW_BLOCK) {
            const float *panel = panels;
            int end = rows < row + ROW_BLOCK ? rows : row + ROW_BLOCK;
            for (int first = 0; first < outputs; first += 2 * LANES) {
                int columns = outputs - first < 2 * LANES ? outputs - first : 2 * LANES;
                BODY(panel)(shape, groups, row, end, outputs, columns, x + (size_t)g * shape->group_step, panel,
                            bias + first, act, y + (size_t)g * rows * outputs + first);
                panel += (size_t)inputs * (columns > LANES ? 2 : 1) * LANES;
            }
        }
    }
}

#undef APPLY
#undef TILE_OF
#undef BODY
#undef TARGET
#undef MULTIPLY_ADD
#undef LANES
#undef TILE_ROWS
