/* Options about one pruning, for `prune` and `sweep`. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/prune.h"

enum { KEY_TOLERANCE = 0x4000, KEY_GROUPS, KEY_IMPORTANCE, KEY_BUDGET };

static const struct argp_option table[] = {
    {"tolerance", KEY_TOLERANCE, "X", 0, "Largest distance of the result from the wanted sparsity (default 0.01)", 0},
    {"groups", KEY_GROUPS, ESP_GROUPS_CHOICES, 0, "What shares a coefficient (default structural)", 0},
    {"importance", KEY_IMPORTANCE, ESP_IMPORTANCE_CHOICES, 0, "Rank of units inside a group (default l2)", 0},
    {"budget", KEY_BUDGET, "N", 0, "Evaluations at most (default: no limit)", 0},
    {0},
};

esp_status esp_parse_sparsity(const char *text, double *out)
{
    esp_status status = esp_parse_double("--sparsity", text, out);
    if (status == ESP_OK && !(*out > 0 && *out <= ESP_MAX_COEFFICIENT))
        status = esp_fail(ESP_ERR_USAGE, "--sparsity: %s is outside the range, 0 < sparsity <= %g", text,
                          ESP_MAX_COEFFICIENT);
    return status;
}

static esp_status parse_tolerance(const char *text, double *out)
{
    esp_status status = esp_parse_double("--tolerance", text, out);
    if (status == ESP_OK && !(*out >= 0 && *out < 1))
        status = esp_fail(ESP_ERR_USAGE, "--tolerance: %s is outside the range, 0 <= tolerance < 1", text);
    return status;
}

esp_status esp_parse_method(const char *text, const esp_search_method **out)
{
    *out = esp_search_find(text);
    return *out ? ESP_OK : ESP_ERR_USAGE;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    esp_prune_request *r = state->input;
    switch (key) {
    case KEY_TOLERANCE: return esp_parse_error(parse_tolerance(text, &r->search.tolerance));
    case KEY_GROUPS: return esp_parse_error(esp_parse_choice("--groups", text, ESP_GROUPS_CHOICES, &r->groups));
    case KEY_IMPORTANCE:
        return esp_parse_error(esp_parse_choice("--importance", text, ESP_IMPORTANCE_CHOICES, &r->importance));
    case KEY_BUDGET: return esp_parse_error(esp_parse_int("--budget", text, 2, 100000000, &r->budget));
    default: return ARGP_ERR_UNKNOWN;
    }
}

const struct argp esp_prune_options_argp = {.options = table, .parser = parse};

esp_prune_request esp_prune_request_default(void)
{
    return (esp_prune_request){.method = esp_search_methods, .importance = ESP_IMPORTANCE_L2,
                               .search = esp_search_config_default()};
}

char *esp_prune_methods_help(const char *examples)
{
    enum { SIZE = 8192 };
    size_t length = 0;
    char *help = malloc(SIZE);
    if (!help) return NULL;
    length += (size_t)snprintf(help, SIZE, "Methods:\n");
    for (const esp_search_method *m = esp_search_methods; m->name && length < SIZE; m++)
        length += (size_t)snprintf(help + length, SIZE - length, "  %-12s %s\n", m->name, m->help);
    if (length < SIZE) snprintf(help + length, SIZE - length, "\n%s", examples);
    return help;
}
