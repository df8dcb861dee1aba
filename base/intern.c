/* Texts that live as long as the process, one copy of each. */
#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *texts; /* a tree of tsearch, guarded by the lock above */

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

const char *esp_intern(const char *text)
{
    pthread_mutex_lock(&lock);
    void *node = tfind(text, &texts, compare);
    if (!node) node = tsearch(esp_strdup(text), &texts, compare);
    if (!node) abort(); /* cannot happen: esp_strdup ends the program first */
    const char *kept = *(const char *const *)node;
    pthread_mutex_unlock(&lock);
    return kept;
}
