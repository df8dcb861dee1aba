/* What the files of envs share and nobody else sees. */
#ifndef ESP_ENVS_INTERNAL_H
#define ESP_ENVS_INTERNAL_H

#include "envs/envs.h"

/* Runs work(argument) and returns what it returns. MuJoCo reports what it cannot do by calling
 * mju_error, which by default ends the process; inside `work` it becomes `on_error` with MuJoCo's
 * sentence. What `work` held at that moment is lost, so it should take nothing. */
esp_status esp_guard(esp_status (*work)(void *argument), void *argument, esp_status on_error);

/* Copies text as one line: line breaks become "; ", trailing blanks go. */
void esp_one_line(const char *text, char *out, size_t size);

#endif
