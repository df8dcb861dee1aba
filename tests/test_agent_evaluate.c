/* The closed loop gives the same returns on any number of threads, from starts that serve one
 * purpose only; and an uncut candidate performs as the dense agent. */
#include <omp.h>

#include "tiny_agent.h"
#include "starts.h"

enum { EPISODES = 13, SEEDS = 3 }; /* one block of ten and a part of another */

/* ---- starts ---- */

typedef struct {
    esp_episode name[EPISODES];
    double      angle[EPISODES];
} starts;

/* Runs without pixels and without an agent: only the starts of the episodes matter. */
static esp_status rest(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    (void)context;
    (void)step;
    (void)obs;
    for (int i = 0; i < n; i++) actions[i] = 0.0f;
    return ESP_OK;
}

static void begin_episodes(const esp_world *world, uint64_t seed, esp_episode_use use, starts *out)
{
    esp_simulator *simulator = NULL;
    double states[EPISODES][TINY_STEPS + 1][2];
    esp_trajectory trajectories[EPISODES] = {{0}};
    for (int i = 0; i < EPISODES; i++) trajectories[i].states = states[i][0];
    esp_episodes_name(seed, use, START_RANDOM, EPISODES, out->name);
    CHECK_OK(esp_simulator_create(world, EPISODES, false, &simulator));
    CHECK_OK(esp_rollout(simulator, out->name, EPISODES, rest, NULL, trajectories));
    for (int i = 0; i < EPISODES; i++) out->angle[i] = states[i][0][0];
    esp_simulator_free(simulator);
}

static void episodes_of_different_use_never_share_a_start(void)
{
    static const esp_episode_use uses[] = {ESP_EPISODES_REPORT, ESP_EPISODES_SEARCH, ESP_EPISODES_TRAIN,
                                           ESP_EPISODES_RECORD};
    static const uint64_t seeds[SEEDS] = {0, 1, 9000000000000000u};
    enum { USES = 4, ALL = USES * SEEDS };
    esp_agent_config config = tiny_config();
    esp_world *world = NULL;
    starts *all = esp_alloc(ALL, sizeof *all);
    CHECK_OK(esp_world_create(&config.env, &world));
    for (int i = 0; i < ALL; i++) begin_episodes(world, seeds[i / USES], uses[i % USES], &all[i]);
    for (int i = 0; i < ALL * EPISODES; i++)
        for (int j = 0; j < i; j++) {
            const starts *a = &all[i / EPISODES], *b = &all[j / EPISODES];
            const esp_episode *x = &a->name[i % EPISODES], *y = &b->name[j % EPISODES];
            CU_ASSERT(x->seed != y->seed || x->index != y->index);
            CU_ASSERT(a->angle[i % EPISODES] != b->angle[j % EPISODES]);
        }
    free(all);
    esp_world_free(world);
}

static void equal_names_give_equal_starts(void)
{
    esp_agent_config config = tiny_config();
    esp_world *world = NULL;
    starts first, second;
    CHECK_OK(esp_world_create(&config.env, &world));
    begin_episodes(world, 5, ESP_EPISODES_REPORT, &first);
    begin_episodes(world, 5, ESP_EPISODES_REPORT, &second);
    CU_ASSERT_EQUAL(memcmp(first.angle, second.angle, sizeof first.angle), 0);
    esp_world_free(world);
}

/* ---- the closed loop ---- */

typedef struct {
    esp_agent_config config;
    esp_world *world;
    esp_pool *pool;
    esp_network *net;
    esp_episode episodes[EPISODES];
} closed_loop;

/* False, with the reason printed, on a machine without EGL. */
static bool open_loop(closed_loop *c)
{
    *c = (closed_loop){.config = tiny_config()};
    CHECK_OK(esp_world_create(&c->config.env, &c->world));
    c->pool = esp_pool_create(c->world, ESP_EPISODE_BLOCK, true);
    c->net = tiny_network(&c->config, c->world->num_actions, 1);
    esp_episodes_name(3, ESP_EPISODES_SEARCH, START_RANDOM, EPISODES, c->episodes);
    esp_simulator *simulator = NULL;
    esp_status status = esp_pool_simulator(c->pool, &simulator);
    if (status == ESP_ERR_MACHINE) printf("skipped: %s ", esp_error_text());
    else CHECK_OK(status);
    return status == ESP_OK;
}

static void close_loop(closed_loop *c)
{
    esp_network_free(c->net);
    esp_pool_free(c->pool);
    esp_world_free(c->world);
}

static esp_status play(const closed_loop *c, esp_controller_kind kind, double returns[EPISODES])
{
    esp_trajectory trajectories[EPISODES] = {{0}};
    esp_evaluation ev = {.net = c->net, .config = &c->config, .kind = kind, .budget = &c->config.planner.search,
                         .episodes = c->episodes, .count = EPISODES};
    esp_status status = esp_evaluate(c->pool, &ev, NULL, trajectories);
    for (int i = 0; i < EPISODES; i++) returns[i] = trajectories[i].episode_return;
    return status;
}

