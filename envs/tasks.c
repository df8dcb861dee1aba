/* The registry of tasks: a new task needs models/<task>/scene.xml, envs/<task>.c and a row here. */
#include <string.h>

#include "envs/envs.h"

#define TASKS(row) \
    row(pendulum)

#define DECLARE(task) extern const esp_task esp_task_##task;
#define ADDRESS(task) &esp_task_##task,

TASKS(DECLARE)
static const esp_task *const tasks[] = {TASKS(ADDRESS)};

enum { NUM_TASKS = sizeof tasks / sizeof tasks[0] };

const esp_task *esp_task_find(const char *name)
{
    const char *names[NUM_TASKS];
    for (int i = 0; i < NUM_TASKS; i++) {
        if (strcmp(tasks[i]->about.name, name) == 0) return tasks[i];
        names[i] = tasks[i]->about.name;
    }
    const char *nearest = esp_nearest(name, names, NUM_TASKS);
    esp_fail(ESP_ERR_USAGE, "env.task: there is no task '%s'; did you mean '%s'?", name, nearest ? nearest : names[0]);
    return NULL;
}

int esp_names_count(const char *const *names)
{
    int count = 0;
    while (names[count]) count++;
    return count;
}

int esp_names_index(const char *const *names, const char *name)
{
    if (!name || !name[0]) return 0;
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}
