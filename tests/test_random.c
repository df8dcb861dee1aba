/* The numbers are Philox's, their distributions are right, and streams never overlap. */
#include "tests/check.h"

/* The first numbers of a stream with the given key and counter, compared with the published
 * vectors. */
static bool gives(esp_rng rng, const uint32_t expected[4])
{
    for (int i = 0; i < 4; i++)
        if (esp_rng_u32(&rng) != expected[i]) return false;
    return true;
}

/* tests/kat_vectors of Random123 1.14, "philox 4x32 10". */
static void philox_matches_the_published_vectors(void)
{
    esp_rng zeros = {0};
    CU_ASSERT(gives(zeros, (uint32_t[]){0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
    esp_rng ones = {.key = {~0u, ~0u}, .stream = ~0ull, .block = ~0ull};
    CU_ASSERT(gives(ones, (uint32_t[]){0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
    esp_rng digits_of_pi = {.key = {0xa4093822, 0x299f31d0},
                            .block = 0x85a308d3243f6a88, .stream = 0x0370734413198a2e};
    CU_ASSERT(gives(digits_of_pi, (uint32_t[]){0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

/* Recorded from version 0.1.0: a change here would change every published result and break
 * resuming. */
static void streams_stay_what_they_were_in_version_0_1(void)
{
    esp_rng made = esp_rng_make(1, ESP_RNG_PLAN, 2);
    CU_ASSERT(gives(made, (uint32_t[]){0x5250c12e, 0xf69380eb, 0xaea235d3, 0x0eb965fc}));
    CU_ASSERT(gives(esp_rng_fork(&made, 3), (uint32_t[]){0x3078a704, 0xee780c04, 0xd2b3293f, 0x33d00304}));
}

static void equal_seed_purpose_and_index_give_equal_numbers(void)
{
    esp_rng a = esp_rng_make(7, ESP_RNG_EXPLORE, 5), b = esp_rng_make(7, ESP_RNG_EXPLORE, 5);
    for (int i = 0; i < 100; i++) CU_ASSERT_EQUAL(esp_rng_u32(&a), esp_rng_u32(&b));
}

static void copying_a_stream_copies_its_position(void)
{
    esp_rng a = esp_rng_make(7, ESP_RNG_TEST, 0);
    for (int drawn = 0; drawn < 9; drawn++) {
        esp_rng b = a;
        float left[5], right[5];
        esp_rng_normal(&b, right, 5);
        esp_rng c = a;
        esp_rng_normal(&c, left, 5);
        CU_ASSERT(memcmp(left, right, sizeof left) == 0);
        esp_rng_u32(&a);
    }
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static size_t count_repeats(uint64_t *words, size_t count)
{
    size_t repeats = 0;
    qsort(words, count, sizeof *words, compare_u64);
    for (size_t i = 1; i < count; i++) repeats += words[i] == words[i - 1];
    return repeats;
}

static uint64_t next_u64(esp_rng *rng)
{
    uint64_t high = esp_rng_u32(rng);
    return high << 32 | esp_rng_u32(rng);
}

/* 46,080 words of 64 bits: one repeat by chance has probability 6e-11. */
static void seeds_purposes_and_indices_share_no_number(void)
{
    enum { SEEDS = 3, INDICES = 10, WORDS = 128, COUNT = SEEDS * ESP_RNG_DIGITS * INDICES * WORDS };
    uint64_t *words = esp_alloc(COUNT, sizeof *words);
    size_t n = 0;
    for (int seed = 0; seed < SEEDS; seed++)
        for (int purpose = 1; purpose <= ESP_RNG_DIGITS; purpose++)
            for (int index = 0; index < INDICES; index++) {
                esp_rng rng = esp_rng_make((uint64_t)seed, (esp_rng_purpose)purpose, (uint64_t)index);
                for (int i = 0; i < WORDS; i++) words[n++] = next_u64(&rng);
            }
    CU_ASSERT_EQUAL(n, COUNT);
    CU_ASSERT_EQUAL(count_repeats(words, n), 0);
    free(words);
}

/* Children at 17 positions of the parent, 32 children each, and the parent itself. */
static void forks_share_no_number_with_parent_siblings_or_other_positions(void)
{
    enum { POSITIONS = 17, CHILDREN = 32, WORDS = 32, COUNT = (POSITIONS * CHILDREN + 1) * WORDS };
    uint64_t *words = esp_alloc(COUNT, sizeof *words);
    size_t n = 0;
    esp_rng parent = esp_rng_make(3, ESP_RNG_TEST, 0), own = parent;
    for (int i = 0; i < WORDS; i++) words[n++] = next_u64(&own);
    for (int position = 0; position < POSITIONS; position++, esp_rng_u32(&parent))
        for (int child = 0; child < CHILDREN; child++) {
            esp_rng rng = esp_rng_fork(&parent, (uint64_t)child);
            for (int i = 0; i < WORDS; i++) words[n++] = next_u64(&rng);
        }
    CU_ASSERT_EQUAL(count_repeats(words, n), 0);
    free(words);
}

static void forking_leaves_the_parent_alone_and_repeats_itself(void)
{
    esp_rng parent = esp_rng_make(3, ESP_RNG_TEST, 1), before = parent;
    esp_rng first = esp_rng_fork(&parent, 4), second = esp_rng_fork(&parent, 4);
    CU_ASSERT(memcmp(&parent, &before, sizeof parent) == 0);
    for (int i = 0; i < 20; i++) CU_ASSERT_EQUAL(esp_rng_u32(&first), esp_rng_u32(&second));
}

enum { DRAWS = 1 << 20 };

/* |correlation| of independent series is below 5 / sqrt(n), except in 6 of 10^7 cases. */
static void siblings_and_neighbouring_indices_are_uncorrelated(void)
{
    float *x = esp_alloc(DRAWS, sizeof *x), *y = esp_alloc(DRAWS, sizeof *y), *z = esp_alloc(DRAWS, sizeof *z);
    esp_rng parent = esp_rng_make(3, ESP_RNG_TEST, 2), neighbour = esp_rng_make(3, ESP_RNG_TEST, 3);
    esp_rng a = esp_rng_fork(&parent, 0), b = esp_rng_fork(&parent, 1);
    esp_rng_normal(&a, x, DRAWS);
    esp_rng_normal(&b, y, DRAWS);
    double siblings = 0, neighbours = 0;
    for (int i = 0; i < DRAWS; i++) siblings += (double)x[i] * y[i] / DRAWS;
    esp_rng_normal(&parent, y, DRAWS);
    esp_rng_normal(&neighbour, z, DRAWS);
    for (int i = 0; i < DRAWS; i++) neighbours += (double)y[i] * z[i] / DRAWS;
    CU_ASSERT_DOUBLE_EQUAL(siblings, 0, 5 / sqrt(DRAWS));
    CU_ASSERT_DOUBLE_EQUAL(neighbours, 0, 5 / sqrt(DRAWS));
    free(x);
    free(y);
    free(z);
}

/* Chi-square of equal cells; its mean is cells - 1, its variance twice that. */
static bool is_even(const int *cells, int count, double draws)
{
    double chi = 0;
    for (int i = 0; i < count; i++) chi += pow(cells[i] - draws / count, 2) / (draws / count);
    return fabs(chi - (count - 1)) < 6 * sqrt(2.0 * (count - 1));
}

static void uniform_fills_the_unit_interval_evenly_to_the_last_bit(void)
{
    int cells[64] = {0}, last_bit[2] = {0};
    bool inside = true;
    esp_rng rng = esp_rng_make(11, ESP_RNG_TEST, 0);
    for (int i = 0; i < DRAWS; i++) {
        double u = esp_rng_uniform(&rng);
        inside = inside && u >= 0 && u < 1;
        cells[(int)(u * 64)]++;
        last_bit[(uint64_t)(u * 0x1p53) & 1]++;
    }
    CU_ASSERT(inside);
    CU_ASSERT(is_even(cells, 64, DRAWS));
    CU_ASSERT(is_even(last_bit, 2, DRAWS));
}

static void below_stays_below_and_is_even(void)
{
    static const uint32_t limits[] = {1, 2, 3, 7, 10, 64};
    for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
        int cells[65] = {0};
        esp_rng rng = esp_rng_make(12, ESP_RNG_TEST, k);
        for (int i = 0; i < DRAWS / 8; i++) cells[esp_rng_below(&rng, limits[k])]++;
        CU_ASSERT_EQUAL(cells[limits[k]], 0);
        CU_ASSERT(limits[k] == 1 || is_even(cells, (int)limits[k], DRAWS / 8));
    }
}

/* Without rejection 3/4 * 2^32 would hit the multiples of 3 twice as often as the others. */
static void below_is_unbiased_for_limits_near_the_word_size(void)
{
    int cells[3] = {0};
    esp_rng rng = esp_rng_make(13, ESP_RNG_TEST, 0);
    for (int i = 0; i < DRAWS; i++) cells[esp_rng_below(&rng, 3u << 30) % 3]++;
    CU_ASSERT(is_even(cells, 3, DRAWS));
}

/* Each bound is five standard errors of its estimate from n draws. */
static void normal_has_the_moments_and_tails_of_a_normal(void)
{
    float *x = esp_alloc(DRAWS, sizeof *x);
    esp_rng rng = esp_rng_make(14, ESP_RNG_TEST, 0);
    esp_rng_normal(&rng, x, DRAWS);
    double n = DRAWS, mean = 0, square = 0, cube = 0, fourth = 0, beyond[5] = {0}, largest = 0;
    for (int i = 0; i < DRAWS; i++) {
        double v = x[i];
        mean += v / n;
        square += v * v / n;
        cube += v * v * v / n;
        fourth += v * v * v * v / n;
        for (int k = 1; k < 5; k++) beyond[k] += fabs(v) > k;
        largest = fmax(largest, fabs(v));
    }
    CU_ASSERT_DOUBLE_EQUAL(mean, 0, 5 * sqrt(1 / n));
    CU_ASSERT_DOUBLE_EQUAL(square, 1, 5 * sqrt(2 / n));
    CU_ASSERT_DOUBLE_EQUAL(cube, 0, 5 * sqrt(15 / n));
    CU_ASSERT_DOUBLE_EQUAL(fourth, 3, 5 * sqrt(96 / n));
    for (int k = 1; k < 5; k++) {
        double expected = n * erfc(k / sqrt(2));
        CU_ASSERT_DOUBLE_EQUAL(beyond[k], expected, 5 * sqrt(expected));
    }
    CU_ASSERT(largest < 6.67);
    free(x);
}

static void normal_writes_exactly_the_count_it_was_given(void)
{
    for (size_t count = 0; count <= 5; count++) {
        float x[6] = {9, 9, 9, 9, 9, 9};
        esp_rng rng = esp_rng_make(15, ESP_RNG_TEST, 0), position = rng;
        esp_rng_normal(&rng, x, count);
        for (size_t i = 0; i < 6; i++) CU_ASSERT_EQUAL(x[i] == 9, i >= count);
        for (size_t i = 0; i < (count + 1) / 2 * 2; i++) esp_rng_u32(&position);
        CU_ASSERT_EQUAL(esp_rng_u32(&rng), esp_rng_u32(&position));
    }
}

static CU_TestInfo tests[] = {
    {"philox matches the published vectors", philox_matches_the_published_vectors},
    {"streams stay what they were in version 0.1", streams_stay_what_they_were_in_version_0_1},
    {"equal seed, purpose and index give equal numbers", equal_seed_purpose_and_index_give_equal_numbers},
    {"copying a stream copies its position", copying_a_stream_copies_its_position},
    {"seeds, purposes and indices share no number", seeds_purposes_and_indices_share_no_number},
    {"forks share no number with parent, siblings or other positions",
     forks_share_no_number_with_parent_siblings_or_other_positions},
    {"forking leaves the parent alone and repeats itself", forking_leaves_the_parent_alone_and_repeats_itself},
    {"siblings and neighbouring indices are uncorrelated", siblings_and_neighbouring_indices_are_uncorrelated},
    {"uniform fills the unit interval evenly to the last bit", uniform_fills_the_unit_interval_evenly_to_the_last_bit},
    {"below stays below and is even", below_stays_below_and_is_even},
    {"below is unbiased for limits near the word size", below_is_unbiased_for_limits_near_the_word_size},
    {"normal has the moments and tails of a normal", normal_has_the_moments_and_tails_of_a_normal},
    {"normal writes exactly the count it was given", normal_writes_exactly_the_count_it_was_given},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("random", tests)
