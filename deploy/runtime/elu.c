/* y for y >= 0, else alpha (exp(y) - 1), in place. */
static void elu(int count, float alpha, float *y)
{
    for (int i = 0; i < count; i++) {
        const float size = fabsf(y[i]), above = 0.5f * (y[i] + size), below = 0.5f * (y[i] - size);
        y[i] = above + alpha * (exponential(below) - 1.0f);
    }
}
