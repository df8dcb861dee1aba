/* A smaller network learns the actions of the dense one (closedloop/distil.c says how): what a gradient step is, and
 * which episodes it learns from. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "controller/controller.h"

enum {
    BATCH = 256,
    BLOCK = 64,           /* rows of a batch that one thread works on */
    CHECK_EPISODES = 24,  /* at every check, all starts together */
    PLAYED_EPISODES = 16  /* in every recording of the smaller network */
};

#define RATE 1e-3
#define MOST_NORM 10      /* of the gradient; longer ones are scaled down */
#define DENSE_SHARE 0.3   /* of a batch: rows of the dense network's episodes */
#define PLAYED_NOISE 0.3  /* largest deviation of the noise while the smaller network plays */

/* Episodes are numbered from here on, so that no two uses share any. */
#define FIRST_CHECKED 1000000
#define FIRST_PLAYED 1000000

/* Part of a batch. */
typedef struct {
    esp_tape *tape;
    float    *grads, *dy;  /* [num_weights], [BLOCK, outputs] */
    double    squares;     /* sum of the squared errors */
} part;

typedef struct {
    const esp_policy_lesson *lesson;
    const esp_actuation     *limits;
    esp_network    *net;
    esp_adam        adam;
    part            part[BATCH / BLOCK];
    float          *x, *y;       /* [BATCH, inputs], [BATCH, outputs] */
    double          allowed;     /* largest total variation, 0: not bounded */
    int             num_books;
    esp_policy_rows book[1 + ESP_DISTIL_PLAYS]; /* the dense network's (borrowed), then those of the smaller one */
} learning;

static learning *learning_create(esp_network *net, const esp_policy_lesson *lesson)
{
    learning *l = esp_alloc(1, sizeof *l);
    const esp_component *c = &net->component[0];
    l->lesson = lesson;
    l->limits = esp_pool_world(lesson->pool)->actuation;
    l->net = net;
    l->num_books = 1;
    l->book[0] = *lesson->recorded;
    l->x = esp_alloc((size_t)BATCH * (size_t)c->in_size, sizeof *l->x);
    l->y = esp_alloc((size_t)BATCH * (size_t)c->out_size, sizeof *l->y);
    esp_adam_init(&l->adam, net->num_weights);
    for (int i = 0; i < BATCH / BLOCK; i++) {
        l->part[i].tape = esp_tape_create(net, 0, BLOCK);
        l->part[i].grads = esp_alloc(net->num_weights, sizeof(float));
        l->part[i].dy = esp_alloc((size_t)BLOCK * (size_t)c->out_size, sizeof(float));
    }
    return l;
}

static void learning_free(learning *l)
{
    for (int i = 1; i < l->num_books; i++) esp_policy_rows_free(&l->book[i]);
    for (int i = 0; i < BATCH / BLOCK; i++) {
        esp_tape_free(l->part[i].tape);
        free(l->part[i].grads);
        free(l->part[i].dy);
    }
    esp_adam_free(&l->adam);
    free(l->x);
    free(l->y);
    free(l);
}

/* ---- a gradient step ---- */

static void draw(learning *l, int step)
{
    const esp_component *c = &l->net->component[0];
    size_t inputs = (size_t)c->in_size, outputs = (size_t)c->out_size;
    esp_rng rng = esp_rng_make(l->lesson->seed, ESP_RNG_REPLAY, (uint64_t)step);
    for (size_t b = 0; b < BATCH; b++) {
        bool dense = l->num_books == 1 || esp_rng_uniform(&rng) < DENSE_SHARE;
        const esp_policy_rows *rows = &l->book[dense ? 0 : 1 + esp_rng_below(&rng, (uint32_t)l->num_books - 1)];
        size_t row = esp_rng_below(&rng, (uint32_t)rows->count);
        memcpy(l->x + b * inputs, rows->x + row * inputs, inputs * sizeof *l->x);
        memcpy(l->y + b * outputs, rows->y + row * outputs, outputs * sizeof *l->y);
    }
}

/* What the output lacks to have the same effect as the wanted one: beyond a limit all outputs have the same. */
static float error_of(const esp_actuation *limits, float found, float wanted)
{
    float low = (float)limits->low, high = (float)limits->high;
    if ((found >= high && wanted >= high) || (found <= low && wanted <= low)) return 0.0f;
    return found - (wanted > high ? high : wanted < low ? low : wanted);
}

