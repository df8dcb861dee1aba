/* Ticks: round numbers along an axis, and how to write them in few characters. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/report_internal.h"

double esp_range_place(const esp_range *range, double value)
{
    if (range->log) {
        double low = log10(range->low);
        return (log10(value) - low) / (log10(range->high) - low);
    }
    return (value - range->low) / (range->high - range->low);
}

/* ---- text ---- */

/* A common unit for numbers of similar size. */
typedef struct {
    double factor;
    char   suffix[8];
} unit;

static unit unit_for(double largest)
{
    static const unit units[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
    if (largest >= 1e15 || (largest > 0 && largest < 1e-3)) {
        int exponent = (int)floor(log10(largest) + 1e-9);
        unit power = {pow(10, exponent), ""};
        snprintf(power.suffix, sizeof power.suffix, "e%d", exponent);
        return power;
    }
    for (int i = 0; i < 4; i++) /* numbers up to 9999 stay as they are: four digits are read at a glance */
        if (largest >= units[i].factor * (i == 3 ? 10 : 1)) return units[i];
    return (unit){1, ""};
}

/* `step` determines how many decimals tell neighbours apart. */
static void write_number(double value, double step, unit u, char text[32])
{
    int decimals = (int)ceil(-log10(step / u.factor) - 1e-6);
    decimals = decimals < 0 ? 0 : decimals > 9 ? 9 : decimals;
    char digits[32];
    esp_format(digits, sizeof digits, "%.*f", decimals, fabs(value) / u.factor);
    bool zero = strspn(digits, "0.") == strlen(digits);
    snprintf(text, 32, "%s%.14s%s", value < 0 && !zero ? "\u2212" : "", zero ? "0" : digits, zero ? "" : u.suffix);
}

/* ---- linear ---- */

/* The smallest step, 1, 2 or 5 times a power of ten, with at most `most` multiples in the range. */
static double round_step(const esp_range *range, int most)
{
    static const double round[] = {1, 2, 5};
    double power = pow(10, floor(log10((range->high - range->low) / most)));
    for (int i = 0; i < 12; i++) {
        double step = round[i % 3] * power;
        if (floor(range->high / step + 1e-9) - ceil(range->low / step - 1e-9) + 1 <= most) return step;
        if (i % 3 == 2) power *= 10;
    }
    return range->high - range->low;
}

static void linear_ticks(const esp_range *range, int most, esp_ticks *ticks)
{
    double step = round_step(range, most);
    double first = ceil(range->low / step - 1e-9), last = floor(range->high / step + 1e-9);
    unit u = unit_for(fmax(fabs(first), fabs(last)) * step);
    for (double k = first; k <= last && ticks->num < most; k++) {
        ticks->at[ticks->num] = k * step;
        write_number(k * step, step, u, ticks->text[ticks->num++]);
    }
}

/* ---- logarithmic ---- */

static void add_tick(const esp_range *range, double value, bool label, esp_ticks *ticks)
{
    double place = esp_range_place(range, value);
    if (place < -1e-9 || place > 1 + 1e-9 || ticks->num == ESP_MAX_TICKS) return;
    ticks->at[ticks->num] = value;
    if (label) write_number(value, pow(10, floor(log10(value) + 1e-9)), unit_for(value), ticks->text[ticks->num]);
    ticks->num++;
}

/* Labels all of 1, 2, 5 times a power of ten, or powers of ten only, or every `stride`-th of
 * those. */
static void decade_ticks(const esp_range *range, bool fine, int stride, bool minor, esp_ticks *ticks)
{
    int first = (int)floor(log10(range->low)), last = (int)ceil(log10(range->high));
    ticks->num = 0;
    for (int k = first; k <= last; k++) {
        for (int m = 1; m < 10; m++) {
            bool label = m == 1 ? k % stride == 0 : fine && (m == 2 || m == 5);
            if (label || minor) add_tick(range, m * pow(10, k), label, ticks);
        }
    }
}

static int count_labels(const esp_ticks *ticks)
{
    int count = 0;
    for (int i = 0; i < ticks->num; i++) count += ticks->text[i][0] != 0;
    return count;
}

static void log_ticks(const esp_range *range, int most, esp_ticks *ticks)
{
    double decades = log10(range->high) - log10(range->low);
    if (decades < 0.8) { /* too short for 1, 2, 5; there the logarithm is nearly linear */
        linear_ticks(range, most, ticks);
        return;
    }
    decade_ticks(range, true, 1, decades < 4, ticks);
    /* Powers of ten alone might be a single label. */
    if (count_labels(ticks) <= most || (decades < 2 && most > 4)) return;
    for (int stride = 1;; stride++) {
        memset(ticks, 0, sizeof *ticks);
        decade_ticks(range, false, stride, stride == 1 && decades < 6, ticks);
        if (count_labels(ticks) <= most) return;
    }
}

void esp_ticks_make(const esp_range *range, int most, esp_ticks *ticks)
{
    memset(ticks, 0, sizeof *ticks);
    if (most > ESP_MAX_TICKS / 2) most = ESP_MAX_TICKS / 2;
    if (range->log) log_ticks(range, most, ticks);
    else            linear_ticks(range, most, ticks);
}
