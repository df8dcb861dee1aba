/* docs/search.md names every search method, importance and compensation, and no other. */
#include "search/search.h"

#include "doc_section.h"

/* Whether the first cell of a row holds the name, possibly among others: "| `global`, `lamp` |". */
static bool is_in_first_cell(const char *section, const char *name)
{
    char quoted[128];
    snprintf(quoted, sizeof quoted, "`%s`", name);
    for (const char *row = section; (row = strstr(row, "\n| `")); row++) {
        const char *found = strstr(row, quoted), *end = strstr(row + 2, " |");
        if (found && end && found < end) return true;
    }
    return false;
}

static int count_names(const char *section)
{
    int count = 0;
    for (const char *row = section; (row = strstr(row, "\n| `")); row++) {
        const char *end = strstr(row + 2, " |");
        for (const char *at = row; (at = strchr(at + 1, '`')) && at < end;) count++;
    }
    return count / 2; /* one before and one after each */
}

static void every_method_is_documented(void)
{
    char *section = section_of("docs/search.md", "\n## The methods\n");
    int rows = 0;
    for (const esp_search_method *m = esp_search_methods; m->name; m++, rows++) {
        const char *colon = strchr(m->name, ':'); /* in a family only the first name has the prefix */
        CU_ASSERT(is_in_first_cell(section, m->name) || (colon && is_in_first_cell(section, colon + 1)));
    }
    CU_ASSERT_EQUAL(count_names(section), rows);
    free(section);
}

static void every_importance_is_documented(void)
{
    char *section = section_of("docs/search.md", "\n## Importance\n");
    int rows = 0;
    for (const esp_importance *i = esp_importances; i->name; i++, rows++)
        CU_ASSERT(is_in_first_cell(section, i->name));
    CU_ASSERT_EQUAL(count_names(section), rows);
    free(section);
}

static void every_compensation_is_documented(void)
{
    char *section = section_of("docs/search.md", "\n## Compensation\n");
    int rows = 0;
    for (const esp_compensation *c = esp_compensations; c->name; c++, rows++)
        CU_ASSERT(is_in_first_cell(section, c->name));
    CU_ASSERT_EQUAL(count_names(section), rows);
    free(section);
}

static CU_TestInfo tests[] = {
    {"every method is documented", every_method_is_documented},
    {"every importance is documented", every_importance_is_documented},
    {"every compensation is documented", every_compensation_is_documented},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("documented names of search", tests)
