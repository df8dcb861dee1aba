/* MuJoCo's own errors and warnings become a status and a log line.
 *
 * By default MuJoCo writes MUJOCO_LOG.TXT into the current folder and ends the process. */
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "envs/envs_internal.h"

#define LINE 512

static _Thread_local jmp_buf *escape; /* innermost guard of this thread, or NULL */
static _Thread_local char sentence[LINE];
static _Thread_local bool silenced;

void esp_guard_silence(bool silent)
{
    silenced = silent;
}

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

/* Must not return: MuJoCo would carry on with a call that it just found impossible. */
static void leave(const char *text)
{
    esp_one_line(text, sentence, sizeof sentence);
    longjmp(*escape, 1);
}

static void report(const char *text)
{
    char line[LINE];
    if (silenced) return;
    esp_one_line(text, line, sizeof line);
    esp_log(ESP_LOG_WARNING, "MuJoCo: %s", line);
}

/* Outside our guards the handlers that the program had before stay in force: a host that loaded us
 * keeps its own. */
#if mjVERSION_HEADER >= 3010000
static mjfLogHandler host_handler;

static void on_mujoco_message(const mjLogMessage *message)
{
    if (!escape) host_handler(message);
    else if (message->level == mjLOG_ERROR) leave(message->subject);
    else if (message->level == mjLOG_WARNING) report(message->subject);
}

static void install(void)
{
    host_handler = mju_setLogHandler(on_mujoco_message);
}
#else
static void (*host_error)(const char *text), (*host_warning)(const char *text);

static void on_mujoco_error(const char *text)
{
    if (escape) leave(text);
    if (host_error) host_error(text);
    mju_writeLog("ERROR", text); /* as MuJoCo does without a handler, which would also wait for a key */
    fprintf(stderr, "MuJoCo: %s\n", text);
    exit(1);
}

static void on_mujoco_warning(const char *text)
{
    if (escape) {
        report(text);
    } else if (host_warning) {
        host_warning(text);
    } else {
        mju_writeLog("WARNING", text);
        printf("WARNING: %s\n\n", text);
    }
}

static void install(void)
{
    host_error = mju_user_error;
    host_warning = mju_user_warning;
    mju_user_error = on_mujoco_error;
    mju_user_warning = on_mujoco_warning;
}
#endif

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
