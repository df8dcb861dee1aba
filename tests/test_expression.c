/* Expressions of task files: what they compute, what is refused and how, and that evaluating allocates nothing. */
#include "envs/expression_internal.h"

#include <omp.h>

#include "allocations.h"
#include "check.h"
#include "comma_locale.h"

static double x = 3.0, y = 4.0;

static esp_status resolve(void *context, const char *name, const double **address)
{
    (void)context;
    *address = strcmp(name, "x") == 0 ? &x : strcmp(name, "cart.y") == 0 ? &y : NULL;
    return *address ? ESP_OK : esp_fail(ESP_ERR_FORMAT, "there is no '%s'", name);
}

static double value_of(const char *text)
{
    esp_expression *e = NULL;
    CHECK_OK(esp_expression_create(text, "test", resolve, NULL, &e));
    double value = esp_expression_value(e);
    esp_expression_free(e);
    return value;
}

static esp_status compile(const char *text)
{
    esp_expression *e = NULL;
    esp_status status = esp_expression_create(text, "reward 'r'", resolve, NULL, &e);
    esp_expression_free(e);
    return status;
}

static void arithmetic_has_the_usual_precedence(void)
{
    CU_ASSERT_EQUAL(value_of("1 + 2 * x ^ 2"), 19.0);
    CU_ASSERT_EQUAL(value_of("-x ^ 2"), -9.0);
    CU_ASSERT_EQUAL(value_of("2 ^ 3 ^ 2"), 512.0);
    CU_ASSERT_EQUAL(value_of("x < cart.y && !(x == 4) || 0"), 1.0);
    CU_ASSERT_EQUAL(value_of("!x"), 0.0);
    CU_ASSERT_EQUAL(value_of("x > 3 ? 10 : -1.5e-3"), -1.5e-3);
    CU_ASSERT_EQUAL(value_of("norm(x, cart.y)"), 5.0);
    CU_ASSERT_EQUAL(value_of("max(min(x, 2), -1, abs(-2.5))"), 2.5);
    CU_ASSERT_EQUAL(value_of("pi"), M_PI);
    CU_ASSERT_EQUAL(value_of("0.1"), 0.1);
    CU_ASSERT(isinf(value_of("1 / (x - 3)")) && isnan(value_of("sqrt(-x)")));
}

