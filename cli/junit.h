/* A result as JUnit XML, which CI systems read: a suite of one test case. */
#ifndef ESP_CLI_JUNIT_H
#define ESP_CLI_JUNIT_H

#include "cli/cli.h"

/* A suite of one test case. Borrows everything. */
typedef struct {
    const char  *suite;    /* "espalier.eval" */
    const char  *name;     /* name of the test case */
    double       seconds;  /* time it took */
    const cJSON *facts;    /* object whose members become properties */
    const char  *failure;  /* the failed demand, or NULL */
    const char  *error;    /* why there is no result, or NULL */
} esp_junit;

/* Valid for the schemas of Ant and Jenkins; atomic. */
esp_status esp_junit_write(const char *path, const esp_junit *result);

#endif
