/* A chart tells the truth: marks stand where its own tick labels say, for data of any size; texts
 * do not overlap and are escaped; no data breaks it. */
#include "report/report.h"

#include "tests/strict_xml.h"

/* ---- reading a chart ---- */

static char *draw(const esp_chart *chart)
{
    char *svg = NULL;
    CHECK_OK(esp_chart_svg(chart, &svg));
    CU_ASSERT(is_strict_xml(svg));
    return svg;
}

/* The text between `start` and `end` after the first `after`, in new memory; "" when absent. */
static char *part(const char *svg, const char *after, const char *start, const char *end)
{
    const char *at = strstr(svg, after);
    if (at) at = strstr(at, start);
    if (!at) return esp_strdup("");
    at += strlen(start);
    const char *stop = strstr(at, end);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stop);
    char *text = esp_alloc((size_t)(stop - at) + 1, 1);
    return memcpy(text, at, (size_t)(stop - at));
}

/* The path data of the first mark of a class. */
static char *path_of(const char *svg, const char *class)
{
    char after[64];
    snprintf(after, sizeof after, "class=\"%s\"", class);
    return part(svg, after, " d=\"", "\"");
}

/* The number that a label stands for; a label may have a typographic minus sign and a unit. */
static double label_value(const char *label)
{
    static const char units[] = "kMGT";
    double sign = 1;
    if (strncmp(label, "\u2212", 3) == 0) {
        sign = -1;
        label += 3;
    }
    char *rest;
    double value = strtod(label, &rest);
    const char *unit = *rest ? strchr(units, *rest) : NULL;
    CU_ASSERT(*rest == 0 || unit != NULL);
    return sign * value * (unit ? pow(1000, (double)(unit - units + 1)) : 1);
}

typedef struct {
    int num;
    double px[64], value[64];
    int letters[64]; /* of the label */
    bool log;
} axis;

/* The labels of one axis as the reader sees them. */
static axis read_axis(const char *svg, char which, bool log)
{
    char class[16];
    snprintf(class, sizeof class, "esp-%c-ticks", which);
    char *group = part(svg, class, ">", "</g>");
    axis a = {.log = log};
    for (const char *at = group; (at = strstr(at, "<text ")); at++) {
        double x, y;
        char label[64];
        CU_ASSERT_FATAL(a.num < 64 && sscanf(at, "<text x=\"%lf\" y=\"%lf\">%63[^<]", &x, &y, label) == 3);
        a.px[a.num] = which == 'x' ? x : y - 4; /* the base line lies 4 px below the middle */
        a.letters[a.num] = (int)strlen(label) - (strstr(label, "\u2212") ? 2 : 0);
        a.value[a.num++] = label_value(label);
    }
    free(group);
    return a;
}

/* Where a value belongs according to the outermost labels. */
static double place(const axis *a, double value)
{
    int last = a->num - 1;
    CU_ASSERT_FATAL(a->num >= 2);
    double from = a->value[0], to = a->value[last];
    double t = a->log ? log(value / from) / log(to / from) : (value - from) / (to - from);
    return a->px[0] + t * (a->px[last] - a->px[0]);
}

/* Reads the absolute corners (M, L) of a path. */
static int corners(const char *path, double (*out)[2], int room)
{
    int count = 0;
    for (const char *at = path; (at = strpbrk(at, "ML")); at++) {
        CU_ASSERT_FATAL(count < room);
        CU_ASSERT_EQUAL_FATAL(sscanf(at + 1, "%lf %lf", &out[count][0], &out[count][1]), 2);
        count++;
    }
    return count;
}

/* Coordinates have one decimal, those of the labels too. */
#define CHECK_PX(got, expected) CU_ASSERT_DOUBLE_EQUAL(got, expected, 0.25)

static int count_of(const char *text, const char *what)
{
    int count = 0;
    for (; (text = strstr(text, what)); text++) count++;
    return count;
}

/* ---- marks ---- */

