/* Task files: what they compute, and that everything malformed is refused in one line that names the place. */
#include <sys/stat.h>
#include <unistd.h>

#include "envs/envs.h"

#include "allocations.h"
#include "check.h"

static char folder[] = "/tmp/espalier-task-XXXXXX";

static const char scene[] =
    "<mujoco><option timestep='0.01'/><worldbody><camera name='side' pos='0 -3 0'/>"
    "<body name='cart'><joint name='slider' type='slide' axis='1 0 0' limited='true' range='-2 2'/>"
    "<geom name='box' type='box' size='.1 .1 .1' mass='1'/><site name='top' pos='0 0 .1'/>"
    "<body name='pole' pos='0 0 .1'><joint name='hinge' axis='0 1 0' damping='.05'/>"
    "<geom name='left-rod' type='capsule' fromto='0 0 0 0 0 1' size='.02' mass='.1'/></body></body>"
    "<body name='ball' pos='0 2 0'><joint name='spin' type='ball'/><geom size='.1'/></body></worldbody>"
    "<actuator><motor name='force' joint='slider' ctrllimited='true' ctrlrange='-10 10'/></actuator>"
    "<sensor><gyro name='gyro' site='top'/><framepos name='up' objtype='body' objname='pole'/></sensor>"
    "<keyframe><key name='home' qpos='0.5 0.1 1 0 0 0' ctrl='2'/>"
    "<key name='far' qpos='3 0 1 0 0 0'/></keyframe></mujoco>";

static const char good[] =
    "{\"version\": 1, \"step\": 0.02, \"action_repeat\": 2, \"episode\": {\"seconds\": 4},"
    "\"definitions\": {\"angle\": \"wrap_angle(hinge.qpos)\"},"
    "\"terms\": {\"upright\": \"(1 + cos(angle)) / 2\", \"calm\": \"tolerance(hinge.qvel, 0, 0, 5)\"},"
    "\"rewards\": {\"both\": \"upright * calm\", \"upright\": \"upright\"},"
    "\"termination\": {\"away\": \"abs(slider.qpos) > 1.5\"},"
    "\"starts\": {\"home\": {\"keyframe\": \"home\"}, \"any\": {\"qpos\": {\"hinge\": {\"range\": true}}}},"
    "\"commands\": {\"speed\": [-1, 1]},"
    "\"observation\": [{\"qpos\": \"0:2\", \"minus_keyframe\": \"home\"}, {\"qvel\": [\"slider\", \"hinge\"], "
    "\"scale\": 0.5,"
    " \"clip\": [-1, 1], \"history\": 2}, {\"sensors\": [\"gyro\"]}, {\"values\": [\"up.z\", \"top.pos.x\"]},"
    " {\"last_action\": true}, {\"command\": true}, {\"clock\": 0.5}]}";

static void write_file(const char *name, const char *text)
{
    char *path = esp_path_join(folder, name);
    CHECK_OK(esp_file_write(path, text, strlen(text)));
    free(path);
}

/* The text with one part replaced, in new memory. */
static char *with(const char *text, const char *part, const char *replacement)
{
    const char *at = strstr(text, part);
    CU_ASSERT_FATAL(at != NULL);
    char *out = esp_alloc(strlen(text) + strlen(replacement) + 1, 1);
    sprintf(out, "%.*s%s%s", (int)(at - text), text, replacement, at + strlen(part));
    return out;
}

/* Writes task and scene under new names, since a process keeps the tasks that it has found. */
static esp_status open_texts(const char *task, const char *mjcf, esp_world **out)
{
    static int number;
    char name[64], key[96], path[128];
    snprintf(name, sizeof name, "scene-%d.xml", ++number);
    write_file(name, mjcf);
    snprintf(key, sizeof key, "{\"scene\": \"%s\", ", name);
    char *text = with(task, "{", key);
    snprintf(name, sizeof name, "task-%d.json", number);
    write_file(name, text);
    free(text);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    esp_env_config config = esp_env_config_of(path);
    return esp_world_create(&config, out);
}

static esp_status open_with(const char *part, const char *replacement, esp_world **out)
{
    char *task = with(good, part, replacement);
    esp_status status = open_texts(task, scene, out);
    free(task);
    return status;
}

