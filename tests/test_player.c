/* Checkpoints played side by side. */
#include "viewer/viewer_internal.h"

#include "tiny_role.h"
#include "starts.h"

static esp_agent_config config;
static esp_network *net;

static void machine_can_draw(void)
{
    config = tiny_config();
    net = tiny_network(&config, 1, 3);
    esp_role role = tiny_role(&config, net, ESP_CONTROLLER_POLICY);
    esp_player *player = NULL;
    esp_status status = esp_player_create(1, &role, &player);
    if (status == ESP_ERR_MACHINE) {
        printf("skipped: %s\n", esp_error_text());
        exit(77);
    }
    CHECK_OK(status);
    esp_player_free(player);
}

static double evaluated(int controller, const esp_episode *episode)
{
    esp_world *world = NULL;
    CHECK_OK(esp_world_create(&config.env, &world));
    esp_pool *pool = esp_pool_create(world, ESP_EPISODE_BLOCK, true);
    esp_trajectory trajectory = {.rewards = NULL};
    esp_evaluation evaluation = {.net = net, .config = &config, .kind = (esp_controller_kind)controller,
                                 .budget = &config.planner.budget,
                                 .episodes = episode, .count = 1};
    CHECK_OK(esp_evaluate(pool, &evaluation, NULL, &trajectory));
    esp_pool_free(pool);
    esp_world_free(world);
    return trajectory.episode_return;
}

static void play(esp_player *player, const esp_episode *episode)
{
    CHECK_OK(esp_player_begin(player, episode));
    while (esp_player_steps(player) < esp_player_length(player)) CHECK_OK(esp_player_step(player));
}

/* Twice, to show that the second episode starts afresh. */
static void episode_played_equals_the_one_evaluated(void)
{
    esp_role roles[] = {tiny_role(&config, net, ESP_CONTROLLER_POLICY), tiny_role(&config, net, ESP_CONTROLLER_MPPI),
                        tiny_role(&config, net, ESP_CONTROLLER_POLICY)};
    esp_episode episodes[2];
    esp_episodes_name(7, ESP_EPISODES_REPORT, START_RANDOM, 2, episodes);
    esp_player *player = NULL;
    CHECK_OK(esp_player_create(3, roles, &player));
    for (int i = 0; i < 2; i++) {
        play(player, &episodes[i]);
        for (int role = 0; role < 3; role++)
            CU_ASSERT_EQUAL(esp_player_return(player, role), evaluated(roles[role].controller, &episodes[i]));
    }
    esp_player_free(player);
}

/* The pendulum's terms are its two rewards; this configuration uses the second one. */
static void history_has_every_term_of_the_reward(void)
{
    esp_role role = tiny_role(&config, net, ESP_CONTROLLER_POLICY);
    esp_player *player = NULL;
    CHECK_OK(esp_player_create(1, &role, &player));
    play(player, &(esp_episode){.seed = 5});
    const esp_history *history = &player->actor[0].history;
    CU_ASSERT_EQUAL_FATAL(history->num_terms, 2);
    CU_ASSERT_EQUAL(history->count, TINY_STEPS);
    for (int i = 0; i < history->count; i++) {
        float upright = history->terms[i], height = history->terms[history->room + i];
        CU_ASSERT(upright == 0.0f || upright == 1.0f);
        CU_ASSERT(height >= 0.0f && height <= 1.0f);
        /* the reward is the sum over the control step, during which the height changes little */
        CU_ASSERT(fabsf(history->value[ESP_CURVE_REWARD][i] - (float)config.env.action_repeat * height) < 2.0f);
    }
    esp_player_free(player);
}

static void all_start_at_the_same_state(void)
{
    esp_role roles[] = {tiny_role(&config, net, ESP_CONTROLLER_POLICY), tiny_role(&config, net, ESP_CONTROLLER_MPPI)};
    esp_player *player = NULL;
    CHECK_OK(esp_player_create(2, roles, &player));
    CHECK_OK(esp_player_begin(player, &(esp_episode){.seed = 5}));
    CU_ASSERT_EQUAL(esp_player_state(player, 0)->qpos[0], esp_player_state(player, 1)->qpos[0]);
    CHECK_OK(esp_player_step(player));
    CU_ASSERT_NOT_EQUAL(esp_player_state(player, 0)->qvel[0], esp_player_state(player, 1)->qvel[0]);
    esp_player_free(player);
}

/* ---- an application that the viewer does not know: it pushes one way, by the sign of a weight ---- */

static unsigned all_components(int controller)
{
    (void)controller;
    return ESP_ALL_COMPONENTS;
}

static esp_status accept(const esp_network *network, int controller)
{
    (void)network, (void)controller;
    return ESP_OK;
}

static int one_action(const esp_network *network)
{
    (void)network;
    return 1;
}

static esp_status params_of_net(const esp_role *role, int actions, size_t *out)
{
    (void)role, (void)actions;
    *out = esp_network_params(net, ESP_ALL_COMPONENTS);
    return ESP_OK;
}

