/* The sequential test of `compare`: its arithmetic against plain products, and its error rates, simulated with the
 * paired returns of real networks (paired_returns.txt). */
#include <math.h>
#include <string.h>

#include "sequential/sequential.h"

#include "check.h"

enum { NETWORKS = 6, STARTS = 2, EPISODES = 400, SEEDS = 1000, LIMIT = 2000, LOOK = 40, LOOKS = LIMIT / LOOK };

static const esp_noninferiority usual = {.most = 1000, .margin = 0.01, .error = 0.05};

/* ---- arithmetic ---- */

/* Capital by its definition, in double, without the cap. */
static double plain_capital(int count, const double *win)
{
    double all = 0, sum = 0;
    for (int k = 0; k < ESP_BETTORS; k++) {
        double share = pow(0.5, k), capital = share;
        for (int i = 0; i < count; i++) capital *= 1 + share * win[i];
        sum += share;
        all += capital;
    }
    return all / sum;
}

static double total(const double capital[ESP_BETTORS])
{
    double all = 0;
    for (int k = 0; k < ESP_BETTORS; k++) all += capital[k];
    return all;
}

static void capital_is_the_mean_of_eight_products(void)
{
    const double a[] = {850, 900, 0, 1000, 700}, b[] = {840, 901, 10, 980, 0};
    double more[5], less[5];
    esp_bets bets = esp_bets_begin(&usual);
    CU_ASSERT_DOUBLE_EQUAL(total(bets.not_worse), 1, 1e-15);
    for (int i = 0; i < 5; i++) {
        more[i] = (b[i] - 0.99 * a[i]) / (0.99 * 1000);
        less[i] = (a[i] - b[i]) / 1000;
        esp_bets_add(&bets, a[i], b[i]);
    }
    CU_ASSERT_DOUBLE_EQUAL(total(bets.not_worse), plain_capital(5, more), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(total(bets.worse), plain_capital(5, less), 1e-12);
}

static void nothing_is_sure_at_first_or_of_networks_that_never_return_anything(void)
{
    double low, high, zero[500] = {0};
    esp_bets bets = esp_bets_begin(&usual);
    CU_ASSERT_EQUAL(esp_bets_verdict(&bets), ESP_UNDECIDED);
    for (int i = 0; i < 500; i++) esp_bets_add(&bets, 0, 0);
    CU_ASSERT_EQUAL(esp_bets_verdict(&bets), ESP_UNDECIDED);
    esp_noninferiority_bounds(&usual, 500, zero, zero, &low, &high);
    CU_ASSERT(low == 0 && high == INFINITY);
}

static void a_network_that_loses_everything_is_worse_after_a_few_pairs(void)
{
    esp_bets bets = esp_bets_begin(&usual);
    int count = 0;
    while (esp_bets_verdict(&bets) == ESP_UNDECIDED && count++ < 100) esp_bets_add(&bets, 1000, 0);
    CU_ASSERT_EQUAL(esp_bets_verdict(&bets), ESP_WORSE);
    CU_ASSERT(count <= 8);
    for (int i = 0; i < 5000; i++) esp_bets_add(&bets, 1000, 0); /* neither overflow nor NaN */
    CU_ASSERT_EQUAL(esp_bets_verdict(&bets), ESP_WORSE);
}

/* B may fail in 1 episode of 100, a loss of 1 %. That 300 good episodes follow each other then has the probability
 * (1 - 0.01)^300 = 0.05. */
static void no_fewer_than_300_perfect_pairs_pass_at_a_margin_of_1_percent(void)
{
    esp_bets bets = esp_bets_begin(&usual);
    int count = 0;
    while (esp_bets_verdict(&bets) == ESP_UNDECIDED && count++ < 2000) esp_bets_add(&bets, 1000, 1000);
    CU_ASSERT_EQUAL(esp_bets_verdict(&bets), ESP_NOT_WORSE);
    printf("(%d) ", count);
    CU_ASSERT(count >= 300 && count <= 400);
}

/* ---- real pairs ---- */

typedef struct {
    char   name[32];
    double value[STARTS][EPISODES];
} returns;

static returns dense, pruned[NETWORKS];

static void read_returns(void)
{
    char name[32], start[32];
    int rows = 0;
    FILE *file = fopen(ESP_SOURCE "/tests/paired_returns.txt", "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    for (int c; (c = getc(file)) == '#';)
        while ((c = getc(file)) != '\n' && c != EOF) {}
    fseek(file, -1, SEEK_CUR); /* the first character of the first line without # */
    for (; fscanf(file, "%31s %31s", name, start) == 2; rows++) {
        returns *r = rows < STARTS ? &dense : &pruned[rows / STARTS - 1];
        CU_ASSERT_FATAL(rows < STARTS * (NETWORKS + 1));
        strcpy(r->name, name);
        for (int i = 0; i < EPISODES; i++) CU_ASSERT_EQUAL_FATAL(fscanf(file, "%lf", &r->value[rows % STARTS][i]), 1);
    }
    CU_ASSERT_EQUAL_FATAL(rows, STARTS * (NETWORKS + 1));
    fclose(file);
}

static double bounded(double value)
{
    return fmin(1000, fmax(0, value));
}

/* Mean over starts of the returns moved by `shift`, as a share of the dense network's. */
static double kept_with(const returns *r, double shift)
{
    double before = 0, after = 0;
    for (int s = 0; s < STARTS; s++)
        for (int i = 0; i < EPISODES; i++) {
            before += dense.value[s][i];
            after += bounded(r->value[s][i] + shift);
        }
    return after / before;
}

/* The shift that gives a real network exactly this true return, with the scatter that it has. */
static double shift_for(const returns *r, double kept)
{
    double low = -500, high = 500;
    for (int i = 0; i < 60; i++) {
        double middle = 0.5 * (low + high);
        if (kept_with(r, middle) < kept) low = middle;
        else                             high = middle;
    }
    return low;
}

/* How often each verdict was reached, and after how many pairs on average. */
typedef struct {
    double not_worse, worse, pairs;
    int    passing[LOOKS]; /* runs whose verdict at this look is "not worse", had they looked only then */
} rates;

/* Draws pairs, random and hanging start in turns, and looks every LOOK pairs. */
static void simulate_one(const returns *r, double shift, int seed, bool to_the_limit, rates *sum)
{
    esp_rng rng = esp_rng_make((uint64_t)seed, ESP_RNG_TEST, 0);
    esp_bets bets = esp_bets_begin(&usual);
    esp_verdict verdict = ESP_UNDECIDED;
    int pairs = LIMIT, passing[LOOKS] = {0};
    for (int n = 1; n <= LIMIT && (verdict == ESP_UNDECIDED || to_the_limit); n++) {
        int i = (int)esp_rng_below(&rng, EPISODES), s = n % STARTS;
        esp_bets_add(&bets, dense.value[s][i], bounded(r->value[s][i] + shift));
        if (n % LOOK != 0) continue;
        passing[n / LOOK - 1] = esp_bets_verdict(&bets) == ESP_NOT_WORSE;
        if (verdict != ESP_UNDECIDED) continue;
        verdict = esp_bets_verdict(&bets);
        if (verdict != ESP_UNDECIDED) pairs = n;
    }
#pragma omp critical
    {
        sum->not_worse += verdict == ESP_NOT_WORSE;
        sum->worse += verdict == ESP_WORSE;
        sum->pairs += pairs;
        for (int k = 0; k < LOOKS; k++) sum->passing[k] += passing[k];
    }
}

static rates simulate(const returns *r, double kept, bool to_the_limit)
{
    double shift = shift_for(r, kept);
    rates sum = {0};
#pragma omp parallel for schedule(dynamic, 16)
    for (int seed = 0; seed < SEEDS; seed++) simulate_one(r, shift, seed, to_the_limit, &sum);
    sum.not_worse /= SEEDS;
    sum.worse /= SEEDS;
    sum.pairs /= SEEDS;
    printf("\n    %-6s true return %.3f: not worse %.3f, worse %.3f, %.0f pairs ", r->name, kept, sum.not_worse,
           sum.worse, sum.pairs);
    return sum;
}

static void at_the_margin_at_most_5_of_100_pass(void)
{
    read_returns();
    for (int k = 0; k < NETWORKS; k++) CU_ASSERT(simulate(&pruned[k], 0.99, false).not_worse <= 0.05);
}

/* ---- the test that was not taken ---- */

/* A group-sequential t-test of "B loses the margin or more" with six looks and O'Brien-Fleming bounds (1.68 sqrt(6/k)
 * for 5 %), of the size at which 95 of 100 equal networks pass if differences are normal. */
static bool t_test_passes(const returns *r, double shift, int size, int seed)
{
    enum { LOOKS_OF_T = 6 };
    esp_rng rng = esp_rng_make((uint64_t)seed, ESP_RNG_TEST, 1);
    double sum = 0, squares = 0;
    int look = 1;
    for (int n = 1; n <= size; n++) {
        int i = (int)esp_rng_below(&rng, EPISODES), s = n % STARTS;
        double x = bounded(r->value[s][i] + shift) - 0.99 * dense.value[s][i];
        sum += x;
        squares += x * x;
        if (n < size * look / LOOKS_OF_T) continue;
        double deviation = sqrt(fmax(0, squares - sum * sum / n) / (n - 1));
        if (sum / n >= 1.68 * sqrt((double)LOOKS_OF_T / look) * deviation / sqrt(n)) return true;
        look++;
    }
    return false;
}

static int size_of_t_test(const returns *r, double shift)
{
    double sum = 0, squares = 0, before = 0;
    for (int s = 0; s < STARTS; s++)
        for (int i = 0; i < EPISODES; i++) {
            double x = bounded(r->value[s][i] + shift) - dense.value[s][i];
            sum += x;
            squares += x * x;
            before += 0.01 * dense.value[s][i];
        }
    double n = STARTS * EPISODES, variance = squares / n - sum * sum / n / n;
    int size = (int)(10.8 * variance * n * n / before / before); /* (1.645 + 1.645)^2 */
    return size < 24 ? 24 : size;
}

static void a_t_test_lets_more_than_5_of_100_pass_at_the_margin(void)
{
    for (int k = 0; k < NETWORKS; k++) {
        double shift = shift_for(&pruned[k], 0.99);
        int passed = 0, size = size_of_t_test(&pruned[k], shift);
        for (int seed = 0; seed < SEEDS; seed++) passed += t_test_passes(&pruned[k], shift, size, seed);
        printf("\n    %-6s t-test of %d pairs passes %.3f ", pruned[k].name, size, (double)passed / SEEDS);
        CU_ASSERT(passed > 0.05 * SEEDS);
    }
}

/* ---- how fast it is ---- */

/* Pairs that a test of fixed size must plan for, so that 95 of 100 equal networks pass; LIMIT if that is not enough. */
static int fixed_size(const rates *equal)
{
    for (int k = 0; k < LOOKS; k++)
        if (equal->passing[k] >= 0.95 * SEEDS) return (k + 1) * LOOK;
    return LIMIT;
}

/* Equal true return of different networks: a network compared with itself would prove nothing. */
static void of_equal_networks_at_most_5_of_100_are_called_worse(void)
{
    for (int k = 0; k < NETWORKS; k++) CU_ASSERT(simulate(&pruned[k], 1.0, false).worse <= 0.05);
}

static void of_networks_3_percent_worse_95_of_100_are_found_with_less_than_half_of_the_pairs(void)
{
    double sum = 0;
    for (int k = 0; k < NETWORKS; k++) {
        rates equal = simulate(&pruned[k], 1.0, true), lost = simulate(&pruned[k], 0.97, false);
        double share = lost.pairs / fixed_size(&equal);
        printf("of %d: %.2f ", fixed_size(&equal), share);
        CU_ASSERT(lost.worse >= 0.95);
        CU_ASSERT(share < 0.5);
        sum += share / NETWORKS;
    }
    printf("\n    mean share %.2f ", sum);
    CU_ASSERT(sum <= 1.0 / 3.0);
}

static void bounds_agree_with_the_verdict(void)
{
    double a[LIMIT], b[LIMIT], low, high;
    int decided = 0;
    for (int k = 0; k < NETWORKS; k++) {
        esp_bets bets = esp_bets_begin(&usual);
        for (int i = 0; i < 2 * EPISODES; i++) {
            a[i] = dense.value[i % 2][i / 2];
            b[i] = pruned[k].value[i % 2][i / 2];
            esp_bets_add(&bets, a[i], b[i]);
        }
        esp_verdict verdict = esp_bets_verdict(&bets);
        esp_noninferiority_bounds(&usual, 2 * EPISODES, a, b, &low, &high);
        CU_ASSERT_EQUAL(verdict == ESP_NOT_WORSE, low >= 0.99);
        CU_ASSERT_EQUAL(verdict == ESP_WORSE, high <= 1 && kept_with(&pruned[k], 0) < 0.99 && low < 0.99);
        CU_ASSERT(low < kept_with(&pruned[k], 0) && kept_with(&pruned[k], 0) < high);
        decided += verdict != ESP_UNDECIDED;
    }
    CU_ASSERT(decided >= 4);
}

static CU_TestInfo tests[] = {
    {"capital is the mean of eight products", capital_is_the_mean_of_eight_products},
    {"nothing is sure at first, or of networks that never return anything",
     nothing_is_sure_at_first_or_of_networks_that_never_return_anything},
    {"a network that loses everything is worse after a few pairs",
     a_network_that_loses_everything_is_worse_after_a_few_pairs},
    {"no fewer than 300 perfect pairs pass at a margin of 1 %",
     no_fewer_than_300_perfect_pairs_pass_at_a_margin_of_1_percent},
    {"at the margin at most 5 of 100 pass", at_the_margin_at_most_5_of_100_pass},
    {"a t-test lets more than 5 of 100 pass at the margin", a_t_test_lets_more_than_5_of_100_pass_at_the_margin},
    {"of equal networks at most 5 of 100 are called worse", of_equal_networks_at_most_5_of_100_are_called_worse},
    {"of networks 3 % worse 95 of 100 are found, with less than half of the pairs",
     of_networks_3_percent_worse_95_of_100_are_found_with_less_than_half_of_the_pairs},
    {"bounds agree with the verdict", bounds_agree_with_the_verdict},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("noninferiority", tests)
