/* 1 / (1 + exp(-y)) in place. */
static void sigmoid(int count, float *y)
{
    for (int i = 0; i < count; i++) {
        y[i] = 1.0f / (1.0f + exponential(-y[i]));
    }
}
