/* Training an agent, from its configuration to the figures of the result. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "application/application_internal.h"

typedef struct {
    double score, update; /* best evaluation; NAN: there was none */
    double wall_s;        /* time of the last line */
} best;

static esp_status take_line(void *context, int number, cJSON *line)
{
    (void)number;
    best *found = context;
    double score = esp_json_number(line, "score"), wall_s = esp_json_number(line, "wall_s");
    if (!isnan(wall_s)) found->wall_s = wall_s;
    if (!isnan(score) && !(score <= found->score)) {
        found->score = score;
        found->update = esp_json_number(line, "update");
    }
    cJSON_Delete(line);
    return ESP_OK;
}

static esp_status read_metrics(const char *run_dir, best *found)
{
    char *path = esp_path_join(run_dir, "metrics.jsonl");
    *found = (best){.score = NAN, .update = NAN};
    esp_status status = esp_json_lines_read(path, take_line, found);
    free(path);
    return status;
}

static void add_figures(const esp_train_request *request, const esp_agent_config *config, const char *checkpoint,
                        const best *found, esp_figure_list *out)
{
    char seed[64], sentence[160];
    snprintf(seed, sizeof seed, "with seed %ju", (uintmax_t)config->train.seed);
    esp_format(sentence, sizeof sentence, "mean return %.1f after update %.0f (all starts, both controllers, "
               "search planner)", found->score, found->update);
    esp_figure_list_add(out, (esp_figure){.key = "task", .line = 1, .label = "task", .text = config->env.task});
    esp_figure_list_add(out, (esp_figure){.key = "run_dir", .text = request->run_dir});
    esp_figure_list_add(out, (esp_figure){.key = "checkpoint", .line = 5, .label = "checkpoint", .text = checkpoint});
    esp_figure_list_add(out, (esp_figure){.key = "seed", .kind = ESP_FIGURE_NUMBER,
                                          .value = (double)config->train.seed});
    esp_figure_list_add(out, (esp_figure){.key = "updates", .line = 2, .label = "updates", .kind = ESP_FIGURE_NUMBER,
                                          .value = config->train.updates, .unit = seed});
    esp_figure_list_add(out, (esp_figure){.key = "best_score", .kind = ESP_FIGURE_NUMBER, .value = found->score});
    esp_figure_list_add(out, (esp_figure){.key = "best_update", .kind = ESP_FIGURE_NUMBER, .value = found->update});
    esp_figure_list_add(out, (esp_figure){.line = 4, .label = "best", .text = sentence});
    esp_figure_list_add(out, (esp_figure){.key = "wall_s", .line = 3, .label = "time", .kind = ESP_FIGURE_SECONDS,
                                          .value = found->wall_s});
}

static esp_status describe(const esp_train_request *request, const esp_agent_config *config, esp_figure_list *out)
{
    best found;
    esp_status status = read_metrics(request->run_dir, &found);
    if (status != ESP_OK) return status;
    char *checkpoint = esp_path_join(request->run_dir, "checkpoint.safetensors");
    add_figures(request, config, checkpoint, &found, out);
    free(checkpoint);
    return ESP_OK;
}

esp_status esp_train_agent(const esp_train_request *request, const cJSON *json, esp_figure_list *out)
{
    esp_agent_config config = esp_agent_config_default();
    const esp_settings *settings = request->settings;
    esp_status status = esp_config_read(esp_agent_fields, esp_agent_num_fields, json, request->path, &config);
    if (status == ESP_OK) status = esp_settings_apply(settings, esp_agent_fields, esp_agent_num_fields, &config, NULL);
    if (status == ESP_OK) status = esp_agent_config_settle(&config);
    if (status == ESP_OK && settings->has_seed) config.train.seed = settings->seed;
    cJSON *about = esp_training_about(request);
    esp_run_request run = {.folder = request->run_dir, .resume = request->resume, .about = about,
                           .watch = request->watch};
    if (status == ESP_OK) status = esp_train(&config, &run);
    cJSON_Delete(about);
    return status == ESP_OK ? describe(request, &config, out) : status;
}

/* ---- what the lines of metrics.jsonl mean ---- */

static const esp_metric_card cards[] = {
    {{"score", "best mean return", esp_text_performance}, ESP_LINE_BEST, "this checkpoint was kept", NULL},
    {{"update", "updates", esp_text_count}, ESP_LINE_LAST, NULL, "/train/updates"},
    {{"episodes", "episodes played", esp_text_count}, ESP_LINE_LAST, NULL, NULL},
    {.metric = {NULL, NULL, NULL}},
};

static const esp_metric columns[] = {
    {"update", "update", esp_text_count},
    {"policy_*", "policy, * start", esp_text_performance},
    {"planner_*", "planner, * start", esp_text_performance},
    {"score", "mean", esp_text_performance},
    {.key = NULL},
};

static const esp_metric_chart charts[] = {
    {.title = "Mean return", .y = "mean return", .from_zero = true,
     .caption = "Evaluations on fixed episodes during training; the checkpoint with the best mean is kept.",
     .curve = {{"planner_*", "planner, * start", NULL}, {"policy_*", "policy, * start", NULL}}},
    {.title = "Return of the episodes it learns from", .y = "return", .from_zero = true,
     .caption = "Return of the exploring agent in the episodes that it collected; the first ones are random.",
     .curve = {{"collected_return", NULL, NULL}}},
    {.title = "Losses", .y = "loss", .log = true,
     .caption = "Losses of the world model; each point is the mean over the updates since the point before.",
     .curve = {{"consistency_loss", "consistency", NULL},
               {"reward_loss", "reward", NULL},
               {"value_loss", "value", NULL}}},
    {.title = NULL},
};

const esp_learning esp_learning_agent = {
    .counter = "update", .score = "score", .cards = cards,
    .table_caption = "Mean return of the periodic evaluations, planner with its search budget.",
    .table_lines = 1u << ESP_LINE_BEST | 1u << ESP_LINE_LAST, .columns = columns, .charts = charts,
};
