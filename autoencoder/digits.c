/* Digits that look hand-written, for users without the MNIST files: the strokes of a pen, shaken and deformed, then
 * drawn the way MNIST was made - fitted into a box of 20 x 20 pixels with soft edges, which is centred in the image
 * by its centre of mass (LeCun et al. 1998). */
#include <math.h>
#include <string.h>

#include "autoencoder/autoencoder.h"

/* ---- the strokes of a digit ---- */

enum { MAX_STROKES = 2, MAX_CONTROL = 14, STEPS = 6, MAX_PATH = MAX_STROKES * (MAX_CONTROL * STEPS + 1) };

/* Control points of a quadratic B-spline in percent of the digit's width and height, y down; at least
 * three. A point given twice is a corner. */
typedef struct {
    int    count;
    int8_t at[MAX_CONTROL][2];
} stroke;

/* One way to write a digit. */
typedef struct {
    int    digit, num_strokes;
    stroke part[MAX_STROKES];
} glyph;

static const glyph glyphs[] = {
    {0, 1, {{10, {{60, 3}, {25, 0}, {0, 35}, {5, 85}, {40, 105}, {80, 95}, {100, 50}, {85, 5}, {50, 0}, {42, 10}}}}},
    {0, 1, {{9, {{85, 12}, {45, -8}, {2, 20}, {0, 80}, {45, 108}, {95, 85}, {105, 25}, {75, 0}, {55, 8}}}}},
    {1, 1, {{3, {{50, 0}, {50, 50}, {50, 100}}}}},
    {1, 1, {{4, {{52, 0}, {47, 35}, {53, 65}, {50, 100}}}}},
    {1, 1, {{6, {{28, 24}, {45, 14}, {55, 0}, {55, 0}, {55, 50}, {55, 100}}}}},
    {2, 1, {{9, {{5, 25}, {15, 0}, {60, -8}, {98, 20}, {70, 58}, {8, 98}, {8, 98}, {50, 95}, {100, 98}}}}},
    {2, 1, {{10, {{5, 22}, {20, 0}, {70, -8}, {98, 25}, {70, 70}, {30, 108}, {-5, 95}, {15, 70}, {50, 85},
                  {105, 98}}}}},
    {2, 1, {{8, {{8, 18}, {45, -8}, {95, 5}, {70, 48}, {5, 94}, {5, 94}, {50, 84}, {104, 92}}}}},
    {3, 1, {{10, {{8, 12}, {30, -3}, {85, -5}, {92, 35}, {38, 46}, {38, 46}, {102, 48}, {102, 95}, {45, 110},
                  {0, 90}}}}},
    {3, 1, {{10, {{5, 5}, {50, -5}, {95, 2}, {80, 30}, {45, 44}, {60, 42}, {105, 55}, {95, 98}, {40, 106}, {2, 96}}}}},
    {3, 1, {{9, {{10, 5}, {85, 2}, {85, 2}, {42, 40}, {42, 40}, {102, 44}, {100, 100}, {40, 108}, {2, 92}}}}},
    {4, 2, {{6, {{20, 0}, {12, 30}, {5, 55}, {5, 55}, {50, 57}, {95, 52}}}, {3, {{78, 5}, {75, 50}, {68, 100}}}}},
    {4, 2, {{6, {{15, 2}, {2, 35}, {12, 60}, {45, 60}, {75, 48}, {85, 40}}}, {3, {{88, 0}, {84, 45}, {78, 100}}}}},
    {4, 2, {{6, {{70, 0}, {40, 25}, {3, 60}, {3, 60}, {50, 62}, {98, 58}}}, {3, {{70, 0}, {68, 50}, {65, 100}}}}},
    {5, 1, {{12, {{88, 2}, {55, 3}, {24, 5}, {24, 5}, {20, 25}, {12, 45}, {12, 45}, {60, 30}, {102, 55}, {90, 98},
                  {40, 108}, {3, 92}}}}},
    {5, 2, {{9, {{25, 5}, {20, 25}, {14, 45}, {14, 45}, {60, 32}, {100, 55}, {85, 98}, {40, 106}, {3, 94}}},
            {3, {{25, 5}, {60, 6}, {100, 0}}}}},
    {5, 1, {{10, {{98, 0}, {62, 5}, {36, 8}, {36, 8}, {24, 42}, {24, 42}, {76, 44}, {84, 76}, {55, 104}, {2, 98}}}}},
    {6, 1, {{10, {{72, 0}, {35, 15}, {3, 50}, {5, 92}, {40, 108}, {82, 100}, {86, 68}, {55, 50}, {20, 62}, {8, 82}}}}},
    {6, 1, {{8, {{50, 0}, {20, 30}, {-5, 72}, {20, 106}, {68, 105}, {78, 72}, {48, 58}, {10, 82}}}}},
    {6, 1, {{9, {{62, 0}, {20, 30}, {2, 66}, {12, 102}, {52, 106}, {88, 90}, {70, 60}, {35, 64}, {14, 86}}}}},
    {7, 1, {{6, {{2, 8}, {40, 3}, {95, 5}, {95, 5}, {68, 40}, {45, 100}}}}},
    {7, 1, {{8, {{3, 22}, {6, 7}, {6, 7}, {50, 8}, {95, 4}, {95, 4}, {62, 45}, {52, 100}}}}},
    {7, 2, {{6, {{2, 8}, {40, 3}, {95, 5}, {95, 5}, {68, 40}, {45, 100}}}, {3, {{32, 52}, {60, 50}, {88, 46}}}}},
    {7, 1, {{7, {{3, 10}, {30, -2}, {60, 6}, {95, 2}, {95, 2}, {58, 40}, {28, 100}}}}},
    {8, 1, {{13, {{88, 15}, {60, -8}, {12, 0}, {8, 32}, {50, 48}, {97, 70}, {88, 106}, {45, 110}, {3, 97}, {8, 68},
                  {50, 46}, {92, 28}, {86, 6}}}}},
    {8, 1, {{12, {{52, 46}, {12, 38}, {15, -2}, {55, -8}, {90, 12}, {75, 40}, {20, 62}, {-2, 95}, {45, 112}, {98, 98},
                  {92, 62}, {45, 42}}}}},
    {8, 1, {{12, {{82, 8}, {45, -8}, {4, 14}, {30, 42}, {72, 60}, {98, 90}, {50, 114}, {4, 92}, {30, 62}, {76, 40},
                  {96, 12}, {70, -4}}}}},
    {9, 1, {{10, {{85, 20}, {60, -6}, {12, 0}, {3, 36}, {35, 60}, {75, 45}, {88, 12}, {88, 12}, {86, 55}, {76, 100}}}}},
    {9, 1, {{10, {{85, 22}, {60, -6}, {8, 5}, {8, 46}, {50, 56}, {90, 18}, {94, 55}, {80, 98}, {45, 104}, {18, 95}}}}},
    {9, 1, {{9, {{80, 15}, {45, -6}, {6, 20}, {18, 50}, {62, 46}, {86, 10}, {86, 10}, {70, 50}, {50, 100}}}}},
};
enum { GLYPHS = sizeof glyphs / sizeof *glyphs };

