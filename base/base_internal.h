/* What the files of `base` share among themselves. */
#ifndef ESP_BASE_INTERNAL_H
#define ESP_BASE_INTERNAL_H

#include "base/base.h"

/* Refuses text that is not strict JSON (json_scan.c). Keys are counted from 0 in the order of the
 * text; *key_line receives the line of key number `key`, if there is one. */
esp_status esp_json_scan(const char *text, size_t size, const char *source, size_t key, int *key_line);

#endif
