/* The controller inside another program: a simulation stepped by its host behaves as the closed
 * loop of `eval`, whatever else the host does with it. */
#include <pthread.h>

#include "comma_locale.h"
#include "plugin_host.h"

static esp_plugin_options tiny_options(esp_controller_kind kind)
{
    return (esp_plugin_options){.checkpoint = agent_path,
                                .controller = kind == ESP_CONTROLLER_MPPI ? "mppi" : "policy",
                                .seed = SEED};
}

static bool attached_follows(esp_controller_kind kind, int integrator, void (*disturb)(host *h))
{
    episode expected = evaluate(agent_path, kind, 0, integrator);
    esp_plugin_options options = tiny_options(kind);
    host h = pendulum();
    h.model->opt.integrator = integrator;
    h.data->qpos[0] = expected.start;
    CU_ASSERT_EQUAL_FATAL(esp_plugin_attach(h.model, h.data, &options), 0);
    bool equal = follows(&h, &expected, disturb);
    free_host(&h);
    return equal;
}

/* ---- the closed loop ------------------------------------------------------------------------------ */

static void attached_simulation_is_an_episode_of_eval(void)
{
    CU_ASSERT(attached_follows(ESP_CONTROLLER_POLICY, mjINT_EULER, NULL));
    CU_ASSERT(attached_follows(ESP_CONTROLLER_MPPI, mjINT_EULER, NULL));
}

/* view.xml has lights, a floor, other colours and no camera named 'side'. */
static void scene_that_looks_different_is_seen_as_the_agent_learnt_to_see_it(void)
{
    episode expected = evaluate(agent_path, ESP_CONTROLLER_POLICY, 0, mjINT_EULER);
    esp_plugin_options options = tiny_options(ESP_CONTROLLER_POLICY);
    host h = make_host(ESP_SOURCE "/models/pendulum/view.xml");
    h.data->qpos[0] = expected.start;
    CU_ASSERT_EQUAL_FATAL(esp_plugin_attach(h.model, h.data, &options), 0);
    CU_ASSERT(follows(&h, &expected, NULL));
    free_host(&h);
}

static void stages_of_runge_kutta_do_not_count_as_steps(void)
{
    CU_ASSERT(attached_follows(ESP_CONTROLLER_POLICY, mjINT_RK4, NULL));
}

/* What hosts do between steps: evaluate the state, evaluate it again, and differentiate. */
static void look_around(host *h)
{
    mjtNum A[4], B[2], time = h->data->time;
    mj_forward(h->model, h->data);
    mjd_transitionFD(h->model, h->data, 1e-6, 0, A, B, NULL, NULL);
    h->data->time = time; /* MuJoCo 2.2.2 does not restore the time */
    mj_forward(h->model, h->data);
}

static void evaluations_between_steps_change_nothing(void)
{
    CU_ASSERT(attached_follows(ESP_CONTROLLER_MPPI, mjINT_EULER, look_around));
}

static void reset_begins_the_next_episode(void)
{
    esp_plugin_options options = tiny_options(ESP_CONTROLLER_MPPI);
    host h = pendulum();
    CU_ASSERT_EQUAL_FATAL(esp_plugin_attach(h.model, h.data, &options), 0);
    for (int index = 0; index < 3; index++) {
        episode expected = evaluate(agent_path, ESP_CONTROLLER_MPPI, index, mjINT_EULER);
        mj_resetData(h.model, h.data);
        mj_forward(h.model, h.data); /* a host shows the state before it sets its own */
        h.data->qpos[0] = expected.start;
        CU_ASSERT(follows(&h, &expected, NULL));
    }
    free_host(&h);
}

/* ---- several ---------------------------------------------------------------------------------------- */

typedef struct {
    host        h;
    episode     expected;
    const char *checkpoint, *log;
    bool        equal;
} guest;

