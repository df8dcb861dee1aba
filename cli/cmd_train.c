/* espalier train: an agent from a configuration file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

typedef struct {
    esp_options *common;
    const char  *config, *run_dir;
    bool         resume;
} arguments;

enum { KEY_RESUME = 0x2000 };

static const struct argp_option table[] = {
    {"output", 'o', "RUN_DIR", 0, "Folder of the run: config.json, metrics.jsonl, checkpoint.safetensors", 0},
    {"resume", KEY_RESUME, NULL, 0, "Go on with a run that was interrupted; the result is the same bit for bit", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    esp_status status = ESP_OK;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = a->common; break;
    case 'o': a->run_dir = argument; break;
    case KEY_RESUME: a->resume = true; break;
    case ARGP_KEY_ARG: status = esp_take_argument(&a->config, argument); break;
    case ARGP_KEY_END:
        status = esp_need_argument(a->config, "CONFIG.json");
        if (status == ESP_OK) status = esp_need_argument(a->run_dir, "-o RUN_DIR");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return esp_parse_error(status);
}

static const struct argp_child children[] = {{&esp_options_argp, 0, "Options of every command:", 1}, {0}};

static const struct argp argp = {
    .options = table,
    .parser = parse,
    .args_doc = "CONFIG.json -o RUN_DIR",
    .doc = "Learns an agent from pixels. The checkpoint that scores best in the periodic evaluations is kept. "
           "Every configuration key is described in docs/configuration.md.\v"
           "Examples:\n"
           "  espalier train models/pendulum/config.json -o runs/pendulum\n"
           "  espalier train models/pendulum/config.json -o runs/pendulum --resume\n"
           "  espalier train models/pendulum/config.json -o runs/small --set network.hidden=256 --seed 3\n",
    .children = children,
};

static esp_status read_config(const arguments *a, esp_agent_config *config)
{
    cJSON *json = NULL;
    *config = esp_agent_config_default();
    esp_status status = esp_json_read(a->config, &json);
    if (status == ESP_OK)
        status = esp_config_read(esp_agent_fields, esp_agent_num_fields, json, a->config, config);
    if (status == ESP_OK)
        status = esp_options_apply(a->common, esp_agent_fields, esp_agent_num_fields, config, NULL);
    if (status == ESP_OK) status = esp_agent_config_check(config);
    if (status == ESP_OK && a->common->has_seed) config->train.seed = a->common->seed;
    cJSON_Delete(json);
    return status;
}

static int fail(const arguments *a, esp_status status)
{
    if (status == ESP_ERR_INTERRUPTED)
        esp_fail(status, "interrupted; go on with: %s%s", a->common->command, a->resume ? "" : " --resume");
    return esp_console_fail(status);
}

/* ---- results ---- */

typedef struct {
    double score, update; /* of the best evaluation; NAN: there was none */
    double wall_s;        /* of the last */
} best;

static void take_line(const char *line, size_t length, best *found)
{
    cJSON *json = cJSON_ParseWithLength(line, length);
    const cJSON *score = cJSON_GetObjectItemCaseSensitive(json, "score");
    const cJSON *update = cJSON_GetObjectItemCaseSensitive(json, "update");
    const cJSON *wall = cJSON_GetObjectItemCaseSensitive(json, "wall_s");
    if (cJSON_IsNumber(wall)) found->wall_s = wall->valuedouble;
    if (cJSON_IsNumber(score) && !(score->valuedouble <= found->score)) {
        found->score = score->valuedouble;
        found->update = cJSON_IsNumber(update) ? update->valuedouble : NAN;
    }
    cJSON_Delete(json);
}

static esp_status read_metrics(const char *run_dir, best *found)
{
    char *path = esp_path_join(run_dir, "metrics.jsonl"), *text = NULL;
    size_t size = 0;
    *found = (best){.score = NAN, .update = NAN};
    esp_status status = esp_file_read(path, (size_t)1 << 30, &text, &size);
    for (char *line = text, *end; line && (end = strchr(line, '\n')); line = end + 1)
        take_line(line, (size_t)(end - line), found);
    free(text);
    free(path);
    return status;
}

static void print_json(const arguments *a, const esp_agent_config *config, const char *checkpoint, const best *found)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "application", "tdmpc");
    cJSON_AddStringToObject(json, "task", config->env.task);
    cJSON_AddStringToObject(json, "run_dir", a->run_dir);
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

static esp_status report(const arguments *a, const esp_agent_config *config)
{
    best found;
    esp_status status = read_metrics(a->run_dir, &found);
    if (status != ESP_OK) return status;
    char *checkpoint = esp_path_join(a->run_dir, "checkpoint.safetensors");
    if (a->common->json) print_json(a, config, checkpoint, &found);
    else                 print_table(config, checkpoint, &found);
    free(checkpoint);
    return ESP_OK;
}

int esp_cmd_train(int argc, char **argv, esp_options *options)
{
    arguments a = {.common = options};
    esp_agent_config config;
    esp_status status = esp_parse(&argp, argc, argv, &a);
    if (status == ESP_OK) status = read_config(&a, &config);
    if (status == ESP_OK) status = esp_train(&config, a.run_dir, a.resume);
    if (status == ESP_OK) status = report(&a, &config);
    return status == ESP_OK ? ESP_EXIT_DONE : fail(&a, status);
}
