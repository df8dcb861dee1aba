/* How an episode was played, besides its return. */
#include <math.h>

#include "envs/envs_internal.h"

const esp_task_quantity *esp_task_error(const esp_task *task)
{
    for (int i = 0; i < task->about.num_quantities; i++)
        if (task->about.quantities[i].error) return &task->about.quantities[i];
    return NULL;
}

int esp_world_steady_from(const esp_world *world)
{
    return world->num_steps - (world->num_steps + 4) / 5;
}

esp_behaviour esp_play_behaviour(const esp_world *world, const esp_play *play, int settled)
{
    int last_fifth = play->steps - esp_world_steady_from(world);
    double outputs = (double)play->steps * world->num_actions;
    return (esp_behaviour){
        .variation = play->variation,
        .saturation = outputs > 0 ? play->saturated / outputs : 0.0,
        .goal_time = settled < world->num_steps ? settled * esp_world_period(world) : NAN,
        .steady_error = last_fifth > 0 && esp_task_error(world->task) ? play->error / last_fifth : NAN,
    };
}
