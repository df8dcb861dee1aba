/* The engine plugin: an actuator of the model is the controller, and MuJoCo itself creates, copies, resets and
 * deletes it. MuJoCo before 2.3.1 has no plugins: skipped. */
#include <pthread.h>

#include "plugin_host.h"

#if mjVERSION_HEADER < 231

static void this_mujoco_has_plugins(void)
{
    printf("skipped: MuJoCo %d has no engine plugins, 2.3.1 is the first\n", mjVERSION_HEADER);
    exit(77);
}

static CU_TestInfo tests[] = {
    {"this MuJoCo has plugins", this_mujoco_has_plugins},
    CU_TEST_INFO_NULL,
};

#else

/* The pendulum, driven by an instance instead of a motor; controller NULL: the file's own. */
static host engine(const char *checkpoint, const char *controller)
{
    char text[512], key[64] = "";
    if (controller) snprintf(key, sizeof key, "<config key='controller' value='%s'/>", controller);
    snprintf(text, sizeof text,
             "<extension><plugin plugin='espalier.controller'>"
             "<instance name='agent'><config key='checkpoint' value='%s'/>%s"
             "<config key='seed' value='%d'/></instance>"
             "<instance name='unused'/></plugin></extension><asset>",
             checkpoint, key, SEED);
    write_scene(in_folder("engine.xml"), (scene_edit[]){
        {"<asset>", text},
        {"<motor name=\"torque\" joint=\"hinge\" gear=\"1\"",
         "<plugin name='torque' joint='hinge' plugin='espalier.controller' instance='agent'"},
        {NULL, NULL}});
    return make_host(in_folder("engine.xml"));
}

/* With another mass, so that it is drawn from the host's own model, plugins included. */
static void another_pendulum_is_drawn_from_the_hosts_model(void)
{
    host h = engine(agent_path, "policy");
    free_host(&h);
    char *text = NULL;
    size_t size = 0;
    CHECK_OK(esp_file_read(in_folder("engine.xml"), 1 << 20, &text, &size));
    text = replaced(text, "mass=\"1\"", "mass=\"1.1\"");
    CHECK_OK(esp_file_write(in_folder("heavy.xml"), text, strlen(text)));
    free(text);
    h = make_host(in_folder("heavy.xml"));
    h.data->qpos[0] = 3.0;
    for (int step = 0; step < 20; step++) mj_step(h.model, h.data);
    CU_ASSERT_NOT_EQUAL(h.data->ctrl[0], 0.0);
    CU_ASSERT_EQUAL(h.data->actuator_force[0], h.data->ctrl[0]);
    free_host(&h);
}

static bool engine_follows(esp_controller_kind kind, int integrator)
{
    episode expected = evaluate(agent_path, kind, 0, integrator);
    host h = engine(agent_path, kind == ESP_CONTROLLER_MPPI ? "mppi" : "policy");
    h.model->opt.integrator = integrator;
    h.data->qpos[0] = expected.start;
    bool equal = follows(&h, &expected, NULL);
    free_host(&h);
    return equal;
}

static void driven_simulation_is_an_episode_of_eval(void)
{
    CU_ASSERT(engine_follows(ESP_CONTROLLER_POLICY, mjINT_EULER));
    CU_ASSERT(engine_follows(ESP_CONTROLLER_MPPI, mjINT_EULER));
    CU_ASSERT(engine_follows(ESP_CONTROLLER_POLICY, mjINT_RK4));
}

static void instance_is_driven_by_the_controller_of_the_contract(void)
{
    char path[96];
    snprintf(path, sizeof path, "%s", in_folder("policy.safetensors"));
    write_policy(path, ESP_ALL_COMPONENTS);
    episode expected = evaluate(path, ESP_CONTROLLER_POLICY, 0, mjINT_EULER);
    host h = engine(path, NULL);
    h.data->qpos[0] = expected.start;
    CU_ASSERT(follows(&h, &expected, NULL));
    free_host(&h);
}

static void planner_is_refused_for_a_file_of_the_policy_alone(void)
{
    char path[96];
    snprintf(path, sizeof path, "%s", in_folder("alone.safetensors"));
    write_policy(path, esp_controller_components(ESP_CONTROLLER_POLICY));
    hearing ear = hear();
    host h = engine(path, "mppi");
    for (int step = 0; step < 20; step++) mj_step(h.model, h.data);
    const char *said = heard(&ear), *end = strchr(said, '\n');
    CU_ASSERT(strstr(said, "alone.safetensors: controller 'mppi' also runs dynamics") && end && end[1] == 0);
    CU_ASSERT_EQUAL(h.data->actuator_force[0], 0.0);
    free_host(&h);
}

static void reset_begins_the_next_episode(void)
{
    host h = engine(agent_path, "mppi");
    for (int index = 0; index < 3; index++) {
        episode expected = evaluate(agent_path, ESP_CONTROLLER_MPPI, index, mjINT_EULER);
        mj_resetData(h.model, h.data);
        h.data->qpos[0] = expected.start;
        CU_ASSERT(follows(&h, &expected, NULL));
    }
    free_host(&h);
}