static void *push_by_weight(const esp_role *role)
{
    float *push = esp_alloc(1, sizeof *push);
    *push = role->net->weights[0] > 0 ? 0.5f : -0.5f;
    return push;
}

static void begin_nothing(void *controller, const esp_episode *episode)
{
    (void)controller, (void)episode;
}

static esp_status push(void *controller, int n, int step, const esp_observation *obs, float *actions)
{
    (void)step, (void)obs;
    for (int i = 0; i < n; i++) actions[i] = *(float *)controller;
    return ESP_OK;
}

static bool consider_nothing(const void *controller, esp_considered *out)
{
    (void)controller, (void)out;
    return false;
}

static const esp_acting pushing = {
    .controllers = "pusher", .components = all_components, .check = accept, .num_actions = one_action,
    .original_params = params_of_net, .create = push_by_weight, .free = free, .begin = begin_nothing, .act = push,
    .considered = consider_nothing,
};

static void application_that_the_viewer_does_not_know_plays_and_is_cut(void)
{
    esp_role role = {.name = "pusher", .net = net, .env = &config.env, .acting = &pushing};
    esp_player *player = NULL;
    esp_cutter *cutter = NULL;
    esp_network *half = NULL;
    CHECK_OK(esp_player_create(1, &role, &player));
    play(player, &(esp_episode){.seed = 5});
    CU_ASSERT_EQUAL(fabs(esp_player_state(player, 0)->ctrl[0]), 0.5);
    CU_ASSERT_EQUAL(player->actor[0].sparsity, 0.0);
    CHECK_OK(esp_cutter_create(&role, NULL, &cutter));
    CHECK_OK(esp_cutter_cut(cutter, 0, 0.5, &half));
    CHECK_OK(esp_player_recast(player, 0, half, 0));
    CU_ASSERT(fabs(player->actor[0].sparsity - 0.5) < 0.03);
    esp_player_free(player);
    esp_network_free(half);
    esp_cutter_free(cutter);
}

static void checkpoints_of_different_applications_are_refused(void)
{
    esp_role roles[] = {tiny_role(&config, net, ESP_CONTROLLER_POLICY), tiny_role(&config, net, ESP_CONTROLLER_POLICY)};
    esp_acting other = esp_agent_acting;
    esp_player *player = NULL;
    roles[1].acting = &other;
    CHECK_FAILS(ESP_ERR_USAGE, esp_player_create(2, roles, &player), "different applications");
    CU_ASSERT_PTR_NULL(player);
}

static void checkpoints_out_of_step_are_refused(void)
{
    esp_role roles[] = {tiny_role(&config, net, ESP_CONTROLLER_POLICY), tiny_role(&config, net, ESP_CONTROLLER_POLICY)};
    esp_agent_config other = config;
    esp_player *player = NULL;
    other.env.action_repeat = 4;
    roles[1].env = &other.env;
    CHECK_FAILS(ESP_ERR_USAGE, esp_player_create(2, roles, &player), "action_repeat");
    CHECK_FAILS(ESP_ERR_USAGE, esp_player_create(0, roles, &player), "0 checkpoints");
    CU_ASSERT_PTR_NULL(player);
}

/* Bit for bit: the scene that people see is the same pendulum. */
static void scene_for_people_has_the_physics_of_the_agents(void)
{
    char text[256] = "";
    mjModel *agents = mj_loadXML(ESP_SOURCE "/models/pendulum/scene.xml", NULL, text, sizeof text);
    mjModel *peoples = mj_loadXML(ESP_SOURCE "/models/pendulum/view.xml", NULL, text, sizeof text);
    CU_ASSERT_FATAL(agents && peoples);
    mjData *a = mj_makeData(agents), *b = mj_makeData(peoples);
    int differing = 0;
    a->qpos[0] = b->qpos[0] = 3.0;
    for (int i = 0; i < 1000; i++) {
        a->ctrl[0] = b->ctrl[0] = i / 13 % 2 ? 1.0 : -1.0;
        mj_step(agents, a);
        mj_step(peoples, b);
        differing += a->qpos[0] != b->qpos[0] || a->qvel[0] != b->qvel[0];
    }
    CU_ASSERT_EQUAL(differing, 0);
    mj_deleteData(a);
    mj_deleteData(b);
    mj_deleteModel(agents);
    mj_deleteModel(peoples);
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"machine can draw", machine_can_draw},
    {"episode played equals the one evaluated", episode_played_equals_the_one_evaluated},
    {"history has every term of the reward", history_has_every_term_of_the_reward},
    {"all start at the same state", all_start_at_the_same_state},
    {"application that the viewer does not know plays and is cut",
     application_that_the_viewer_does_not_know_plays_and_is_cut},
    {"checkpoints of different applications are refused", checkpoints_of_different_applications_are_refused},
    {"checkpoints out of step are refused", checkpoints_out_of_step_are_refused},
    {"scene for people has the physics of the agent's", scene_for_people_has_the_physics_of_the_agents},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("player", tests)