static const double pruned[] = {0, 20, 40, 60, 80};
static const double returns[] = {810.7, 539.2, 57.4, 17, 2};
static const double low[] = {769.6, 458.5, 46.3, 5.8, 0};
static const double high[] = {851.5, 618.4, 68.3, 29.8, 4.5};
static const esp_chart_series magnitude = {"magnitude", 5, pruned, returns, low, high, 0};

static void every_point_stands_where_the_labels_say(void)
{
    for (int kind = ESP_CHART_LINES; kind <= ESP_CHART_POINTS; kind++) {
        char *svg = draw(&(esp_chart){.kind = (esp_chart_kind)kind, .num_series = 1, .series = &magnitude});
        axis x = read_axis(svg, 'x', false), y = read_axis(svg, 'y', false);
        char *path = path_of(svg, "esp-markers");
        double at[8][2];
        CU_ASSERT_EQUAL_FATAL(corners(path, at, 8), 5);
        for (int i = 0; i < 5; i++) {
            CHECK_PX(at[i][0], place(&x, pruned[i]));
            CHECK_PX(at[i][1], place(&y, returns[i]));
        }
        free(path);
        free(svg);
    }
}

static void logarithmic_axes_place_powers_evenly(void)
{
    static const double params[] = {310081, 620575, 928102, 1238596, 1548360}, mse[] = {0.3, 0.02, 0.0031, 5e-4, 4e-5};
    const esp_chart_series series = {"l2", 5, params, mse, NULL, NULL, 0};
    char *svg = draw(&(esp_chart){.x.log = true, .y.log = true, .num_series = 1, .series = &series});
    axis x = read_axis(svg, 'x', true), y = read_axis(svg, 'y', true);
    char *marks = path_of(svg, "esp-markers");
    double at[8][2];
    CU_ASSERT_EQUAL_FATAL(corners(marks, at, 8), 5);
    for (int i = 0; i < 5; i++) {
        CHECK_PX(at[i][0], place(&x, params[i]));
        CHECK_PX(at[i][1], place(&y, mse[i]));
    }
    for (int i = 0; i < x.num; i++) CHECK_PX(x.px[i], place(&x, x.value[i]));
    for (int i = 0; i < y.num; i++) CHECK_PX(y.px[i], place(&y, y.value[i]));
    free(marks);
    free(svg);
}

static void intervals_reach_from_low_to_high(void)
{
    esp_chart chart = {.num_series = 1, .series = &magnitude};
    char *svg = draw(&chart);
    axis x = read_axis(svg, 'x', false), y = read_axis(svg, 'y', false);
    char *path = path_of(svg, "esp-band");
    double at[16][2];
    CU_ASSERT_EQUAL_FATAL(corners(path, at, 16), 10);
    for (int i = 0; i < 5; i++) {
        CHECK_PX(at[i][1], place(&y, high[i]));
        CHECK_PX(at[9 - i][1], place(&y, low[i]));
        CHECK_PX(at[9 - i][0], place(&x, pruned[i]));
    }
    free(path);
    free(svg);

    chart.error_bars = true;
    svg = draw(&chart);
    CU_ASSERT_EQUAL(count_of(svg, "esp-band"), 0);
    path = path_of(svg, "esp-intervals");
    const char *bar = path;
    for (int i = 0; i < 5; i++) {
        double left, bottom, top;
        bar = strchr(bar, 'M');
        CU_ASSERT_EQUAL_FATAL(sscanf(bar++, "M%lf %lfh6m-3 0V%lf", &left, &bottom, &top), 3);
        CHECK_PX(left + 3, place(&x, pruned[i]));
        CHECK_PX(bottom, place(&y, low[i]));
        CHECK_PX(top, place(&y, high[i]));
    }
    free(path);
    free(svg);
}