static void part_gradient(const learning *l, part *p, int first)
{
    const esp_component *c = &l->net->component[0];
    size_t inputs = (size_t)c->in_size, outputs = (size_t)c->out_size;
    const float *found = esp_forward(l->net, p->tape, l->x + (size_t)first * inputs, BLOCK);
    const float *wanted = l->y + (size_t)first * outputs;
    p->squares = 0.0;
    for (size_t i = 0; i < BLOCK * outputs; i++) {
        float error = error_of(&l->limits[i % outputs], found[i], wanted[i]);
        p->squares += (double)error * (double)error;
        p->dy[i] = 2.0f * error / (float)(BATCH * outputs);
    }
    memset(p->grads, 0, l->net->num_weights * sizeof *p->grads);
    esp_backward(l->net, p->tape, p->dy, p->grads, NULL);
}

static esp_status step_once(void *context, int step, double rate, double *loss)
{
    learning *l = context;
    size_t count = l->net->num_weights;
    float *total = l->part[0].grads;
    draw(l, step);
#pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < BATCH / BLOCK; i++) part_gradient(l, &l->part[i], i * BLOCK);
    *loss = 0.0;
    for (int i = 0; i < BATCH / BLOCK; i++)
        *loss += l->part[i].squares / ((double)BATCH * l->net->component[0].out_size);
    for (int i = 1; i < BATCH / BLOCK; i++)
        for (size_t j = 0; j < count; j++) total[j] += l->part[i].grads[j];
    double norm = esp_norm2(count, total);
    if (!isfinite(*loss) || !isfinite(norm)) return esp_fail(ESP_ERR_NUMERIC, "an action is not a number");
    esp_adam_step(&l->adam, (float)rate, esp_clip_scale(norm, MOST_NORM), total, l->net->weights);
    return ESP_OK;
}

/* ---- episodes of the smaller network ---- */

static esp_status play(void *context, const esp_network *net)
{
    learning *l = context;
    esp_policy_rows *rows = &l->book[l->num_books];
    esp_policy_recording recording = {.net = net, .pool = l->lesson->pool, .episodes = PLAYED_EPISODES,
                                      .noise = PLAYED_NOISE, .first = FIRST_PLAYED * (uint64_t)l->num_books,
                                      .seed = l->lesson->seed};
    esp_status status = esp_policy_record(&recording, rows);
    if (status != ESP_OK) return status;
    l->num_books++;
    esp_policy_label(l->lesson->dense, rows);
    return ESP_OK;
}

/* Mean return and total variation over the same episodes for every network. */
static esp_status check(const learning *l, const esp_network *net, double *mean, double *variation)
{
    esp_pool *pool = l->lesson->pool;
    esp_actors actors = esp_policy_actors(esp_pool_world(pool));
    esp_episode episodes[CHECK_EPISODES];
    esp_trajectory trajectories[CHECK_EPISODES] = {{.length = 0}};
    esp_search_episodes(l->lesson->seed, esp_names_count(esp_pool_world(pool)->task->about.starts), FIRST_CHECKED,
                        CHECK_EPISODES, episodes);
    esp_playing playing = {.actors = &actors, .net = net, .episodes = episodes, .count = CHECK_EPISODES};
    esp_status status = esp_play_episodes(pool, &playing, NULL, trajectories);
    *mean = 0.0;
    for (int i = 0; i < CHECK_EPISODES; i++) *mean += trajectories[i].episode_return / CHECK_EPISODES;
    *variation = esp_mean_variation(trajectories, CHECK_EPISODES);
    return status;
}

/* The return by which weights are chosen. */
static esp_status judge(void *context, const esp_network *net, double *mean)
{
    const learning *l = context;
    double variation;
    esp_status status = check(l, net, mean, &variation);
    *mean = esp_bounded_return(*mean, variation, l->allowed);
    return status;
}

static esp_status find_allowed_variation(learning *l)
{
    double mean, variation;
    if (l->lesson->max_variation <= 0.0) return ESP_OK;
    esp_status status = check(l, l->lesson->dense, &mean, &variation);
    l->allowed = l->lesson->max_variation * variation;
    return status;
}

esp_status esp_policy_imitate(esp_network *net, const esp_policy_lesson *lesson)
{
    learning *l = learning_create(net, lesson);
    esp_distillation distillation = {.steps = lesson->steps, .rate = RATE, .net = net, .context = l,
                                     .step = step_once, .play = play, .judge = judge};
    esp_status status = find_allowed_variation(l);
    if (status == ESP_OK) status = esp_distil_run(&distillation);
    learning_free(l);
    return status;
}