typedef struct {
    float x, y, radius; /* position of the pen, and radius of the ink around it */
    bool  pen_up;       /* no ink between the previous point and this one */
} path_point;

typedef struct {
    int        count;
    path_point at[MAX_PATH];
} path;

/* A normal draw, clipped to two deviations from the mean: digits further out cannot be read. */
static float normal(esp_rng *rng, double mean, double deviation)
{
    float draw;
    esp_rng_normal(rng, &draw, 1);
    return (float)mean + (float)deviation * fminf(fmaxf(draw, -2), 2);
}

static const glyph *choose_glyph(esp_rng *rng, int digit)
{
    int first = 0, ways = 0;
    while (glyphs[first].digit != digit) first++;
    while (first + ways < GLYPHS && glyphs[first + ways].digit == digit) ways++;
    return &glyphs[first + (int)esp_rng_below(rng, (uint32_t)ways)];
}

/* Writers differ in where the control points lie. The two points of a corner move together. */
static void shake_stroke(esp_rng *rng, const stroke *s, float control[][2])
{
    for (int i = 0; i < s->count; i++)
        for (int k = 0; k < 2; k++) {
            bool corner = i > 0 && memcmp(s->at[i], s->at[i - 1], sizeof s->at[i]) == 0;
            control[i][k] = corner ? control[i - 1][k] : 0.01f * s->at[i][k] + normal(rng, 0, 0.035);
        }
}

