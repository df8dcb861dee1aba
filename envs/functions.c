/* The functions of expressions. The tolerances are those of the control suite's rewards (Tassa et al. 2018,
 * arXiv:1801.00690): 1 inside the bounds, falling outside of them to a given value at a distance of `margin`. */
#include <math.h>

#include "envs/expression_internal.h"

/* ---- tolerances -------------------------------------------------------------------------------- */

/* Each takes the distance from the bounds in margins and its value at a distance of 1. */
static double gaussian(double x, double at_one)
{
    double z = x * sqrt(-2.0 * log(at_one));
    return exp(-0.5 * z * z);
}

static double hyperbolic(double x, double at_one)
{
    return 1.0 / cosh(x * acosh(1.0 / at_one));
}

static double long_tail(double x, double at_one)
{
    double z = x * sqrt(1.0 / at_one - 1.0);
    return 1.0 / (z * z + 1.0);
}

static double reciprocal(double x, double at_one)
{
    return 1.0 / (fabs(x) * (1.0 / at_one - 1.0) + 1.0);
}

static double cosine(double x, double at_one)
{
    double z = x * acos(2.0 * at_one - 1.0) / M_PI;
    return fabs(z) < 1.0 ? 0.5 * (1.0 + cos(M_PI * z)) : 0.0;
}

static double linear(double x, double at_one)
{
    double z = x * (1.0 - at_one);
    return fabs(z) < 1.0 ? 1.0 - z : 0.0;
}

static double quadratic(double x, double at_one)
{
    double z = x * sqrt(1.0 - at_one);
    return fabs(z) < 1.0 ? 1.0 - z * z : 0.0;
}

static double tanh_squared(double x, double at_one)
{
    double z = tanh(x * atanh(sqrt(1.0 - at_one)));
    return 1.0 - z * z;
}

/* x, lower, upper, then margin (default 0: a step) and value at the margin (default 0.1). */
static double tolerate(const double *v, int count, double (*sigmoid)(double x, double at_one))
{
    double x = v[0], lower = v[1], upper = v[2], margin = count > 3 ? v[3] : 0.0, at_margin = count > 4 ? v[4] : 0.1;
    if (isnan(x) || lower > upper || margin < 0.0) return NAN;
    if (x >= lower && x <= upper) return 1.0;
    if (margin == 0.0) return 0.0;
    return sigmoid((x < lower ? lower - x : x - upper) / margin, at_margin);
}

#define TOLERANCE(sigmoid) \
    static double tolerance_##sigmoid(const double *v, int count) { return tolerate(v, count, sigmoid); }
TOLERANCE(gaussian)
TOLERANCE(hyperbolic)
TOLERANCE(long_tail)
TOLERANCE(reciprocal)
TOLERANCE(cosine)
TOLERANCE(linear)
TOLERANCE(quadratic)
TOLERANCE(tanh_squared)

/* ---- others ------------------------------------------------------------------------------------ */

static double sign(double x)
{
    return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x;
}

static double square(double x)
{
    return x * x;
}

/* An angle without full turns, in [-pi, pi]. */
static double wrap_angle(double x)
{
    return remainder(x, 2.0 * M_PI);
}

static double smallest(const double *v, int count)
{
    double least = v[0];
    for (int i = 1; i < count; i++) least = v[i] < least || isnan(v[i]) ? v[i] : least;
    return least;
}

static double largest(const double *v, int count)
{
    double most = v[0];
    for (int i = 1; i < count; i++) most = v[i] > most || isnan(v[i]) ? v[i] : most;
    return most;
}

static double norm(const double *v, int count)
{
    double sum = 0.0;
    for (int i = 0; i < count; i++) sum += v[i] * v[i];
    return sqrt(sum);
}

/* x, lowest, highest. */
static double clip(const double *v, int count)
{
    (void)count;
    return v[0] < v[1] ? v[1] : v[0] > v[2] ? v[2] : v[0];
}

enum { ANY = 64 }; /* most numbers of a function that takes any number */

const esp_function esp_functions[] = {
    {"tolerance", 3, 5, .many = tolerance_gaussian},
    {"tolerance_hyperbolic", 3, 5, .many = tolerance_hyperbolic},
    {"tolerance_long_tail", 3, 5, .many = tolerance_long_tail},
    {"tolerance_reciprocal", 3, 5, .many = tolerance_reciprocal},
    {"tolerance_cosine", 3, 5, .many = tolerance_cosine},
    {"tolerance_linear", 3, 5, .many = tolerance_linear},
    {"tolerance_quadratic", 3, 5, .many = tolerance_quadratic},
    {"tolerance_tanh_squared", 3, 5, .many = tolerance_tanh_squared},
    {"sin", 1, 1, .one = sin},
    {"cos", 1, 1, .one = cos},
    {"tan", 1, 1, .one = tan},
    {"asin", 1, 1, .one = asin},
    {"acos", 1, 1, .one = acos},
    {"atan", 1, 1, .one = atan},
    {"atan2", 2, 2, .two = atan2},
    {"sinh", 1, 1, .one = sinh},
    {"cosh", 1, 1, .one = cosh},
    {"tanh", 1, 1, .one = tanh},
    {"exp", 1, 1, .one = exp},
    {"log", 1, 1, .one = log},
    {"log1p", 1, 1, .one = log1p},
    {"sqrt", 1, 1, .one = sqrt},
    {"square", 1, 1, .one = square},
    {"pow", 2, 2, .two = pow},
    {"abs", 1, 1, .one = fabs},
    {"sign", 1, 1, .one = sign},
    {"floor", 1, 1, .one = floor},
    {"ceil", 1, 1, .one = ceil},
    {"round", 1, 1, .one = round},
    {"remainder", 2, 2, .two = remainder},
    {"wrap_angle", 1, 1, .one = wrap_angle},
    {"min", 1, ANY, .many = smallest},
    {"max", 1, ANY, .many = largest},
    {"norm", 1, ANY, .many = norm},
    {"clip", 3, 3, .many = clip},
    {NULL, 0, 0, NULL, NULL, NULL},
};
