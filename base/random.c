/* Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). A
 * number depends on its purpose and never on what was drawn before. */
#include "base/base.h"

#include <Random123/philox.h>
#include <assert.h>
#include <math.h>

/* Keys that only derive other keys. They are arbitrary odd constants; changing one changes every result of the
 * program. */
enum { MAKE_KEY = 0x65737061, FORK_KEY = 0x6c696572 };

typedef struct { uint32_t word[4]; } block4;

static block4 philox(uint64_t low, uint64_t high, uint32_t key0, uint32_t key1)
{
    philox4x32_ctr_t counter = {{(uint32_t)low, (uint32_t)(low >> 32), (uint32_t)high, (uint32_t)(high >> 32)}};
    philox4x32_key_t key = {{key0, key1}};
    philox4x32_ctr_t out = philox4x32(counter, key);
    return (block4){{out.v[0], out.v[1], out.v[2], out.v[3]}};
}

static uint64_t join(uint32_t low, uint32_t high)
{
    return low | (uint64_t)high << 32;
}

/* Seed and purpose are mixed into the key, the index is the stream itself: two indices of one
 * purpose can never meet, two purposes meet with probability 2^-64. */
esp_rng esp_rng_make(uint64_t seed, esp_rng_purpose purpose, uint64_t index)
{
    block4 mixed = philox(seed, (uint64_t)purpose, MAKE_KEY, 0);
    return (esp_rng){.key = {mixed.word[0], mixed.word[1]}, .stream = index};
}

/* A child is named by key, stream, position and index of its parent; these 256 bits go through Philox in two rounds,
 * the second keyed by the first. FORK_KEY keeps the result apart from the parent's numbers. */
esp_rng esp_rng_fork(const esp_rng *rng, uint64_t index)
{
    uint64_t position = 4 * rng->block - (uint64_t)rng->left; /* words handed out */
    block4 parent = philox(position, rng->stream, rng->key[0] ^ FORK_KEY, rng->key[1]);
    block4 child = philox(index, join(parent.word[0], parent.word[1]), parent.word[2], parent.word[3]);
    return (esp_rng){.key = {child.word[0], child.word[1]}, .stream = join(child.word[2], child.word[3])};
}

uint32_t esp_rng_u32(esp_rng *rng)
{
    if (rng->left == 0) {
        block4 fresh = philox(rng->block, rng->stream, rng->key[0], rng->key[1]);
        for (int i = 0; i < 4; i++) rng->word[i] = fresh.word[i];
        rng->block++;
        rng->left = 4;
    }
    return rng->word[4 - rng->left--];
}

double esp_rng_uniform(esp_rng *rng)
{
    uint64_t high = esp_rng_u32(rng) >> 5; /* 27 bits */
    uint64_t low = esp_rng_u32(rng) >> 6;  /* 26 bits */
    return (double)(high << 26 | low) * 0x1p-53;
}

/* Lemire 2019, "Fast random integer generation in an interval": the few products whose low half
 * would make some results likelier are drawn again. */
uint32_t esp_rng_below(esp_rng *rng, uint32_t n)
{
    assert(n >= 1);
    uint64_t product = (uint64_t)esp_rng_u32(rng) * n;
    if ((uint32_t)product < n) {
        uint32_t surplus = -n % n; /* 2^32 mod n */
        while ((uint32_t)product < surplus) product = (uint64_t)esp_rng_u32(rng) * n;
    }
    return (uint32_t)(product >> 32);
}

/* Box-Muller in double, rounded once: the last bits, in which maths libraries differ, almost never reach the float.
 * The radius is at most sqrt(64 ln 2) = 6.66. For an odd count the last sine is dropped, so that the stream's
 * position is the only state after a call. */
void esp_rng_normal(esp_rng *rng, float *out, size_t count)
{
    const double two_pi = 6.283185307179586476925;
    for (size_t i = 0; i < count; i += 2) {
        double radius = sqrt(-2.0 * log(((double)esp_rng_u32(rng) + 1.0) * 0x1p-32)); /* (0, 1] */
        double angle = two_pi * 0x1p-32 * (double)esp_rng_u32(rng);
        out[i] = (float)(radius * cos(angle));
        if (i + 1 < count) out[i + 1] = (float)(radius * sin(angle));
    }
}
