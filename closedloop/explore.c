/* Gaussian noise on the actions of a controller. */
#include "closedloop/closedloop.h"

/* NaN stays NaN, so that the simulator refuses it. */
static float clamp_action(const esp_actuation *limits, float a)
{
    return a > limits->high ? (float)limits->high : a < limits->low ? (float)limits->low : a;
}

void esp_explore(int n, int num_actions, const esp_actuation *limits, float std, esp_rng *rng, float *noise,
                 float *actions)
{
    for (int e = 0; e < n; e++) {
        esp_rng_normal(&rng[e], noise, (size_t)num_actions);
        for (int i = 0; i < num_actions; i++) {
            float *action = &actions[e * num_actions + i];
            *action = clamp_action(&limits[i], *action + std * noise[i]);
        }
    }
}
