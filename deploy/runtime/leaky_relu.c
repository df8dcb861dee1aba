/* y for y >= 0, else alpha y, in place. */
static void leaky_relu(int count, float alpha, float *y)
{
    for (int i = 0; i < count; i++) {
        y[i] = y[i] < 0.0f ? alpha * y[i] : y[i];
    }
}
