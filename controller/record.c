/* Recorded episodes of a controller: data for importance, repair and imitation. */
#include <stdlib.h>
#include <string.h>

#include "controller/controller.h"

enum { BLOCK = 256 };
#define NOISE_LEVELS 4

/* Starts take turns; no two episodes have the same number. */
static void name_episodes(const esp_policy_recording *r, int starts, esp_episode *out, double *noise)
{
    esp_episodes_name(r->seed, ESP_EPISODES_RECORD, 0, r->episodes, out);
    for (int i = 0; i < r->episodes; i++) {
        int turn = i / starts;
        out[i].index += r->first;
        out[i].start = i % starts;
        noise[i] = turn % 2 == 0 ? 0.0 : r->noise * (turn / 2 % NOISE_LEVELS + 1) / NOISE_LEVELS;
    }
}

/* Moves the steps that were played together; returns how many there are. */
static int join_steps(const esp_trajectory *trajectories, int episodes, size_t steps, size_t width, float *rows)
{
    size_t count = 0;
    for (int e = 0; e < episodes; e++) {
        size_t length = (size_t)trajectories[e].length;
        memmove(rows + count * width, rows + (size_t)e * steps * width, length * width * sizeof *rows);
        count += length;
    }
    return (int)count;
}

esp_status esp_policy_record(const esp_policy_recording *r, esp_policy_rows *out)
{
    const esp_world *world = esp_pool_world(r->pool);
    esp_actors actors = esp_policy_actors(world);
    size_t episodes = (size_t)r->episodes, steps = (size_t)world->num_steps, A = (size_t)world->num_actions;
    size_t numbers = (size_t)esp_observation_numbers(world);
    esp_policy_rows rows = {.x = esp_alloc(episodes * steps * numbers, sizeof *rows.x),
                            .y = esp_alloc(episodes * steps * A, sizeof *rows.y)};
    esp_episode *names = esp_alloc(episodes, sizeof *names);
    double *noise = esp_alloc(episodes, sizeof *noise);
    esp_trajectory *trajectories = esp_alloc(episodes, sizeof *trajectories);
    name_episodes(r, esp_names_count(world->task->about.starts), names, noise);
    esp_playing playing = {.actors = &actors, .net = r->net, .episodes = names, .count = r->episodes, .noise = noise,
                           .intended = rows.y, .observed = rows.x};
    esp_status status = esp_play_episodes(r->pool, &playing, r->task, trajectories);
    if (status == ESP_OK) {
        join_steps(trajectories, r->episodes, steps, A, rows.y);
        rows.count = join_steps(trajectories, r->episodes, steps, numbers, rows.x);
        *out = rows;
    } else {
        esp_policy_rows_free(&rows);
    }
    free(names);
    free(noise);
    free(trajectories);
    return status;
}

static void label_block(const esp_network *net, esp_policy_rows *rows, int first)
{
    const esp_component *c = &net->component[0];
    int n = rows->count - first < BLOCK ? rows->count - first : BLOCK;
    esp_tape *tape = esp_tape_create(net, 0, n);
    const float *y = esp_forward(net, tape, rows->x + (size_t)first * (size_t)c->in_size, n);
    memcpy(rows->y + (size_t)first * (size_t)c->out_size, y, (size_t)n * (size_t)c->out_size * sizeof *y);
    esp_tape_free(tape);
}

void esp_policy_label(const esp_network *net, esp_policy_rows *rows)
{
#pragma omp parallel for schedule(dynamic, 1)
    for (int first = 0; first < rows->count; first += BLOCK) label_block(net, rows, first);
}

void esp_policy_rows_free(esp_policy_rows *rows)
{
    free(rows->x);
    free(rows->y);
    *rows = (esp_policy_rows){.count = 0};
}