#define CHECK_BAD(part, replacement, word)                                    \
    do {                                                                      \
        esp_world *none = NULL;                                               \
        CU_ASSERT(open_with(part, replacement, &none) != ESP_OK);             \
        if (!strstr(esp_error_text(), word)) printf("\n    error text: %s ", esp_error_text()); \
        CU_ASSERT(strstr(esp_error_text(), word) != NULL);                    \
        CU_ASSERT(strstr(esp_error_text(), "task-") != NULL && !strchr(esp_error_text(), '\n')); \
        CU_ASSERT_PTR_NULL(none);                                             \
    } while (0)

#define CHECK_BAD_SCENE(part, replacement, word)                              \
    do {                                                                      \
        esp_world *none = NULL;                                               \
        char *mjcf = with(scene, part, replacement);                          \
        CU_ASSERT(open_texts(good, mjcf, &none) != ESP_OK);                   \
        if (!strstr(esp_error_text(), word)) printf("\n    error text: %s ", esp_error_text()); \
        CU_ASSERT(strstr(esp_error_text(), word) != NULL);                    \
        free(mjcf);                                                           \
    } while (0)

static esp_status act(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    (void)step, (void)obs;
    for (int i = 0; i < n; i++) actions[i] = *(const float *)context;
    return ESP_OK;
}

/* ---- what a file computes ---- */

static void a_task_observes_rewards_and_ends_as_it_says(void)
{
    esp_world *world = NULL;
    esp_simulator *simulator = NULL;
    float action = 1.0f;
    CHECK_OK(open_with("{", "{", &world));
    CU_ASSERT(world->num_steps == 100 && world->repeat == 4 && world->substeps == 2 && world->num_actions == 1);
    CU_ASSERT(world->num_items == 7 && world->item[2].width == 3 && world->item[6].width == 2);
    CHECK_OK(esp_simulator_create(world, 1, false, &simulator));
    CHECK_OK(esp_simulator_begin(simulator, &(esp_episode){.seed = 1}, 1));
    CHECK_OK(esp_simulator_observe(simulator));
    const esp_observation *obs = esp_simulator_observation(simulator);
    const esp_play *play = esp_simulator_play(simulator, 0);
    const float *position = obs->item[0], *velocity = obs->item[1], *clock = obs->item[6], *command = obs->item[5];
    CU_ASSERT(position[0] == 0.0f && position[1] == 0.0f); /* at the keyframe */
    CU_ASSERT(command[0] == play->command[0] && command[0] >= -1.0f && command[0] < 1.0f && command[0] != 0.0f);
    CU_ASSERT(clock[0] == 0.0f && clock[1] == 1.0f);
    CHECK_OK(esp_simulator_act(simulator, act, &action));
    CU_ASSERT_EQUAL(play->data->ctrl[0], 10.0);
    CHECK_OK(esp_simulator_step(simulator, world->repeat));
    CHECK_OK(esp_simulator_observe(simulator));
    CU_ASSERT_EQUAL(velocity[0], 0.0f); /* the moment before */
    CU_ASSERT_EQUAL(velocity[2], (float)fmin(1.0, 0.5 * play->data->qvel[0]));
    CU_ASSERT_EQUAL(((const float *)obs->item[4])[0], 1.0f);
    CU_ASSERT_DOUBLE_EQUAL(((const float *)obs->item[3])[1], play->data->qpos[0], 1e-6); /* fresh */
    CU_ASSERT_DOUBLE_EQUAL(clock[0], sin(2 * M_PI * 0.04 / 0.5), 1e-6);
    while (!play->ended) CHECK_OK(esp_simulator_step(simulator, 1));
    CU_ASSERT(play->ending == 1 && play->steps < 100);
    CU_ASSERT_STRING_EQUAL(world->task->about.endings[0], "away");
    esp_simulator_free(simulator);
    esp_world_free(world);
}

