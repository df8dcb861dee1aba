/* y = the mean pixel under the window, channel by channel; padding counts as zeros, or not at all. */
static void average_pool(const window *s, int counts_padding, const float *x, float *y)
{
    for (int place = 0; place < s->out_rows * s->out_cols; place++) {
        const int top = place / s->out_cols * s->row_stride - s->top;
        const int left = place % s->out_cols * s->col_stride - s->left;
        int inside = 0;
        for (int c = 0; c < s->channels; c++) y[c] = 0.0f;
        for (int tap = 0; tap < s->rows * s->cols; tap++) {
            const int row = top + tap / s->cols, col = left + tap % s->cols;
            const float *pixel = x + (row * s->in_cols + col) * s->channels;
            if (row < 0 || row >= s->in_rows || col < 0 || col >= s->in_cols) continue;
            for (int c = 0; c < s->channels; c++) y[c] += pixel[c];
            inside++;
        }
        const int pixels = counts_padding ? s->rows * s->cols : inside > 0 ? inside : 1;
        for (int c = 0; c < s->channels; c++) y[c] /= (float)pixels;
        y += s->channels;
    }
}
