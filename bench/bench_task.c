/* What a task costs beside the physics: control steps per second of episodes with random actions, each thread its own,
 *   plain   random controls and mj_step alone;
 *   task    the same through a simulator: observations, actions, rewards, termination;
 * as processor time per control step, which other programs on the machine disturb less than the clock, and by the
 * clock. Both start from the same states, in turns, and the medians of the repeats are compared; beginning an episode
 * is not measured. No picture is drawn. usage: bench_task TASK [THREADS [REPEATS]] */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "envs/envs.h"

enum { MOST = 101 };

/* One thread's part: both ways of playing one episode. */
typedef struct {
    esp_world     *world;
    esp_simulator *simulator;
    mjData        *data;
    esp_rng        rng;
    double         seconds[2]; /* processor time of the last repeat, s */
    double         clock[2];   /* the same by the clock */
} lane;

static void fail(void)
{
    fprintf(stderr, "bench_task: %s\n", esp_error_text());
    exit(1);
}

static double processor_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static esp_status act(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    lane *l = context;
    (void)step, (void)obs;
    for (int i = 0; i < n * l->world->num_actions; i++) actions[i] = (float)(2.0 * esp_rng_uniform(&l->rng) - 1.0);
    return ESP_OK;
}

static void play_task(lane *l)
{
    esp_status status = esp_simulator_begin(l->simulator, &(esp_episode){.seed = 1}, 1);
    const esp_play *play = esp_simulator_play(l->simulator, 0);
    double clock = esp_clock(), began = processor_time();
    l->rng = esp_rng_make(1, ESP_RNG_TEST, 0);
    while (status == ESP_OK && !play->ended) {
        status = esp_simulator_observe(l->simulator);
        if (status == ESP_OK) status = esp_simulator_act(l->simulator, act, l);
        if (status == ESP_OK) status = esp_simulator_step(l->simulator, l->world->repeat);
    }
    if (status != ESP_OK) fail();
    if (play->steps != l->world->num_steps) {
        fprintf(stderr, "bench_task: the episode ended early, which cannot be compared\n");
        exit(1);
    }
    l->seconds[1] = processor_time() - began;
    l->clock[1] = esp_clock() - clock;
}

/* From the state that the simulator's episode began in. */
static void play_plain(lane *l)
{
    const esp_world *w = l->world;
    if (esp_simulator_begin(l->simulator, &(esp_episode){.seed = 1}, 1) != ESP_OK) fail();
    const esp_play *play = esp_simulator_play(l->simulator, 0);
    mj_resetData(w->model, l->data);
    memcpy(l->data->qpos, play->data->qpos, (size_t)w->model->nq * sizeof(mjtNum));
    memcpy(l->data->qvel, play->data->qvel, (size_t)w->model->nv * sizeof(mjtNum));
    mj_forward(w->model, l->data);
    double clock = esp_clock(), began = processor_time();
    l->rng = esp_rng_make(1, ESP_RNG_TEST, 0);
    for (int t = 0; t < w->num_steps; t++) {
        for (int k = 0; k < w->num_actions; k++)
            l->data->ctrl[k] = w->actuation[k].offset +
                               w->actuation[k].scale * (double)(float)(2.0 * esp_rng_uniform(&l->rng) - 1.0);
        for (int i = 0; i < w->repeat; i++) mj_step(w->model, l->data);
    }
    l->seconds[0] = processor_time() - began;
    l->clock[0] = esp_clock() - clock;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
}

int main(int argc, char **argv)
{
    if (argc < 2) return fprintf(stderr, "usage: bench_task TASK [THREADS [REPEATS]]\n"), 2;
    int threads = argc > 2 ? atoi(argv[2]) : 1, repeats = argc > 3 ? atoi(argv[3]) : 11;
    if (threads < 1 || threads > 64 || repeats < 1 || repeats > MOST) return fprintf(stderr, "out of range\n"), 2;
    static lane lanes[64];
    static double wall[2][MOST], cpu[2][MOST];
    esp_env_config config = esp_env_config_of(argv[1]);
    esp_world *world = NULL;
    if (esp_world_create(&config, &world) != ESP_OK) fail();
    for (int i = 0; i < threads; i++) {
        lanes[i].world = world;
        lanes[i].data = mj_makeData(world->model);
        if (esp_simulator_create(world, 1, false, &lanes[i].simulator) != ESP_OK) fail();
    }
    for (int r = -1; r < repeats; r++) { /* the first warms up */
        for (int way = 0; way < 2; way++) {
            double time = 0.0;
#pragma omp parallel for num_threads(threads) schedule(static, 1) reduction(+ : time)
            for (int i = 0; i < threads; i++) {
                if (way) play_task(&lanes[i]);
                else     play_plain(&lanes[i]);
                time += lanes[i].clock[way];
            }
            if (r < 0) continue;
            wall[way][r] = time / threads / world->num_steps;
            for (int i = 0; i < threads; i++) cpu[way][r] += lanes[i].seconds[way] / threads / world->num_steps;
        }
    }
    double plain = median(wall[0], repeats), task = median(wall[1], repeats);
    double plain_cpu = median(cpu[0], repeats), task_cpu = median(cpu[1], repeats);
    printf("%s, MuJoCo %s, %d threads, %d repeats; us per control step of one thread\n", argv[1], mj_versionString(),
           threads, repeats);
    printf("plain  processor %8.3f  clock %8.3f\n", 1e6 * plain_cpu, 1e6 * plain);
    printf("task   processor %8.3f  clock %8.3f\n", 1e6 * task_cpu, 1e6 * task);
    printf("speed of the task: %.3f of plain by processor time, %.3f by the clock\n", plain_cpu / task_cpu,
           plain / task);
    return 0;
}
