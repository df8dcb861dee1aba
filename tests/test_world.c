/* A scene that cannot be used gives one line that names the file; nothing is printed or left
 * behind. */
#include <unistd.h>

#include "envs/envs.h"

#include "check.h"

#define SCENE "test_world_scene.xml"

static const char good[] =
    "<mujoco><worldbody><camera name='side' pos='0 -2 0'/><body><joint name='hinge' axis='0 1 0'/>"
    "<geom size='.1' pos='0 0 .5'/></body></worldbody>"
    "<actuator><motor joint='hinge' ctrllimited='true' ctrlrange='-2 4'/></actuator></mujoco>";

/* Writes the good scene with one part replaced, and tries to load it. */
static esp_status load_with(const char *part, const char *replacement, esp_world **out)
{
    char text[1024];
    const char *at = strstr(good, part);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, replacement, at + strlen(part));
    CHECK_OK(esp_file_write(SCENE, text, strlen(text)));
    esp_env_config config = esp_env_config_default();
    config.scene = SCENE;
    esp_status status = esp_world_create(&config, out);
    unlink(SCENE);
    return status;
}

#define CHECK_BAD_SCENE(part, replacement, word)                                             \
    do {                                                                                     \
        esp_world *none = NULL;                                                              \
        CHECK_FAILS(ESP_ERR_FORMAT, load_with(part, replacement, &none), word);              \
        CU_ASSERT_PTR_NULL(none);                                                            \
        CU_ASSERT(strncmp(esp_error_text(), SCENE ": ", strlen(SCENE) + 2) == 0);            \
        CU_ASSERT_PTR_NULL(strchr(esp_error_text(), '\n'));                                  \
    } while (0)

static void scene_of_the_task_is_found_without_naming_it(void)
{
    esp_env_config config = esp_env_config_default();
    esp_world *world = NULL;
    CHECK_OK(esp_world_create(&config, &world));
    CU_ASSERT(strstr(world->scene, "pendulum/scene.xml") != NULL);
    esp_world_free(world);
}

static void named_scene_is_used_if_it_fits(void)
{
    esp_world *world = NULL;
    CHECK_OK(load_with("", "", &world));
    CU_ASSERT_STRING_EQUAL(world->scene, SCENE);
    esp_world_free(world);
}

static void malformed_scene_is_one_line_naming_the_file(void)
{
    CHECK_BAD_SCENE("</worldbody>", "", "XML");
    CHECK_BAD_SCENE(good, "", "XML");
    CHECK_BAD_SCENE(good, "\x7f" "ELF", "XML");
    CHECK_BAD_SCENE("size='.1'", "size='.1' colour='red'", "colour");
    CHECK_BAD_SCENE("size='.1'", "size='-1'", "size");
    CHECK_BAD_SCENE("joint='hinge'", "joint='knee'", "knee");
    CHECK_BAD_SCENE("<worldbody>", "<option timestep='nan'/><worldbody>", "timestep");
}

static void scene_that_does_not_fit_says_what_is_missing(void)
{
    CHECK_BAD_SCENE("<joint name='hinge' axis='0 1 0'/>", "<joint name='hinge' type='slide'/>", "'hinge'");
    CHECK_BAD_SCENE("<geom", "<joint name='second' axis='1 0 0'/><geom", "only one");
    CHECK_BAD_SCENE("<camera name='side'", "<camera name='top'", "camera named 'side'");
    CHECK_BAD_SCENE("</actuator>", "<motor joint='hinge'/></actuator>", "one actuator");
}

static void missing_scene_is_an_io_error(void)
{
    esp_env_config config = esp_env_config_default();
    esp_world *world = NULL;
    config.scene = "/nowhere/scene.xml";
    CHECK_FAILS(ESP_ERR_IO, esp_world_create(&config, &world), "/nowhere/scene.xml: cannot be read: No such file");
    config.scene = "/";
    CHECK_FAILS(ESP_ERR_IO, esp_world_create(&config, &world), "is not a file");
    CU_ASSERT_PTR_NULL(world);
}

static void unknown_task_is_refused_with_the_nearest(void)
{
    esp_env_config config = esp_env_config_default();
    esp_world *world = NULL;
    config.task = "pendulm";
    CHECK_FAILS(ESP_ERR_USAGE, esp_world_create(&config, &world), "'pendulum'");
}

static void names_the_task_does_not_have_are_refused_with_those_it_has(void)
{
    esp_env_config config = esp_env_config_default();
    esp_world *world = NULL;
    config.start = "upside";
    CHECK_FAILS(ESP_ERR_USAGE, esp_world_create(&config, &world), "env.start: task 'pendulum' has no 'upside'");
    CU_ASSERT(strstr(esp_error_text(), "random, hanging") != NULL);
    config.start = "hanging";
    config.reward = "sparse|dense";
    CHECK_FAILS(ESP_ERR_USAGE, esp_world_create(&config, &world), "sparse, dense, mixed");
    config.reward = "";
    CHECK_OK(esp_world_create(&config, &world));
    CU_ASSERT(world->start == 1 && world->reward == 0);
    CU_ASSERT_STRING_EQUAL(world->config.reward, "sparse");
    esp_world_free(world);
}

