/* What the files of `base` share among themselves. */
#ifndef ESP_BASE_INTERNAL_H
#define ESP_BASE_INTERNAL_H

#include <locale.h>

#include "base/base.h"

/* number.c: this thread in the C locale, until the restore of what the first gave. */
locale_t esp_locale_plain(void);
void     esp_locale_restore(locale_t before);

/* file.c: the sentence of a failed system call, "cannot VERB 'PATH': ...", with advice. */
esp_status esp_io_failure(const char *verb, const char *path, int code);
/* A regular file of at most `limit` bytes: open for reading, also when refused (-1: not open); or, created when
 * absent, for reading and appending, *fd only on success. */
esp_status esp_file_open(const char *path, size_t limit, int *fd, size_t *size);
esp_status esp_file_open_to_append(const char *path, size_t limit, int *fd);
/* All of it in one write call, or none. */
esp_status esp_file_append_to(int fd, const char *path, const void *data, size_t size);

#define ESP_JSON_LIMIT (16 << 20) /* bytes of a JSON file, or of a line */

/* Refuses text that is not strict JSON (json_scan.c). Keys are counted from 0 in the order of the
 * text; *key_line receives the line of key number `key`, if there is one. */
esp_status esp_json_scan(const char *text, size_t size, const char *source, size_t key, int *key_line);

/* temporary.c: the file beside `target` that becomes it by renaming, new, empty, open for writing; -1 with
 * errno. It is somebody's as long as it is open. *name, in new memory, is set in any case. */
int  esp_temporary_open(const char *target, char **name);
/* Removes those of the same target that are nobody's any more. */
void esp_temporary_sweep(const char *target);

#endif
