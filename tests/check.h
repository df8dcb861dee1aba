/* One CUnit suite per test program: list the claims, end with ESP_SUITE. Exit status 77 tells
 * ctest that the suite was skipped (SKIP_RETURN_CODE). */
#ifndef ESP_CHECK_H
#define ESP_CHECK_H

#include <CUnit/Basic.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

/* |got - expected| <= atol + rtol |expected|; prints the first offender. */
static inline bool check_close(const char *what, size_t count, const float *got, const float *expected,
                               double atol, double rtol)
{
    for (size_t i = 0; i < count; i++) {
        double allowed = atol + rtol * fabs((double)expected[i]);
        if (!(fabs((double)got[i] - expected[i]) <= allowed)) {
            printf("\n    %s[%zu]: got %.9g, expected %.9g, allowed %.3g ", what, i, got[i], expected[i], allowed);
            return false;
        }
    }
    return true;
}

#define CHECK_CLOSE(what, count, got, expected, atol, rtol) \
    CU_ASSERT(check_close(what, count, got, expected, atol, rtol))
/* Checks the status, and that the sentence for the person contains a word. */
#define CHECK_FAILS(status, expression, word)                                                     \
    do {                                                                                          \
        CU_ASSERT_EQUAL(expression, status);                                                      \
        if (!strstr(esp_error_text(), word)) printf("\n    error text: %s ", esp_error_text());   \
        CU_ASSERT(strstr(esp_error_text(), word) != NULL);                                        \
    } while (0)
#define CHECK_OK(expression)                                                                      \
    do {                                                                                          \
        esp_status check_status = (expression);                                                   \
        if (check_status != ESP_OK) printf("\n    error text: %s ", esp_error_text());            \
        CU_ASSERT_EQUAL_FATAL(check_status, ESP_OK);                                              \
    } while (0)

#define ESP_SUITE(name, tests)                                                                    \
    int main(void)                                                                                \
    {                                                                                             \
        CU_SuiteInfo suites[] = {{name, NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};      \
        if (CU_initialize_registry() != CUE_SUCCESS) return 1;                                    \
        if (CU_register_suites(suites) != CUE_SUCCESS) return 1;                                  \
        CU_basic_set_mode(CU_BRM_VERBOSE);                                                        \
        CU_basic_run_tests();                                                                     \
        unsigned failures = CU_get_number_of_failures();                                          \
        CU_cleanup_registry();                                                                    \
        return failures != 0;                                                                     \
    }

#endif
