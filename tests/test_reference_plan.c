/* Plans against recorded plans of the reference (case 4), iteration by iteration, with the recorded
 * noise. */
#include "reference_agent.h"

#define VALUE_TOLERANCE 1e-4 /* float32: a rollout through four networks */

typedef struct {
    esp_safetensors *file;
    esp_network *net;
    esp_mppi *planner;
    esp_plan_trace trace;
    int H, I, N, P, K, A;
    int choice;
    float *z, *action;
} plan_case;

static esp_mppi *make_planner(const plan_case *c, const esp_agent_config *config)
{
    esp_planner_config planner = config->planner;
    planner.budget = (esp_plan_budget){.horizon = c->H, .samples = c->N, .elites = c->K, .iterations = c->I};
    planner.policy_fraction = reference_number(c->file, "mixture_coef");
    planner.temperature = reference_number(c->file, "temperature");
    planner.momentum = reference_number(c->file, "momentum");
    planner.min_std = reference_floats(c->file, "in.agent_std")[0];
    planner.max_std = 2.0;
    planner.act_on = ESP_ACT_ON_ELITE;
    CU_ASSERT_EQUAL_FATAL(esp_policy_trajectories(&planner, c->N), c->P);
    return esp_mppi_create(c->net, &planner, &planner.budget, &config->loss, 1);
}

static void open_trace(plan_case *c)
{
    size_t I = (size_t)c->I, HA = (size_t)c->H * c->A, all = (size_t)(c->N + c->P), K = (size_t)c->K;
    c->trace = (esp_plan_trace){.policy_actions = esp_alloc(HA * c->P, sizeof(float)),
                                .actions = esp_alloc(I * HA * all, sizeof(float)),
                                .value = esp_alloc(I * all, sizeof(float)),
                                .score = esp_alloc(I * K, sizeof(float)),
                                .elite = esp_alloc(I * K, sizeof(int)),
                                .mean = esp_alloc(I * HA, sizeof(float)),
                                .std = esp_alloc(I * HA, sizeof(float))};
}

static plan_case open_case(const char *name)
{
    plan_case c = {.file = reference_open(name)};
    esp_agent_config config = reference_config(c.file);
    c.net = reference_agent(c.file, &config);
    c.H = reference_int(c.file, "horizon");
    c.I = reference_int(c.file, "iterations");
    c.N = reference_int(c.file, "num_samples");
    c.P = reference_int(c.file, "num_pi_trajs");
    c.K = reference_int(c.file, "num_elites");
    c.A = reference_int(c.file, "action_dim");
    c.planner = make_planner(&c, &config);
    c.z = esp_alloc((size_t)esp_told_latent(c.net), sizeof(float));
    c.action = esp_alloc((size_t)c.A, sizeof(float));
    open_trace(&c);
    return c;
}

static void close_case(plan_case *c)
{
    void *const arrays[] = {c->trace.policy_actions, c->trace.actions, c->trace.value, c->trace.score, c->trace.elite,
                            c->trace.mean, c->trace.std, c->z, c->action};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
    esp_mppi_free(c->planner);
    esp_network_free(c->net);
    esp_safetensors_free(c->file);
}

static void encode(plan_case *c)
{
    esp_tape *tape = esp_tape_create(c->net, ESP_TOLD_ENCODER, 1);
    const float *z = esp_forward(c->net, tape, reference_tensor(c->file, "in.obs")->data, 1);
    memcpy(c->z, z, (size_t)esp_told_latent(c->net) * sizeof(float));
    esp_tape_free(tape);
}

/* Optional tensors are those of a warm start and of exploration. */
static void plan(plan_case *c)
{
    const esp_st_tensor *previous = esp_safetensors_find(c->file, "in.prev_mean");
    const esp_st_tensor *explore = esp_safetensors_find(c->file, "in.explore_noise");
    esp_plan_noise noise = {.policy = reference_floats(c->file, "in.pi_traj_noise"),
                            .action = reference_floats(c->file, "in.action_noise"),
                            .value = reference_floats(c->file, "in.value_noise"),
                            .choice = reference_floats(c->file, "in.choice_u")[0],
                            .explore = explore ? explore->data : NULL};
    c->trace.choice = &c->choice;
    encode(c);
    if (previous) memcpy(esp_mppi_mean(c->planner, 0), previous->data, previous->count * sizeof(float));
    CHECK_OK(esp_mppi_plan(c->planner, 1, c->z, &noise, NULL, c->action, &c->trace));
}

