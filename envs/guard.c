/* MuJoCo's own errors and warnings become a status and a log line.
 *
 * Its defaults write MUJOCO_LOG.TXT into the current folder and end the process. */
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "envs/envs_internal.h"

#define LINE 512

static _Thread_local jmp_buf *escape; /* innermost guard of this thread, or NULL */
static _Thread_local char sentence[LINE];

void esp_one_line(const char *text, char *out, size_t size)
{
    const char *separator = "";
    size_t used = 0;
    while (*text && used + 3 < size) {
        size_t blanks = strspn(text, " \t\r\n");
        if (blanks > 0) {
            bool ends = memchr(text, '\n', blanks) && used > 0 && !strchr(":;", out[used - 1]);
            separator = ends ? "; " : " ";
            text += blanks;
            continue;
        }
        if (used > 0) used += (size_t)sprintf(out + used, "%s", separator);
        separator = "";
        out[used++] = *text++;
    }
    out[used] = 0;
}

/* Must not return: MuJoCo would go on with what it just found impossible. */
static void on_mujoco_error(const char *text)
{
    esp_one_line(text, sentence, sizeof sentence);
    if (escape) longjmp(*escape, 1);
    fprintf(stderr, "espalier: MuJoCo: %s\n", sentence);
    exit(1);
}

static void on_mujoco_warning(const char *text)
{
    char line[LINE];
    esp_one_line(text, line, sizeof line);
    esp_log(ESP_LOG_WARNING, "MuJoCo: %s", line);
}

/* A program that loaded us as a plugin keeps the handlers it has. */
static void install(void)
{
    if (!mju_user_error)   mju_user_error = on_mujoco_error;
    if (!mju_user_warning) mju_user_warning = on_mujoco_warning;
}

esp_status esp_guard(esp_status (*work)(void *argument), void *argument, esp_status on_error)
{
    static pthread_once_t installed = PTHREAD_ONCE_INIT;
    pthread_once(&installed, install);

    jmp_buf *const outer = escape;
    jmp_buf here;
    if (setjmp(here)) {
        escape = outer;
        return esp_fail(on_error, "MuJoCo: %s", sentence);
    }
    escape = &here;
    esp_status status = work(argument);
    escape = outer;
    return status;
}