static void *play(void *argument)
{
    guest *g = argument;
    esp_plugin_options options = {.checkpoint = g->checkpoint, .seed = SEED, .log = g->log};
    for (int repeat = 0; repeat < 3; repeat++) {
        host h = pendulum();
        h.data->qpos[0] = g->expected.start;
        g->equal = esp_plugin_attach(h.model, h.data, &options) == 0 && follows(&h, &g->expected, NULL);
        free_host(&h);
        if (!g->equal) break;
    }
    return NULL;
}

static void two_models_with_two_controllers_do_not_disturb_each_other(void)
{
    guest guests[] = {{.checkpoint = agent_path, .log = log_path}, {.checkpoint = other_path, .log = other_log}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        guests[i].expected = evaluate(guests[i].checkpoint, ESP_CONTROLLER_MPPI, 0, mjINT_EULER);
    CU_ASSERT_NOT_EQUAL(guests[0].expected.actions[3], guests[1].expected.actions[3]);
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, play, &guests[i]);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    CU_ASSERT(guests[0].equal && guests[1].equal);
}

/* As when MuJoCo copies plugin instances. */
static void copied_core_continues_like_the_original(void)
{
    episode expected = evaluate(agent_path, ESP_CONTROLLER_MPPI, 0, mjINT_EULER);
    esp_plugin_options options = tiny_options(ESP_CONTROLLER_MPPI);
    host h = pendulum();
    mjData *half_way = mj_makeData(h.model);
    esp_core *cores[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        esp_plugin_settings settings;
        CHECK_OK(esp_plugin_settings_read(&options, h.model, 0, esp_plugin_scene_text, &settings));
        CHECK_OK(esp_core_create(h.model, &settings, &cores[i]));
    }
    mjData *played[2] = {h.data, half_way};
    h.data->qpos[0] = expected.start;
    for (int i = 0; i < 2; i++) {
        int first = i == 0 ? 0 : TINY_STEPS / 2 * 8;
        for (int step = first; step < TINY_STEPS * 8; step++) {
            if (i == 0 && step == TINY_STEPS / 2 * 8) {
                mj_copyData(half_way, h.model, h.data);
                esp_core_copy(cores[1], cores[0]);
            }
            mj_fwdPosition(h.model, played[i]);
            esp_core_control(cores[i], h.model, played[i]);
            mj_step(h.model, played[i]);
            CU_ASSERT_EQUAL(played[i]->ctrl[0], (double)expected.actions[step / 8]);
        }
    }
    for (int i = 0; i < 2; i++) esp_core_free(cores[i]);
    mj_deleteData(half_way);
    free_host(&h);
}

/* ---- configuration ----------------------------------------------------------------------------------- */

static void control_is_chosen_once_per_period(void)
{
    esp_plugin_options options = tiny_options(ESP_CONTROLLER_POLICY);
    options.period = 0.06;
    host h = pendulum();
    h.data->qpos[0] = 3.0;
    CU_ASSERT_EQUAL_FATAL(esp_plugin_attach(h.model, h.data, &options), 0);
    double last = -2.0;
    for (int step = 0; step < 30; step++) {
        mj_step(h.model, h.data);
        CU_ASSERT((h.data->ctrl[0] != last) == (step % 3 == 0));
        last = h.data->ctrl[0];
    }
    free_host(&h);
}

/* What a simulation of `steps` steps prints to stderr, in a static buffer. */
static const char *said_by(host *h, const esp_plugin_options *options, int steps)
{
    hearing ear = hear();
    int status = esp_plugin_attach(h->model, h->data, options);
    for (int step = 0; step < steps; step++) mj_step(h->model, h->data);
    const char *said = heard(&ear);
    CU_ASSERT_FATAL(status == 0);
    return said;
}