/* The values of dm_control 1.0.x's rewards.tolerance at half a margin and at two margins outside of the bounds. */
static void tolerances_have_the_sigmoids_of_the_control_suite(void)
{
    const struct { const char *name; double half, two; } rows[] = {
        {"tolerance", 0.5623413251903491, 0.0001},
        {"tolerance_hyperbolic", 0.4264014327112209, 0.005025125628140703},
        {"tolerance_long_tail", 0.3076923076923077, 0.02702702702702703},
        {"tolerance_reciprocal", 0.18181818181818182, 0.05263157894736842},
        {"tolerance_cosine", 0.6581138830084190, 0.0},
        {"tolerance_linear", 0.55, 0.0},
        {"tolerance_quadratic", 0.775, 0.0},
        {"tolerance_tanh_squared", 0.4805069, 0.0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[128];
        snprintf(text, sizeof text, "%s(x, 1, 2, 2)", rows[i].name);
        if (i < 7) CU_ASSERT_DOUBLE_EQUAL(value_of(text), rows[i].half, 1e-12);
        snprintf(text, sizeof text, "%s(x, 6, 8, 3)", rows[i].name); /* one margin below: the value at the margin */
        CU_ASSERT_DOUBLE_EQUAL(value_of(text), 0.1, 1e-12);
        snprintf(text, sizeof text, "%s(x, 4, 8, 0.5, 0.1)", rows[i].name);
        if (i < 7) CU_ASSERT_DOUBLE_EQUAL(value_of(text), rows[i].two, 1e-12);
        snprintf(text, sizeof text, "%s(x, 3, inf, 0.5)", rows[i].name);
        CU_ASSERT_EQUAL(value_of(text), 1.0);
        snprintf(text, sizeof text, "%s(x, 4, 5)", rows[i].name);
        CU_ASSERT_EQUAL(value_of(text), 0.0);
    }
    CU_ASSERT(isnan(value_of("tolerance(x, 5, 4)")) && isnan(value_of("tolerance(x, 4, 5, -1)")));
}

static void errors_name_the_position_and_the_nearest_function(void)
{
    CHECK_FAILS(ESP_ERR_FORMAT, compile("x + cart.z"), "reward 'r': position 5: there is no 'cart.z'");
    CHECK_FAILS(ESP_ERR_FORMAT, compile("1 + toleranse(x, 1, 2)"), "position 5: there is no function 'toleranse'; did");
    CU_ASSERT(strstr(esp_error_text(), "'tolerance'?") != NULL);
    CHECK_FAILS(ESP_ERR_FORMAT, compile("tolerance(x, 1)"), "position 1: tolerance() takes 3 to 5 numbers, found 2");
    CHECK_FAILS(ESP_ERR_FORMAT, compile("2 * cos(x, 1)"), "position 5: cos() takes 1 number, found 2");
    CHECK_FAILS(ESP_ERR_FORMAT, compile("2 * cos()"), "position 5");
    CHECK_FAILS(ESP_ERR_FORMAT, compile("(x + 1"), "position 1: '(' without ')'");
    CHECK_FAILS(ESP_ERR_FORMAT, compile("x + 1)"), "position 6: ')' without '('");
    CHECK_FAILS(ESP_ERR_FORMAT, compile("x = 4"), "position 3: '=' (write ==");
    CHECK_FAILS(ESP_ERR_FORMAT, compile("x, 4"), "position 2");
    CHECK_FAILS(ESP_ERR_FORMAT, compile("x + \"a\""), "position 5");
    CHECK_FAILS(ESP_ERR_FORMAT, compile("1.2.3"), "position 1: not a number");
    CHECK_FAILS(ESP_ERR_FORMAT, compile("1e"), "position 1");
    CHECK_FAILS(ESP_ERR_FORMAT, compile("x x"), "position");
    CHECK_FAILS(ESP_ERR_FORMAT, compile("x +"), "position");
    CHECK_FAILS(ESP_ERR_FORMAT, compile("? :"), "position");
    CHECK_FAILS(ESP_ERR_FORMAT, compile(" "), "is empty");
}

static void long_and_deep_expressions_are_refused(void)
{
    static char text[1 << 20];
    memset(text, '1', sizeof text - 1);
    CHECK_FAILS(ESP_ERR_FORMAT, compile(text), "1048575 characters");
    memset(text, '(', 10000);
    text[10000] = '\0';
    CHECK_FAILS(ESP_ERR_FORMAT, compile(text), "position 257: more than 256 levels");
    memset(text, '(', 256);
    text[256] = 'x';
    memset(text + 257, ')', 256);
    text[513] = '\0';
    CU_ASSERT_EQUAL(value_of(text), 3.0);
    memset(text, '-', 9000);
    strcpy(text + 9000, "x");
    compile(text); /* refused or not: no stack overflow */
    for (int i = 0; i < 1900; i++) memcpy(text + 9 * i, "x>0?1:0+ ", 9);
    strcpy(text + 9 * 1900, "1");
    compile(text);
}

static void numbers_have_a_point_under_every_locale(void)
{
    comma_begin();
    CU_ASSERT_EQUAL(value_of("1.5 + x"), 4.5);
    CHECK_FAILS(ESP_ERR_FORMAT, compile("1,5"), "position 2");
    comma_end();
}

static void evaluating_allocates_nothing(void)
{
    esp_expression *e = NULL;
    CHECK_OK(esp_expression_create("tolerance(x, 1, 2, 3) * norm(x, cart.y, 2 * x) + (x > 1 ? sin(x) : 2)", "test",
                                   resolve, NULL, &e));
    double first = esp_expression_value(e), sum = 0.0;
    start_counting();
    for (int i = 0; i < 1000; i++) sum += esp_expression_value(e);
    CU_ASSERT_EQUAL(stop_counting(), 0);
    CU_ASSERT_DOUBLE_EQUAL(sum, 1000.0 * first, 1e-9);
    esp_expression_free(e);
}

/* Each thread has its own expression over variables of its own. */
static void threads_compile_and_evaluate_at_once(void)
{
    int wrong = 0;
#pragma omp parallel for num_threads(4) reduction(+ : wrong)
    for (int i = 0; i < 64; i++) {
        esp_expression *e = NULL;
        if (esp_expression_create("x * 2 + max(x, 1)", "test", resolve, NULL, &e) != ESP_OK) wrong++;
        else if (esp_expression_value(e) != 9.0) wrong++;
        esp_expression_free(e);
        if (compile("x +* 2") == ESP_OK) wrong++;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static CU_TestInfo tests[] = {
    {"arithmetic has the usual precedence", arithmetic_has_the_usual_precedence},
    {"tolerances have the sigmoids of the control suite", tolerances_have_the_sigmoids_of_the_control_suite},
    {"errors name the position and the nearest function", errors_name_the_position_and_the_nearest_function},
    {"long and deep expressions are refused", long_and_deep_expressions_are_refused},
    {"numbers have a point under every locale", numbers_have_a_point_under_every_locale},
    {"evaluating allocates nothing", evaluating_allocates_nothing},
    {"threads compile and evaluate at once", threads_compile_and_evaluate_at_once},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("expression", tests)
