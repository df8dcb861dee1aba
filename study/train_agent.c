/* Training an agent, from its configuration to what is said about the result. */
#include <math.h>
#include <stdlib.h>

#include "study/application.h"

typedef struct {
    double score, update; /* of the best evaluation; NAN: there was none */
    double wall_s;        /* of the last */
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

static void print_json(const esp_train_request *request, const esp_agent_config *config, const char *checkpoint,
                       const best *found)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "application", "tdmpc");
    cJSON_AddStringToObject(json, "task", config->env.task);
    cJSON_AddStringToObject(json, "run_dir", request->run_dir);
    cJSON_AddStringToObject(json, "checkpoint", checkpoint);
    cJSON_AddNumberToObject(json, "seed", (double)config->train.seed);
    cJSON_AddNumberToObject(json, "updates", config->train.updates);
    cJSON_AddNumberToObject(json, "best_score", found->score);
    cJSON_AddNumberToObject(json, "best_update", found->update);
    cJSON_AddNumberToObject(json, "wall_s", found->wall_s);
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
    esp_json_print(json);
}

static void print_table(const esp_agent_config *config, const char *checkpoint, const best *found)
{
    char seconds[ESP_NUMBER_TEXT];
    esp_table *table = esp_table_create("ll");
    esp_table_row(table, "task|%s", config->env.task);
    esp_table_row(table, "updates|%d with seed %ju", config->train.updates, (uintmax_t)config->train.seed);
    esp_table_row(table, "time|%s", esp_text_seconds(found->wall_s, seconds));
    esp_table_row(table, "best|mean return %.1f after update %.0f (both starts and controllers, search planner)",
                  found->score, found->update);
    esp_table_row(table, "checkpoint|%s", checkpoint);
    esp_table_print(table);
}

static esp_status report(const esp_train_request *request, const esp_agent_config *config)
{
    best found;
    esp_status status = read_metrics(request->run_dir, &found);
    if (status != ESP_OK) return status;
    char *checkpoint = esp_path_join(request->run_dir, "checkpoint.safetensors");
    if (request->options->json) print_json(request, config, checkpoint, &found);
    else                        print_table(config, checkpoint, &found);
    free(checkpoint);
    return ESP_OK;
}

esp_status esp_train_agent(const esp_train_request *request)
{
    esp_agent_config config = esp_agent_config_default();
    const esp_options *options = request->options;
    if (request->data)
        return esp_fail(ESP_ERR_USAGE, "--data: not for %s, which is of application 'tdmpc'", request->path);
    esp_status status = esp_config_read(esp_agent_fields, esp_agent_num_fields, request->json, request->path, &config);
    if (status == ESP_OK) status = esp_options_apply(options, esp_agent_fields, esp_agent_num_fields, &config, NULL);
    if (status == ESP_OK) status = esp_agent_config_check(&config);
    if (status == ESP_OK && options->has_seed) config.train.seed = options->seed;
    if (status == ESP_OK) status = esp_train_describe(request);
    if (status == ESP_OK) status = esp_train(&config, request->run_dir, request->resume);
    return status == ESP_OK ? report(request, &config) : status;
}
