/* The log of decisions. Simulations of one program may share a file; two programs may not, since their lines could
 * not be told apart: the lock of the first refuses the second. Each line goes to the file that the path names at the
 * time, so that a host may move or delete the file between episodes. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/plugin_internal.h"

struct esp_plugin_log {
    char           *path;   /* the path as given */
    char           *place;  /* the path with links and dots of its folder resolved */
    esp_lock       *lock;
    int             users;
    esp_plugin_log *next;
};

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static esp_plugin_log *logs; /* the logs open in this program */

/* In new memory. */
static char *place_of(const char *path)
{
    char *folder = esp_path_folder(path), *real = realpath(folder, NULL);
    char *place = esp_path_join(real ? real : folder, esp_path_name(path));
    free(real);
    free(folder);
    return place;
}

static esp_status open_locked(const char *path, esp_plugin_log **out)
{
    char *place = place_of(path);
    esp_plugin_log *log = logs;
    while (log && strcmp(log->place, place) != 0) log = log->next;
    if (log) {
        free(place);
        log->users++;
        *out = log;
        return ESP_OK;
    }
    esp_lock *lock = NULL;
    esp_status status = esp_lock_take(path, &lock);
    if (status != ESP_OK) {
        free(place);
        return status;
    }
    log = esp_alloc(1, sizeof *log);
    *log = (esp_plugin_log){.path = esp_strdup(path), .place = place, .lock = lock, .users = 1, .next = logs};
    *out = logs = log;
    return ESP_OK;
}

esp_status esp_plugin_log_open(const char *path, esp_plugin_log **out)
{
    pthread_mutex_lock(&guard);
    esp_status status = open_locked(path, out);
    pthread_mutex_unlock(&guard);
    return status;
}

static void close_locked(esp_plugin_log *log)
{
    if (--log->users > 0) return;
    esp_plugin_log **link = &logs;
    while (*link != log) link = &(*link)->next;
    *link = log->next;
    esp_lock_release(log->lock);
    free(log->path);
    free(log->place);
    free(log);
}

void esp_plugin_log_close(esp_plugin_log *log)
{
    if (!log) return;
    pthread_mutex_lock(&guard);
    close_locked(log);
    pthread_mutex_unlock(&guard);
}

esp_status esp_plugin_log_append(esp_plugin_log *log, const cJSON *line)
{
    return esp_json_append(log->path, line);
}
