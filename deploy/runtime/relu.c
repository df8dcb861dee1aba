/* max(y, 0) in place. */
static void relu(int count, float *y)
{
    for (int i = 0; i < count; i++) {
        y[i] = y[i] < 0.0f ? 0.0f : y[i];
    }
}
