/* Standard error: one line per failure, log lines, and on a terminal a progress bar below them. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"

#define REDRAW 0.1 /* seconds between drawings: work must not wait for a terminal */
#define BAR 24     /* characters */

static struct {
    bool   quiet, terminal, visible;
    char   task[64];
    double started, first; /* esp_clock and `done` when the task began */
    double drawn;          /* esp_clock of the last drawing */
} console;

static void clear_bar(void)
{
    if (console.visible) fputs("\r\033[K", stderr);
    console.visible = false;
}

static void show_log(void *context, esp_log_level level, const char *line)
{
    (void)context;
    if (console.quiet && level == ESP_LOG_INFO) return;
    clear_bar();
    fprintf(stderr, "espalier: %s%s\n", level == ESP_LOG_WARNING ? "warning: " : "", line);
}

static int terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return size.ws_col;
}

/* A resumed task starts in the middle, so the time left is estimated from the work of this process
 * alone. */
static void describe_time(double now, double done, double total, char *out, size_t size)
{
    char elapsed[ESP_NUMBER_TEXT], left[ESP_NUMBER_TEXT];
    double spent = now - console.started, progress = done - console.first;
    esp_text_seconds(spent, elapsed);
    if (total > 0 && progress > 0)
        snprintf(out, size, "%s, %s left", elapsed, esp_text_seconds(spent * (total - done) / progress, left));
    else
        snprintf(out, size, "%s", elapsed);
}

static void draw(double now, double done, double total, const char *detail)
{
    char bar[BAR + 1], time[2 * ESP_NUMBER_TEXT + 16], line[512];
    double share = total > 0 ? done / total : 0;
    int full = (int)(share * BAR);
    for (int i = 0; i < BAR; i++) bar[i] = i < full ? '#' : '.';
    bar[BAR] = 0;
    describe_time(now, done, total, time, sizeof time);
    if (total > 0)
        esp_format(line, sizeof line, "%s [%s] %3.0f %%  %s  %s", console.task, bar, 100 * share, time, detail);
    else
        esp_format(line, sizeof line, "%s  %.0f  %s  %s", console.task, done, time, detail);
    fprintf(stderr, "\r\033[K%.*s", terminal_width() - 1, line);
    fflush(stderr);
    console.visible = true;
    console.drawn = now;
}

static void show_progress(void *context, const char *task, double done, double total, const char *detail)
{
    (void)context;
    if (console.quiet || !console.terminal) return;
    double now = esp_clock();
    if (strcmp(task, console.task) != 0) {
        snprintf(console.task, sizeof console.task, "%s", task);
        console.started = now;
        console.first = done;
        console.drawn = 0;
    }
    if (total > 0 && done >= total) {
        clear_bar();
        console.task[0] = 0;
    } else if (now - console.drawn >= REDRAW) {
        draw(now, done, total, detail);
    }
}

void esp_console_install(bool quiet)
{
    console.quiet = quiet;
    console.terminal = isatty(STDERR_FILENO);
    esp_log_to(show_log, show_progress, NULL);
}

int esp_console_fail(esp_status status)
{
    bool hint = status == ESP_ERR_MACHINE && !strstr(esp_error_text(), "espalier doctor");
    clear_bar();
    fprintf(stderr, "espalier: %s%s\n", esp_error_text(),
            hint ? "; `espalier doctor` says what this machine lacks" : "");
    if (status == ESP_ERR_INTERRUPTED) return ESP_EXIT_STOPPED;
    return status == ESP_ERR_USAGE || status == ESP_ERR_RANGE ? ESP_EXIT_USAGE : ESP_EXIT_FAILED;
}
