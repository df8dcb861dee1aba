/* Loops allocate nothing: plans, updates and episodes get all their memory when they are
 * created. */
#include "allocations.h"
#include "tiny_agent.h"
#include "starts.h"

enum { EPISODES = 3, BATCH = 40, HORIZON = 2, ACTIONS = 1 };

/* Whether allocations can be counted here; prints the reason if not. */
static bool can_count(void)
{
    if (!COUNTS_ALLOCATIONS) printf("skipped: a sanitizer owns the allocator ");
    return COUNTS_ALLOCATIONS;
}

static void the_counter_sees_an_allocation(void)
{
    if (!can_count()) return;
    start_counting();
    free(esp_alloc(1, 1));
    counting = false;
    CU_ASSERT_EQUAL(allocations, 1);
    CU_ASSERT_EQUAL(own_allocations, 1);
}

/* 512 + 25 sequences, as in the paper: with so many, sorting used to allocate. */
static void a_plan_allocates_nothing(void)
{
    if (!can_count()) return;
    esp_agent_config config = tiny_config();
    config.planner.budget.samples = 512;
    config.planner.budget.elites = 64;
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_mppi *planner = esp_mppi_create(net, &config.planner, &config.planner.budget, &config.loss, EPISODES);
    float z[EPISODES * 4] = {0.1f, -0.2f, 0.3f}, actions[EPISODES];
    esp_rng rng[EPISODES];
    for (int e = 0; e < EPISODES; e++) rng[e] = esp_rng_make(1, ESP_RNG_TEST, (uint64_t)e);
    CHECK_OK(esp_mppi_plan(planner, EPISODES, z, NULL, rng, actions, NULL)); /* the first plan starts the threads */
    start_counting();
    for (int i = 0; i < 3; i++) CHECK_OK(esp_mppi_plan(planner, EPISODES, z, NULL, rng, actions, NULL));
    CU_ASSERT_EQUAL(stop_counting(), 0);
    esp_mppi_free(planner);
    esp_network_free(net);
}

static void an_update_allocates_nothing_after_the_first(void)
{
    if (!can_count()) return;
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, ACTIONS, 1);
    esp_updater *updater = esp_updater_create(net, &config.loss, BATCH, HORIZON);
    size_t image = (size_t)net->component[ESP_TOLD_ENCODER].in_size, rows = (size_t)(HORIZON + 1) * BATCH;
    uint8_t *images = esp_alloc(HORIZON * BATCH, image);
    float *zeros = esp_alloc(rows * ACTIONS, sizeof *zeros);
    esp_batch batch = {.batch = BATCH, .horizon = HORIZON, .obs = images, .next_obs = images, .actions = zeros,
                       .rewards = zeros, .weights = zeros, .td_noise = zeros, .pi_noise = zeros};
    CHECK_OK(esp_updater_step(updater, &batch, 0, 1e-3));
    start_counting();
    for (int i = 1; i < 4; i++) CHECK_OK(esp_updater_step(updater, &batch, i, 1e-3));
    CU_ASSERT_EQUAL(stop_counting(), 0);
    free(images);
    free(zeros);
    esp_updater_free(updater);
    esp_network_free(net);
}

/* Counts allocations from the second control step of an episode to its last. */
typedef struct {
    esp_controller *controller; /* NULL: acts without pixels */
    int last_step;
} observer;

static esp_status act_and_observe(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    observer *o = context;
    if (step == 1) start_counting();
    if (step == o->last_step) counting = false;
    if (o->controller) return esp_controller_act(o->controller, n, step, obs, actions);
    for (int i = 0; i < n; i++) actions[i] = 0.5f;
    return ESP_OK;
}

static void watch_episodes(const esp_world *world, esp_simulator *simulator, esp_controller *controller)
{
    esp_episode episodes[EPISODES];
    esp_trajectory out[EPISODES] = {{0}};
    observer o = {.controller = controller, .last_step = world->num_steps - 1};
    esp_episodes_name(1, ESP_EPISODES_REPORT, START_RANDOM, EPISODES, episodes);
    if (controller) esp_controller_begin(controller, episodes, EPISODES);
    CHECK_OK(esp_rollout(simulator, episodes, EPISODES, act_and_observe, &o, out));
}

static void an_episode_without_pixels_allocates_nothing(void)
{
    if (!can_count()) return;
    esp_agent_config config = tiny_config();
    esp_world *world = NULL;
    esp_simulator *simulator = NULL;
    CHECK_OK(esp_world_create(&config.env, &world));
    CHECK_OK(esp_simulator_create(world, EPISODES, false, &simulator));
    watch_episodes(world, simulator, NULL);
    CU_ASSERT_EQUAL(allocations, 0);
    esp_simulator_free(simulator);
    esp_world_free(world);
}

/* Counts only this program's own calls: the OpenGL driver under the renderer allocates as it
 * pleases. */
static void a_planned_episode_from_pixels_allocates_nothing_of_ours(void)
{
    if (!can_count()) return;
    esp_agent_config config = tiny_config();
    esp_world *world = NULL;
    esp_simulator *simulator = NULL;
    CHECK_OK(esp_world_create(&config.env, &world));
    esp_status status = esp_simulator_create(world, EPISODES, true, &simulator);
    if (status == ESP_ERR_MACHINE) {
        printf("skipped: %s ", esp_error_text());
    } else {
        CHECK_OK(status);
        esp_network *net = tiny_network(&config, world->num_actions, 1);
        esp_controller *controller = esp_controller_create(net, &config, ESP_CONTROLLER_MPPI, &config.planner.budget,
                                                           EPISODES);
        watch_episodes(world, simulator, controller);
        CU_ASSERT_EQUAL(own_allocations, 0);
        esp_controller_free(controller);
        esp_network_free(net);
    }
    esp_simulator_free(simulator);
    esp_world_free(world);
}

static CU_TestInfo tests[] = {
    {"the_counter_sees_an_allocation", the_counter_sees_an_allocation},
    {"a_plan_allocates_nothing", a_plan_allocates_nothing},
    {"an_update_allocates_nothing_after_the_first", an_update_allocates_nothing_after_the_first},
    {"an_episode_without_pixels_allocates_nothing", an_episode_without_pixels_allocates_nothing},
    {"a_planned_episode_from_pixels_allocates_nothing_of_ours",
     a_planned_episode_from_pixels_allocates_nothing_of_ours},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("agent_no_alloc", tests)
