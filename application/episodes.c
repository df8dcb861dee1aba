/* What is kept of played episodes, whoever played them, and the figures that are shown of them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/application_internal.h"

/* ---- samples ---- */

static void describe(const esp_world *world, esp_samples *out)
{
    const esp_trait traits[ESP_AGENT_TRAITS] = {
        [ESP_TRAIT_RETURN] = {"return", "return", NULL, 1},
        [ESP_TRAIT_VARIATION] = {"total_variation", "total variation of actions", NULL, 2},
        [ESP_TRAIT_SATURATION] = {"saturation_share", "saturated actions, share", NULL, 3},
        [ESP_TRAIT_GOAL_TIME] = {"goal_seconds", "time to the goal", "s", 2},
        [ESP_TRAIT_STEADY_ERROR] = {"steady_error", "steady-state error", NULL, 4}};
    const esp_task_quantity *error = esp_task_error(world->task);
    for (int t = 0; t < ESP_AGENT_TRAITS; t++) out->trait[t] = traits[t];
    if (error) out->trait[ESP_TRAIT_STEADY_ERROR].unit = error->unit;
    out->num_traits = error ? ESP_AGENT_TRAITS : ESP_TRAIT_STEADY_ERROR;
    double largest = world->task->about.largest_reward;
    out->most = world->config.physics_steps * (largest > 0 ? largest : 1.0);
}

static void name_starts(const esp_world *world, bool every_start, esp_samples *out)
{
    const char *const *starts = world->task->about.starts;
    out->start[out->num_starts++].name = starts[world->start];
    for (int s = 0; starts[s] && every_start && out->num_starts < ESP_MOST_STARTS; s++)
        if (s != world->start) out->start[out->num_starts++].name = starts[s];
}

esp_samples esp_samples_of_world(const esp_world *world, bool every_start)
{
    esp_samples samples = {.num_starts = 0};
    describe(world, &samples);
    name_starts(world, every_start, &samples);
    return samples;
}

/* Episodes first .. first + count - 1 of every start, [starts, count]. */
esp_episode *esp_samples_episodes(const esp_world *world, const esp_samples *samples, uint64_t seed, int first,
                                  int count)
{
    const char *const *names = world->task->about.starts;
    esp_episode *episodes = esp_alloc((size_t)(samples->num_starts * count), sizeof *episodes);
    for (int s = 0; s < samples->num_starts; s++) {
        esp_episodes_name(seed, ESP_EPISODES_REPORT, esp_names_index(names, samples->start[s].name),
                          count, episodes + s * count);
        for (int i = 0; i < count; i++) episodes[s * count + i].index += (uint64_t)first;
    }
    return episodes;
}

static void keep(const esp_trajectory *trajectories, int count, int num_traits, esp_start_samples *out)
{
    out->count = count;
    for (int t = 0; t < num_traits; t++) out->value[t] = esp_alloc((size_t)count, sizeof *out->value[t]);
    for (int i = 0; i < count; i++) {
        const esp_behaviour *b = &trajectories[i].behaviour;
        const double values[ESP_AGENT_TRAITS] = {
            [ESP_TRAIT_RETURN] = trajectories[i].episode_return, [ESP_TRAIT_VARIATION] = b->variation,
            [ESP_TRAIT_SATURATION] = b->saturation, [ESP_TRAIT_GOAL_TIME] = b->goal_time,
            [ESP_TRAIT_STEADY_ERROR] = b->steady_error};
        for (int t = 0; t < num_traits; t++) out->value[t][i] = values[t];
    }
}

void esp_samples_keep(const esp_trajectory *trajectories, int count, esp_samples *out)
{
    for (int s = 0; s < out->num_starts; s++)
        keep(trajectories + s * count, count, out->num_traits, &out->start[s]);
}

/* ---- figures ---- */

/* Figures of their returns, from line 3 on; the question (see `question`) has the first two
 * lines. */
static void add_returns(uint64_t seed_of_episodes, const esp_summary *s, const double *returns, esp_figure_list *out)
{
    char seed[64];
    double worst = returns[0];
    for (int i = 1; i < s->count; i++) worst = fmin(worst, returns[i]);
    snprintf(seed, sizeof seed, "of seed %ju", (uintmax_t)seed_of_episodes);
    esp_figure_list_add(out, (esp_figure){.key = "episodes", .line = 3, .label = "episodes", .kind = ESP_FIGURE_NUMBER,
                                          .value = s->count, .unit = seed});
    esp_figure_list_add(out, (esp_figure){.key = "return_mean", .line = 4, .label = "mean return",
                                          .kind = ESP_FIGURE_NUMBER, .decimals = 1, .value = s->mean});
    esp_figure_list_add(out, (esp_figure){.key = "return_std", .line = 5, .label = "deviation",
                                          .kind = ESP_FIGURE_NUMBER, .decimals = 1, .value = s->std});
    esp_figure_list_add(out, (esp_figure){.key = "return_ci95", .line = 4, .label = "95 % interval",
                                          .kind = ESP_FIGURE_INTERVAL, .decimals = 1, .value = s->low,
                                          .other = s->high});
    esp_figure_list_add(out, (esp_figure){.key = "return_iqm", .line = 5, .label = "interquartile mean",
                                          .kind = ESP_FIGURE_NUMBER, .decimals = 1, .value = s->iqm});
    esp_figure_list_add(out, (esp_figure){.key = "return_worst", .line = 5, .label = "worst",
                                          .kind = ESP_FIGURE_NUMBER, .decimals = 1, .value = worst});
    esp_figure_list_add(out, (esp_figure){.key = "returns", .kind = ESP_FIGURE_LIST, .count = s->count,
                                          .list = returns});
}

