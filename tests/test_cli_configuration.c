/* docs/configuration.md has one row for every key, with its default, its range and its meaning, and
 * no row for a key that is gone. What is missing is printed the way it has to stand there. */
#include "agent/agent.h"
#include "cli/search_keys.c"

#include "check.h"

enum { ROW = 512 };

static void describe_range(const esp_field *field, char *out, size_t size)
{
    snprintf(out, size, "text");
    if (field->type == ESP_BOOL) snprintf(out, size, "true, false");
    if (field->type == ESP_DOUBLE) snprintf(out, size, "%.15g to %.15g", field->min, field->max);
    if (field->type == ESP_INT || field->type == ESP_U64)
        snprintf(out, size, "whole, %.15g to %.15g", field->min, field->max);
    if (field->type != ESP_CHOICE) return;
    *out = 0;
    for (int i = 0; strlen(out) + ESP_CONFIG_TEXT < size; i++) {
        char word[ESP_CONFIG_TEXT];
        esp_choice_word(field->choices, i, word);
        if (!*word) return;
        snprintf(out + strlen(out), size - strlen(out), "%s%s", i ? ", " : "", word);
    }
}

/* The default as JSON has it. */
static char *describe_default(const esp_field *field, const void *config)
{
    cJSON *json = esp_config_json(field, 1, config), *item = json;
    while (cJSON_IsObject(item)) item = item->child;
    char *text = cJSON_PrintUnformatted(item);
    cJSON_Delete(json);
    return text;
}

/* Markdown takes <task> for a tag. */
static void escape(const char *text, char out[ROW])
{
    size_t at = 0;
    for (; *text && at < ROW - 5; text++) {
        if (*text == '<') at += (size_t)snprintf(out + at, ROW - at, "&lt;");
        else              out[at++] = *text;
    }
    out[at] = 0;
}

static char *read_page(void)
{
    char *page = NULL;
    size_t size = 0;
    CHECK_OK(esp_file_read(ESP_SOURCE "/docs/configuration.md", (size_t)1 << 20, &page, &size));
    return page;
}

static void check_rows(const char *page, const esp_field *fields, int count, const void *config)
{
    for (int i = 0; i < count; i++) {
        char range[256], help[ROW], row[2 * ROW];
        char *value = describe_default(&fields[i], config);
        describe_range(&fields[i], range, sizeof range);
        escape(fields[i].help, help);
        snprintf(row, sizeof row, "| `%s` | `%s` | %s | %s |\n", fields[i].path, value, range, help);
        bool found = strstr(page, row) != NULL;
        if (!found) printf("\n%s", row);
        CU_ASSERT(found);
        cJSON_free(value);
    }
}

static void every_key_of_an_agent_is_documented(void)
{
    char *page = read_page();
    esp_agent_config config = esp_agent_config_default();
    check_rows(page, esp_agent_fields, esp_agent_num_fields, &config);
    free(page);
}

static void every_key_of_a_search_is_documented(void)
{
    char *page = read_page();
    esp_search_config config = esp_search_config_default();
    check_rows(page, esp_search_fields, esp_search_num_fields, &config);
    free(page);
}

static void no_key_is_documented_that_is_gone(void)
{
    char *page = read_page();
    int rows = 0;
    for (const char *at = page; (at = strstr(at, "\n| `")); at++) rows++;
    CU_ASSERT_EQUAL(rows, esp_agent_num_fields + esp_search_num_fields);
    free(page);
}

static CU_TestInfo tests[] = {
    {"every key of an agent is documented", every_key_of_an_agent_is_documented},
    {"every key of a search is documented", every_key_of_a_search_is_documented},
    {"no key is documented that is gone", no_key_is_documented_that_is_gone},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("configuration", tests)
