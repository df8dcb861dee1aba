/* Bytes [channel][row][column] to numbers from 0 to 1, [row][column][channel]. */
static void read_image(int channels, int pixels, const uint8_t *x, float *y)
{
    for (int c = 0; c < channels; c++)
        for (int p = 0; p < pixels; p++) y[p * channels + c] = (float)x[c * pixels + p] / 255.0f;
}
