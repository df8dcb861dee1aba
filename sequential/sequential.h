/* sequential: tests on paired performances that may look at the data after every pair, and stop as soon as they are
 * sure. They know neither networks nor episodes. */
#ifndef ESP_SEQUENTIAL_H
#define ESP_SEQUENTIAL_H

#include "base/base.h"

/* ---- noninferiority.c ----------------------------------------------------------------------------- */

/* Is B worse than A by more than a margin? Performances lie in [0, most] and come in pairs, one of A and one of B on
 * the same sample. Nothing else is assumed of their distribution: where a rare sample can cost B everything, a small
 * number of good samples is not enough.
 *
 * Both verdicts are tests by betting (Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by
 * betting"; docs/compare.md): bets that cannot win on average multiply the capital by 20 with a probability of at most
 * 1/20, however often one looks (Ville's inequality). */
typedef struct {
    double most;    /* largest possible performance, > 0; the least is 0 */
    double margin;  /* share of A's mean performance that B may lose, in [0, 1) */
    double error;   /* largest probability of a wrong verdict, each, in (0, 1) */
} esp_noninferiority;

/* What is sure after some pairs. */
typedef enum {
    ESP_UNDECIDED,  /* neither of the following */
    ESP_NOT_WORSE,  /* B's mean is above (1 - margin) of A's; said with probability `error` at most if it is not */
    ESP_WORSE       /* B's mean is below A's, said with probability `error` at most if it is not; and in these pairs B
                     * has lost more than the margin */
} esp_verdict;

enum { ESP_BETTORS = 8 }; /* how many bet, each with another stake */

/* A test in progress; plain data, may be copied. */
typedef struct {
    esp_noninferiority test;       /* what is tested */
    int    count;                  /* pairs so far */
    double sum_a, sum_b;           /* sums of both performances */
    double not_worse[ESP_BETTORS]; /* capital of bettors against "B loses the margin or more" */
    double worse[ESP_BETTORS];     /* capital of bettors against "B loses nothing" */
} esp_bets;

/* Begins without pairs. */
esp_bets    esp_bets_begin(const esp_noninferiority *test);
/* Adds a pair. */
void        esp_bets_add(esp_bets *bets, double a, double b);
/* Verdict on the pairs so far. When samples of several kinds take turns, look after whole rounds only: what is tested
 * is the mean over all kinds. */
esp_verdict esp_bets_verdict(const esp_bets *bets);

/* Bounds of B's mean as a share of A's, each wrong with probability `error` at most: the verdict for every margin at
 * once. *low is 0 and *high INFINITY as long as nothing is known. a, b [count]. */
void esp_noninferiority_bounds(const esp_noninferiority *test, int count, const double *a, const double *b,
                               double *low, double *high);

#endif
