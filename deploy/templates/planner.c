/* ---- the planner: MPPI in latent space (Hansen et al. 2022, Algorithm 1) ---- */

enum {
    HORIZON = @horizon@,       /* steps looked ahead */
    SAMPLES = @samples@,      /* action sequences drawn per iteration */
    TRAJECTORIES = @trajectories@,   /* sequences of the policy, which join them */
    ELITES = @elites@,        /* best sequences kept */
    ITERATIONS = @iterations@,
    LATENT = @latent@,
    ACTIONS = @NAME@_OUTPUTS,
    ROW = LATENT + ACTIONS    /* what the model reads */
};

static const float discount = @discount@, policy_deviation = @policy_std@, temperature = @temperature@;
static const float momentum = @momentum@, least_deviation = @min_std@, most_deviation = @max_std@;

static float limit(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

/* The policy's action with noise; `action` holds standard normal numbers before. */
static void noisy_policy(@name@_state *state, int rows, const float *latents, float *action)
{
    run_@pi@(state->work, rows, latents, state->mu);
    hyperbolic(rows * ACTIONS, state->mu);
    for (int i = 0; i < rows * ACTIONS; i++)
        action[i] = limit(state->mu[i] + limit(action[i] * policy_deviation, -0.3f, 0.3f), -1.0f + 1e-6f,
                          1.0f - 1e-6f);
}

/* state->row = latent | action, row by row. */
static void join(@name@_state *state, int rows, const float *latents, const float *actions)
{
    for (int r = 0; r < rows; r++) {
        memcpy(state->row + r * ROW, latents + r * LATENT, LATENT * sizeof(float));
        memcpy(state->row + r * ROW + LATENT, actions + r * ACTIONS, ACTIONS * sizeof(float));
    }
}

/* One step of the model: adds weight * reward and advances state->z. */
static void model_step(@name@_state *state, int rows, const float *actions, float weight, float *rewards)
{
    join(state, rows, state->z, actions);
    run_@reward@(state->work, rows, state->row, state->scalar);
    for (int r = 0; r < rows; r++) rewards[r] += weight * state->scalar[r];
    run_@dynamics@(state->work, rows, state->row, state->z);
}

/* The value of sequences whose rewards and last latents are known; `noise` is overwritten. */
static void end_values(@name@_state *state, int rows, const float *latents, float *noise, const float *rewards,
                       float weight, float *values)
{
    noisy_policy(state, rows, latents, noise);
    join(state, rows, latents, noise);
    run_@q1@(state->work, rows, state->row, state->scalar);
    run_@q2@(state->work, rows, state->row, state->other);
    for (int r = 0; r < rows; r++) {
        const float least = state->scalar[r] < state->other[r] ? state->scalar[r] : state->other[r];
        const float value = rewards[r] + weight * least;
        values[r] = value != value ? 0.0f : limit(value, -FLT_MAX, FLT_MAX);
    }
}

static void start_rows(@name@_state *state, int rows)
{
    for (int r = 0; r < rows; r++) memcpy(state->z + r * LATENT, state->@latent_row@, LATENT * sizeof(float));
}

static int rows_from(int first, int count)
{
    return count - first < BATCH ? count - first : BATCH;
}

/* The policy's own trajectories, once per plan: their actions replace the noise. */
static void unroll_policy(@name@_state *state)
{
    for (int first = 0; first < TRAJECTORIES; first += BATCH) {
        const int rows = rows_from(first, TRAJECTORIES);
        float weight = 1.0f;
        start_rows(state, rows);
        for (int r = 0; r < rows; r++) state->rewards[first + r] = 0.0f;
        for (int t = 0; t < HORIZON; t++) {
            float *actions = state->policy_actions + (t * TRAJECTORIES + first) * ACTIONS;
            noisy_policy(state, rows, state->z, actions);
            model_step(state, rows, actions, weight, state->rewards + first);
            weight *= discount;
        }
        memcpy(state->ends + first * LATENT, state->z, (size_t)(rows * LATENT) * sizeof(float));
    }
}

/* Values of all sequences: the samples', then the policy's. */
static void value_sequences(@name@_state *state)
{
    const float end_weight = powf(discount, (float)HORIZON);
    for (int first = 0; first < SAMPLES; first += BATCH) {
        const int rows = rows_from(first, SAMPLES);
        float rewards[BATCH] = {0.0f}, weight = 1.0f;
        start_rows(state, rows);
        for (int t = 0; t < HORIZON; t++) {
            model_step(state, rows, state->actions + (t * SAMPLES + first) * ACTIONS, weight, rewards);
            weight *= discount;
        }
        end_values(state, rows, state->z, state->noise + first * ACTIONS, rewards, end_weight,
                   state->values + first);
    }
    for (int first = 0; first < TRAJECTORIES; first += BATCH)
        end_values(state, rows_from(first, TRAJECTORIES), state->ends + first * LATENT,
                   state->noise + (SAMPLES + first) * ACTIONS, state->rewards + first, end_weight,
                   state->values + SAMPLES + first);
}

/* Draws the sequences of one iteration around the mean, and the noise of the actions that value their ends. */
static void draw_sequences(@name@_state *state)
{
    draw_normals(&state->random, HORIZON * SAMPLES * ACTIONS, state->actions);
    for (int t = 0; t < HORIZON; t++)
        for (int i = 0; i < SAMPLES * ACTIONS; i++) {
            float *action = state->actions + t * SAMPLES * ACTIONS + i;
            const int at = t * ACTIONS + i % ACTIONS;
            *action = limit(state->mean[at] + state->deviation[at] * *action, -1.0f, 1.0f);
        }
    draw_normals(&state->random, SAMPLES * ACTIONS, state->noise);
    draw_normals(&state->random, TRAJECTORIES * ACTIONS, state->noise + SAMPLES * ACTIONS);
}

/* The action of a sequence at time t. */
static const float *action_of(const @name@_state *state, int t, int sequence)
{
    if (sequence < SAMPLES) return state->actions + (t * SAMPLES + sequence) * ACTIONS;
    return state->policy_actions + (t * TRAJECTORIES + sequence - SAMPLES) * ACTIONS;
}

/* Moves the best sequences to the front of state->rank, best first; of equal values the lower number first. */
static void rank_elites(@name@_state *state)
{
    float sum = 0.0f;
    for (int i = 0; i < SAMPLES + TRAJECTORIES; i++) state->rank[i] = i;
    for (int k = 0; k < ELITES; k++) {
        int best = k;
        for (int i = k + 1; i < SAMPLES + TRAJECTORIES; i++) {
            const float value = state->values[state->rank[i]], most = state->values[state->rank[best]];
            if (value > most || (!(value < most) && state->rank[i] < state->rank[best])) best = i;
        }
        const int32_t moved = state->rank[k];
        state->rank[k] = state->rank[best];
        state->rank[best] = moved;
    }
    for (int k = 0; k < ELITES; k++) {
        state->score[k] = expf(temperature * (state->values[state->rank[k]] - state->values[state->rank[0]]));
        sum += state->score[k];
    }
    for (int k = 0; k < ELITES; k++) state->score[k] /= sum;
}

/* Mean and deviation of the elites, weighted by their scores. */
static void refit(@name@_state *state)
{
    float total = 1e-9f;
    for (int k = 0; k < ELITES; k++) total += state->score[k];
    for (int at = 0; at < HORIZON * ACTIONS; at++) {
        float sum = 0.0f, squares = 0.0f;
        for (int k = 0; k < ELITES; k++)
            sum += state->score[k] * action_of(state, at / ACTIONS, state->rank[k])[at % ACTIONS];
        const float mean = sum / total;
        for (int k = 0; k < ELITES; k++) {
            const float d = action_of(state, at / ACTIONS, state->rank[k])[at % ACTIONS] - mean;
            squares += state->score[k] * d * d;
        }
        state->deviation[at] = limit(sqrtf(squares / total), least_deviation, most_deviation);
        state->mean[at] = momentum * state->mean[at] + (1.0f - momentum) * mean;
    }
}

/* The elite that a uniform number picks, by scores. */
static int pick_elite(const @name@_state *state, double uniform)
{
    double sum = 0.0, cumulative = 0.0;
    int choice = -1;
    for (int k = 0; k < ELITES; k++) sum += (double)state->score[k];
    do {
        choice++;
        cumulative += (double)state->score[choice];
    } while (choice < ELITES - 1 && cumulative / sum <= uniform);
    return choice;
}

/* Plans from the latent state and writes the first action; what is left is the next plan's first guess. */
static void plan(@name@_state *state, float *output)
{
    const int kept = state->warm != 0 ? (HORIZON - 1) * ACTIONS : 0;
    memmove(state->mean, state->mean + ACTIONS, (HORIZON - 1) * ACTIONS * sizeof(float));
    for (int i = kept; i < HORIZON * ACTIONS; i++) state->mean[i] = 0.0f;
    for (int i = 0; i < HORIZON * ACTIONS; i++) state->deviation[i] = most_deviation;
    for (int t = 0; t < HORIZON; t++)
        draw_normals(&state->random, TRAJECTORIES * ACTIONS, state->policy_actions + t * TRAJECTORIES * ACTIONS);
    unroll_policy(state);
    for (int i = 0; i < ITERATIONS; i++) {
        draw_sequences(state);
        value_sequences(state);
        rank_elites(state);
        refit(state);
    }
    const int choice = pick_elite(state, next_uniform(&state->random));
@if on_mean@
    (void)choice; /* the mean acts; the number is drawn all the same, as on the host */
    memcpy(output, state->mean, ACTIONS * sizeof(float));
@else@
    memcpy(output, action_of(state, 0, state->rank[choice]), ACTIONS * sizeof(float));
@end@
    state->warm = 1;
}

