/* Adds one row of the kernel, weights [column][channel][kernel], whose first tap is over column `col` of the image
 * row x. Taps over padding add nothing. */
static void add_kernel_row(const window *s, int col, const float *x, const float *weights, float *y)
{
    const int length = s->channels, size = s->channels * s->kernels;
    if (s->col_dilation == 1) { /* neighbouring taps read neighbouring pixels: one long product */
        const int first = col < 0 ? -col : 0;
        const int last = col + s->cols > s->in_cols ? s->in_cols - col : s->cols;
        if (last > first)
            add_products((last - first) * length, s->kernels, x + (col + first) * length, weights + first * size, y);
        return;
    }
    for (int k = 0; k < s->cols; k++) {
        const int at = col + k * s->col_dilation;
        if (at >= 0 && at < s->in_cols)
            add_products(length, s->kernels, x + at * length, weights + k * size, y);
    }
}

/* y = convolution of x + bias; weights [row][column][channel][kernel]. */
static void convolution(const window *s, const float *x, const float *weights, const float *bias, float *y)
{
    const int row_size = s->cols * s->channels * s->kernels;
    for (int row = 0; row < s->out_rows; row++) {
        for (int col = 0; col < s->out_cols; col++) {
            begin_sums(s->kernels, bias, y);
            for (int k = 0; k < s->rows; k++) {
                const int at = row * s->row_stride + k * s->row_dilation - s->top;
                if (at >= 0 && at < s->in_rows)
                    add_kernel_row(s, col * s->col_stride - s->left, x + at * s->in_cols * s->channels,
                                   weights + k * row_size, y);
            }
            y += s->kernels;
        }
    }
}
