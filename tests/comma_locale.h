/* A locale with a decimal comma, made for the test: build machines often have none. */
#ifndef ESP_TESTS_COMMA_LOCALE_H
#define ESP_TESTS_COMMA_LOCALE_H

#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

static char comma_folder[] = "/tmp/espalier-locale-XXXXXX";

static inline void comma_remove(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", comma_folder);
    if (system(command) != 0) perror(comma_folder);
}

/* localedef ends with status 1 for the categories that the source does not define. */
static inline void comma_make(void)
{
    static const char source[] = "comment_char %\nescape_char /\nLC_NUMERIC\ndecimal_point \",\"\n"
                                 "thousands_sep \".\"\ngrouping 3;3\nEND LC_NUMERIC\n";
    char path[64], command[256];
    if (!mkdtemp(comma_folder)) exit(1);
    atexit(comma_remove);
    snprintf(path, sizeof path, "%s/source", comma_folder);
    CHECK_OK(esp_file_write(path, source, strlen(source)));
    snprintf(command, sizeof command, "localedef -c -i %s %s/xx_XX >/dev/null 2>&1", path, comma_folder);
    int status = system(command);
    CU_ASSERT_FATAL(status != -1);
    setenv("LOCPATH", comma_folder, 1);
}

/* Gives this program, and programs started by it that use the environment's locale, a decimal
 * comma. */
static inline void comma_begin(void)
{
    char text[16];
    if (!getenv("LOCPATH")) comma_make();
    CU_ASSERT_PTR_NOT_NULL_FATAL(setlocale(LC_NUMERIC, "xx_XX"));
    snprintf(text, sizeof text, "%.1f", 1.5);
    CU_ASSERT_STRING_EQUAL_FATAL(text, "1,5");
}

static inline void comma_end(void)
{
    setlocale(LC_NUMERIC, "C");
}

#endif
