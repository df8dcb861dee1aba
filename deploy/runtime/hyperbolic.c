/* tanh(y) in place, from exp(-2 |y|), which cannot overflow. */
static void hyperbolic(int count, float *y)
{
    for (int i = 0; i < count; i++) {
        const float e = exponential(-2.0f * fabsf(y[i]));
        y[i] = copysignf((1.0f - e) / (1.0f + e), y[i]);
    }
}