static void controller_slower_than_its_period_says_so_once(void)
{
    esp_plugin_options options = tiny_options(ESP_CONTROLLER_POLICY);
    host h = pendulum();
    CU_ASSERT_STRING_EQUAL(said_by(&h, &options, 200), "");
    options.period = h.model->opt.timestep = 1e-6;
    const char *said = said_by(&h, &options, 200);
    const char *slow = strstr(said, "one is due every 0.001 ms: the simulation cannot run in real time\n");
    CU_ASSERT(slow && !strstr(slow + 1, "one is due"));
    free_host(&h);
}

static void finer_time_step_keeps_the_period_and_is_mentioned(void)
{
    esp_plugin_options options = tiny_options(ESP_CONTROLLER_POLICY);
    options.log = log_path;
    remove(log_path);
    host h = pendulum();
    h.model->opt.timestep = 0.005;
    h.data->qpos[0] = 3.0;
    const char *said = said_by(&h, &options, 65);
    CU_ASSERT(strstr(said, "time step 0.005 s") && strstr(said, "32 physics steps, 0.16 s"));
    char *text = NULL;
    size_t size = 0, lines = 0;
    CHECK_OK(esp_file_read(log_path, 1 << 20, &text, &size));
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    CU_ASSERT_EQUAL(lines, 3);
    free(text);
    free_host(&h);
}

static void scene_names_the_controller_and_the_environment_overrules_it(void)
{
    char text[512];
    snprintf(text, sizeof text,
             "<custom><text name='espalier.checkpoint' data='%s'/><text name='espalier.controller' data='policy'/>"
             "<text name='espalier.period' data='0.06'/><text name='espalier.seed' data='%d'/></custom><worldbody>",
             agent_path, SEED);
    write_scene(in_folder("custom.xml"), (scene_edit[]){{"<worldbody>", text}, {NULL, NULL}});
    host h = make_host(in_folder("custom.xml"));

    esp_plugin_settings settings;
    CHECK_OK(esp_plugin_settings_read(NULL, h.model, 0, esp_plugin_scene_text, &settings));
    CU_ASSERT_STRING_EQUAL(settings.checkpoint, agent_path);
    CU_ASSERT_EQUAL(settings.controller, ESP_CONTROLLER_POLICY);
    CU_ASSERT_EQUAL(settings.period, 0.06);
    CU_ASSERT_EQUAL(settings.seed, SEED);
    CU_ASSERT_PTR_NULL(settings.log);
    esp_plugin_settings_free(&settings);

    setenv("ESPALIER_CONTROLLER", "mppi", 1);
    setenv("ESPALIER_SEED", "0", 1);
    CHECK_OK(esp_plugin_settings_read(NULL, h.model, 0, esp_plugin_scene_text, &settings));
    CU_ASSERT_EQUAL(settings.controller, ESP_CONTROLLER_MPPI);
    CU_ASSERT_EQUAL(settings.seed, 0);
    esp_plugin_settings_free(&settings);
    unsetenv("ESPALIER_CONTROLLER");
    unsetenv("ESPALIER_SEED");
    free_host(&h);
}

static void contract_names_the_controller_when_nobody_else_does(void)
{
    char path[96];
    snprintf(path, sizeof path, "%s", in_folder("for_policy.safetensors"));
    write_policy(path, ESP_ALL_COMPONENTS); /* the planner could run as well */
    episode expected = evaluate(path, ESP_CONTROLLER_POLICY, 0, mjINT_EULER);
    host h = pendulum();
    h.data->qpos[0] = expected.start;
    CU_ASSERT_EQUAL_FATAL(esp_plugin_attach(h.model, h.data, &(esp_plugin_options){.checkpoint = path, .seed = SEED}),
                          0);
    CU_ASSERT(follows(&h, &expected, NULL));
    free_host(&h);
}

