/* LayerNorm in place. Sums are taken in eight lanes, so that compilers can add in vectors. */
static void layer_norm(int count, float eps, const float *gain, const float *offset, float *y)
{
    float lane[8] = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
    const int whole = count - count % 8;
    float mean = 0.0f, variance = 0.0f;
    for (int i = 0; i < whole; i += 8)
        for (int l = 0; l < 8; l++) lane[l] += y[i + l];
    for (int i = whole; i < count; i++) mean += y[i];
    for (int l = 0; l < 8; l++) mean += lane[l];
    mean /= (float)count;
    for (int l = 0; l < 8; l++) lane[l] = 0.0f;
    for (int i = 0; i < whole; i += 8)
        for (int l = 0; l < 8; l++) lane[l] += (y[i + l] - mean) * (y[i + l] - mean);
    for (int i = whole; i < count; i++) variance += (y[i] - mean) * (y[i] - mean);
    for (int l = 0; l < 8; l++) variance += lane[l];
    const float scale = 1.0f / sqrtf(variance / (float)count + eps);
    for (int i = 0; i < count; i++) y[i] = (y[i] - mean) * scale * gain[i] + offset[i];
}
