/* The planner finds the best actions in a model where they are known, treats every episode as if it were alone, and
 * gives the same plan on any number of threads. */
#include <float.h>
#include <omp.h>

#include "tiny_agent.h"

enum { EPISODES = 5, LATENT = 4, ACTIONS = 2, PLANS = 3 };

static esp_rng stream(int index)
{
    return esp_rng_make(23, ESP_RNG_TEST, (uint64_t)index);
}

/* ---- a toy: a point that moves by the action and is paid for being near a goal ---- */

static void set_weight(esp_network *net, const char *name, size_t index, float value)
{
    esp_network_weights(net, esp_network_find_tensor(net, name))[index] = value;
}

/* z' = z + a, reward -(x + exp(-x) - 1) with x = 5 |z - goal|, values and policy 0. An offset of 10
 * keeps the ELUs of the dynamics where they are linear; ELU(x) + ELU(-x) is the bowl of the reward. */
static esp_network *make_toy(const esp_agent_config *config, float goal)
{
    esp_network *net = NULL;
    size_t hidden = (size_t)config->network.hidden, inputs = 2;
    CHECK_OK(esp_told_create(config, 1, &net));
    set_weight(net, "_dynamics.0.weight", 0, 1.0f);
    set_weight(net, "_dynamics.0.weight", 1, 1.0f);
    set_weight(net, "_dynamics.0.bias", 0, 10.0f);
    set_weight(net, "_dynamics.2.weight", 0, 1.0f);
    set_weight(net, "_dynamics.4.weight", 0, 1.0f);
    set_weight(net, "_dynamics.4.bias", 0, -10.0f);
    for (size_t unit = 0; unit < 2; unit++) {
        float slope = unit ? -5.0f : 5.0f;
        set_weight(net, "_reward.0.weight", unit * inputs, slope);
        set_weight(net, "_reward.0.bias", unit, -slope * goal);
        set_weight(net, "_reward.2.weight", unit, 1.0f);
    }
    set_weight(net, "_reward.4.weight", 0, -1.0f);
    CU_ASSERT_FATAL(hidden >= 2);
    return net;
}

/* Mean actions [3] of one cold plan from z = 0; the first is returned as well. */
static float plan_toy(float goal, int act_on, float mean[3])
{
    esp_agent_config config = tiny_config();
    config.network.latent = 1;
    config.planner.act_on = act_on;
    config.planner.budget = (esp_plan_budget){.horizon = 3, .samples = 256, .elites = 32, .iterations = 6};
    esp_network *net = make_toy(&config, goal);
    esp_mppi *planner = esp_mppi_create(net, &config.planner, &config.planner.budget, &config.loss, 1);
    esp_rng rng = stream(0);
    float z = 0.0f, action = NAN;
    CHECK_OK(esp_mppi_plan(planner, 1, &z, NULL, &rng, &action, NULL));
    memcpy(mean, esp_mppi_mean(planner, 0), 3 * sizeof *mean);
    esp_mppi_free(planner);
    esp_network_free(net);
    return action;
}

/* Tolerance: two of the smallest deviations sampled. */
static void toy_goal_within_reach_is_hit_and_held(void)
{
    float mean[3];
    CU_ASSERT(fabsf(plan_toy(0.6f, ESP_ACT_ON_MEAN, mean) - 0.6f) < 0.1f);
    CU_ASSERT(fabsf(mean[1]) < 0.1f);
    CU_ASSERT(fabsf(plan_toy(-0.3f, ESP_ACT_ON_MEAN, mean) + 0.3f) < 0.1f);
    CU_ASSERT(fabsf(mean[1]) < 0.1f);
}

static void toy_goal_out_of_reach_is_approached_at_full_action(void)
{
    float mean[3], action = plan_toy(3.0f, ESP_ACT_ON_MEAN, mean);
    CU_ASSERT(action > 0.9f && action <= 1.0f);
    CU_ASSERT(mean[1] > 0.9f && mean[1] <= 1.0f);
}

static void toy_goal_is_hit_by_an_elite_as_well(void)
{
    float mean[3];
    CU_ASSERT(fabsf(plan_toy(0.6f, ESP_ACT_ON_ELITE, mean) - 0.6f) < 0.2f);
}

/* ---- several episodes, several threads ---- */