static void bars_stand_on_zero_and_reach_their_value(void)
{
    static const char *const groups[] = {"enc 1", "enc 2", "coupling"};
    static const double y1[] = {0.2, -0.31, 0.05}, y2[] = {0.4, NAN, 0.95};
    const esp_chart_series series[] = {{"grid", 3, NULL, y1, NULL, NULL, 0}, {"gd", 3, NULL, y2, NULL, NULL, 0}};
    char *svg = draw(&(esp_chart){.kind = ESP_CHART_BARS, .num_series = 2, .series = series, .num_categories = 3,
                                  .categories = groups});
    axis y = read_axis(svg, 'y', false);
    char *path = path_of(svg, "esp-bars");
    const char *bar = path;
    double right = 0;
    for (int i = 0; i < 3; i++) {
        double left, ground, top, width;
        bar = strchr(bar, 'M');
        CU_ASSERT_EQUAL_FATAL(sscanf(bar++, "M%lf %lfV%lfh%lf", &left, &ground, &top, &width), 4);
        CHECK_PX(ground, place(&y, 0));
        CHECK_PX(top, place(&y, y1[i]));
        CU_ASSERT(left > right && width > 0);
        right = left + 2 * width - 0.2; /* the second series stands beside the first */
    }
    CU_ASSERT_EQUAL(count_of(svg, "esp-bars"), 2);
    CU_ASSERT_EQUAL(count_of(strstr(svg, "esp-bars"), "coupling"), 0);
    free(path);
    free(svg);
}

/* Two series with complementary gaps colour one row of bars. */
static void absent_bars_take_no_room(void)
{
    static const char *const groups[] = {"a", "b"};
    static const double component[] = {0.5, NAN}, coupling[] = {NAN, 0.5}, both[] = {0.5, 0.5};
    const esp_chart_series split[] = {{NULL, 2, NULL, component, NULL, NULL, 0},
                                      {NULL, 2, NULL, coupling, NULL, NULL, 0}};
    const esp_chart_series whole = {NULL, 2, NULL, both, NULL, NULL, 0};
    esp_chart chart = {.kind = ESP_CHART_BARS, .num_series = 1, .series = &whole, .num_categories = 2,
                       .categories = groups};
    char *svg = draw(&chart);
    char *expected = path_of(svg, "esp-bars");
    free(svg);
    chart.num_series = 2;
    chart.series = split;
    svg = draw(&chart);
    char *first = path_of(svg, "esp-bars"), *second = part(svg, "esp-intervals", "esp-bars", ">"), joined[256];
    char *data = part(second, "d=", "\"", "\"");
    snprintf(joined, sizeof joined, "%s%s", first, data);
    CU_ASSERT_STRING_EQUAL(joined, expected);
    free(expected);
    free(first);
    free(second);
    free(data);
    free(svg);
}

static void points_that_are_not_finite_leave_a_gap(void)
{
    static const double x[] = {0, 1, 2, 3, 4, NAN, 6}, y[] = {1, 2, NAN, 3, INFINITY, 4, 5};
    const esp_chart_series series = {"gaps", 7, x, y, NULL, NULL, 0};
    char *svg = draw(&(esp_chart){.num_series = 1, .series = &series});
    char *line = part(strstr(svg, "esp-x-ticks"), "esp-line", " d=\"", "\""), *marks = path_of(svg, "esp-markers");
    CU_ASSERT_EQUAL(count_of(line, "M"), 3);
    CU_ASSERT_EQUAL(count_of(line, "L"), 1);
    CU_ASSERT_EQUAL(count_of(marks, "M"), 4);
    CU_ASSERT_PTR_NULL(strstr(svg, "nan"));
    CU_ASSERT_PTR_NULL(strstr(svg, "inf"));
    free(line);
    free(marks);
    free(svg);
}

static void a_long_line_marks_only_points_that_stand_alone(void)
{
    double x[100], y[100];
    for (int i = 0; i < 100; i++) {
        x[i] = i;
        y[i] = i == 48 || i == 50 ? NAN : i;
    }
    const esp_chart_series series = {"long", 100, x, y, NULL, NULL, 0};
    char *svg = draw(&(esp_chart){.num_series = 1, .series = &series});
    char *marks = path_of(svg, "esp-markers");
    CU_ASSERT_EQUAL(count_of(marks, "M"), 1);
    free(marks);
    free(svg);
}