static void reward_is_the_sum_over_the_steps_of_the_task(void)
{
    esp_world *world = NULL;
    esp_simulator *simulator = NULL;
    float action = 0.1f;
    CHECK_OK(open_with("{", "{", &world));
    CHECK_OK(esp_simulator_create(world, 1, false, &simulator));
    CHECK_OK(esp_simulator_begin(simulator, &(esp_episode){.seed = 1, .start = 1}, 1));
    CHECK_OK(esp_simulator_act(simulator, act, &action));
    const esp_play *play = esp_simulator_play(simulator, 0);
    double sum = 0.0;
    for (int k = 1; k <= 4; k++) {
        CHECK_OK(esp_simulator_step(simulator, 1));
        double v = play->data->qvel[1], z = v / 5 * sqrt(-2 * log(0.1));
        if (k % 2 == 0) sum += 0.5 * (1 + cos(play->data->qpos[1])) * exp(-0.5 * z * z);
    }
    CU_ASSERT_DOUBLE_EQUAL(play->last_reward, sum, 1e-12);
    esp_simulator_free(simulator);
    esp_world_free(world);
}

static void stepping_and_observing_allocate_nothing(void)
{
    esp_world *world = NULL;
    esp_simulator *simulator = NULL;
    float action = 0.01f;
    CHECK_OK(open_with("{", "{", &world));
    CHECK_OK(esp_simulator_create(world, 2, false, &simulator));
    CHECK_OK(esp_simulator_begin(simulator, (esp_episode[]){{.seed = 1}, {.seed = 2}}, 2));
    start_counting();
    for (int t = 0; t < 20; t++) {
        esp_simulator_observe(simulator);
        esp_simulator_act(simulator, act, &action);
        esp_simulator_step(simulator, world->repeat);
    }
    CU_ASSERT_EQUAL(stop_counting(), 0);
    esp_simulator_free(simulator);
    esp_world_free(world);
}

static void aliases_offsets_and_displacements_work(void)
{
    esp_world *world = NULL;
    esp_simulator *simulator = NULL;
    float action = 0.5f;
    CHECK_OK(open_with("\"definitions\": {", "\"aliases\": {\"rod\": {\"geom\": \"left-rod\"}}, \"action\": "
        "{\"offset\": "
                       "{\"keyframe\": \"home\"}, \"scale\": 3, \"clip\": [-2, 2]}, \"definitions\": {\"moved\": "
                       "\"slider.qpos - before.slider.qpos\", \"high\": \"rod.pos.z + rod.size.0\",", &world));
    CHECK_OK(esp_simulator_create(world, 1, false, &simulator));
    CHECK_OK(esp_simulator_begin(simulator, &(esp_episode){.seed = 1}, 1));
    CHECK_OK(esp_simulator_act(simulator, act, &action));
    CU_ASSERT_EQUAL(esp_simulator_play(simulator, 0)->data->ctrl[0], 3.5);
    action = -5.0f;
    CHECK_OK(esp_simulator_act(simulator, act, &action));
    CU_ASSERT_EQUAL(esp_simulator_play(simulator, 0)->data->ctrl[0], -4.0);
    esp_simulator_free(simulator);
    esp_world_free(world);
}

static void starts_stay_in_the_range_of_their_joints(void)
{
    esp_world *world = NULL;
    esp_simulator *simulator = NULL;
    CHECK_OK(open_with("{\"hinge\": {\"range\": true}}", "{\"all\": {\"range\": true}}, \"qvel\": {\"slider\": "
        "{\"normal\": "
                       "0.1}}, \"settle_steps\": 0, \"draw\": {\"u\": [2, 3]}, \"set\": {\"hinge.qvel\": \"draw.u\"}, "
                       "\"draw_again_while\": \"abs(slider.qpos) < 0.5\"", &world));
    CHECK_OK(esp_simulator_create(world, 1, false, &simulator));
    double most = 0.0;
    for (uint64_t i = 0; i < 200; i++) {
        CHECK_OK(esp_simulator_begin(simulator, &(esp_episode){.seed = 1, .index = i, .start = 1}, 1));
        const mjData *d = esp_simulator_play(simulator, 0)->data;
        CU_ASSERT(fabs(d->qpos[0]) >= 0.5 && fabs(d->qpos[0]) <= 2.0 && fabs(d->qpos[1]) <= M_PI);
        CU_ASSERT(d->qvel[1] >= 2.0 && d->qvel[1] < 3.0 && d->qvel[0] != 0.0);
        CU_ASSERT_DOUBLE_EQUAL(mju_norm(d->qpos + 2, 4), 1.0, 1e-9);
        most = fmax(most, fabs(d->qpos[1]));
    }
    CU_ASSERT(most > 3.0);
    esp_simulator_free(simulator);
    esp_world_free(world);
}

