/* Prioritised replay against a recorded history of additions and priority updates (case 6). */
#include "reference_agent.h"

typedef struct {
    esp_safetensors *file;
    esp_replay *replay;
    esp_replay_config config;
    int episodes, batch;
} replay_case;

static replay_case open_case(const char *name)
{
    replay_case c = {.file = reference_open(name)};
    int side = reference_int(c.file, "img_size");
    c.config = (esp_replay_config){.num_steps = reference_int(c.file, "episode_length"),
                                   .num_actions = reference_int(c.file, "action_dim"), .frame = 3 * side * side,
                                   .stack = reference_int(c.file, "frame_stack"),
                                   .horizon = reference_int(c.file, "horizon"),
                                   .capacity = reference_int(c.file, "capacity_episodes"),
                                   .alpha = reference_number(c.file, "per_alpha"),
                                   .beta = reference_number(c.file, "per_beta")};
    c.episodes = reference_int(c.file, "episodes");
    c.batch = reference_int(c.file, "batch");
    c.replay = esp_replay_create(&c.config);
    return c;
}

static void close_case(replay_case *c)
{
    esp_replay_free(c->replay);
    esp_safetensors_free(c->file);
}

static void add_episode(replay_case *c, int episode)
{
    size_t L = (size_t)c->config.num_steps, frames = (L + 1) * c->config.frame;
    esp_replay_add(c->replay, (const uint8_t *)reference_tensor(c->file, "in.frames")->data + episode * frames,
                   reference_floats(c->file, "in.action") + episode * L * c->config.num_actions,
                   reference_floats(c->file, "in.reward") + episode * L);
}

/* The tensor as slots, in new memory. */
static size_t *read_slots(const esp_safetensors *file, const char *name, int *count)
{
    const esp_st_tensor *tensor = reference_tensor(file, name);
    size_t *slots = esp_alloc(tensor->count, sizeof *slots);
    *count = (int)tensor->count;
    for (int i = 0; i < *count; i++) slots[i] = (size_t)((const int64_t *)tensor->data)[i];
    return slots;
}

static void update_priorities(replay_case *c, int episode)
{
    char name[64];
    int count;
    snprintf(name, sizeof name, "in.upd_idx.%d", episode);
    size_t *slots = read_slots(c->file, name, &count);
    snprintf(name, sizeof name, "in.upd_priority.%d", episode);
    esp_replay_update(c->replay, count, slots, reference_floats(c->file, name));
    free(slots);
}

/* Adds and updates in turn; row 2 e of the log follows the addition, row 2 e + 1 the update. */
static void live_through(replay_case *c, bool check)
{
    size_t all = (size_t)c->config.capacity * c->config.num_steps;
    const float *log = reference_floats(c->file, "out.priority_log");
    for (int e = 0; e < c->episodes; e++) {
        add_episode(c, e);
        if (check) CHECK_CLOSE("after addition", all, esp_replay_priorities(c->replay), log + 2 * e * all, 1e-7, 1e-6);
        update_priorities(c, e);
        if (check)
            CHECK_CLOSE("after update", all, esp_replay_priorities(c->replay), log + (2 * e + 1) * all, 1e-7, 1e-6);
    }
    CU_ASSERT_EQUAL(esp_replay_added(c->replay), c->episodes);
}

static void check_priorities(const char *name)
{
    replay_case c = open_case(name);
    live_through(&c, true);
    close_case(&c);
}

static void check_probabilities_and_weights(const char *name)
{
    replay_case c = open_case(name);
    live_through(&c, false);
    const esp_st_tensor *at_draw = reference_tensor(c.file, "in.priorities");
    size_t filled = esp_replay_slots(c.replay);
    CU_ASSERT_EQUAL_FATAL(at_draw->count, filled);
    memcpy(esp_replay_priorities(c.replay), at_draw->data, filled * sizeof(float));
    esp_replay_refresh(c.replay);

    int count;
    size_t *slots = read_slots(c.file, "in.idx", &count);
    float *probability = esp_alloc(filled, sizeof *probability), *weights = esp_alloc((size_t)count, sizeof *weights);
    for (size_t i = 0; i < filled; i++) probability[i] = (float)esp_replay_probability(c.replay, i);
    reference_check(c.file, "out.probs", filled, probability, 1e-8, 1e-5);
    esp_replay_weights(c.replay, count, slots, weights);
    reference_check(c.file, "out.weights", (size_t)count, weights, 1e-6, 1e-5);
    free(slots);
    free(weights);
    free(probability);
    close_case(&c);
}