static void copy_continues_like_the_original(void)
{
    enum { HALF = TINY_STEPS / 2 * 8 + 3 };
    episode expected = evaluate(agent_path, ESP_CONTROLLER_MPPI, 0, mjINT_EULER);
    host h = engine(agent_path, "mppi");
    mjData *new = NULL, *used = mj_makeData(h.model);
    for (int step = 0; step < 20; step++) mj_step(h.model, used);
    h.data->qpos[0] = expected.start;
    for (int step = 0; step < TINY_STEPS * 8; step++) {
        if (step == HALF) {
            new = mj_copyData(NULL, h.model, h.data);
            mj_copyData(used, h.model, h.data);
        }
        mj_step(h.model, h.data);
    }
    mjData *copies[] = {new, used};
    for (int i = 0; i < 2; i++) {
        for (int step = HALF; step < TINY_STEPS * 8; step++) {
            mj_step(h.model, copies[i]);
            CU_ASSERT_EQUAL(copies[i]->ctrl[0], (double)expected.actions[step / 8]);
        }
        CU_ASSERT_EQUAL(copies[i]->qpos[0], h.data->qpos[0]);
        mj_deleteData(copies[i]);
    }
    free_host(&h);
}

typedef struct {
    host    h;
    episode expected;
    bool    equal;
} guest;

static void *play(void *argument)
{
    guest *g = argument;
    g->h.data->qpos[0] = g->expected.start;
    g->equal = follows(&g->h, &g->expected, NULL);
    return NULL;
}

static void instances_do_not_disturb_each_other(void)
{
    const char *checkpoints[] = {agent_path, other_path, agent_path};
    guest guests[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        guests[i].h = engine(checkpoints[i], "mppi");
        guests[i].expected = evaluate(checkpoints[i], ESP_CONTROLLER_MPPI, i, mjINT_EULER);
        for (int skipped = 0; skipped < i; skipped++) { /* skips to the episode with that number */
            mj_step(guests[i].h.model, guests[i].h.data);
            mj_step(guests[i].h.model, guests[i].h.data);
            mj_resetData(guests[i].h.model, guests[i].h.data);
        }
    }
    for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, play, &guests[i]);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT(guests[i].equal);
        free_host(&guests[i].h);
    }
}

static void instance_without_its_agent_exerts_no_force(void)
{
    host h = engine("/nix/agent.safetensors", "policy");
    h.data->qpos[0] = 1.0;
    for (int step = 0; step < 10; step++) {
        h.data->ctrl[0] = 0.5;
        mj_step(h.model, h.data);
        CU_ASSERT_EQUAL(h.data->actuator_force[0], 0.0);
    }
    free_host(&h);
}

/* An actuator with two inputs and one force comes before the plugin, so none of their indices agree. */
static void forces_are_those_of_the_plugin_beside_an_actuator_with_several_inputs(void)
{
#if mjVERSION_HEADER >= 3014000
    write_scene(
        in_folder("several.xml"),
        (scene_edit[]){
            {"<asset>",
             "<extension><plugin plugin='espalier.controller'><instance name='agent'/></plugin></extension><asset>"},
            {"<motor name=\"torque\"", "<pid name='servo' joint='hinge' kp='1' kv='1'/>"
                                       "<plugin name='driven' joint='hinge' plugin='espalier.controller' "
                                       "instance='agent'/><motor name=\"torque\""},
            {NULL, NULL}});
    host h = make_host(in_folder("several.xml"));
    CU_ASSERT_FATAL(h.model->nactuator == 3 && h.model->nu == 4 && h.model->nout == 3);
    for (int i = 0; i < 4; i++) h.data->ctrl[i] = 0.1 * (i + 1);
    for (int i = 0; i < 3; i++) h.data->actuator_force[i] = -1.0;
    esp_plugin_exert(h.model, h.data, 0, true);
    CU_ASSERT_EQUAL(h.data->actuator_force[1], h.data->ctrl[2]);
    esp_plugin_exert(h.model, h.data, 0, false);
    CU_ASSERT_EQUAL(h.data->actuator_force[1], 0.0);
    CU_ASSERT(h.data->actuator_force[0] == -1.0 && h.data->actuator_force[2] == -1.0);
    /* No checkpoint: the controller is refused, the host continues. */
    for (int step = 0; step < 10; step++) mj_step(h.model, h.data);
    CU_ASSERT_EQUAL(h.data->actuator_force[1], 0.0);
    free_host(&h);
#endif
}

static CU_TestInfo tests[] = {
    {"machine draws what agents see", machine_draws_what_agents_see},
    {"driven simulation is an episode of eval", driven_simulation_is_an_episode_of_eval},
    {"another pendulum is drawn from the host's model", another_pendulum_is_drawn_from_the_hosts_model},
    {"instance is driven by the controller of the contract", instance_is_driven_by_the_controller_of_the_contract},
    {"planner is refused for a file of the policy alone", planner_is_refused_for_a_file_of_the_policy_alone},
    {"reset begins the next episode", reset_begins_the_next_episode},
    {"copy continues like the original", copy_continues_like_the_original},
    {"instances do not disturb each other", instances_do_not_disturb_each_other},
    {"instance without its agent exerts no force", instance_without_its_agent_exerts_no_force},
    {"forces are those of the plugin beside an actuator with several inputs",
     forces_are_those_of_the_plugin_beside_an_actuator_with_several_inputs},
    CU_TEST_INFO_NULL,
};
#endif

ESP_SUITE("plugin engine", tests)