/* Means over episodes of what the return hides, on two lines from line 7 on; `held` has the goal in words. */
static void add_traits(const esp_world *world, const esp_samples *samples, const char *held, esp_figure_list *out)
{
    static const struct { int trait; const char *label; int line; } shown[] = {
        {ESP_TRAIT_GOAL_TIME, "after", 6}, {ESP_TRAIT_STEADY_ERROR, "steady-state error", 7},
        {ESP_TRAIT_VARIATION, "total variation of actions", 8}, {ESP_TRAIT_SATURATION, "saturated", 8}};
    const esp_start_samples *first = &samples->start[0];
    int reached = 0;
    for (int i = 0; i < first->count; i++) reached += !isnan(first->value[ESP_TRAIT_GOAL_TIME][i]);
    if (world->task->goal)
        esp_figure_list_add(out, (esp_figure){.key = "success_rate", .line = 6, .label = "goal held",
                                              .kind = ESP_FIGURE_SHARE, .value = reached,
                                              .other = first->count, .unit = held});
    for (size_t k = 0; k < sizeof shown / sizeof *shown; k++) {
        const esp_trait *trait = &samples->trait[shown[k].trait];
        if (shown[k].trait >= samples->num_traits) continue;
        if (shown[k].trait == ESP_TRAIT_GOAL_TIME && !world->task->goal) continue;
        esp_figure_list_add(out, (esp_figure){.key = trait->key, .line = shown[k].line, .label = shown[k].label,
                                              .kind = ESP_FIGURE_NUMBER, .decimals = trait->decimals,
                                              .value = esp_start_samples_mean(first, shown[k].trait),
                                              .unit = trait->unit});
    }
}

void esp_samples_other_starts(const esp_samples *samples, uint64_t seed, int line, esp_figure_list *out)
{
    for (int s = 1; s < samples->num_starts; s++) {
        const esp_start_samples *start = &samples->start[s];
        esp_summary summary = esp_summarise(start->count, start->value[0], seed);
        esp_figure_list_add(out, (esp_figure){.line = line, .label = "other starts", .text = start->name});
        esp_figure_list_add(out, (esp_figure){.line = line, .label = "mean return", .kind = ESP_FIGURE_NUMBER,
                                              .decimals = 1, .value = summary.mean});
        esp_figure_list_add(out, (esp_figure){.line = line, .label = "95 % interval", .kind = ESP_FIGURE_INTERVAL,
                                              .decimals = 1, .value = summary.low, .other = summary.high});
        esp_figure_list_add(out, (esp_figure){.line = line++, .label = "interquartile mean",
                                              .kind = ESP_FIGURE_NUMBER, .decimals = 1, .value = summary.iqm});
    }
}

esp_summary esp_samples_figures(const esp_world *world, const esp_samples *samples, uint64_t seed, esp_figure_list *out)
{
    const esp_start_samples *first = &samples->start[0];
    esp_summary summary = esp_summarise(first->count, first->value[0], seed);
    char held[256];
    add_returns(seed, &summary, first->value[0], out);
    snprintf(held, sizeof held, "episodes %s", world->task->about.goal);
    add_traits(world, samples, held, out);
    return summary;
}

/* Episodes that ended early, and why. */
void esp_endings_figures(const esp_world *world, const esp_trajectory *trajectories, int count, esp_figure_list *out)
{
    const char *const *names = world->task->about.endings;
    int early = 0, diverged = 0, kinds = names ? esp_names_count(names) : 0;
    double steps = 0.0;
    for (int i = 0; i < count; i++) {
        early += trajectories[i].ending != ESP_ENDING_TIME;
        diverged += trajectories[i].ending == ESP_ENDING_DIVERGED;
        steps += trajectories[i].length;
    }
    esp_figure_list_add(out, (esp_figure){.key = "steps_mean", .line = 9, .label = "length", .kind = ESP_FIGURE_NUMBER,
                                          .decimals = 1, .value = steps / count, .unit = "control steps"});
    esp_figure_list_add(out, (esp_figure){.key = "ended_early", .line = 9, .label = "ended early",
                                          .kind = ESP_FIGURE_SHARE, .value = early, .other = count,
                                          .unit = "episodes"});
    for (int k = 0; k <= kinds; k++) {
        char key[160];
        int number = k < kinds ? 0 : diverged;
        for (int i = 0; i < count && k < kinds; i++) number += trajectories[i].ending == k + 1;
        snprintf(key, sizeof key, "ended_%s", k < kinds ? names[k] : "diverged");
        esp_figure_list_add(out, (esp_figure){.key = esp_intern(key), .line = number > 0 ? 9 : 0,
                                              .label = k < kinds ? names[k] : "unstable physics",
                                              .kind = ESP_FIGURE_NUMBER, .value = number});
    }
}
