/* What an attached controller costs its host program per physics step:
 *   not due   the control callback in the steps that only hold the control (7 of 8), mean over each seven;
 *   due       the callback in the steps in which the policy or the planner acts, with its picture;
 *   step      mj_step of the pendulum without any controller, for comparison.
 * Episodes start from the keyframe `hanging`. usage: bench_plugin CHECKPOINT SCENE.xml */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "plugin/plugin.h"

enum { EPISODES = 5, CONTROL_STEPS = 125, REPEAT = 8, WARM_UP = 1 };

typedef struct {
    mjModel *model;
    mjData  *data;
} simulation;

static void hang(simulation *s)
{
    mj_resetDataKeyframe(s->model, s->data, mj_name2id(s->model, mjOBJ_KEY, "hanging"));
}

/* ---- statistics ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const char *what, double *seconds, int count)
{
    qsort(seconds, (size_t)count, sizeof *seconds, by_value);
    printf("%-16s median %10.3f us   p10 %10.3f us   p90 %10.3f us   (%d)\n", what, 1e6 * seconds[count / 2],
           1e6 * seconds[count / 10], 1e6 * seconds[count * 9 / 10], count);
}

/* ---- what is measured ---- */

/* Calls the callback directly, in the states that mj_step leads to; MuJoCo itself runs without it. */
static void measure_controller(simulation *s, const char *checkpoint, const char *controller)
{
    static double due[EPISODES * CONTROL_STEPS], held[EPISODES * CONTROL_STEPS];
    esp_plugin_options options = {.checkpoint = checkpoint, .controller = controller};
    if (esp_plugin_attach(s->model, s->data, &options) != 0) {
        fprintf(stderr, "bench_plugin: %s\n", esp_plugin_error());
        exit(1);
    }
    mjfGeneric callback = mjcb_control;
    mjcb_control = NULL;
    int count = 0;
    for (int episode = -WARM_UP; episode < EPISODES; episode++) {
        hang(s);
        for (int step = 0; step < CONTROL_STEPS; step++) {
            double start = esp_clock(), total = 0.0;
            callback(s->model, s->data);
            double acted = esp_clock() - start;
            for (int i = 1; i < REPEAT; i++) {
                mj_step(s->model, s->data);
                start = esp_clock();
                callback(s->model, s->data);
                total += esp_clock() - start;
            }
            mj_step(s->model, s->data);
            if (episode < 0) continue;
            due[count] = acted;
            held[count++] = total / (REPEAT - 1);
        }
    }
    mjcb_control = callback;
    esp_plugin_detach(s->data);
    char name[32];
    snprintf(name, sizeof name, "%s, due", controller);
    report(name, due, count);
    snprintf(name, sizeof name, "%s, not due", controller);
    report(name, held, count);
}

static void measure_step(simulation *s)
{
    static double steps[EPISODES * CONTROL_STEPS];
    hang(s);
    for (int i = 0; i < EPISODES * CONTROL_STEPS; i++) {
        double start = esp_clock();
        for (int k = 0; k < REPEAT; k++) mj_step(s->model, s->data);
        steps[i] = (esp_clock() - start) / REPEAT;
    }
    report("step", steps, EPISODES * CONTROL_STEPS);
}

int main(int argc, char **argv)
{
    char error[512] = "";
    if (argc != 3) {
        fprintf(stderr, "usage: bench_plugin CHECKPOINT SCENE.xml\n");
        return 2;
    }
    simulation s = {.model = mj_loadXML(argv[2], NULL, error, sizeof error)};
    if (!s.model) {
        fprintf(stderr, "bench_plugin: %s\n", error);
        return 1;
    }
    s.data = mj_makeData(s.model);
#ifndef __OPTIMIZE__
    printf("not an optimised build\n");
#endif
    measure_controller(&s, argv[1], "policy");
    measure_controller(&s, argv[1], "mppi");
    measure_step(&s);
    mj_deleteData(s.data);
    mj_deleteModel(s.model);
    return 0;
}
