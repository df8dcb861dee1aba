/* y for y >= 0, else alpha (exp(y) - 1), in place. */
static void elu(int count, float alpha, float *y)
{
    for (int i = 0; i < count; i++) {
        const float below = y[i] < 0.0f ? y[i] : 0.0f, above = y[i] < 0.0f ? 0.0f : y[i];
        y[i] = above + alpha * (exponential(below) - 1.0f);
    }
}
