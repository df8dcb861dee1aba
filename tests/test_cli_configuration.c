/* docs/configuration.md has one row for every key, with its default, its range and its meaning, and
 * no row for a key that no longer exists. Missing rows are printed as they have to be written. */
#include "agent/agent.h"
#include "autoencoder/autoencoder.h"
#include "search/search.h"

#include "doc_section.h"

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

/* The default, formatted as in JSON. */
static char *describe_default(const esp_field *field, const void *config)
{
    cJSON *json = esp_config_json(field, 1, config), *item = json;
    while (cJSON_IsObject(item)) item = item->child;
    char *text = cJSON_PrintUnformatted(item);
    cJSON_Delete(json);
    return text;
}

/* Markdown would take <task> for a tag. */
static void escape(const char *text, char out[ROW])
{
    size_t at = 0;
    for (; *text && at < ROW - 5; text++) {
        if (*text == '<') at += (size_t)snprintf(out + at, ROW - at, "&lt;");
        else              out[at++] = *text;
    }
    out[at] = 0;
}

static void check_rows(const char *heading, const esp_field *fields, int count, const void *config)
{
    int rows = 0, documented = 0;
    char *section = section_of("docs/configuration.md", heading);
    for (int i = 0; i < count; i++) {
        if (!fields[i].help) continue; /* an older name of a key */
        documented++;
        char range[256], help[ROW], row[2 * ROW];
        char *value = describe_default(&fields[i], config);
        describe_range(&fields[i], range, sizeof range);
        escape(fields[i].help, help);
        snprintf(row, sizeof row, "| `%s` | `%s` | %s | %s |\n", fields[i].path, value, range, help);
        bool found = strstr(section, row) != NULL;
        if (!found) printf("\n%s", row);
        CU_ASSERT(found);
        cJSON_free(value);
    }
    for (const char *at = section; (at = strstr(at, "\n| `")); at++) rows++;
    CU_ASSERT_EQUAL(rows, documented); /* no row for a key that no longer exists */
    free(section);
}

static void the_keys_of_an_agent_are_documented(void)
{
    esp_agent_config config = esp_agent_config_default();
    check_rows("\n## Keys of an agent\n", esp_agent_fields, esp_agent_num_fields, &config);
}

static void the_keys_of_an_autoencoder_are_documented(void)
{
    esp_autoencoder_config config = esp_autoencoder_config_default();
    check_rows("\n## Keys of an autoencoder\n", esp_autoencoder_fields, esp_autoencoder_num_fields, &config);
}

static void the_keys_of_a_search_are_documented(void)
{
    esp_search_config config = esp_search_config_default();
    check_rows("\n## Keys of a search\n", esp_search_fields, esp_search_num_fields, &config);
}

static CU_TestInfo tests[] = {
    {"the keys of an agent are documented", the_keys_of_an_agent_are_documented},
    {"the keys of an autoencoder are documented", the_keys_of_an_autoencoder_are_documented},
    {"the keys of a search are documented", the_keys_of_a_search_are_documented},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("configuration", tests)