/* A contract made with another scene, which the agent would still act in. */
static void another_scene_than_the_contracts_is_mentioned(void)
{
    char path[96];
    snprintf(path, sizeof path, "%s", in_folder("elsewhere.safetensors"));
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, 1, 1);
    esp_world *world = tiny_world();
    esp_metadata metadata = {.contract = esp_agent_contract(path, &config, world, ESP_CONTROLLER_POLICY)};
    esp_plugin_options options = {.checkpoint = path, .seed = SEED};
    host h = pendulum();
    CHECK_OK(esp_agent_checkpoint_save(path, &config, net, ESP_ALL_COMPONENTS, &metadata));
    CU_ASSERT_STRING_EQUAL(said_by(&h, &options, 1), "");
    free_host(&h);
    cJSON_SetValuestring(cJSON_GetObjectItem(metadata.contract, "scene_hash"), "0123456789abcdef");
    CHECK_OK(esp_agent_checkpoint_save(path, &config, net, ESP_ALL_COMPONENTS, &metadata));
    h = pendulum();
    const char *said = said_by(&h, &options, 1), *end = strchr(said, '\n');
    CU_ASSERT(strstr(said, "elsewhere.safetensors: was made with another scene than") != NULL);
    CU_ASSERT(strstr(said, "pendulum/scene.xml") != NULL);
    CU_ASSERT(end && end[1] == 0);
    free_host(&h);
    esp_metadata_free(&metadata);
    esp_world_free(world);
    esp_network_free(net);
}

static void check_refused(host *h, const esp_plugin_options *options, const char *word)
{
    CU_ASSERT_NOT_EQUAL(esp_plugin_attach(h->model, h->data, options), 0);
    if (!strstr(esp_plugin_error(), word)) printf("\n    %s ", esp_plugin_error());
    CU_ASSERT(strstr(esp_plugin_error(), word) != NULL);
    CU_ASSERT(strstr(esp_plugin_error(), "model 'pendulum'") != NULL);
}

static void anything_that_does_not_fit_is_refused_in_one_sentence(void)
{
    esp_plugin_options options = tiny_options(ESP_CONTROLLER_POLICY);
    host h = pendulum();
    check_refused(&h, NULL, "no checkpoint is named");
    check_refused(&h, &(esp_plugin_options){.checkpoint = "/nix/agent.safetensors"}, "/nix/agent.safetensors");
    check_refused(&h, &(esp_plugin_options){.checkpoint = ESP_SOURCE "/README.md"}, "safetensors");
    check_refused(&h, &(esp_plugin_options){.checkpoint = agent_path, .controller = "mpi"}, "mppi|policy");
    check_refused(&h, &(esp_plugin_options){.checkpoint = agent_path, .period = -1.0}, "period");
    write_policy(in_folder("policy.safetensors"), esp_controller_components(ESP_CONTROLLER_POLICY));
    check_refused(&h, &(esp_plugin_options){.checkpoint = in_folder("policy.safetensors"), .controller = "mppi"},
                  "policy.safetensors: controller 'mppi' also runs dynamics, reward, Q1, Q2");
    CU_ASSERT_PTR_NULL(strchr(esp_plugin_error(), '\n'));
    setenv("ESPALIER_PERIOD", "often", 1);
    check_refused(&h, &options, "'often'");
    unsetenv("ESPALIER_PERIOD");

    h.model->names[h.model->name_jntadr[0]] = 'x';
    check_refused(&h, &options, "joint");
    free_host(&h);
    h = pendulum();
    h.model->names[h.model->name_camadr[0]] = 'x';
    h.model->body_mass[1] *= 1.1; /* a different pendulum is drawn from its own scene */
    check_refused(&h, &options, "camera");
    free_host(&h);
    write_scene(in_folder("misfit.xml"),
                (scene_edit[]){{"</actuator>", "<motor joint='hinge'/></actuator>"}, {NULL, NULL}});
    h = make_host(in_folder("misfit.xml"));
    check_refused(&h, &options, "actuator");
    free_host(&h);
}

/* ---- the host's own -------------------------------------------------------------------------------------- */

static int calls;

static void count_calls(const mjModel *model, mjData *data)
{
    (void)model;
    (void)data;
    calls++;
}

