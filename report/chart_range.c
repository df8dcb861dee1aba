/* The ranges of a chart's axes: they hold the data, their intervals and the reference lines. */
#include <math.h>

#include "report/report_internal.h"

#define MOST 1e200 /* small enough that differences and margins do not overflow */

bool esp_drawable(double value, bool log)
{
    return fabs(value) <= MOST && (!log || value > 1 / MOST);
}

static void include(esp_range *range, double value)
{
    if (!esp_drawable(value, range->log)) return;
    range->low = fmin(range->low, value);
    range->high = fmax(range->high, value);
}

/* Adds room around the outermost points; moves two equal ends apart. */
static void widen(esp_range *range, double below, double above)
{
    if (range->low > range->high) { /* nothing to show */
        range->low = range->log ? 0.1 : 0;
        range->high = 1;
    }
    double size = fmax(fabs(range->low), fabs(range->high));
    if (range->high - range->low <= 1e-9 * size + 1 / MOST) {
        double half = size > 1 / MOST ? 0.1 * size : 0.5;
        range->low = range->log ? range->low / 2 : range->low - half;
        range->high = range->log ? range->high * 2 : range->high + half;
    }
    if (range->log) {
        double decades = log10(range->high) - log10(range->low);
        range->low *= pow(10, -below * decades);
        range->high *= pow(10, above * decades);
    } else {
        double length = range->high - range->low;
        range->low -= below * length;
        range->high += above * length;
    }
}

void esp_chart_ranges(const esp_chart *chart, esp_range *x, esp_range *y)
{
    bool bars = chart->kind == ESP_CHART_BARS;
    *x = (esp_range){chart->x.log, INFINITY, -INFINITY};
    *y = (esp_range){chart->y.log, INFINITY, -INFINITY};
    for (int s = 0; s < chart->num_series; s++) {
        const esp_chart_series *series = &chart->series[s];
        int count = bars && chart->num_categories < series->count ? chart->num_categories : series->count;
        for (int i = 0; i < count; i++) {
            if (!bars && !(esp_drawable(series->x[i], x->log) && esp_drawable(series->y[i], y->log))) continue;
            if (!bars) include(x, series->x[i]);
            include(y, series->y[i]);
            if (series->low) include(y, series->low[i]);
            if (series->high) include(y, series->high[i]);
        }
    }
    for (int i = 0; i < chart->num_references; i++)
        include(chart->references[i].vertical ? x : y, chart->references[i].at);
    if (chart->x.low < chart->x.high) include(x, chart->x.low), include(x, chart->x.high);
    if (chart->y.low < chart->y.high) include(y, chart->y.low), include(y, chart->y.high);
    if (!bars) {
        widen(x, 0.04, 0.04);
        widen(y, 0.04, 0.04);
    } else { /* bars stand on zero: the lower edge of the frame, unless some values are negative */
        *x = (esp_range){false, -0.5, fmax(chart->num_categories, 1) - 0.5};
        include(y, 0);
        widen(y, y->low < 0 || y->log ? 0.04 : 0, 0.04);
    }
}

bool esp_reference_shown(const esp_chart *chart, const esp_chart_reference *line)
{
    if (line->vertical) return chart->kind != ESP_CHART_BARS && esp_drawable(line->at, chart->x.log);
    return esp_drawable(line->at, chart->y.log);
}
