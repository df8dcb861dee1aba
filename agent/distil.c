/* Distillation of a policy: encoder and policy of a pruned agent learn the actions of the dense one.
 *
 * The shipped policy, 99 % smaller (3,693 parameters): the cut returns 85 / 27 from the two starts, after 6,000 steps
 * 833 / 653; the dense one 844 / 657, on 50 episodes each. Without episodes of its own the same took three times the
 * steps and three rounds to 799 / 636 of 821 / 655. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_internal.h"

enum {
    BLOCK = 64,         /* moments labelled at once */
    BATCH = 64,
    CHECK_EPISODES = 50, /* per start */
    PLAYED_EPISODES = 30 /* per start */
};

#define DENSE_SHARE 0.3  /* of a batch: moments of the dense agent's episodes */
#define PLAYED_NOISE 0.6 /* largest deviation of the noise while the pruned policy plays */
#define RATE 1e-3

/* Episodes are numbered from here on, so that no two uses share any. */
#define FIRST_CHECKED 1000000
#define FIRST_PLAYED 1000000

typedef struct {
    const esp_agent_config    *config;
    const esp_network         *dense;
    const esp_finetune_config *settings;
    esp_network  *net; /* being trained, borrowed */
    esp_imitator *imitator;
    int           num_books;
    esp_recording book[1 + ESP_DISTIL_PLAYS]; /* the dense agent's (borrowed), then those of the pruned policy */
    uint8_t      *obs;                  /* [BATCH, stack, frame] */
    float        *wanted;               /* [BATCH, A] */
    double        allowed;              /* largest total variation per episode; 0: no bound */
} distilling;

static distilling distilling_create(esp_network *net, const esp_agent_config *config, const esp_network *dense,
                                    const esp_recording *recording, const esp_finetune_config *settings)
{
    distilling d = {.config = config, .dense = dense, .settings = settings, .net = net, .num_books = 1,
                    .book = {*recording}};
    d.imitator = esp_imitator_create(d.net, BATCH);
    d.obs = esp_alloc(BATCH, (size_t)recording->stack * recording->frame);
    d.wanted = esp_alloc((size_t)BATCH * recording->num_actions, sizeof *d.wanted);
    return d;
}

static void distilling_free(distilling *d)
{
    for (int i = 1; i < d->num_books; i++) esp_recording_free(&d->book[i]);
    esp_imitator_free(d->imitator);
    free(d->obs);
    free(d->wanted);
}

/* ---- what the dense policy would have done ---- */

static void label_block(const esp_network *dense, const esp_recording *r, size_t first, int n)
{
    size_t image = (size_t)r->stack * r->frame, steps = (size_t)r->num_steps, A = (size_t)r->num_actions;
    uint8_t *obs = esp_alloc((size_t)n, image);
    esp_tape *encoder = esp_tape_create(dense, ESP_TOLD_ENCODER, n);
    esp_tape *policy = esp_tape_create(dense, ESP_TOLD_POLICY, n);
    for (size_t i = 0; i < (size_t)n; i++)
        esp_recording_obs(r, (int)((first + i) / steps), (int)((first + i) % steps), obs + i * image);
    const float *mu = esp_forward(dense, policy, esp_forward(dense, encoder, obs, n), n);
    for (size_t i = 0; i < (size_t)n * A; i++) r->intended[first * A + i] = tanhf(mu[i]);
    esp_tape_free(encoder);
    esp_tape_free(policy);
    free(obs);
}

static void label(const esp_network *dense, const esp_recording *r)
{
    size_t total = (size_t)r->episodes * r->num_steps;
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t first = 0; first < total; first += BLOCK)
        label_block(dense, r, first, (int)(total - first < BLOCK ? total - first : BLOCK));
}

/* ---- episodes of the pruned policy ---- */

static int num_starts(const distilling *d)
{
    return esp_names_count(esp_pool_world(d->settings->pool)->task->about.starts);
}