static void callback_that_was_there_serves_the_others(void)
{
    mjfGeneric ours = mjcb_control;
    mjcb_control = count_calls;
    esp_plugin_options options = tiny_options(ESP_CONTROLLER_POLICY);
    host driven = pendulum(), other = pendulum();
    calls = 0;
    CU_ASSERT_EQUAL_FATAL(esp_plugin_attach(driven.model, driven.data, &options), 0);
    mj_step(driven.model, driven.data);
    CU_ASSERT_EQUAL(calls, 0);
    mj_step(other.model, other.data);
    CU_ASSERT_EQUAL(calls, 1);
    CU_ASSERT_EQUAL(other.data->ctrl[0], 0.0);
    esp_plugin_detach(driven.data);
    mj_step(driven.model, driven.data);
    CU_ASSERT_EQUAL(calls, 2);
    free_host(&driven);
    free_host(&other);
    mjcb_control = ours;
}

static void warnings_of_the_host_still_reach_its_handler(void)
{
    mju_warning("of the host");
    CU_ASSERT_STRING_EQUAL(warned, "of the host");
}

typedef enum { DRIVEN, ZERO, LEFT_ALONE } standing;

/* What a program that preloads the library gets, for every simulation that it creates. */
static void step_with_noise(const host *h, standing expected)
{
    h->data->ctrl[0] = 0.25;
    mj_step(h->model, h->data);
    CU_ASSERT((h->data->ctrl[0] == 0.0) == (expected == ZERO));
    CU_ASSERT((h->data->ctrl[0] == 0.25) == (expected == LEFT_ALONE));
}

static void preloaded_controller_takes_over_simulations_that_name_a_checkpoint(void)
{
    esp_callback_take_all();
    host unnamed = pendulum();
    step_with_noise(&unnamed, LEFT_ALONE);
    step_with_noise(&unnamed, LEFT_ALONE);
    setenv("ESPALIER_CHECKPOINT", agent_path, 1);
    host driven = pendulum();
    step_with_noise(&driven, DRIVEN);
    step_with_noise(&driven, DRIVEN);
    setenv("ESPALIER_CHECKPOINT", "/nix/agent.safetensors", 1);
    host refused = pendulum();
    step_with_noise(&refused, ZERO);
    step_with_noise(&refused, ZERO);
    step_with_noise(&driven, DRIVEN);
    unsetenv("ESPALIER_CHECKPOINT");
    free_host(&unnamed);
    free_host(&driven);
    free_host(&refused);
}

static void preloaded_policy_is_played_and_no_planner_made_of_it(void)
{
    write_policy(in_folder("policy.safetensors"), esp_controller_components(ESP_CONTROLLER_POLICY));
    setenv("ESPALIER_CHECKPOINT", in_folder("policy.safetensors"), 1);
    host driven = pendulum();
    step_with_noise(&driven, DRIVEN);
    setenv("ESPALIER_CONTROLLER", "mppi", 1);
    host refused = pendulum();
    step_with_noise(&refused, ZERO);
    unsetenv("ESPALIER_CONTROLLER");
    unsetenv("ESPALIER_CHECKPOINT");
    free_host(&driven);
    free_host(&refused);
}

/* ---- the log ----------------------------------------------------------------------------------------------- */

static cJSON *log_line(char **at)
{
    cJSON *json = NULL;
    char *end = strchr(*at, '\n');
    CU_ASSERT_FATAL(end != NULL);
    CHECK_OK(esp_json_parse(*at, (size_t)(end - *at), "log", &json));
    *at = end + 1;
    return json;
}

/* Numbers in the log read back as the same number or its neighbour. */
static bool logged(double number, double value)
{
    return fabs(number - value) <= 2.3e-16 * fabs(value);
}

static double number(const cJSON *json, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    if (cJSON_IsArray(item)) item = cJSON_GetArrayItem(item, 0);
    CU_ASSERT_FATAL(cJSON_IsNumber(item));
    return item->valuedouble;
}

