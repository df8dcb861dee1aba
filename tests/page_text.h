/* Reads a report back: its data, and the numbers that point into it. */
#ifndef ESP_TESTS_PAGE_TEXT_H
#define ESP_TESTS_PAGE_TEXT_H

#include "tests/check.h"

/* The data of a page; the caller deletes it. */
static inline cJSON *page_data(const char *html)
{
    static const char open[] = "<script type=\"application/json\" id=\"espalier-data\">";
    const char *at = strstr(html, open), *end = at ? strstr(at, "</script>") : NULL;
    CU_ASSERT_FATAL(end != NULL);
    at += strlen(open);
    cJSON *json = NULL;
    CHECK_OK(esp_json_parse(at, (size_t)(end - at), "data of the page", &json));
    return json;
}

/* The value at a pointer as in RFC 6901. */
static inline const cJSON *page_item(const cJSON *data, char *pointer)
{
    char *rest = NULL;
    for (char *name = strtok_r(pointer, "/", &rest); name && data; name = strtok_r(NULL, "/", &rest))
        data = cJSON_IsArray(data) ? cJSON_GetArrayItem(data, atoi(name))
                                   : cJSON_GetObjectItemCaseSensitive(data, name);
    return data;
}

/* A number as people write it: "1,548,360", "19.9 %", "844 M"; *unit is the weight of its last digit. NAN for
 * anything else, such as the time "1:29". */
static inline double page_number(const char *text, double *unit)
{
    char digits[64];
    size_t length = 0;
    *unit = 1;
    for (; *text && *text != '<' && length < sizeof digits - 1 && *text != ' '; text++)
        if (*text != ',') digits[length++] = *text;
    digits[length] = 0;
    char *end, *dot = strchr(digits, '.');
    double value = strtod(digits, &end);
    if (end == digits || *end) return NAN;
    if (dot && !strchr(digits, 'e')) *unit = pow(10, -(double)strlen(dot + 1));
    else if (strchr(digits, 'e'))    *unit = pow(10, floor(log10(fabs(value))) - 1);
    static const struct { const char *word; double factor; } words[] = {{" %", 0.01}, {" k", 1e3}, {" M", 1e6},
                                                                        {" G", 1e9}, {" T", 1e12}, {" s", 1}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strncmp(text, words[i].word, 2) == 0) {
            *unit *= words[i].factor;
            return value * words[i].factor;
        }
    return value;
}

/* Checks that every number of the page equals the one in its data, in its attribute and as shown. Returns how many
 * there are. */
static inline int page_check_numbers(const char *html, const cJSON *data)
{
    int count = 0;
    for (const char *at = html; (at = strstr(at, "<data value=\"")); at++, count++) {
        char pointer[256], text[64];
        double value, unit;
        int parts = sscanf(at, "<data value=\"%lf\" data-pointer=\"%255[^\"]\">%63[^<]", &value, pointer, text);
        CU_ASSERT_EQUAL_FATAL(parts, 3);
        const cJSON *item = page_item(data, pointer);
        CU_ASSERT_FATAL(cJSON_IsNumber(item));
        double read = page_number(text, &unit);
        bool good = value == item->valuedouble && (isnan(read) || fabs(read - value) <= 0.5001 * unit
                                                   || fabs(read - value) <= 0.00501 * fabs(value));
        if (!good) printf("\n    %s reads %s, the data has %.17g ", pointer, text, item->valuedouble);
        CU_ASSERT(good);
    }
    return count;
}

/* Whether the page holds no address except the name space of SVG, and nothing that a browser would fetch or run. */
static inline bool page_is_alone(const char *html)
{
    static const char *const names[] = {"<link", "src=", "href=", "url(", "@import", "http"};
    static const char *const allowed[] = {"<link rel=\"icon\" href=\"data:,\"", "src=\"data:image/png;base64,",
                                          "href=\"data:,\"", NULL, NULL, "http://www.w3.org/2000/svg"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (const char *at = html; (at = strstr(at, names[i])); at++) {
            if (allowed[i] && strncmp(at, allowed[i], strlen(allowed[i])) == 0) continue;
            if (strncmp(at, "http-equiv", 10) == 0) continue;
            printf("\n    the page refers to: %.80s ", at);
            return false;
        }
    const char *script = strstr(html, "<script");
    return !script || (strncmp(script, "<script type=\"application/json\"", 31) == 0 && !strstr(script + 1, "<script"));
}

#endif
