/* Adds one tap of a convolution in groups, over one pixel; weights [channel of a group][kernel]. */
static void add_grouped_tap(const window *s, int per_group, const float *pixel, const float *weights, float *y)
{
    const int kernels_per_group = s->kernels / (s->channels / per_group);
    for (int o = 0; o < s->kernels; o++) {
        const float *x = pixel + o / kernels_per_group * per_group;
        for (int i = 0; i < per_group; i++) y[o] += x[i] * weights[i * s->kernels + o];
    }
}

/* y = convolution of x + bias, in groups of `per_group` channels; weights [row][column][channel of a group][kernel]. */
static void grouped_convolution(const window *s, int per_group, const float *x, const float *weights,
                                const float *bias, float *y)
{
    for (int place = 0; place < s->out_rows * s->out_cols; place++) {
        const int top = place / s->out_cols * s->row_stride - s->top;
        const int left = place % s->out_cols * s->col_stride - s->left;
        begin_sums(s->kernels, bias, y);
        for (int tap = 0; tap < s->rows * s->cols; tap++) {
            const int row = top + tap / s->cols * s->row_dilation;
            const int col = left + tap % s->cols * s->col_dilation;
            if (row >= 0 && row < s->in_rows && col >= 0 && col < s->in_cols)
                add_grouped_tap(s, per_group, x + (row * s->in_cols + col) * s->channels,
                                weights + tap * per_group * s->kernels, y);
        }
        y += s->kernels;
    }
}