/* ---- what is refused ---- */

static void unknown_names_are_refused_with_the_nearest_and_the_position(void)
{
    CHECK_BAD("\"definitions\"", "\"definitons\"", "there is no key 'definitons'; did you mean 'definitions'?");
    CHECK_BAD("wrap_angle(hinge.qpos)", "wrap_angle(hing.qpos)",
              "definitions.angle: position 12: there is no 'hing.qpos'; did you mean 'hinge.qpos'?");
    CHECK_BAD("(1 + cos(angle)) / 2", "(1 + cosi(angle)) / 2",
              "terms.upright: position 6: there is no function 'cosi'; did you mean 'cos'?");
    CHECK_BAD("(1 + cos(angle)) / 2", "cos(angel)", "did you mean 'angle'?");
    CHECK_BAD("up.z", "upp.z", "did you mean 'up.z'?");
    CHECK_BAD("up.z", "up.q", "write one of");
    CHECK_BAD("up.z", "up", "there are 3 numbers");
    CHECK_BAD("up.z", "spin.qpos", "there are 4 numbers");
    CHECK_BAD("[\"gyro\"]", "[\"gyros\"]", "did you mean 'gyro'?");
    CHECK_BAD("[\"slider\", \"hinge\"]", "[\"slide\", \"hinge\"]", "did you mean 'slider'?");
    CHECK_BAD("\"keyframe\": \"home\"", "\"keyframe\": \"houme\"",
              "the scene has no keyframe 'houme'; did you mean 'home'?");
    CHECK_BAD("\"minus_keyframe\": \"home\"", "\"minus_keyframe\": \"hone\"", "did you mean 'home'?");
    CHECK_BAD("\"range\": true", "\"rang\": true", "did you mean 'range'?");
    CHECK_BAD("{\"hinge\": {\"range\"", "{\"hinges\": {\"range\"", "did you mean 'hinge'?");
}

static void recursion_and_bad_expressions_are_refused(void)
{
    CHECK_BAD("wrap_angle(hinge.qpos)", "angle + 1", "'angle' is not defined yet");
    CHECK_BAD("wrap_angle(hinge.qpos)", "upright", "'upright' is not defined yet");
    CHECK_BAD("\"angle\": \"", "\"time\": \"1\", \"angle\": \"", "the name is already that of a quantity");
    CHECK_BAD("upright * calm", "upright * (calm", "rewards.both: position 11: '(' without ')'");
    CHECK_BAD("upright * calm", "upright = calm", "'=' (write ==");
    CHECK_BAD("\"upright * calm\"", "3", "expected an expression, as text");
    CHECK_BAD("\"upright\": \"(1", "\"up right\": \"(1", "'up right' is no name");
    char *deep = esp_alloc(10002, 1), *task;
    memset(deep, '(', 10000);
    task = with(good, "upright * calm", deep);
    esp_world *none = NULL;
    CHECK_FAILS(ESP_ERR_FORMAT, open_texts(task, scene, &none), "more than 256 levels");
    free(task);
    free(deep);
    char *wide = esp_alloc((1 << 20) + 1, 1);
    memset(wide, '1', 1 << 20);
    task = with(good, "upright * calm", wide);
    CHECK_FAILS(ESP_ERR_FORMAT, open_texts(task, scene, &none), "1048576 characters");
    free(task);
    free(wide);
}