static esp_status play(void *context, const esp_network *net)
{
    distilling *d = context;
    esp_recording *r = &d->book[d->num_books];
    esp_record_config config = {.net = net, .config = d->config, .kind = ESP_CONTROLLER_POLICY,
                                .episodes = PLAYED_EPISODES * num_starts(d), .noise = PLAYED_NOISE,
                                .first = FIRST_PLAYED * (uint64_t)d->num_books, .seed = d->settings->seed,
                                .quiet = true};
    esp_status status = esp_recording_make(d->settings->pool, &config, r);
    if (status != ESP_OK) return status;
    d->num_books++;
    label(d->dense, r);
    return ESP_OK;
}

/* Mean return and total variation over the same episodes for every network. */
static esp_status check(const distilling *d, const esp_network *net, double *mean, double *variation)
{
    int starts = num_starts(d), count = CHECK_EPISODES * starts;
    esp_episode *episodes = esp_alloc((size_t)count, sizeof *episodes);
    esp_trajectory *trajectories = esp_alloc((size_t)count, sizeof *trajectories);
    esp_search_episodes(d->settings->seed, starts, FIRST_CHECKED, count, episodes);
    esp_evaluation ev = {.net = net, .config = d->config, .kind = ESP_CONTROLLER_POLICY, .episodes = episodes,
                         .count = count};
    esp_status status = esp_evaluate(d->settings->pool, &ev, NULL, trajectories);
    *mean = 0.0;
    for (int i = 0; i < count; i++) *mean += trajectories[i].episode_return / count;
    *variation = esp_mean_variation(trajectories, count);
    free(episodes);
    free(trajectories);
    return status;
}

/* The return by which weights are chosen. */
static esp_status mean_return(void *context, const esp_network *net, double *mean)
{
    const distilling *d = context;
    double variation;
    esp_status status = check(d, net, mean, &variation);
    *mean = esp_bounded_return(*mean, variation, d->allowed);
    return status;
}

static esp_status find_allowed_variation(distilling *d)
{
    double mean, variation;
    if (!d->settings->pool || d->settings->max_variation <= 0.0) return ESP_OK;
    esp_status status = check(d, d->dense, &mean, &variation);
    d->allowed = d->settings->max_variation * variation;
    return status;
}

/* ---- learning ---- */

static void draw(distilling *d, int step)
{
    esp_rng rng = esp_rng_make(d->settings->seed, ESP_RNG_REPLAY, (uint64_t)step);
    for (int b = 0; b < BATCH; b++) {
        bool dense = d->num_books == 1 || esp_rng_uniform(&rng) < DENSE_SHARE;
        const esp_recording *r = &d->book[dense ? 0 : 1 + esp_rng_below(&rng, (uint32_t)d->num_books - 1)];
        size_t steps = (size_t)r->num_steps, A = (size_t)r->num_actions;
        size_t at = esp_rng_below(&rng, (uint32_t)(r->episodes * r->num_steps));
        esp_recording_obs(r, (int)(at / steps), (int)(at % steps), d->obs + (size_t)b * r->stack * r->frame);
        memcpy(d->wanted + (size_t)b * A, r->intended + at * A, A * sizeof *d->wanted);
    }
}

static esp_status step_once(void *context, int step, double rate, double *loss)
{
    distilling *d = context;
    draw(d, step);
    return esp_imitator_step(d->imitator, d->obs, d->wanted, rate, loss);
}

esp_status esp_distil(esp_network *net, const esp_agent_config *config, const esp_network *dense,
                      const esp_recording *recording, const esp_finetune_config *settings)
{
    distilling d = distilling_create(net, config, dense, recording, settings);
    esp_distillation distillation = {.steps = settings->steps, .rate = RATE, .net = net, .context = &d,
                                     .step = step_once, .play = settings->pool ? play : NULL,
                                     .judge = settings->pool ? mean_return : NULL};
    esp_status status = find_allowed_variation(&d);
    if (status == ESP_OK) status = esp_distil_run(&distillation);
    distilling_free(&d);
    return status;
}
