/* What changes in the course of a run. */
#include <math.h>

#include "agent/agent_internal.h"

double esp_linear_schedule(double start, double end, double duration, int64_t step)
{
    double mix = fmin(fmax((double)step / duration, 0.0), 1.0);
    return (1.0 - mix) * start + mix * end;
}
