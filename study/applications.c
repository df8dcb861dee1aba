/* All applications. A new one is a row here, and a file application_<name>.c. */
#include <math.h>

#include "study/study.h"

const esp_application *const esp_applications[] = {&esp_application_agent, &esp_application_autoencoder, NULL};

double esp_application_kept(const esp_application *application, double before, double after)
{
    if (application->decibels) return pow(10, (after - before) / 10);
    return before != 0 ? 1 + (after - before) / fabs(before) : NAN;
}