static void check_threads(esp_controller_kind kind)
{
    int threads = omp_get_max_threads();
    double one[EPISODES], two[EPISODES];
    closed_loop c;
    if (open_loop(&c)) {
        omp_set_num_threads(1);
        CHECK_OK(play(&c, kind, one));
        omp_set_num_threads(2);
        CHECK_OK(play(&c, kind, two));
        CU_ASSERT_EQUAL(memcmp(one, two, sizeof one), 0);
        CU_ASSERT(one[0] != one[1]); /* the controller is not constant */
    }
    omp_set_num_threads(threads);
    close_loop(&c);
}

static void policy_returns_are_bit_identical_on_one_thread_and_two(void)
{
    check_threads(ESP_CONTROLLER_POLICY);
}

static void planner_returns_are_bit_identical_on_one_thread_and_two(void)
{
    check_threads(ESP_CONTROLLER_MPPI);
}

/* Every block fails; the sentence reported is that of the first. */
static void an_agent_with_a_nan_weight_is_an_error_and_not_a_return(void)
{
    double returns[EPISODES];
    closed_loop c;
    if (open_loop(&c)) {
        esp_network_weights(c.net, esp_network_find_tensor(c.net, "_pi.4.bias"))[0] = NAN;
        CHECK_FAILS(ESP_ERR_NUMERIC, play(&c, ESP_CONTROLLER_POLICY, returns), "not a number");
        esp_network_weights(c.net, esp_network_find_tensor(c.net, "_encoder.10.bias"))[0] = NAN;
        CHECK_FAILS(ESP_ERR_NUMERIC, play(&c, ESP_CONTROLLER_MPPI, returns), "latent");
    }
    close_loop(&c);
}

/* Actions [steps] of one episode seen through random pixels. */
static void act_through(esp_controller *controller, const closed_loop *c, float actions[TINY_STEPS])
{
    enum { IMAGE = 2 * 24 * 24 };
    esp_rng rng = esp_rng_make(29, ESP_RNG_TEST, 0);
    uint8_t pixels[IMAGE];
    esp_observation obs = {.num_items = 1, .item = (const void *const[]){pixels}};
    esp_controller_begin(controller, c->episodes, 1);
    for (int t = 0; t < TINY_STEPS; t++) {
        for (int i = 0; i < IMAGE; i++) pixels[i] = (uint8_t)esp_rng_below(&rng, 256);
        CHECK_OK(esp_controller_act(controller, 1, t, &obs, &actions[t]));
    }
}

static void a_restarted_controller_acts_as_at_first(void)
{
    closed_loop c = {.config = tiny_config()};
    float first[TINY_STEPS], again[TINY_STEPS];
    c.net = tiny_network(&c.config, 1, 1);
    esp_episodes_name(3, ESP_EPISODES_REPORT, START_RANDOM, EPISODES, c.episodes);
    esp_controller *controller = esp_controller_create(c.net, &c.config, ESP_CONTROLLER_MPPI,
                                                       &c.config.planner.budget, 1);
    act_through(controller, &c, first);
    act_through(controller, &c, again);
    CU_ASSERT_EQUAL(memcmp(first, again, sizeof first), 0);
    esp_controller_free(controller);
    esp_network_free(c.net);
}

/* ---- candidates ---- */

/* Cuts `removed` units from each prunable axis. */
static esp_cut make_cut(const esp_network *net, int removed)
{
    esp_cut cut;
    esp_ranking ranking;
    esp_widths widths = esp_widths_full(net);
    for (int i = 0; i < net->num_axes; i++)
        if (net->axis[i].prunable) widths.kept[i] -= removed;
    CHECK_OK(esp_ranking_make(net, esp_importance_find("l1"), 1, NULL, &ranking));
    esp_cut_make(net, &ranking, &widths, &cut);
    esp_ranking_free(&ranking);
    return cut;
}

static double mean(const double returns[EPISODES], int count)
{
    double sum = 0.0;
    for (int i = 0; i < count; i++) sum += returns[i] / count;
    return sum;
}