static esp_agent_config planner_of_three_blocks(void)
{
    esp_agent_config config = tiny_config();
    config.planner.budget.samples = 200;
    config.planner.budget.elites = 20;
    return config;
}

static void latents(int plan, float z[EPISODES * LATENT])
{
    esp_rng rng = stream(100 + plan);
    esp_rng_normal(&rng, z, EPISODES * LATENT);
}

/* Actions [PLANS, n, ACTIONS] of successive plans of the episodes [first, first + n). */
static esp_status plan_episodes(const esp_network *net, int first, int n, float *actions)
{
    esp_agent_config config = planner_of_three_blocks();
    esp_mppi *planner = esp_mppi_create(net, &config.planner, &config.planner.budget, &config.loss, n);
    esp_rng rng[EPISODES];
    float z[EPISODES * LATENT];
    esp_status status = ESP_OK;
    for (int e = 0; e < n; e++) rng[e] = stream(first + e);
    for (int i = 0; i < PLANS && status == ESP_OK; i++) {
        latents(i, z);
        status = esp_mppi_plan(planner, n, z + first * LATENT, NULL, rng, actions + i * n * ACTIONS, NULL);
    }
    esp_mppi_free(planner);
    return status;
}

static esp_network *make_network(void)
{
    esp_agent_config config = planner_of_three_blocks();
    return tiny_network(&config, ACTIONS, 1);
}

/* Tolerance: products of other sizes may round differently, by 1e-7 per product. */
static void episodes_planned_together_plan_as_each_alone(void)
{
    float together[PLANS * EPISODES * ACTIONS], alone[PLANS * ACTIONS];
    esp_network *net = make_network();
    CHECK_OK(plan_episodes(net, 0, EPISODES, together));
    for (int e = 0; e < EPISODES; e++) {
        CHECK_OK(plan_episodes(net, e, 1, alone));
        for (int i = 0; i < PLANS; i++)
            CHECK_CLOSE("action", ACTIONS, together + (i * EPISODES + e) * ACTIONS, alone + i * ACTIONS, 1e-4, 0.0);
    }
    esp_network_free(net);
}

static void plans_are_bit_identical_on_one_thread_and_two(void)
{
    int threads = omp_get_max_threads();
    float one[PLANS * EPISODES * ACTIONS], two[PLANS * EPISODES * ACTIONS];
    esp_network *net = make_network();
    omp_set_num_threads(1);
    CHECK_OK(plan_episodes(net, 0, EPISODES, one));
    omp_set_num_threads(2);
    CHECK_OK(plan_episodes(net, 0, EPISODES, two));
    omp_set_num_threads(threads);
    CU_ASSERT_EQUAL(memcmp(one, two, sizeof one), 0);
    esp_network_free(net);
}

/* As in evaluations, which play their blocks of episodes in parallel. */
static void planners_within_a_parallel_region_plan_as_outside(void)
{
    float outside[PLANS * ACTIONS], inside[2][PLANS * ACTIONS];
    esp_status status[2];
    esp_network *net = make_network();
    CHECK_OK(plan_episodes(net, 0, 1, outside));
#pragma omp parallel for num_threads(2)
    for (int i = 0; i < 2; i++) status[i] = plan_episodes(net, 0, 1, inside[i]);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(status[i]);
        CU_ASSERT_EQUAL(memcmp(outside, inside[i], sizeof outside), 0);
    }
    esp_network_free(net);
}

/* ---- the warm start ---- */

typedef struct {
    esp_agent_config config;
    esp_network *net;
    esp_mppi *planner;
} planning;

static planning begin_planning_with(esp_network *net)
{
    planning p = {.config = planner_of_three_blocks(), .net = net};
    p.planner = esp_mppi_create(p.net, &p.config.planner, &p.config.planner.budget, &p.config.loss, 1);
    return p;
}

static planning begin_planning(void)
{
    return begin_planning_with(make_network());
}

static void end_planning(planning *p)
{
    esp_mppi_free(p->planner);
    esp_network_free(p->net);
}

/* One plan from the same latent with the same noise, whatever was planned before. */
static void plan_again(planning *p, float action[ACTIONS])
{
    float z[EPISODES * LATENT];
    esp_rng rng = stream(0);
    latents(0, z);
    CHECK_OK(esp_mppi_plan(p->planner, 1, z, NULL, &rng, action, NULL));
}