static void log_holds_states_controls_and_the_return_of_eval(void)
{
    episode expected = evaluate(agent_path, ESP_CONTROLLER_POLICY, 0, mjINT_EULER);
    esp_plugin_options options = tiny_options(ESP_CONTROLLER_POLICY);
    options.log = log_path;
    remove(log_path);
    host h = pendulum();
    h.data->qpos[0] = expected.start;
    CU_ASSERT_EQUAL_FATAL(esp_plugin_attach(h.model, h.data, &options), 0);
    for (int step = 0; step <= TINY_STEPS * 8; step++) mj_step(h.model, h.data);
    free_host(&h);

    char *text = NULL, *at;
    size_t size = 0;
    double sum = 0.0;
    CHECK_OK(esp_file_read(log_path, 1 << 20, &text, &size));
    at = text;
    for (int step = 0; step <= TINY_STEPS; step++) {
        cJSON *line = log_line(&at);
        CU_ASSERT(fabs(number(line, "time") - 0.16 * step) < 1e-9);
        CU_ASSERT(logged(number(line, "qpos"), expected.states[step][0]));
        if (step < TINY_STEPS) CU_ASSERT(logged(number(line, "ctrl"), (double)expected.actions[step]));
        sum += number(line, "reward");
        CU_ASSERT(fabs(number(line, "return") - sum) <= 1e-14 * sum);
        cJSON_Delete(line);
    }
    CU_ASSERT(fabs(sum - expected.episode_return) <= 1e-14 * sum);
    CU_ASSERT_EQUAL(*at, 0);
    free(text);
}

/* The log of a host whose control period is in the environment; the caller frees it. */
static char *log_of_a_period(bool comma)
{
    esp_plugin_options options = tiny_options(ESP_CONTROLLER_POLICY);
    char *text = NULL;
    size_t size = 0;
    options.log = log_path;
    remove(log_path);
    host h = pendulum();
    h.data->qpos[0] = 3.0;
    setenv("ESPALIER_PERIOD", "0.06", 1);
    if (comma) comma_begin();
    CU_ASSERT_EQUAL_FATAL(esp_plugin_attach(h.model, h.data, &options), 0);
    for (int step = 0; step < 30; step++) mj_step(h.model, h.data);
    if (comma) comma_end();
    unsetenv("ESPALIER_PERIOD");
    free_host(&h);
    CHECK_OK(esp_file_read(log_path, 1 << 20, &text, &size));
    return text;
}

/* Another program holds the lock of the log; ours acts all the same and leaves the file alone. */
static void a_second_program_with_the_same_log_acts_without_one(void)
{
    esp_plugin_options options = tiny_options(ESP_CONTROLLER_POLICY);
    esp_lock *other = NULL;
    options.log = log_path;
    remove(log_path);
    CHECK_OK(esp_lock_take(log_path, &other));
    host h = pendulum();
    h.data->qpos[0] = 3.0;
    CU_ASSERT_EQUAL_FATAL(esp_plugin_attach(h.model, h.data, &options), 0);
    mj_step(h.model, h.data);
    CU_ASSERT_NOT_EQUAL(h.data->ctrl[0], 0.0);
    free_host(&h);
    CU_ASSERT_NOT_EQUAL(access(log_path, F_OK), 0);
    esp_lock_release(other);
}

static void simulations_of_one_program_share_a_log(void)
{
    esp_plugin_options options = tiny_options(ESP_CONTROLLER_POLICY);
    host h[2];
    char *text = NULL;
    size_t size = 0;
    options.log = log_path;
    remove(log_path);
    for (int i = 0; i < 2; i++) {
        h[i] = pendulum();
        CU_ASSERT_EQUAL_FATAL(esp_plugin_attach(h[i].model, h[i].data, &options), 0);
    }
    for (int i = 0; i < 4; i++) mj_step(h[i % 2].model, h[i % 2].data);
    free_host(&h[0]);
    mj_resetData(h[1].model, h[1].data);
    mj_step(h[1].model, h[1].data); /* the log is still open for the other one */
    free_host(&h[1]);
    CHECK_OK(esp_file_read(log_path, 1 << 20, &text, &size));
    int lines = 0;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    CU_ASSERT_EQUAL(lines, 3);
    free(text);
    esp_lock *lock = NULL;
    CHECK_OK(esp_lock_take(log_path, &lock)); /* and closed when nobody uses it */
    esp_lock_release(lock);
}