static void values_out_of_range_and_of_other_types_are_refused(void)
{
    CHECK_BAD("\"version\": 1", "\"version\": 2", "version: expected 1");
    CHECK_BAD("\"step\": 0.02", "\"step\": 0.015", "step: 0.015 s is no multiple of the scene's time step, 0.01 s");
    CHECK_BAD("\"seconds\": 4", "\"seconds\": 4, \"steps\": 4", "steps or seconds, not both");
    CHECK_BAD("\"action_repeat\": 2", "\"action_repeat\": 2.5", "expected a whole number");
    CHECK_BAD("\"keyframe\": \"home\"", "\"keyframe\": \"far\"", "joint 'slider' is at 3, outside its limits, -2 to 2");
    CHECK_BAD("{\"hinge\": {\"range\": true}}", "{\"slider\": {\"value\": 2.5}}", "outside the joint's limits");
    CHECK_BAD("{\"hinge\": {\"range\": true}}", "{\"hinge\": {\"uniform\": 1, \"normal\": 1}}", "more than one of");
    CHECK_BAD("\"0:2\"", "\"0:9\"", "within 0:6");
    CHECK_BAD("\"0:2\"", "\"2:2\"", "within 0:6");
    CHECK_BAD("[\"up.z\", \"top.pos.x\"]", "[]", "an observation of 0 numbers");
    CHECK_BAD("\"qpos\": \"0:2\"", "\"qpos\": \"0:2\", \"qvel\": \"all\"", "exactly one of");
    CHECK_BAD("\"clip\": [-1, 1]", "\"clip\": [1, -1]", "from 1 to -1");
    CHECK_BAD("\"rewards\": {\"both\": \"upright * calm\", \"upright\": \"upright\"}", "\"rewards\": {}",
              "at least one reward");
    CHECK_BAD("\"speed\": [-1, 1]", "\"speed\": [-1]", "a list of 2 numbers");
    CHECK_BAD("\"scale\": 0.5", "\"scale\": \"x\"", "'x' has no place in a constant");
}

static void scenes_that_do_not_fit_are_refused(void)
{
    CHECK_BAD_SCENE("<motor name='force' joint='slider' ctrllimited='true' ctrlrange='-10 10'/>", "", "ctrl size");
    CHECK_BAD_SCENE("ctrllimited='true' ctrlrange='-10 10'", "",
                    "actuator 0 ('force') has no ctrlrange: give action.scale");
    CHECK_BAD_SCENE("<joint name='hinge'", "<joint name='hunge'", "there is no 'hinge.qpos'");
    CHECK_BAD_SCENE("<gyro name='gyro' site='top'/>", "", "the scene has no sensor 'gyro'");
    CHECK_BAD_SCENE("<worldbody>", "<include file='/etc/hostname'/><worldbody>", "lies outside");
    CHECK_BAD_SCENE("<worldbody>", "<compiler meshdir = \"/etc\"/><worldbody>", "lies outside");
    esp_world *none = NULL;
    char *task = with(good, "{", "{\"scene\": \"/etc/hostname\", ");
    write_file("outside.json", task);
    free(task);
    char path[128];
    snprintf(path, sizeof path, "%s/outside.json", folder);
    esp_env_config config = esp_env_config_of(path);
    CU_ASSERT(esp_world_create(&config, &none) != ESP_OK);
    CU_ASSERT(strstr(esp_error_text(), "lies outside of the task's folder") != NULL);
}

static void a_scene_without_actuators_is_refused(void)
{
    esp_world *none = NULL;
    CHECK_FAILS(ESP_ERR_FORMAT, open_texts("{\"version\": 1, \"rewards\": {\"r\": \"1\"}, \"observation\": [{\"qpos\": "
                "\"all\"}]}", "<mujoco><worldbody><body><joint name='j'/><geom size='.1'/></body></worldbody></mujoco>",
                &none), "has no actuator");
}

static void a_scene_with_200_actuators_works(void)
{
    char *mjcf = esp_alloc(1 << 16, 1), *at = mjcf;
    at += sprintf(at, "<mujoco><worldbody>");
    for (int i = 0; i < 200; i++)
        at += sprintf(at, "<body pos='%d 0 0'><joint name='j%d' axis='0 1 0'/><geom size='.1'/></body>", i, i);
    at += sprintf(at, "</worldbody><actuator>");
    for (int i = 0; i < 200; i++) at += sprintf(at, "<motor joint='j%d' ctrllimited='true' ctrlrange='-1 1'/>", i);
    sprintf(at, "</actuator></mujoco>");
    esp_world *world = NULL;
    CHECK_OK(open_texts("{\"version\": 1, \"rewards\": {\"r\": \"-ctrl.sum_of_squares\"}, \"observation\": [{\"qpos\": "
                        "\"all\"}, {\"last_action\": true}]}", mjcf, &world));
    CU_ASSERT(world->num_actions == 200 && world->item[1].width == 200);
    esp_world_free(world);
    free(mjcf);
}

