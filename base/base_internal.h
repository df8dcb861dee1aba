/* What the files of `base` share with each other. */
#ifndef ESP_BASE_INTERNAL_H
#define ESP_BASE_INTERNAL_H

#include <locale.h>

#include "base/base.h"

/* number.c: switches this thread to the C locale and returns the locale to restore. */
locale_t esp_locale_plain(void);
void     esp_locale_restore(locale_t before);

/* file.c: the sentence of a failed system call, "cannot VERB 'PATH': ...", with advice. */
esp_status esp_io_failure(const char *verb, const char *path, int code);
/* A regular file of at most `limit` bytes: opens it for reading; *fd is set also when the file is refused (-1: not
 * open). The second creates it when absent and opens it for reading and appending; *fd is set only on success. */
esp_status esp_file_open(const char *path, size_t limit, int *fd, size_t *size);
esp_status esp_file_open_to_append(const char *path, size_t limit, int *fd);
/* Appends all of it in one write call, or nothing. */
esp_status esp_file_append_to(int fd, const char *path, const void *data, size_t size);

#define ESP_JSON_LIMIT (16 << 20) /* largest JSON file, or line, bytes */

/* Refuses text that is not strict JSON (json_scan.c). Keys are counted from 0 in the order of the
 * text; *key_line receives the line of key number `key`, if there is one. */
esp_status esp_json_scan(const char *text, size_t size, const char *source, size_t key, int *key_line);

/* cgroup.c: as esp_processor_quota, of a file like /proc/self/cgroup and a folder like /sys/fs/cgroup. */
double esp_cgroup_quota(const char *membership, const char *root);

/* temporary.c: creates the new, empty file beside `target` that will be renamed to it, open for writing; -1 with
 * errno. As long as it is open it is in use. *name, in new memory, is set in any case. */
int  esp_temporary_open(const char *target, char **name);
/* Removes the temporary files of `target` that no process has open. */
void esp_temporary_sweep(const char *target);

#endif