static void values_outside_their_range_name_their_key(void)
{
    esp_env_config config = esp_env_config_default();
    esp_world *world = NULL;
    config.physics_steps = 1001;
    CHECK_FAILS(ESP_ERR_RANGE, esp_world_create(&config, &world), "multiple of env.action_repeat");
    config = esp_env_config_default();
    config.image_size = -28;
    CHECK_FAILS(ESP_ERR_RANGE, esp_world_create(&config, &world), "env.image_size is -28");
    config = esp_env_config_default();
    config.frame_stack = 1 << 30;
    CHECK_FAILS(ESP_ERR_RANGE, esp_world_create(&config, &world), "env.frame_stack");
}

static esp_status act_hard(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    (void)obs;
    (void)step;
    for (int i = 0; i < n; i++) actions[i] = *(const float *)context;
    return ESP_OK;
}

static double last_return;
static esp_trajectory last_trajectory;
static char last_line[256];

static void keep_line(void *context, esp_log_level level, const char *line)
{
    (void)context, (void)level;
    snprintf(last_line, sizeof last_line, "%s", line);
}

static esp_status play(esp_world *world, float action)
{
    esp_episode episode = {.seed = 1};
    esp_trajectory out = {0};
    esp_simulator *simulator = NULL;
    CHECK_OK(esp_simulator_create(world, 1, false, &simulator));
    esp_status status = esp_rollout(simulator, &episode, 1, act_hard, &action, &out);
    esp_simulator_free(simulator);
    last_return = out.episode_return;
    last_trajectory = out;
    return status;
}

/* MuJoCo would reset the state and carry on, and the episode would look like a success. */
static void unstable_physics_ends_the_episode_and_says_so(void)
{
    esp_world *world = NULL;
    CHECK_OK(load_with("axis='0 1 0'", "axis='0 1 0' damping='-1e6'", &world));
    esp_log_to(keep_line, NULL, NULL);
    CHECK_OK(play(world, 1.0f));
    esp_log_to(NULL, NULL, NULL);
    CU_ASSERT(strstr(last_line, "unstable at") != NULL);
    CU_ASSERT(last_trajectory.ending == ESP_ENDING_DIVERGED && last_trajectory.length < 125);
    esp_world_free(world);
}

/* The same push in a scene with quarter steps: as long, as far, and with an equal return. */
static void finer_time_step_keeps_control_period_and_return(void)
{
    const struct { const char *timestep; int repeat; double share; } cases[] = {
        {"0.02", 8, 1.0}, {"0.005", 32, 0.25}, {"0.16", 1, 8.0}, {"0.03", 5, 1.5}};
    double returns[4];
    for (int i = 0; i < 4; i++) {
        char option[64];
        esp_world *world = NULL;
        snprintf(option, sizeof option, "<option timestep='%s'/><worldbody>", cases[i].timestep);
        CHECK_OK(load_with("<worldbody>", option, &world));
        if (!world) continue;
        CU_ASSERT_EQUAL(world->repeat, cases[i].repeat);
        CU_ASSERT_EQUAL(world->num_steps, 125);
        CU_ASSERT_DOUBLE_EQUAL(world->reward_weight, cases[i].share, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(esp_world_period(world), 0.16, 1e-12);
        world->reward = 1; /* dense */
        CHECK_OK(play(world, 0.3f));
        returns[i] = last_return;
        esp_world_free(world);
    }
    CU_ASSERT_DOUBLE_EQUAL(returns[0], returns[1], 0.02 * returns[0]); /* Euler's error at 0.02 s */
}

static double fail_in_mujoco(const esp_task *task, const mjModel *model, const esp_play *play, int kind)
{
    (void)task, (void)model, (void)play, (void)kind;
    mju_error("no room\nfor rows\n");
    return 0.0;
}

static void errors_of_mujoco_become_one_line_and_a_status(void)
{
    esp_world *world = NULL;
    CHECK_OK(load_with("", "", &world));
    esp_task failing = *world->task;
    failing.reward = fail_in_mujoco;
    world->task = &failing;
    CHECK_FAILS(ESP_ERR_NUMERIC, play(world, 1.0f), "MuJoCo: no room; for rows");
    esp_world_free(world);
    CU_ASSERT(access("MUJOCO_LOG.TXT", F_OK) != 0);
}

static CU_TestInfo tests[] = {
    {"scene of the task is found without naming it", scene_of_the_task_is_found_without_naming_it},
    {"named scene is used if it fits", named_scene_is_used_if_it_fits},
    {"malformed scene is one line naming the file", malformed_scene_is_one_line_naming_the_file},
    {"scene that does not fit says what is missing", scene_that_does_not_fit_says_what_is_missing},
    {"missing scene is an io error", missing_scene_is_an_io_error},
    {"unknown task is refused with the nearest", unknown_task_is_refused_with_the_nearest},
    {"names the task does not have are refused with those it has",
     names_the_task_does_not_have_are_refused_with_those_it_has},
    {"finer time step keeps control period and return", finer_time_step_keeps_control_period_and_return},
    {"values outside their range name their key", values_outside_their_range_name_their_key},
    {"unstable physics ends the episode and says so", unstable_physics_ends_the_episode_and_says_so},
    {"errors of mujoco become one line and a status", errors_of_mujoco_become_one_line_and_a_status},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("world", tests)
