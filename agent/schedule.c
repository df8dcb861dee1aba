/* What changes in the course of a run: rates, noise, the mean of the weights. */
#include <math.h>

#include "agent/agent_internal.h"

double esp_linear_schedule(double start, double end, double duration, int64_t step)
{
    double mix = fmin(fmax((double)step / duration, 0.0), 1.0);
    return (1.0 - mix) * start + mix * end;
}

double esp_cosine_schedule(double end, double progress)
{
    return end + (1.0 - end) * 0.5 * (1.0 + cos(M_PI * progress));
}

void esp_average_weights(double decay, int64_t update, const esp_network *net, esp_network *average)
{
    double present = fmin(decay, (double)update / (double)(update + 9));
    esp_ema(net->num_weights, (float)(1.0 - present), net->weights, average->weights);
}
