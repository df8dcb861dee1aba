/* Activation functions of single numbers and of rows against the C library in double precision. */
#include <float.h>
#include <math.h>

#include "nn/activation_functions.h"
#include "nn/nn.h"
#include "plain_network.h"

/* Half a unit in the last place of the result, and the rounding of the polynomial. */
#define RELATIVE 3e-7

static void exp_is_that_of_the_c_library_between_its_limits(void)
{
    for (int i = -870000; i <= 880000; i += 7) {
        float x = (float)i * 1e-4f;
        double expected = exp((double)x);
        CU_ASSERT_FATAL(fabs((double)esp_exp(x) - expected) <= RELATIVE * expected);
        CU_ASSERT_FATAL(x >= 0.0f || esp_exp_of_negative(x) == esp_exp(x));
    }
}

/* Between zero and the smallest result the difference from 1 cancels: absolute errors count. */
static void check_function(const char *name, float (*function)(float), esp_act act)
{
    for (int i = -200000; i <= 200000; i += 3) {
        float x = (float)i * 1e-3f;
        double expected = plain_act(act, (double)x);
        if (fabs((double)function(x) - expected) <= RELATIVE * fmax(1.0, fabs(expected))) continue;
        printf("\n    %s(%g) = %g, expected %g ", name, (double)x, (double)function(x), expected);
        CU_FAIL_FATAL("");
    }
}

static void activations_are_those_of_the_c_library(void)
{
    check_function("elu", esp_elu, ESP_ACT_ELU);
    check_function("tanh", esp_tanh, ESP_ACT_TANH);
    check_function("sigmoid", esp_sigmoid, ESP_ACT_SIGMOID);
    check_function("relu", esp_relu, ESP_ACT_RELU);
    check_function("silu", esp_silu, ESP_ACT_SILU);
}

static void nan_and_infinities_pass_through(void)
{
    CU_ASSERT(isnan(esp_elu(NAN)) && isnan(esp_elu(-NAN)) && isnan(esp_tanh(NAN)) && isnan(esp_tanh(-NAN)));
    CU_ASSERT(isnan(esp_sigmoid(NAN)) && isnan(esp_relu(NAN)) && isnan(esp_exp(NAN)) && isnan(esp_exp(-NAN)));
    CU_ASSERT(esp_elu(INFINITY) == INFINITY && esp_elu(-INFINITY) == -1.0f && esp_elu(-FLT_MAX) == -1.0f);
    CU_ASSERT(esp_tanh(INFINITY) == 1.0f && esp_tanh(-INFINITY) == -1.0f);
    CU_ASSERT(esp_sigmoid(INFINITY) == 1.0f && esp_sigmoid(-INFINITY) < 1e-37f);
    CU_ASSERT(esp_elu(0.0f) == 0.0f && esp_tanh(0.0f) == 0.0f && esp_silu(0.0f) == 0.0f && esp_silu(-0.0f) == 0.0f);
    CU_ASSERT(isnan(esp_silu(NAN)) && isnan(esp_silu(-NAN)) && esp_silu(FLT_MAX) == FLT_MAX);
    CU_ASSERT(esp_elu(FLT_MAX) == FLT_MAX && esp_elu(-FLT_MIN) <= 0.0f);
}

/* Rows are vectors and a remainder: every element is the same wherever it stands. */
static void an_element_does_not_depend_on_its_place_in_a_row(void)
{
    enum { COUNT = 37 };
    static float whole[COUNT], part[COUNT];
    esp_rng rng = esp_rng_make(4, ESP_RNG_TEST, 0);
    for (int act = ESP_ACT_NONE; act <= ESP_ACT_SIGMOID; act++) {
        esp_rng_normal(&rng, whole, COUNT);
        memcpy(part, whole, sizeof part);
        esp_act_forward((esp_act)act, 1, COUNT, NULL, whole);
        for (int first = 0; first < COUNT; first += 5)
            esp_act_forward((esp_act)act, 1, COUNT - first < 5 ? COUNT - first : 5, NULL, part + first);
        CU_ASSERT_EQUAL(memcmp(whole, part, sizeof whole), 0);
    }
}

static CU_TestInfo tests[] = {
    {"exp is that of the C library between its limits", exp_is_that_of_the_c_library_between_its_limits},
    {"activations are those of the C library", activations_are_those_of_the_c_library},
    {"NaN and infinities pass through", nan_and_infinities_pass_through},
    {"an element does not depend on its place in a row", an_element_does_not_depend_on_its_place_in_a_row},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("activation", tests)
