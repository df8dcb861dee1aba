/* Random shift (Kostrikov et al. 2021): moves a frame stack by whole pixels and repeats its
 * border. */
#include "agent/agent.h"

static int clamp(int x, int last)
{
    return x < 0 ? 0 : x > last ? last : x;
}

void esp_random_shift(int channels, int rows, int pad, int sx, int sy, const uint8_t *in, uint8_t *out)
{
    for (int c = 0; c < channels; c++, in += rows * rows, out += rows * rows)
        for (int y = 0; y < rows; y++) {
            const uint8_t *line = in + clamp(y + sy - pad, rows - 1) * rows;
            for (int x = 0; x < rows; x++) out[y * rows + x] = line[clamp(x + sx - pad, rows - 1)];
        }
}
