/* [rows][cols] to [cols][rows]. */
static void transpose(int rows, int cols, const float *x, float *y)
{
    for (int c = 0; c < cols; c++)
        for (int r = 0; r < rows; r++) y[c * rows + r] = x[r * cols + c];
}