static void check_numbers(const plan_case *c)
{
    size_t I = (size_t)c->I, HA = (size_t)c->H * c->A, all = (size_t)(c->N + c->P);
    const esp_plan_trace *t = &c->trace;
    reference_check(c->file, "out.z0", (size_t)esp_told_latent(c->net), c->z, 2e-5, 1e-5);
    reference_check(c->file, "out.pi_actions", HA * c->P, t->policy_actions, 2e-5, 0.0);
    reference_check(c->file, "out.actions", I * HA * all, t->actions, 5e-5, 0.0);
    reference_check(c->file, "out.value", I * all, t->value, VALUE_TOLERANCE, VALUE_TOLERANCE);
    reference_check(c->file, "out.score", I * c->K, t->score, 1e-4, 0.0);
    reference_check(c->file, "out.mean", I * HA, t->mean, 5e-5, 0.0);
    reference_check(c->file, "out.std", I * HA, t->std, 5e-5, 0.0);
    reference_check(c->file, "out.action", (size_t)c->A, c->action, 5e-5, 0.0);
    reference_check(c->file, "out.prev_mean", HA, esp_mppi_mean(c->planner, 0), 5e-5, 0.0);
    CU_ASSERT_EQUAL(c->choice, ((const int64_t *)reference_tensor(c->file, "in.choice")->data)[0]);
}

static const int64_t *recorded_elites(const plan_case *c)
{
    const esp_st_tensor *tensor = reference_tensor(c->file, "out.elite_idx");
    CU_ASSERT_EQUAL_FATAL(tensor->count, (size_t)c->I * c->K);
    return tensor->data;
}

static void check_elites_in_order(const plan_case *c)
{
    const int64_t *expected = recorded_elites(c);
    for (int i = 0; i < c->I * c->K; i++) CU_ASSERT_EQUAL(c->trace.elite[i], expected[i]);
}

static bool holds(int count, const int64_t *set, int64_t member)
{
    for (int k = 0; k < count; k++)
        if (set[k] == member) return true;
    return false;
}

/* Neighbours in the ranking may be closer than the tolerance of values: then only the set of elites
 * is certain. */
static void check_elites_as_sets(const plan_case *c)
{
    const int64_t *expected = recorded_elites(c);
    for (int i = 0; i < c->I; i++) {
        const int *got = c->trace.elite + i * c->K;
        for (int k = 0; k < c->K; k++) {
            CU_ASSERT(holds(c->K, expected + i * c->K, got[k]));
            for (int j = 0; j < k; j++) CU_ASSERT_NOT_EQUAL(got[j], got[k]);
        }
    }
}

static void check_plan(const char *name)
{
    plan_case c = open_case(name);
    plan(&c);
    check_numbers(&c);
    if (reference_number(c.file, "min_gap_elites") > VALUE_TOLERANCE) check_elites_in_order(&c);
    else check_elites_as_sets(&c);
    close_case(&c);
}

/* ---- claims ---- */

static void small_cold_plan_equals_the_reference(void)
{
    check_plan("plan_small_cold.safetensors");
}

static void small_warm_plan_equals_the_reference(void)
{
    check_plan("plan_small_warm.safetensors");
}

static void small_exploring_plan_equals_the_reference(void)
{
    check_plan("plan_small_explore.safetensors");
}

static void full_cold_plan_equals_the_reference(void)
{
    check_plan("plan_full_cold.safetensors");
}

static void full_warm_plan_equals_the_reference(void)
{
    check_plan("plan_full_warm.safetensors");
}

static void full_plan_of_many_samples_equals_the_reference(void)
{
    check_plan("plan_full_512.safetensors");
}

static CU_TestInfo tests[] = {
    {"small_cold_plan_equals_the_reference", small_cold_plan_equals_the_reference},
    {"small_warm_plan_equals_the_reference", small_warm_plan_equals_the_reference},
    {"small_exploring_plan_equals_the_reference", small_exploring_plan_equals_the_reference},
    {"full_cold_plan_equals_the_reference", full_cold_plan_equals_the_reference},
    {"full_warm_plan_equals_the_reference", full_warm_plan_equals_the_reference},
    {"full_plan_of_many_samples_equals_the_reference", full_plan_of_many_samples_equals_the_reference},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("reference_plan", tests)
