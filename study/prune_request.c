/* What a preset chooses where a request leaves it open. */
#include <math.h>
#include <string.h>

#include "study/study.h"

esp_prune_request esp_prune_request_default(void)
{
    esp_prune_request request = {.preset = ESP_PRESET_BEST, .groups = ESP_BY_PRESET, .rounds = ESP_BY_PRESET,
                                 .finetune = ESP_BY_PRESET, .round_to = 1, .search = esp_search_config_default()};
    request.search.target.tolerance = NAN;
    return request;
}

/* Choices of a preset that are the same for every application and target. */
static const struct {
    const char *method, *importance, *compensation, *groups;
} presets[] = {
    [ESP_PRESET_BEST] = {"sensitivity", "obs", "lsq", "structural"},
    [ESP_PRESET_PAPER] = {"gd", "l2", "none", "paper"},
};

void esp_prune_request_choose(esp_prune_request *r)
{
    if (!r->method)       r->method = esp_search_find(presets[r->preset].method);
    if (!r->importance)   r->importance = esp_importance_find(presets[r->preset].importance);
    if (!r->compensation) r->compensation = esp_compensation_find(presets[r->preset].compensation);
    if (r->groups == ESP_BY_PRESET) r->groups = esp_choice_index(ESP_GROUPS_CHOICES, presets[r->preset].groups);
    if (r->preset != ESP_PRESET_PAPER) return;
    if (isnan(r->search.target.tolerance)) r->search.target.tolerance = 0.01;
    if (r->finetune == ESP_BY_PRESET) r->finetune = 0;
    if (r->rounds == ESP_BY_PRESET)   r->rounds = 1;
}

/* One percent, as in the paper; less where that would be much of what is left. */
static double tolerance_of(const esp_prune_request *request)
{
    return fmin(0.01, fmax(1 - request->search.target.sparsity, 0) / 20);
}

/* Of the original's parameters. The smallest network is usually about this small. */
static double left_of(const esp_prune_request *request)
{
    return request->smallest ? 0.01 : 1 - request->search.target.sparsity;
}

static int steps_of(const esp_prune_request *request, const esp_subject *subject)
{
    const esp_application *app = subject->application;
    if (!app->finetune || !app->finetune_steps) return 0;
    return app->finetune_steps(subject, left_of(request));
}

/* The first cut leaves ESP_ROUND_LEFT, each one after it at least a fifth: more at once, and the search is blind,
 * because hardly any of its cuts returns anything. Without gradient steps further rounds gain nothing. */
static int rounds_of(const esp_prune_request *request, const esp_subject *subject)
{
    double left = left_of(request);
    double now = (double)esp_network_params(subject->net, subject->components) / esp_subject_original_params(subject);
    if (request->finetune == 0) return 1;
    int rounds = now > ESP_ROUND_LEFT ? 1 : 0;
    double from = fmin(now, ESP_ROUND_LEFT);
    if (left < from * (1 - ESP_SPARSITY_SLACK)) rounds += (int)ceil(log(left / from) / log(0.2) - 1e-6);
    return rounds < 1 ? 1 : rounds > ESP_MOST_ROUNDS ? ESP_MOST_ROUNDS : rounds;
}

static bool is_assigned(const esp_settings *settings, const char *key)
{
    size_t length = strlen(key);
    for (int i = 0; i < settings->num_assignments; i++)
        if (strncmp(settings->assignment[i], key, length) == 0 && settings->assignment[i][length] == '=') return true;
    return false;
}

/* By weights alone. */
static void choose_without_data(esp_prune_request *r)
{
    if (!r->method)       r->method = esp_search_find("magnitude");
    if (!r->importance)   r->importance = esp_importance_find("l2");
    if (!r->compensation) r->compensation = esp_compensation_find("none");
}

void esp_prune_request_settle(esp_prune_request *r, const esp_subject *subject)
{
    const esp_application *app = subject->application;
    if (r->preset == ESP_PRESET_BEST && app->has_data && !app->has_data(subject)) choose_without_data(r);
    esp_prune_request_choose(r);
    if (isnan(r->search.target.tolerance)) r->search.target.tolerance = tolerance_of(r);
    if (r->finetune == ESP_BY_PRESET) r->finetune = steps_of(r, subject);
    if (r->rounds == ESP_BY_PRESET)   r->rounds = rounds_of(r, subject);
    bool grid = strcmp(r->method->name, "grid") == 0;
    if (r->preset == ESP_PRESET_PAPER && grid && !is_assigned(subject->settings, "search.finalists"))
        r->search.finalists = 1;
}
