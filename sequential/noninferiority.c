/* Non-inferiority of paired, bounded performances, tested by betting.
 *
 * Eight bettors each stake a fixed share of what they have on every pair: the first as much as could be lost, each
 * next half of that. The share that grows fastest depends on how much the differences scatter; a mixture of bettors
 * does nearly as well as the best of them without knowing it. The first has half of the starting capital, each next
 * half of that, because differences of similar networks scatter little. */
#include <math.h>

#include "sequential/sequential.h"

/* What a bet that B's mean is more than `kept` of A's returns per unit staked; at least -1. */
static double win_if_more(double most, double kept, double a, double b)
{
    return (b / kept - a) / most;
}

/* The same for a bet that B's mean is less than `kept` of A's. */
static double win_if_less(double most, double kept, double a, double b)
{
    return (kept * a - b) / most;
}

static void endow(double capital[ESP_BETTORS])
{
    double share = 1.0, all = 0.0;
    for (int k = 0; k < ESP_BETTORS; k++, share /= 2) all += capital[k] = share;
    for (int k = 0; k < ESP_BETTORS; k++) capital[k] /= all;
}

/* Capital is not counted beyond what any verdict needs, so that it cannot overflow. */
static void play(double capital[ESP_BETTORS], double win)
{
    const double enough = 1e100;
    double share = 1.0;
    for (int k = 0; k < ESP_BETTORS; k++, share /= 2)
        capital[k] = fmin(enough, capital[k] * (1.0 + share * fmax(-1.0, win))); /* rounding could exceed -1 */
}

static bool sure(const double capital[ESP_BETTORS], double error)
{
    double all = 0.0;
    for (int k = 0; k < ESP_BETTORS; k++) all += capital[k];
    return all * error >= 1.0;
}

esp_bets esp_bets_begin(const esp_noninferiority *test)
{
    esp_bets bets = {.test = *test};
    endow(bets.not_worse);
    endow(bets.worse);
    return bets;
}

void esp_bets_add(esp_bets *bets, double a, double b)
{
    bets->count++;
    bets->sum_a += a;
    bets->sum_b += b;
    play(bets->not_worse, win_if_more(bets->test.most, 1.0 - bets->test.margin, a, b));
    play(bets->worse, win_if_less(bets->test.most, 1.0, a, b));
}

esp_verdict esp_bets_verdict(const esp_bets *bets)
{
    bool lost = bets->sum_b < (1.0 - bets->test.margin) * bets->sum_a;
    if (sure(bets->not_worse, bets->test.error)) return ESP_NOT_WORSE;
    return lost && sure(bets->worse, bets->test.error) ? ESP_WORSE : ESP_UNDECIDED;
}

typedef double (*win_fn)(double most, double kept, double a, double b);

static bool sure_of(win_fn win, double kept, const esp_noninferiority *test, int count, const double *a,
                    const double *b)
{
    double capital[ESP_BETTORS];
    endow(capital);
    for (int i = 0; i < count; i++) play(capital, win(test->most, kept, a[i], b[i]));
    return sure(capital, test->error);
}

void esp_noninferiority_bounds(const esp_noninferiority *test, int count, const double *a, const double *b,
                               double *low, double *high)
{
    enum { HALVINGS = 50 };
    const double most_kept = 10.0; /* nobody needs to know more about a network ten times as good */
    double low_end = most_kept, high_end = 0.0; /* sure below low, not sure at low_end; and the reverse */
    *low = 0.0;
    *high = most_kept;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = 0.5 * (*low + low_end);
        if (sure_of(win_if_more, middle, test, count, a, b)) *low = middle;
        else                                                 low_end = middle;
        middle = 0.5 * (high_end + *high);
        if (sure_of(win_if_less, middle, test, count, a, b)) *high = middle;
        else                                                 high_end = middle;
    }
    if (*high == most_kept) *high = INFINITY;
}
