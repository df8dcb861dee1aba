/* y / (1 + exp(-y)) in place. */
static void silu(int count, float *y)
{
    for (int i = 0; i < count; i++) {
        y[i] = y[i] / (1.0f + exponential(-y[i]));
    }
}
