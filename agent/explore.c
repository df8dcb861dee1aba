/* Gaussian noise on the actions of a controller. */
#include "agent/agent_internal.h"

/* NaN stays NaN, so that the simulator refuses it. */
static float clamp_action(float a)
{
    return a > 1.0f ? 1.0f : a < -1.0f ? -1.0f : a;
}

void esp_explore(int n, int num_actions, float std, esp_rng *rng, float *noise, float *actions)
{
    for (int e = 0; e < n; e++) {
        esp_rng_normal(&rng[e], noise, (size_t)num_actions);
        for (int i = 0; i < num_actions; i++)
            actions[e * num_actions + i] = clamp_action(actions[e * num_actions + i] + std * noise[i]);
    }
}
