/* What changes in the course of learning: the rate, and the mean of the weights. */
#include <math.h>

#include "closedloop/closedloop.h"

double esp_cosine_schedule(double end, double progress)
{
    return end + (1.0 - end) * 0.5 * (1.0 + cos(M_PI * progress));
}

void esp_average_weights(double decay, int64_t update, const esp_network *net, esp_network *average)
{
    double present = fmin(decay, (double)update / (double)(update + 9));
    esp_ema(net->num_weights, (float)(1.0 - present), net->weights, average->weights);
}
