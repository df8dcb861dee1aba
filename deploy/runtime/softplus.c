/* log(1 + exp(y)) in place, from exp(-|y|), which cannot overflow. */
static void softplus(int count, float *y)
{
    for (int i = 0; i < count; i++) {
        y[i] = (y[i] > 0.0f ? y[i] : 0.0f) + log1pf(exponential(-fabsf(y[i])));
    }
}