/* The spline starts and ends at its outer control points and passes halfway between the others. */
static void trace_stroke(float control[][2], int count, path *out)
{
    for (int i = 1; i < count - 1; i++) {
        float knot[3][2];
        for (int k = 0; k < 2; k++) {
            knot[0][k] = i == 1 ? control[0][k] : 0.5f * (control[i - 1][k] + control[i][k]);
            knot[1][k] = control[i][k];
            knot[2][k] = i == count - 2 ? control[i + 1][k] : 0.5f * (control[i][k] + control[i + 1][k]);
        }
        for (int step = i == 1 ? 0 : 1; step <= STEPS; step++) {
            float t = (float)step / STEPS, a = (1 - t) * (1 - t), b = 2 * t * (1 - t), c = t * t;
            out->at[out->count++] = (path_point){.x = a * knot[0][0] + b * knot[1][0] + c * knot[2][0],
                                                 .y = a * knot[0][1] + b * knot[1][1] + c * knot[2][1],
                                                 .pen_up = i == 1 && step == 0};
        }
    }
}

static void write_glyph(esp_rng *rng, const glyph *g, path *out)
{
    out->count = 0;
    for (int s = 0; s < g->num_strokes; s++) {
        float control[MAX_CONTROL][2];
        shake_stroke(rng, &g->part[s], control);
        trace_stroke(control, g->part[s].count, out);
    }
}

/* ---- deformations of the strokes ---- */

/* Elastic: two plane waves, mostly longer than the digit, move every point. */
static void bend(esp_rng *rng, path *p)
{
    enum { WAVES = 2 };
    for (int w = 0; w < WAVES; w++) {
        float fx = normal(rng, 0, 3), fy = normal(rng, 0, 3), phase = normal(rng, 0, 3);
        float dx = normal(rng, 0, 0.07), dy = normal(rng, 0, 0.05);
        for (int i = 0; i < p->count; i++) {
            float wave = sinf(fx * p->at[i].x + fy * p->at[i].y + phase);
            p->at[i].x += dx * wave;
            p->at[i].y += dy * wave;
        }
    }
}

/* Width, slant (most people lean to the right) and rotation; size and shift follow from the box. */
static void lean(esp_rng *rng, path *p)
{
    float width = 0.76f * expf(normal(rng, 0, 0.22)), slant = normal(rng, 0.2, 0.25), angle = normal(rng, 0, 0.12);
    float c = cosf(angle), s = sinf(angle);
    for (int i = 0; i < p->count; i++) {
        float y = p->at[i].y - 0.5f, x = width * (p->at[i].x - 0.5f) - slant * y;
        p->at[i].x = c * x - s * y;
        p->at[i].y = s * x + c * y;
    }
}

/* The pen's width, in pixels; its pressure varies along the stroke. */
static void press(esp_rng *rng, path *p)
{
    float radius = 1.28f * expf(normal(rng, 0, 0.3)), phase = normal(rng, 0, 3), rate = normal(rng, 0, 0.12);
    for (int i = 0; i < p->count; i++) p->at[i].radius = radius * (1 + 0.15f * sinf(phase + rate * (float)i));
}

/* ---- ink on paper ---- */

enum { BOX = 20 };

/* Scales and shifts the path so that its ink fills the box in one direction and is centred in the other. */
static void fit_box(path *p, float edge)
{
    float low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY}, thickest = 0;
    for (int i = 0; i < p->count; i++) {
        low[0] = fminf(low[0], p->at[i].x);
        low[1] = fminf(low[1], p->at[i].y);
        high[0] = fmaxf(high[0], p->at[i].x);
        high[1] = fmaxf(high[1], p->at[i].y);
        thickest = fmaxf(thickest, p->at[i].radius);
    }
    float room = BOX - 2 * thickest - edge;
    float scale = room / fmaxf(high[0] - low[0], high[1] - low[1]);
    for (int i = 0; i < p->count; i++) {
        p->at[i].x = 0.5f * BOX + scale * (p->at[i].x - 0.5f * (low[0] + high[0]));
        p->at[i].y = 0.5f * BOX + scale * (p->at[i].y - 0.5f * (low[1] + high[1]));
    }
}