static void a_host_with_a_decimal_comma_gets_the_same_log(void)
{
    char *plain = log_of_a_period(false), *comma = log_of_a_period(true);
    CU_ASSERT(strstr(plain, "\"time\":0.06") != NULL);
    CU_ASSERT_STRING_EQUAL(plain, comma);
    free(plain);
    free(comma);
}

/* ---- the scene ----------------------------------------------------------------------------------------------- */

static void scene_has_keyframes_to_start_from(void)
{
    static const struct { const char *name; double angle; } keys[] = {
        {"upright", 0.0}, {"hanging", M_PI}, {"test", M_PI}};
    host h = pendulum();
    for (int i = 0; i < 3; i++) {
        int key = mj_name2id(h.model, mjOBJ_KEY, keys[i].name);
        CU_ASSERT_FATAL(key >= 0);
        CU_ASSERT_EQUAL(h.model->key_qpos[key], keys[i].angle);
        CU_ASSERT_EQUAL(h.model->key_qvel[key], 0.0);
    }
    free_host(&h);
}

static CU_TestInfo tests[] = {
    {"machine draws what agents see", machine_draws_what_agents_see},
    {"attached simulation is an episode of eval", attached_simulation_is_an_episode_of_eval},
    {"scene that looks different is seen as the agent learnt to see it",
     scene_that_looks_different_is_seen_as_the_agent_learnt_to_see_it},
    {"stages of Runge-Kutta do not count as steps", stages_of_runge_kutta_do_not_count_as_steps},
    {"evaluations between steps change nothing", evaluations_between_steps_change_nothing},
    {"reset begins the next episode", reset_begins_the_next_episode},
    {"two models with two controllers do not disturb each other",
     two_models_with_two_controllers_do_not_disturb_each_other},
    {"copied core continues like the original", copied_core_continues_like_the_original},
    {"control is chosen once per period", control_is_chosen_once_per_period},
    {"controller slower than its period says so once", controller_slower_than_its_period_says_so_once},
    {"finer time step keeps the period and is mentioned", finer_time_step_keeps_the_period_and_is_mentioned},
    {"contract names the controller when nobody else does", contract_names_the_controller_when_nobody_else_does},
    {"another scene than the contract's is mentioned", another_scene_than_the_contracts_is_mentioned},
    {"scene names the controller and the environment overrules it",
     scene_names_the_controller_and_the_environment_overrules_it},
    {"anything that does not fit is refused in one sentence", anything_that_does_not_fit_is_refused_in_one_sentence},
    {"callback that was there serves the others", callback_that_was_there_serves_the_others},
    {"warnings of the host still reach its handler", warnings_of_the_host_still_reach_its_handler},
    {"log holds states, controls and the return of eval", log_holds_states_controls_and_the_return_of_eval},
    {"a second program with the same log acts without one", a_second_program_with_the_same_log_acts_without_one},
    {"simulations of one program share a log", simulations_of_one_program_share_a_log},
    {"a host with a decimal comma gets the same log", a_host_with_a_decimal_comma_gets_the_same_log},
    {"preloaded controller takes over simulations that name a checkpoint",
     preloaded_controller_takes_over_simulations_that_name_a_checkpoint},
    {"preloaded policy is played, and no planner made of it", preloaded_policy_is_played_and_no_planner_made_of_it},
    {"scene has keyframes to start from", scene_has_keyframes_to_start_from},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("plugin", tests)
