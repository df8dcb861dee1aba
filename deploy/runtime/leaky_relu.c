/* y for y >= 0, else alpha y, in place. */
static void leaky_relu(int count, float alpha, float *y)
{
    for (int i = 0; i < count; i++) {
        const float size = fabsf(y[i]);
        y[i] = 0.5f * (y[i] + size) + alpha * (0.5f * (y[i] - size));
    }
}