static void the_frontier_visits_the_points_that_no_other_beats(void)
{
    static const double x1[] = {5, 1, 3, NAN}, y1[] = {9, 2, 5, 100}, x2[] = {2, 3, 6, 5}, y2[] = {1, 4, 8, 9};
    const esp_chart_series series[] = {{"a", 4, x1, y1, NULL, NULL, 0}, {"b", 4, x2, y2, NULL, NULL, 0}};
    char *svg = draw(&(esp_chart){.kind = ESP_CHART_POINTS, .num_series = 2, .series = series, .frontier = true});
    axis x = read_axis(svg, 'x', false), y = read_axis(svg, 'y', false);
    char *path = path_of(svg, "esp-frontier");
    double at[6];
    CU_ASSERT_EQUAL_FATAL(sscanf(path, "M%lf %lfH%lfV%lfH%lfV%lf", &at[0], &at[1], &at[2], &at[3], &at[4], &at[5]), 6);
    static const double steps[][2] = {{1, 2}, {3, 5}, {5, 9}};
    for (int i = 0; i < 3; i++) {
        CHECK_PX(at[2 * i], place(&x, steps[i][0]));
        CHECK_PX(at[2 * i + 1], place(&y, steps[i][1]));
    }
    CU_ASSERT_EQUAL(count_of(path, "V"), 2);
    free(path);
    free(svg);
}

static void reference_lines_cross_the_plot_at_their_value(void)
{
    static const esp_chart_reference lines[] = {{true, 20, "20 %"}, {false, 900, "dense"}, {false, NAN, "absent"}};
    char *svg = draw(&(esp_chart){.num_series = 1, .series = &magnitude, .num_references = 3, .references = lines});
    axis x = read_axis(svg, 'x', false), y = read_axis(svg, 'y', false);
    char *path = path_of(svg, "esp-references");
    double at[2][2];
    CU_ASSERT_EQUAL_FATAL(corners(path, at, 2), 2);
    CHECK_PX(at[0][0], place(&x, 20));
    CHECK_PX(at[1][1], place(&y, 900));
    CU_ASSERT_PTR_NOT_NULL(strstr(svg, ">20 %<"));
    CU_ASSERT_PTR_NOT_NULL(strstr(svg, ">dense<"));
    CU_ASSERT_PTR_NULL(strstr(svg, "absent"));
    free(path);
    free(svg);
}

/* ---- axes ---- */

static bool is_round(double step)
{
    double digit = step / pow(10, floor(log10(step) + 1e-6));
    return fabs(digit - 1) < 1e-3 || fabs(digit - 2) < 1e-3 || fabs(digit - 5) < 1e-3;
}

/* Plot edges from the first stroke of the axes: "M left top V bottom H right". */
static void read_edges(const char *svg, double edge[4])
{
    const char *at = strstr(svg, "stroke=\"currentColor\" d=\"M");
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    CU_ASSERT_EQUAL_FATAL(sscanf(strchr(at, 'M'), "M%lf %lfV%lfH%lf", &edge[0], &edge[1], &edge[2], &edge[3]), 4);
}

static void ticks_are_round_even_and_cover_the_range(void)
{
    esp_rng rng = esp_rng_make(1, ESP_RNG_TEST, 0);
    for (int repeat = 0; repeat < 400; repeat++) {
        double size = pow(10, 24 * esp_rng_uniform(&rng) - 12), offset = 20 * size * (esp_rng_uniform(&rng) - 0.5);
        double x[2] = {offset, offset + size}, y[2] = {-offset, -offset + size * esp_rng_uniform(&rng)};
        const esp_chart_series series = {NULL, 2, x, y, NULL, NULL, 0};
        char *svg = draw(&(esp_chart){.num_series = 1, .series = &series,
                                      .width = 320 + (int)esp_rng_below(&rng, 800)});
        double edge[4]; /* left, top, bottom, right */
        read_edges(svg, edge);
        for (int vertical = 0; vertical < 2; vertical++) {
            axis a = read_axis(svg, vertical ? 'y' : 'x', false);
            CU_ASSERT_FATAL(a.num >= 2 && a.num <= 20);
            double step = a.value[1] - a.value[0], px = fabs(a.px[1] - a.px[0]);
            CU_ASSERT(is_round(step));
            for (int i = 2; i < a.num; i++) CHECK_PX(fabs(a.px[i] - a.px[i - 1]), px);
            CU_ASSERT(fabs(a.px[0] - (vertical ? edge[2] : edge[0])) <= px + 0.2);
            CU_ASSERT(fabs((vertical ? edge[1] : edge[3]) - a.px[a.num - 1]) <= px + 0.2);
            for (int i = 1; i < a.num && !vertical; i++) /* 12 px digits are 7.6 px wide */
                CU_ASSERT(px > 3.8 * (a.letters[i] + a.letters[i - 1]));
        }
        free(svg);
    }
}

