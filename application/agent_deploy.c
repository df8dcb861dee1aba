/* An agent's policy or planner as source code: frames in, actions out, the first steps of an episode as the example. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/agent_internal.h"

/* Control steps of the example episode, at most: of a policy, and of the planner, whose plans build on each other. */
enum { EXAMPLE_STEPS = 50, PLANNED_STEPS = 10 };

/* ---- the example episode ---- */

/* Plays the first steps of an episode; frames [steps, frame], actions [steps, num_actions]. */
static esp_status play(esp_simulator *simulator, esp_controller *controller, const esp_episode *episode, int steps,
                       uint8_t *frames, float *actions)
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
        memcpy(actions + (size_t)s * (size_t)world->num_actions, esp_simulator_play(simulator, 0)->action,
               (size_t)world->num_actions * sizeof *actions);
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
    int most = a->kind == ESP_CONTROLLER_MPPI ? PLANNED_STEPS : EXAMPLE_STEPS;
    int steps = a->world->num_steps < most ? a->world->num_steps : most;
    float *actions = esp_alloc((size_t)steps * (size_t)a->world->num_actions, sizeof *actions);
    uint8_t *frames = esp_alloc((size_t)steps, (size_t)esp_c_inputs(&out->code));
    esp_controller *controller = esp_controller_create(subject->net, &a->config, a->kind, &a->config.planner.budget, 1);
    esp_episodes_name(subject->settings->seed, ESP_EPISODES_REPORT, a->world->start, 1, &episode);
    status = play(simulator, controller, &episode, steps, frames, actions);
    esp_controller_free(controller);
    out->example = frames;
    out->expected = actions;
    out->code.expected = actions;
    out->code.example_seed = episode.seed;
    out->code.example_episode = episode.index;
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
    const esp_plan_budget *budget = &a->config.planner.budget;
    char plans[160] = "";
    if (d->code.planner)
        snprintf(plans, sizeof plans, "\nPlans %d steps ahead, %d times over %d drawn sequences.", budget->horizon,
                 budget->iterations, budget->samples);
    d->code.about = esp_deployment_keep(d, "Call it once per control period of %g s, which is what it was trained "
                                        "with.%s", esp_world_period(world), plans);
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
    code->num_components = 2;
    code->component[0] = ESP_TOLD_ENCODER;
    code->component[1] = ESP_TOLD_POLICY;
}

static esp_c_planner planner_of(const esp_agent_config *config)
{
    const esp_planner_config *p = &config->planner;
    return (esp_c_planner){
        .dynamics = ESP_TOLD_DYNAMICS, .reward = ESP_TOLD_REWARD, .value = {ESP_TOLD_Q1, ESP_TOLD_Q2},
        .policy = ESP_TOLD_POLICY, .horizon = p->budget.horizon, .samples = p->budget.samples,
        .trajectories = esp_policy_trajectories(p, p->budget.samples), .elites = p->budget.elites,
        .iterations = p->budget.iterations, .temperature = p->temperature, .momentum = p->momentum,
        .min_std = p->min_std, .max_std = p->max_std, .discount = config->loss.discount,
        .policy_std = config->loss.policy_std, .on_mean = p->act_on == ESP_ACT_ON_MEAN};
}

/* The planner acts on what the encoder writes. */
static void outline_planner(const esp_c_planner *planner, esp_c_export *code)
{
    code->num_components = 1;
    code->component[0] = ESP_TOLD_ENCODER;
    code->planner = planner;
    code->last = ESP_ACT_NONE;
}

uint64_t esp_agent_code_hash(const esp_subject *subject, esp_controller_kind kind)
{
    esp_c_export code = {.net = subject->net};
    const esp_agent_subject *a = subject->state;
    esp_c_planner planner = planner_of(&a->config);
    outline(subject, &code);
    if (kind == ESP_CONTROLLER_MPPI) outline_planner(&planner, &code);
    return esp_c_hash(&code);
}

esp_status esp_agent_deploy(esp_subject *subject, esp_deployment *out)
{
    const esp_agent_subject *a = subject->state;
    outline(subject, &out->code);
    if (a->kind == ESP_CONTROLLER_MPPI) {
        out->planner = planner_of(&a->config);
        outline_planner(&out->planner, &out->code);
        out->code.tolerance = 1e-4; /* a plan is a weighted mean over sequences that rounding may rank anew */
    }
    esp_status status = record_example(subject, out);
    if (status == ESP_OK) describe(subject, out);
    return status;
}
