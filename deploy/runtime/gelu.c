/* y Phi(y) in place, with the normal distribution's Phi. */
static void gelu(int count, float *y)
{
    for (int i = 0; i < count; i++) {
        y[i] = 0.5f * y[i] * (1.0f + erff(y[i] * 0.70710678f));
    }
}