/* How deep the pixel's centre lies in the ink between two points of the path; negative outside. */
static float depth_in_ink(const path_point *a, const path_point *b, float x, float y)
{
    float dx = b->x - a->x, dy = b->y - a->y, length = dx * dx + dy * dy;
    float t = length > 0 ? ((x - a->x) * dx + (y - a->y) * dy) / length : 0;
    t = fminf(fmaxf(t, 0), 1);
    float ex = x - a->x - t * dx, ey = y - a->y - t * dy;
    return a->radius + t * (b->radius - a->radius) - sqrtf(ex * ex + ey * ey);
}

static int first_pixel(float position)
{
    return position < 0 ? 0 : (int)position;
}

static int last_pixel(float position)
{
    return position >= BOX ? BOX - 1 : (int)position;
}

/* 0 to 1 over `edge` pixels, flat at both ends: a linear edge has too few of the nearly black pixels that MNIST has
 * (11 % of its grays are above 223; in MNIST 26 %). */
static float darkness(float depth, float edge)
{
    float u = fminf(fmaxf(0.5f + depth / edge, 0), 1);
    return u * u * (3 - 2 * u);
}

/* box[BOX, BOX] receives 0 to 1. */
static void render(const path *p, float edge, float *box)
{
    memset(box, 0, BOX * BOX * sizeof *box);
    for (int i = 1; i < p->count; i++) {
        const path_point *a = &p->at[i - 1], *b = &p->at[i];
        if (b->pen_up) continue;
        float reach = fmaxf(a->radius, b->radius) + 0.5f * edge;
        for (int y = first_pixel(fminf(a->y, b->y) - reach); y <= last_pixel(fmaxf(a->y, b->y) + reach); y++)
            for (int x = first_pixel(fminf(a->x, b->x) - reach); x <= last_pixel(fmaxf(a->x, b->x) + reach); x++) {
                float ink = darkness(depth_in_ink(a, b, (float)x + 0.5f, (float)y + 0.5f), edge);
                box[y * BOX + x] = fmaxf(box[y * BOX + x], ink);
            }
    }
}

/* Rows or columns from the image's border to the box that put the centre of mass in the middle; whole pixels as in
 * MNIST. */
static int margin(double moment, double mass)
{
    enum { MOST = ESP_IMAGE_SIDE - BOX };
    int shift = (int)lround(0.5 * ESP_IMAGE_SIDE - moment / mass);
    return shift < 0 ? 0 : shift > MOST ? MOST : shift;
}

static void centre(const float *box, uint8_t *image)
{
    double mass = 0, moment_x = 0, moment_y = 0;
    for (int y = 0; y < BOX; y++)
        for (int x = 0; x < BOX; x++) {
            double ink = box[y * BOX + x];
            mass += ink;
            moment_x += ink * (x + 0.5);
            moment_y += ink * (y + 0.5);
        }
    int left = margin(moment_x, mass), top = margin(moment_y, mass);
    memset(image, 0, ESP_IMAGE_PIXELS);
    for (int y = 0; y < BOX; y++)
        for (int x = 0; x < BOX; x++)
            image[(top + y) * ESP_IMAGE_SIDE + left + x] = (uint8_t)lrintf(255 * box[y * BOX + x]);
}

static void draw_digit(int index, uint8_t *image)
{
    esp_rng rng = esp_rng_make(0, ESP_RNG_DIGITS, (uint64_t)index);
    path p;
    float box[BOX * BOX];
    write_glyph(&rng, choose_glyph(&rng, index % 10), &p);
    bend(&rng, &p);
    lean(&rng, &p);
    press(&rng, &p);
    float edge = 1.4f + 0.5f * (float)esp_rng_uniform(&rng);
    fit_box(&p, edge);
    render(&p, edge, box);
    centre(box, image);
}

void esp_digits_draw(int first, int count, uint8_t *pixels)
{
#pragma omp parallel for schedule(static)
    for (int i = 0; i < count; i++) draw_digit(first + i, pixels + (size_t)i * ESP_IMAGE_PIXELS);
}