static void logarithmic_ticks_are_few_for_any_number_of_decades(void)
{
    for (double decades = 0.1; decades < 350; decades *= 1.1) {
        double low = decades < 9 ? 0.0003 * decades : 1e-180, x[2] = {low, low * pow(10, decades)};
        const esp_chart_series series = {NULL, 2, x, x, NULL, NULL, 0};
        char *svg = draw(&(esp_chart){.num_series = 1, .series = &series, .x.log = true, .y.log = true,
                                      .width = decades < 9 ? 320 : 640});
        for (const char *which = "xy"; *which; which++) {
            axis a = read_axis(svg, *which, true);
            CU_ASSERT(a.num >= 2 && a.num <= 13);
            for (int i = 0; i < a.num; i++) CHECK_PX(a.px[i], place(&a, a.value[i]));
        }
        free(svg);
    }
}

static void a_requested_range_is_shown_beside_the_data(void)
{
    char *svg = draw(&(esp_chart){.num_series = 1, .series = &magnitude, .y = {.low = -500, .high = 2000}});
    axis y = read_axis(svg, 'y', false);
    double edge[4];
    read_edges(svg, edge);
    CU_ASSERT(place(&y, -500) < edge[2] && place(&y, 2000) > edge[1]);
    free(svg);
}

static void numbers_are_written_in_few_characters(void)
{
    static const struct { double to; const char *label; } cases[] = {
        {100, ">20<"}, {9000, ">2000<"}, {30000, ">20k<"}, {1.5e6, ">0.5M<"},
        {0.3, ">0.1<"}, {3e-5, ">2e-5<"}, {2e18, ">0.5e18<"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double x[2] = {0, cases[i].to};
        const esp_chart_series series = {NULL, 2, x, x, NULL, NULL, 0};
        char *svg = draw(&(esp_chart){.num_series = 1, .series = &series, .width = 400});
        if (!strstr(svg, cases[i].label)) printf("\n    %s is missing ", cases[i].label);
        CU_ASSERT_PTR_NOT_NULL(strstr(svg, cases[i].label));
        free(svg);
    }
}

/* ---- texts ---- */

static void texts_are_escaped_and_made_valid(void)
{
    static const char *const names[] = {"a<b & \"c\" > 'd'", "\xff\xc0\x80 cut \xe2\x82"};
    static const double y[] = {1, 2};
    const esp_chart_series series = {"</svg>\x01", 2, y, y, NULL, NULL, 0};
    const esp_chart_reference line = {false, 1, "<&>"};
    for (int kind = ESP_CHART_LINES; kind <= ESP_CHART_BARS; kind++) {
        char *svg = draw(&(esp_chart){.kind = (esp_chart_kind)kind, .title = names[0], .x.label = names[1],
                                      .y.label = "\n", .num_series = 1, .series = &series,
                                      .num_references = 1, .references = &line,
                                      .num_categories = 2, .categories = names, .width = 900});
        CU_ASSERT_PTR_NOT_NULL(strstr(svg, ">a&lt;b &amp; &quot;c&quot; &gt; 'd'<"));
        CU_ASSERT_PTR_NOT_NULL(strstr(svg, ">\ufffd\ufffd\ufffd cut \ufffd\ufffd<"));
        CU_ASSERT_PTR_NOT_NULL(strstr(svg, ">&lt;/svg&gt;\ufffd<"));
        CU_ASSERT_PTR_NOT_NULL(strstr(svg, ">&lt;&amp;&gt;<"));
        free(svg);
    }
}

static void names_turn_when_they_do_not_fit(void)
{
    static const char *const name = "dynamics.hidden layer 2";
    for (int categories = 1; categories <= 200; categories += 7) {
        const char *names[200];
        double y[200];
        for (int i = 0; i < categories; i++) {
            names[i] = name;
            y[i] = i;
        }
        const esp_chart_series series = {"gd", categories, NULL, y, NULL, NULL, 0};
        char *svg = draw(&(esp_chart){.kind = ESP_CHART_BARS, .num_series = 1, .series = &series,
                                      .num_categories = categories, .categories = names});
        char *group = part(svg, "esp-categories", ">", "</g>");
        double needed = strstr(group, "rotate(-90)") ? 12 : strstr(group, "rotate(-40)") ? 18 : 150;
        double at, last = -INFINITY;
        int count = 0;
        for (const char *text = group; (text = strstr(text, "<text ")); text++, count++) {
            CU_ASSERT_FATAL(sscanf(text, "<text transform=\"translate(%lf", &at) == 1
                            || sscanf(text, "<text x=\"%lf", &at) == 1);
            CU_ASSERT(at - last >= needed);
            last = at;
        }
        CU_ASSERT(count == categories || categories > 30);
        free(group);
        free(svg);
    }
}

static void a_series_keeps_its_look_wherever_it_stands(void)
{
    static const double x[] = {1, 2}, y[] = {3, 4};
    const esp_chart_series third[] = {{"a", 2, x, y, NULL, NULL, 0}, {"b", 2, x, y, NULL, NULL, 0},
                                      {"c", 2, x, y, NULL, NULL, 0}};
    const esp_chart_series alone = {"c", 2, x, y, NULL, NULL, 3};
    char *all = draw(&(esp_chart){.num_series = 3, .series = third}), *one = draw(&(esp_chart){.num_series = 1,
                                                                                              .series = &alone});
    static const char color[] = "stroke=\"#009e73\"";
    CU_ASSERT(strstr(all, color) != NULL && strstr(one, color) != NULL);
    CU_ASSERT(strstr(one, "#0072b2") == NULL && strstr(one, "4.4l4.2") != NULL); /* the third marker, too */
    free(all);
    free(one);
}

static void legend_entries_wrap_inside_the_picture(void)
{
    esp_chart_series series[20];
    char names[20][64];
    for (int i = 0; i < 20; i++) {
        snprintf(names[i], sizeof names[i], "%.*s %d", 5 + 3 * (i % 9), "magnitude magnitude magnitude magnitude", i);
        series[i] = magnitude;
        series[i].name = names[i];
    }
    for (int width = 200; width <= 1000; width += 100) {
        char *svg = draw(&(esp_chart){.num_series = 20, .series = series, .width = width, .height = 200});
        char *group = part(svg, "esp-legend", ">", "</g>");
        double edge[4], x, y, row = 0, last = 0;
        read_edges(svg, edge);
        int count = 0;
        for (const char *text = group; (text = strstr(text, "<text ")); text++, count++) {
            char name[64];
            CU_ASSERT_FATAL(sscanf(text, "<text fill=\"currentColor\" x=\"%lf\" y=\"%lf\">%63[^<]", &x, &y, name) == 3);
            CU_ASSERT(y < edge[1]);
            CU_ASSERT(y > row || x > last);
            row = y;
            last = x + 5.5 * (double)strlen(name); /* every letter of "magnitude" except i and t is wider than that */
            CU_ASSERT(last < width);
        }
        CU_ASSERT_EQUAL(count, 20);
        free(group);
        free(svg);
    }
}

/* ---- anything else ---- */

static void strange_data_gives_a_finite_picture(void)
{
    static const double strange[] = {NAN,  INFINITY, -INFINITY, 1e308, -1e308, 1e-308, 0,
                                     -0.0, 5e-324,   1e199,     1e-199, -1e199, 1,     -7};
    enum { STRANGE = sizeof strange / sizeof *strange, POINTS = 6, SERIES = 3 };
    static const char *const names[] = {"", "a", "b"};
    esp_rng rng = esp_rng_make(1, ESP_RNG_TEST, 0);
    for (int repeat = 0; repeat < 2000; repeat++) {
        double numbers[SERIES][4][POINTS];
        esp_chart_series series[SERIES];
        for (int s = 0; s < SERIES; s++) {
            for (int i = 0; i < 4 * POINTS; i++)
                numbers[s][i / POINTS][i % POINTS] = strange[esp_rng_below(&rng, STRANGE)];
            series[s] = (esp_chart_series){names[s], (int)esp_rng_below(&rng, POINTS + 1), numbers[s][0], numbers[s][1],
                                           numbers[s][2], numbers[s][3], 0};
        }
        const esp_chart_reference lines[] = {{true, strange[repeat % STRANGE], "x"},
                                             {false, strange[repeat % 7], NULL}};
        esp_chart chart = {.kind = (esp_chart_kind)(repeat % 3), .num_series = repeat % (SERIES + 1), .series = series,
                           .x = {.log = repeat & 1, .low = strange[repeat % 11], .high = strange[repeat % 5]},
                           .y = {.log = repeat & 2}, .num_references = repeat % 3, .references = lines,
                           .num_categories = repeat % 4, .categories = names, .error_bars = repeat & 8,
                           .frontier = repeat & 16};
        char *svg = draw(&chart);
        CU_ASSERT_PTR_NULL(strstr(svg, "nan"));
        CU_ASSERT_PTR_NULL(strstr(svg, "inf"));
        CU_ASSERT(strlen(svg) < 20000);
        free(svg);
    }
}

static void impossible_chart_sizes_are_refused(void)
{
    char *svg = NULL;
    CHECK_FAILS(ESP_ERR_RANGE, esp_chart_svg(&(esp_chart){.width = 10}, &svg), "10 px wide");
    CHECK_FAILS(ESP_ERR_RANGE, esp_chart_svg(&(esp_chart){.height = -1}, &svg), "-1 px high");
    CU_ASSERT_PTR_NULL(svg);
}

static CU_TestInfo tests[] = {
    {"every_point_stands_where_the_labels_say", every_point_stands_where_the_labels_say},
    {"logarithmic_axes_place_powers_evenly", logarithmic_axes_place_powers_evenly},
    {"intervals_reach_from_low_to_high", intervals_reach_from_low_to_high},
    {"bars_stand_on_zero_and_reach_their_value", bars_stand_on_zero_and_reach_their_value},
    {"absent_bars_take_no_room", absent_bars_take_no_room},
    {"points_that_are_not_finite_leave_a_gap", points_that_are_not_finite_leave_a_gap},
    {"a_long_line_marks_only_points_that_stand_alone", a_long_line_marks_only_points_that_stand_alone},
    {"the_frontier_visits_the_points_that_no_other_beats", the_frontier_visits_the_points_that_no_other_beats},
    {"reference_lines_cross_the_plot_at_their_value", reference_lines_cross_the_plot_at_their_value},
    {"ticks_are_round_even_and_cover_the_range", ticks_are_round_even_and_cover_the_range},
    {"logarithmic_ticks_are_few_for_any_number_of_decades", logarithmic_ticks_are_few_for_any_number_of_decades},
    {"a_requested_range_is_shown_beside_the_data", a_requested_range_is_shown_beside_the_data},
    {"numbers_are_written_in_few_characters", numbers_are_written_in_few_characters},
    {"texts_are_escaped_and_made_valid", texts_are_escaped_and_made_valid},
    {"names_turn_when_they_do_not_fit", names_turn_when_they_do_not_fit},
    {"a_series_keeps_its_look_wherever_it_stands", a_series_keeps_its_look_wherever_it_stands},
    {"legend_entries_wrap_inside_the_picture", legend_entries_wrap_inside_the_picture},
    {"strange_data_gives_a_finite_picture", strange_data_gives_a_finite_picture},
    {"impossible_chart_sizes_are_refused", impossible_chart_sizes_are_refused},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("chart", tests)