static void check_bytes(const esp_safetensors *file, const char *name, size_t bytes, const void *got)
{
    const esp_st_tensor *expected = reference_tensor(file, name);
    CU_ASSERT_EQUAL_FATAL(expected->count * (expected->dtype == ESP_F32 ? sizeof(float) : 1), bytes);
    CU_ASSERT_EQUAL(memcmp(got, expected->data, bytes), 0);
}

/* The reference draws horizon + 1 steps; update() uses the first horizon of them. */
static void check_stacks(const char *name)
{
    replay_case c = open_case(name);
    int count, steps = c.config.horizon + 1;
    live_through(&c, false);
    size_t *slots = read_slots(c.file, "in.idx", &count);
    size_t stack = (size_t)count * c.config.stack * c.config.frame, rows = (size_t)steps * count;
    uint8_t *obs = esp_alloc(stack, 1), *next_obs = esp_alloc(steps * stack, 1);
    float *actions = esp_alloc(rows * c.config.num_actions, sizeof *actions);
    float *rewards = esp_alloc(rows, sizeof *rewards);
    esp_replay_gather(c.replay, count, slots, steps, obs, next_obs, actions, rewards);
    check_bytes(c.file, "out.obs", stack, obs);
    check_bytes(c.file, "out.next_obs", steps * stack, next_obs);
    check_bytes(c.file, "out.action", rows * c.config.num_actions * sizeof(float), actions);
    check_bytes(c.file, "out.reward", rows * sizeof(float), rewards);
    free(slots);
    free(obs);
    free(next_obs);
    free(actions);
    free(rewards);
    close_case(&c);
}

/* ---- claims ---- */

static void priorities_of_a_filling_buffer_equal_the_reference(void)
{
    check_priorities("replay_partial.safetensors");
}

static void probabilities_and_weights_of_a_filling_buffer_equal_the_reference(void)
{
    check_probabilities_and_weights("replay_partial.safetensors");
}

static void stacks_of_a_filling_buffer_equal_the_reference(void)
{
    check_stacks("replay_partial.safetensors");
}

static void priorities_of_a_wrapped_buffer_equal_the_reference(void)
{
    check_priorities("replay_wrapped.safetensors");
}

static void probabilities_and_weights_of_a_wrapped_buffer_equal_the_reference(void)
{
    check_probabilities_and_weights("replay_wrapped.safetensors");
}

static void stacks_of_a_wrapped_buffer_equal_the_reference(void)
{
    check_stacks("replay_wrapped.safetensors");
}

static CU_TestInfo tests[] = {
    {"priorities_of_a_filling_buffer_equal_the_reference", priorities_of_a_filling_buffer_equal_the_reference},
    {"probabilities_and_weights_of_a_filling_buffer_equal_the_reference",
     probabilities_and_weights_of_a_filling_buffer_equal_the_reference},
    {"stacks_of_a_filling_buffer_equal_the_reference", stacks_of_a_filling_buffer_equal_the_reference},
    {"priorities_of_a_wrapped_buffer_equal_the_reference", priorities_of_a_wrapped_buffer_equal_the_reference},
    {"probabilities_and_weights_of_a_wrapped_buffer_equal_the_reference",
     probabilities_and_weights_of_a_wrapped_buffer_equal_the_reference},
    {"stacks_of_a_wrapped_buffer_equal_the_reference", stacks_of_a_wrapped_buffer_equal_the_reference},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("reference_replay", tests)
