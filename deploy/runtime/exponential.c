/* exp(x) without a call and without branches, so that compilers turn loops over it into vectors: 2^n exp(r) with
 * |r| <= ln 2 / 2 and exp(r) by a polynomial (Cephes). Relative error below 3e-7; x is limited to -87 ... 88, and NaN
 * stays NaN. */
static float exponential(float x)
{
    const float most = x < 88.0f ? x : 88.0f, limited = most > -87.0f ? most : -87.0f;
    const int32_t biased = (int32_t)(limited * 1.44269504f + 127.5f); /* n + 127, the exponent's bits */
    const float n = (float)(biased - 127);
    const float r = limited - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    const uint32_t bits = (uint32_t)biased << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return x == x ? p * power : x;
}
