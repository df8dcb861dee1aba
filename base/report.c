/* How long-running work reports to the program around it: log lines and progress through callbacks,
 * a request to stop through a flag, time through a clock. */
#include "base/base.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

/* ---- log and progress ---------------------------------------------------------------------- */

static struct {
    esp_log_fn log;
    esp_progress_fn progress;
    void *context;
} listener;

void esp_log_to(esp_log_fn log, esp_progress_fn progress, void *context)
{
    listener.log = log;
    listener.progress = progress;
    listener.context = context;
}

void esp_log(esp_log_level level, const char *format, ...)
{
    if (!listener.log) return;
    char line[ESP_ERROR_TEXT];
    va_list arguments;
    va_start(arguments, format);
    esp_format_list(line, sizeof line, format, arguments);
    va_end(arguments);
    listener.log(listener.context, level, line);
}

void esp_progress(const char *task, double done, double total, const char *format, ...)
{
    if (!listener.progress) return;
    char detail[256];
    va_list arguments;
    va_start(arguments, format);
    esp_format_list(detail, sizeof detail, format, arguments);
    va_end(arguments);
    listener.progress(listener.context, task, done, total, detail);
}

/* ---- interruption -------------------------------------------------------------------------- */

static atomic_int stop_requested; /* read by all threads; lock-free, so a signal handler may set it */

/* The first signal asks for a clean end; the second means that the user does not want to wait for
 * it. */
static void request_stop(int number)
{
    if (stop_requested) {
        signal(number, SIG_DFL);
        raise(number);
    }
    stop_requested = 1;
}

void esp_interrupt_install(void)
{
    /* SA_RESTART: a request to stop must not look like a failed read or write */
    struct sigaction action = {.sa_handler = request_stop, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct sigaction before; /* before SIGHUP is caught: a program under nohup outlives its terminal */
    if (sigaction(SIGHUP, NULL, &before) != 0 || before.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, NULL);
    /* Makes a write beyond `ulimit -f` fail with its sentence instead of ending the process. */
    signal(SIGXFSZ, SIG_IGN);
}

bool esp_interrupted(void)
{
    return stop_requested != 0;
}

esp_status esp_check_interrupt(void)
{
    if (!stop_requested) return ESP_OK;
    return esp_fail(ESP_ERR_INTERRUPTED, "interrupted before the end");
}

/* ---- time ---------------------------------------------------------------------------------- */

double esp_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
