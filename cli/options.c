/* Options of every subcommand, and strict parsing of option values. */
#include <errno.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define MAX_SEED 9000000000000000u /* as train.seed: exact as a JSON number, and below the bits of esp_episodes_name */
#define MAX_THREADS 1024

/* ---- values ---- */

esp_status esp_parse_int(const char *option, const char *text, int min, int max, int *out)
{
    int64_t value;
    if (!esp_i64_parse(text, &value) || value < min || value > max)
        return esp_fail(ESP_ERR_USAGE, "%s: expected a whole number from %d to %d, found '%s'", option, min, max, text);
    *out = (int)value;
    return ESP_OK;
}

esp_status esp_parse_u64(const char *option, const char *text, uint64_t max, uint64_t *out)
{
    uint64_t value;
    if (!esp_u64_parse(text, &value) || value > max)
        return esp_fail(ESP_ERR_USAGE, "%s: expected a whole number from 0 to %ju, found '%s'", option, (uintmax_t)max,
                        text);
    *out = value;
    return ESP_OK;
}

esp_status esp_parse_double(const char *option, const char *text, double *out)
{
    if (esp_number_parse(text, out)) return ESP_OK;
    return esp_fail(ESP_ERR_USAGE, "%s: expected a number, found '%s'", option, text);
}

esp_status esp_parse_share(const char *option, const char *text, double *out)
{
    char number[64];
    size_t length = strlen(text);
    bool percent = length > 1 && text[length - 1] == '%';
    if (percent) length--;
    while (percent && length > 1 && text[length - 1] == ' ') length--;
    snprintf(number, sizeof number, "%.*s", (int)length, text);
    if (!esp_number_parse(number, out))
        return esp_fail(ESP_ERR_USAGE, "%s: expected a share such as 0.95 or 95%%, found '%s'", option, text);
    if (percent) *out /= 100;
    return ESP_OK;
}

esp_status esp_parse_choice(const char *option, const char *text, const char *choices, int *out)
{
    int index = esp_choice_index(choices, text);
    if (index < 0) return esp_fail(ESP_ERR_USAGE, "%s: expected %s, found '%s'", option, choices, text);
    *out = index;
    return ESP_OK;
}

/* ---- parsing ---- */

error_t esp_parse_error(esp_status status)
{
    return status == ESP_OK ? 0 : EINVAL;
}

esp_status esp_parse(const struct argp *argp, int argc, char **argv, void *input)
{
    esp_status status = esp_check_options(argp, argc, argv, false);
    return status == ESP_OK && argp_parse(argp, argc, argv, 0, NULL, input) ? ESP_ERR_USAGE : status;
}

esp_status esp_take_argument(const char **slot, const char *argument)
{
    if (*slot) return esp_fail(ESP_ERR_USAGE, "unexpected argument '%s'", argument);
    *slot = argument;
    return ESP_OK;
}

esp_status esp_need_argument(const char *value, const char *name)
{
    return value ? ESP_OK : esp_fail(ESP_ERR_USAGE, "%s is missing; see --help", name);
}

esp_status esp_need_suffix(const char *option, const char *path, const char *suffix)
{
    const char *name = esp_path_name(path);
    size_t length = strlen(name), end = strlen(suffix);
    if (length > end && strcmp(name + length - end, suffix) == 0) return ESP_OK;
    return esp_fail(ESP_ERR_USAGE, "%s: '%s' does not end with %s", option, path, suffix);
}

enum { KEY_JSON = 0x1000, KEY_SEED, KEY_THREADS, KEY_SET, KEY_QUIET, KEY_CONFIG };

static const struct argp_option table[] = {
    {"json", KEY_JSON, NULL, 0, "Print one JSON object on standard output and nothing else there", 0},
    {"seed", KEY_SEED, "N", 0, "Seed of all random numbers (default 1)", 0},
    {"threads", KEY_THREADS, "N", 0,
     "Threads to use (default: one per processor that may be used); results do not depend on it", 0},
    {"set", KEY_SET, "PATH=VALUE", 0, "Set a configuration key, for example planner.samples=64; repeatable", 0},
    {"config", KEY_CONFIG, "CONFIG.json", 0, "Configuration of a checkpoint that espalier did not write", 0},
    {"quiet", KEY_QUIET, NULL, 0, "Print warnings only, no progress and no log", 0},
    {0},
};

static esp_status add_setting(esp_options *options, const char *setting)
{
    esp_settings *s = &options->settings;
    if (s->num_assignments == ESP_MAX_SETTINGS)
        return esp_fail(ESP_ERR_USAGE, "--set: more than %d settings; write a configuration file", ESP_MAX_SETTINGS);
    s->assignment[s->num_assignments++] = setting;
    return ESP_OK;
}

/* Without --threads, uses as many as the quota of a container keeps busy: more would wait for each other. OpenMP's
 * own default accounts for the processors that the process may run on, and for OMP_NUM_THREADS. */
static void choose_threads(int wanted)
{
    double quota = esp_processor_quota();
    if (!wanted && !getenv("OMP_NUM_THREADS") && quota < omp_get_max_threads()) wanted = quota < 1 ? 1 : (int)quota;
    if (wanted) omp_set_num_threads(wanted);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    esp_options *options = state->input;
    esp_status status = ESP_OK;
    switch (key) {
    case ARGP_KEY_ARG: return esp_parse_error(esp_fail(ESP_ERR_USAGE, "unexpected argument '%s'", argument));
    case KEY_JSON: options->json = true; break;
    case KEY_QUIET: options->quiet = true; break;
    case KEY_CONFIG: options->settings.config = argument; break;
    case KEY_SET: status = add_setting(options, argument); break;
    case KEY_THREADS: status = esp_parse_int("--threads", argument, 1, MAX_THREADS, &options->threads); break;
    case KEY_SEED:
        options->settings.has_seed = true;
        status = esp_parse_u64("--seed", argument, MAX_SEED, &options->settings.seed);
        break;
    case ARGP_KEY_SUCCESS:
        choose_threads(options->threads);
        esp_console_install(options->quiet);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return esp_parse_error(status);
}

const struct argp esp_options_argp = {.options = table, .parser = parse};
const struct argp_child esp_options_children[] = {ESP_OPTIONS_CHILD, {0}};