static void equal_noise_and_warm_start_give_an_equal_plan_and_a_reset_forgets_them(void)
{
    planning p = begin_planning();
    float cold[ACTIONS], warm[ACTIONS], reset[ACTIONS];
    plan_again(&p, cold);
    plan_again(&p, warm);
    esp_mppi_reset(p.planner, 0);
    plan_again(&p, reset);
    CU_ASSERT_NOT_EQUAL(memcmp(cold, warm, sizeof cold), 0);
    CU_ASSERT_EQUAL(memcmp(cold, reset, sizeof cold), 0);
    end_planning(&p);
}

/* ---- NaN and infinity ---- */

static void nan_latent_is_refused_and_leaves_the_action(void)
{
    planning p = begin_planning();
    float z[LATENT] = {0.0f, NAN, 0.0f, 0.0f}, action[ACTIONS] = {7.0f, 7.0f};
    esp_rng rng = stream(0);
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_mppi_plan(p.planner, 1, z, NULL, &rng, action, NULL), "not finite");
    z[1] = INFINITY;
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_mppi_plan(p.planner, 1, z, NULL, &rng, action, NULL), "not finite");
    CU_ASSERT(action[0] == 7.0f && action[1] == 7.0f);
    end_planning(&p);
}

/* Sets the weights of a tensor to 3e38 and -3e38 in turn, so that products overflow in both directions. */
static void blow_up(esp_network *net, const char *name)
{
    int tensor = esp_network_find_tensor(net, name);
    for (size_t i = 0; i < net->tensor[tensor].count; i++) esp_network_weights(net, tensor)[i] = i % 2 ? 3e38f : -3e38f;
}

/* NaN, such as the sum of infinities of both signs, counts as 0, and infinity as the largest float. */
static void infinite_values_still_give_an_action_within_bounds(void)
{
    esp_network *net = make_network();
    blow_up(net, "_reward.4.weight");
    blow_up(net, "_Q1.5.weight");
    planning p = begin_planning_with(net);
    int sequences = 210, iterations = p.config.planner.budget.iterations;
    float *value = esp_alloc((size_t)(iterations * sequences), sizeof *value), action[ACTIONS], z[EPISODES * LATENT];
    esp_plan_trace trace = {.value = value};
    esp_rng rng = stream(0);
    int largest = 0, zero = 0;
    latents(0, z);
    CHECK_OK(esp_mppi_plan(p.planner, 1, z, NULL, &rng, action, &trace));
    for (int k = 0; k < ACTIONS; k++) CU_ASSERT(action[k] >= -1.0f && action[k] <= 1.0f);
    for (int i = 0; i < iterations * sequences; i++) {
        CU_ASSERT(isfinite(value[i]));
        largest += fabsf(value[i]) == FLT_MAX;
        zero += value[i] == 0.0f;
    }
    CU_ASSERT(largest > 0);
    CU_ASSERT(zero > 0);
    free(value);
    end_planning(&p);
}

static CU_TestInfo tests[] = {
    {"toy_goal_within_reach_is_hit_and_held", toy_goal_within_reach_is_hit_and_held},
    {"toy_goal_out_of_reach_is_approached_at_full_action", toy_goal_out_of_reach_is_approached_at_full_action},
    {"toy_goal_is_hit_by_an_elite_as_well", toy_goal_is_hit_by_an_elite_as_well},
    {"episodes_planned_together_plan_as_each_alone", episodes_planned_together_plan_as_each_alone},
    {"plans_are_bit_identical_on_one_thread_and_two", plans_are_bit_identical_on_one_thread_and_two},
    {"planners_within_a_parallel_region_plan_as_outside", planners_within_a_parallel_region_plan_as_outside},
    {"equal_noise_and_warm_start_give_an_equal_plan_and_a_reset_forgets_them",
     equal_noise_and_warm_start_give_an_equal_plan_and_a_reset_forgets_them},
    {"nan_latent_is_refused_and_leaves_the_action", nan_latent_is_refused_and_leaves_the_action},
    {"infinite_values_still_give_an_action_within_bounds", infinite_values_still_give_an_action_within_bounds},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("agent_mppi", tests)
