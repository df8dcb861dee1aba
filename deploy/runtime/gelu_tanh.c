/* The approximation of y Phi(y) by tanh, in place. */
static void gelu_tanh(int count, float *y)
{
    for (int i = 0; i < count; i++) {
        const float u = 0.79788456f * (y[i] + 0.044715f * y[i] * y[i] * y[i]);
        const float e = exponential(-2.0f * fabsf(u));
        y[i] = 0.5f * y[i] * (1.0f + copysignf((1.0f - e) / (1.0f + e), u));
    }
}