static void reward_that_is_no_number_names_term_step_and_state(void)
{
    esp_world *world = NULL;
    esp_simulator *simulator = NULL;
    float action = 0.0f;
    CHECK_OK(open_with("\"(1 + cos(angle)) / 2\"", "\"1 / (time < 0.11)\"", &world));
    CHECK_OK(esp_simulator_create(world, 1, false, &simulator));
    esp_trajectory out = {0};
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_rollout(simulator, &(esp_episode){.seed = 1}, 1, act, &action, &out),
                "term 'upright' of the reward is inf in control step 3, at 0.12 s, with qpos 0.499");
    esp_simulator_free(simulator);
    esp_world_free(world);
    CHECK_OK(open_with("upright * calm", "sqrt(-1)", &world));
    CHECK_OK(esp_simulator_create(world, 1, false, &simulator));
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_rollout(simulator, &(esp_episode){.seed = 1}, 1, act, &action, &out),
                "reward 'both' is ");
    esp_simulator_free(simulator);
    esp_world_free(world);
}

static void a_start_that_is_never_accepted_is_an_error(void)
{
    esp_world *world = NULL;
    esp_simulator *simulator = NULL;
    CHECK_OK(open_with("{\"keyframe\": \"home\"}", "{\"draw_again_while\": \"1\"}", &world));
    CHECK_OK(esp_simulator_create(world, 1, false, &simulator));
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_simulator_begin(simulator, &(esp_episode){.seed = 1}, 1), "start 'home'");
    esp_simulator_free(simulator);
    esp_world_free(world);
}

static void native_code_is_loaded_only_when_the_command_line_names_it(void)
{
    esp_env_config config = esp_env_config_of("./mytask.so");
    esp_world *none = NULL;
    CHECK_FAILS(ESP_ERR_USAGE, esp_world_create(&config, &none), "only the command line may name");
    esp_task_allow_native("./mytask.so");
    CHECK_FAILS(ESP_ERR_IO, esp_world_create(&config, &none), "mytask.so: cannot be loaded");
}

static CU_TestInfo tests[] = {
    {"a task observes, rewards and ends as it says", a_task_observes_rewards_and_ends_as_it_says},
    {"reward is the sum over the steps of the task", reward_is_the_sum_over_the_steps_of_the_task},
    {"stepping and observing allocate nothing", stepping_and_observing_allocate_nothing},
    {"aliases, offsets and displacements work", aliases_offsets_and_displacements_work},
    {"starts stay in the range of their joints", starts_stay_in_the_range_of_their_joints},
    {"unknown names are refused with the nearest and the position",
     unknown_names_are_refused_with_the_nearest_and_the_position},
    {"recursion and bad expressions are refused", recursion_and_bad_expressions_are_refused},
    {"values out of range and of other types are refused", values_out_of_range_and_of_other_types_are_refused},
    {"scenes that do not fit are refused", scenes_that_do_not_fit_are_refused},
    {"a scene without actuators is refused", a_scene_without_actuators_is_refused},
    {"a scene with 200 actuators works", a_scene_with_200_actuators_works},
    {"reward that is no number names term, step and state", reward_that_is_no_number_names_term_step_and_state},
    {"a start that is never accepted is an error", a_start_that_is_never_accepted_is_an_error},
    {"native code is loaded only when the command line names it",
     native_code_is_loaded_only_when_the_command_line_names_it},
    CU_TEST_INFO_NULL,
};

static int remove_folder(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    CU_SuiteInfo suites[] = {{"task", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    setenv("ESPALIER_MODELS", ESP_SOURCE "/models", 1);
    if (!mkdtemp(folder) || CU_initialize_registry() != CUE_SUCCESS) return 1;
    if (CU_register_suites(suites) != CUE_SUCCESS) return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return remove_folder() != 0 || failures != 0;
}
