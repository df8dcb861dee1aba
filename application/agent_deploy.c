/* An agent's policy as source code: frames in, actions out, the first steps of an episode as the example. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/agent_internal.h"

enum { EXAMPLE_STEPS = 50 }; /* control steps of the example episode, at most */

/* ---- the example episode ---- */

/* Plays the first steps of an episode; frames [steps, frame]. */
static esp_status play(esp_simulator *simulator, esp_controller *controller, const esp_episode *episode, int steps,
                       uint8_t *frames)
{
    const esp_world *world = esp_simulator_world(simulator);
    int item = esp_world_pixels(world);
    size_t frame = esp_obs_item_size(&world->item[item]);
    esp_status status = esp_simulator_begin(simulator, episode, 1);
    esp_controller_begin(controller, episode, 1);
    for (int s = 0; s < steps && status == ESP_OK; s++) {
        status = esp_simulator_observe(simulator);
        if (status == ESP_OK) memcpy(frames + (size_t)s * frame, esp_simulator_newest(simulator, 0, item), frame);
        if (status == ESP_OK) status = esp_simulator_act(simulator, esp_controller_act, controller);
        if (status == ESP_OK) status = esp_simulator_step(simulator, world->repeat);
    }
    return status;
}

static esp_status record_example(esp_subject *subject, esp_deployment *out)
{
    const esp_agent_subject *a = subject->state;
    esp_episode episode;
    esp_simulator *simulator = NULL;
    esp_status status = esp_subject_prepare(subject);
    if (status == ESP_OK) status = esp_pool_simulator(a->pool, &simulator);
    if (status != ESP_OK) return status;
    int steps = a->world->num_steps < EXAMPLE_STEPS ? a->world->num_steps : EXAMPLE_STEPS;
    uint8_t *frames = esp_alloc((size_t)steps, (size_t)esp_c_inputs(&out->code));
    esp_controller *controller = esp_controller_create(subject->net, &a->config, a->kind, &a->config.planner.budget, 1);
    esp_episodes_name(subject->settings->seed, ESP_EPISODES_REPORT, a->world->start, 1, &episode);
    status = play(simulator, controller, &episode, steps, frames);
    esp_controller_free(controller);
    out->example = frames;
    out->code.num_examples = steps;
    return status;
}

/* ---- words ---- */

static const char *describe_outputs(esp_deployment *d, const esp_world *world)
{
    char text[1536] = "output: one number per actuator, from -1 to 1. The control it stands for:\n";
    size_t length = strlen(text);
    for (int i = 0; i < world->num_actions && length + 128 < sizeof text; i++) {
        const char *name = mj_id2name(world->model, mjOBJ_ACTUATOR, i);
        length += (size_t)esp_format(text + length, sizeof text - length, "  %s = %g + %g x output[%d]\n",
                                     name ? name : "(unnamed)", world->actuation[i].offset, world->actuation[i].scale,
                                     i);
    }
    return esp_deployment_keep(d, "%s", text);
}

static void describe(const esp_subject *subject, esp_deployment *d)
{
    const esp_agent_subject *a = subject->state;
    const esp_world *world = a->world;
    const esp_obs_item *item = &world->item[esp_world_pixels(world)];
    d->code.about = esp_deployment_keep(d, "Call it once per control period of %g s, which is what it was trained "
                                        "with.", esp_world_period(world));
    d->code.input_about = esp_deployment_keep(
        d, "input: the newest frame of camera '%s', %d rows of %d gray bytes, row 0 at the top. Gray is\n"
           "(77 R + 150 G + 29 B) / 256; in the simulator each pixel is the mean of %d x %d rendered ones. The\n"
           "last %d frames are kept in the state; the first frame after a reset stands for those before it.\n",
        item->camera, item->height, item->width, item->supersample, item->supersample, d->code.history);
    d->code.output_about = describe_outputs(d, world);
    d->code.example_about = esp_deployment_keep(
        d, "The first %d steps of an episode of task %s, start %s, and the actions of the simulation.",
        d->code.num_examples, a->config.env.task, a->config.env.start);
}

/* Everything that decides what the code computes. */
static void outline(const esp_subject *subject, esp_c_export *code)
{
    const esp_agent_subject *a = subject->state;
    code->last = subject->application->last;
    code->history = a->config.env.frame_stack;
}

uint64_t esp_agent_code_hash(const esp_subject *subject, esp_controller_kind kind)
{
    esp_c_export code = {.net = subject->net};
    for (int c = 0; c < ESP_TOLD_COMPONENTS; c++)
        if (esp_controller_components(kind) >> c & 1u) code.component[code.num_components++] = c;
    outline(subject, &code);
    return esp_c_hash(&code);
}

esp_status esp_agent_deploy(esp_subject *subject, esp_deployment *out)
{
    const esp_agent_subject *a = subject->state;
    if (a->kind == ESP_CONTROLLER_MPPI)
        return esp_fail(ESP_ERR_USAGE, "%s: the planner cannot be exported as C; --controller policy can",
                        subject->path);
    outline(subject, &out->code);
    esp_status status = record_example(subject, out);
    if (status == ESP_OK) describe(subject, out);
    return status;
}