static void check_candidates(esp_controller_kind kind)
{
    enum { SMALL = EPISODES / 2, LARGE = 2 * SMALL };
    double dense[EPISODES], performance[3], small[1];
    closed_loop c;
    if (open_loop(&c)) {
        esp_surgeon *surgeon = NULL;
        CHECK_OK(esp_surgeon_create(c.net, esp_compensation_find("none"), NULL, &surgeon));
        esp_agent_acting_config acting = {&c.config, kind, &c.config.planner.search};
        esp_actors actors = esp_agent_actors(&acting);
        esp_closed_loop loop = {.surgeon = surgeon, .actors = &actors, .seed = 3, .count = SMALL, .pool = c.pool};
        esp_cut cuts[3] = {make_cut(c.net, 0), make_cut(c.net, 1), make_cut(c.net, 0)};
        esp_search_episodes(3, 2, 0, EPISODES, c.episodes);
        CHECK_OK(play(&c, kind, dense));
        CHECK_OK(esp_closed_loop_performance(&loop, 3, cuts, 2, performance));
        CHECK_OK(esp_closed_loop_performance(&loop, 1, cuts, 1, small));
        CU_ASSERT_EQUAL(performance[2], performance[0]);
        /* other block sizes, so matrix products of other shapes */
        CU_ASSERT_DOUBLE_EQUAL(performance[0], mean(dense, LARGE), 1e-3 * fabs(performance[0]));
        CU_ASSERT_DOUBLE_EQUAL(small[0], mean(dense, SMALL), 1e-3 * fabs(small[0]));
        CU_ASSERT_NOT_EQUAL(performance[1], performance[0]);
        for (int i = 0; i < 3; i++) esp_cut_free(&cuts[i]);
        esp_surgeon_free(surgeon);
    }
    close_loop(&c);
}

/* The uncut candidate moves exactly as much as the reference. */
static void a_candidate_that_moves_too_much_counts_as_if_it_returned_less(void)
{
    static const double bounds[] = {0, 1.25, 0.5};
    double performance[3][2];
    closed_loop c;
    if (open_loop(&c)) {
        esp_surgeon *surgeon = NULL;
        esp_closed_loop_memory memory = {.known = 0};
        CHECK_OK(esp_surgeon_create(c.net, esp_compensation_find("none"), NULL, &surgeon));
        esp_cut cut = make_cut(c.net, 0);
        for (int i = 0; i < 3; i++) {
            esp_agent_acting_config acting = {&c.config, ESP_CONTROLLER_POLICY, &c.config.planner.search};
            esp_actors actors = esp_agent_actors(&acting);
            esp_closed_loop loop = {.surgeon = surgeon, .actors = &actors, .seed = 3, .count = 4,
                                    .pool = c.pool, .max_variation = bounds[i], .reference = c.net,
                                    .memory = &memory};
            CHECK_OK(esp_closed_loop_performance(&loop, 1, &cut, 1, &performance[i][0]));
            CHECK_OK(esp_closed_loop_performance(&loop, 1, &cut, 2, &performance[i][1]));
        }
        for (int k = 0; k < 2; k++) {
            CU_ASSERT_EQUAL(performance[1][k], performance[0][k]);
            CU_ASSERT_DOUBLE_EQUAL(performance[2][k], 0.5 * performance[0][k], 1e-3 * performance[0][k]);
        }
        CU_ASSERT_EQUAL(memory.known, 2); /* the reference was played once per scale */
        esp_cut_free(&cut);
        esp_surgeon_free(surgeon);
    }
    close_loop(&c);
}

static void search_episodes_take_both_starts_in_turn(void)
{
    esp_episode few[4], many[9];
    esp_search_episodes(5, 2, 0, 4, few);
    esp_search_episodes(5, 2, 0, 9, many);
    for (int i = 0; i < 4; i++) CU_ASSERT(few[i].start == many[i].start && few[i].index == many[i].index);
    for (int i = 0; i < 9; i++) {
        CU_ASSERT_EQUAL(many[i].start, i % 2 == 0 ? START_RANDOM : START_HANGING);
        CU_ASSERT_EQUAL(many[i].index, (uint64_t)(i / 2));
        CU_ASSERT_EQUAL(many[i].seed, many[0].seed);
    }
}

static void uncut_candidate_has_the_return_of_the_dense_policy(void)
{
    check_candidates(ESP_CONTROLLER_POLICY);
}

static void uncut_candidate_has_the_return_of_the_dense_planner(void)
{
    check_candidates(ESP_CONTROLLER_MPPI);
}

static CU_TestInfo tests[] = {
    {"episodes_of_different_use_never_share_a_start", episodes_of_different_use_never_share_a_start},
    {"equal_names_give_equal_starts", equal_names_give_equal_starts},
    {"policy_returns_are_bit_identical_on_one_thread_and_two", policy_returns_are_bit_identical_on_one_thread_and_two},
    {"planner_returns_are_bit_identical_on_one_thread_and_two",
     planner_returns_are_bit_identical_on_one_thread_and_two},
    {"a_restarted_controller_acts_as_at_first", a_restarted_controller_acts_as_at_first},
    {"an_agent_with_a_nan_weight_is_an_error_and_not_a_return",
     an_agent_with_a_nan_weight_is_an_error_and_not_a_return},
    {"uncut_candidate_has_the_return_of_the_dense_policy", uncut_candidate_has_the_return_of_the_dense_policy},
    {"uncut_candidate_has_the_return_of_the_dense_planner", uncut_candidate_has_the_return_of_the_dense_planner},
    {"a_candidate_that_moves_too_much_counts_as_if_it_returned_less",
     a_candidate_that_moves_too_much_counts_as_if_it_returned_less},
    {"search_episodes_take_both_starts_in_turn", search_episodes_take_both_starts_in_turn},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("agent_evaluate", tests)
