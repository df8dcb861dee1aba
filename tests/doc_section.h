/* Sections of the documents that tests compare with the program. */
#ifndef ESP_TESTS_DOC_SECTION_H
#define ESP_TESTS_DOC_SECTION_H

#include "check.h"

/* The text from a heading to the next one of rank 2 in a page of the source folder; the caller frees it. */
static inline char *section_of(const char *page, const char *heading)
{
    char *path = esp_path_join(ESP_SOURCE, page), *text = NULL;
    size_t size = 0;
    CHECK_OK(esp_file_read(path, (size_t)1 << 20, &text, &size));
    char *start = strstr(text, heading);
    CU_ASSERT_FATAL(start != NULL);
    char *end = strstr(start + strlen(heading), "\n## ");
    if (end) end[1] = 0;
    char *section = esp_strdup(start);
    free(text);
    free(path);
    return section;
}

#endif
