/* How episodes are named. */
#include "envs/envs.h"

void esp_episodes_name(uint64_t seed, esp_episode_use use, int start, int count, esp_episode *out)
{
    /* The use occupies bits above any seed that a user can type, so a search never sees a reported
     * episode. */
    for (int i = 0; i < count; i++)
        out[i] = (esp_episode){.seed = seed ^ (uint64_t)use << 62, .index = (uint64_t)i, .start = start};
}
