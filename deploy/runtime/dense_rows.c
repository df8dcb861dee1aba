#if WIDE > 0
/* y[4][outputs] += x[4][length] times 32 columns of w[length][outputs], so that every weight is read once for four
 * rows. */
static void add_tile(int length, int outputs, const float *RESTRICT x, const float *RESTRICT w, float *RESTRICT y)
{
    float sum[4][32];
    for (int r = 0; r < 4; r++)
        for (int o = 0; o < 32; o++) sum[r][o] = y[r * outputs + o];
    for (int i = 0; i < length; i++) {
        const float a = x[i], b = x[length + i], c = x[2 * length + i], d = x[3 * length + i];
        for (int o = 0; o < 32; o++) sum[0][o] += a * w[o];
        for (int o = 0; o < 32; o++) sum[1][o] += b * w[o];
        for (int o = 0; o < 32; o++) sum[2][o] += c * w[o];
        for (int o = 0; o < 32; o++) sum[3][o] += d * w[o];
        w += outputs;
    }
    for (int r = 0; r < 4; r++)
        for (int o = 0; o < 32; o++) y[r * outputs + o] = sum[r][o];
}
#endif

/* The same as dense for several rows x [rows][inputs]. */
static void dense_rows(int rows, int inputs, int outputs, const float *x, const float *weights, const float *bias,
                       float *y)
{
    int done = 0;
    for (int r = 0; r < rows; r++) begin_sums(outputs, bias, y + r * outputs);
#if WIDE > 0
    for (; rows - done >= 4; done += 4) {
        int first = 0;
        for (; outputs - first >= 32; first += 32)
            add_tile(inputs, outputs, x + done * inputs, weights + first, y + done * outputs + first);
        for (int r = done; r < done + 4; r++)
            add_columns(first, inputs, outputs, x + r * inputs, weights, y + r * outputs);
    }
#endif
    for (; done < rows; done++) add_products(inputs, outputs, x + done * inputs, weights, y + done * outputs);
}
