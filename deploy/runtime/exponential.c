/* exp(x) without a call and without branches, so that compilers turn loops over it into vectors: 2^n exp(r) with
 * |r| <= ln 2 / 2 and exp(r) by a polynomial (Cephes). Relative error below 3e-7; x is limited to -87 ... 87, and NaN
 * stays NaN. Comparisons are of the bits, as integers: those of floats may trap, and are therefore left as branches. */
static float exponential(float x)
{
    const uint32_t infinite = 0x7f800000u, most = 0x42ae0000u; /* the bits of infinity and of 87 */
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t magnitude = bits & 0x7fffffffu, nan = magnitude > infinite ? infinite | 0x400000u : 0u;
    bits = (bits & 0x80000000u) | (magnitude < most ? magnitude : most);
    memcpy(&x, &bits, sizeof x);
    const int32_t biased = (int32_t)(x * 1.44269504f + 127.5f); /* n + 127, the exponent's bits */
    const float n = (float)(biased - 127);
    const float r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    bits = (uint32_t)biased << 23;
    memcpy(&x, &bits, sizeof x);
    x *= p;
    memcpy(&bits, &x, sizeof bits);
    bits |= nan;
    memcpy(&x, &bits, sizeof x);
    return x;
}
