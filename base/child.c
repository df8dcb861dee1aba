/* Child processes: work that may crash without taking this process along, and the version line of other programs. */
#define _GNU_SOURCE /* memfd_create */
#include "base/base.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAST_WORDS 256 /* bytes of a crashed child's output that are looked at */

/* ---- work that may crash ------------------------------------------------------------------------ */

/* Memory that parent and child share; the caller's struct follows. */
typedef struct {
    bool      finished;
    esp_error outcome;
} shared_state;

enum { HEAD = (sizeof(shared_state) + 63) / 64 * 64 };

static _Noreturn void run_child(shared_state *shared, esp_status (*work)(void *argument), int seconds, int said)
{
    signal(SIGALRM, SIG_DFL);
    alarm((unsigned)seconds);
    dup2(said, STDOUT_FILENO);
    dup2(said, STDERR_FILENO);
    esp_error_take(&shared->outcome, work((char *)shared + HEAD));
    shared->finished = true;
    _exit(0);
}

/* The last line that is not empty. */
static void read_last_words(int fd, char out[LAST_WORDS])
{
    off_t end = lseek(fd, 0, SEEK_END), start = end > LAST_WORDS - 1 ? end - (LAST_WORDS - 1) : 0;
    ssize_t size = pread(fd, out, LAST_WORDS - 1, start);
    out[size > 0 ? size : 0] = 0;
    for (size_t last = strlen(out); last > 0 && (out[last - 1] == '\n' || out[last - 1] == ' ');) out[--last] = 0;
    char *line = strrchr(out, '\n');
    if (line) memmove(out, line + 1, strlen(line));
}

static esp_status describe_end(int status, int seconds, int said)
{
    char words[LAST_WORDS] = "";
    read_last_words(said, words);
    const char *colon = *words ? ": " : "";
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return esp_fail(ESP_ERR_MACHINE, "no answer within %d s%s%s", seconds, colon, words);
    if (WIFSIGNALED(status))
        return esp_fail(ESP_ERR_MACHINE, "it crashed (%s)%s%s", strsignal(WTERMSIG(status)), colon, words);
    return esp_fail(ESP_ERR_MACHINE, "it ended with status %d%s%s", WEXITSTATUS(status), colon, words);
}

static esp_status watch_child(shared_state *shared, esp_status (*work)(void *argument), int seconds, int said)
{
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) return esp_fail(ESP_ERR_MACHINE, "cannot start a process: %s", strerror(errno));
    if (child == 0) run_child(shared, work, seconds, said);
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return shared->finished ? esp_error_raise(&shared->outcome) : describe_end(status, seconds, said);
}

esp_status esp_isolate(esp_status (*work)(void *argument), void *argument, size_t size, int seconds)
{
    shared_state *shared = mmap(NULL, HEAD + size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return esp_fail(ESP_ERR_MACHINE, "no memory to share with a process: %s", strerror(errno));
    int said = memfd_create("espalier-child", MFD_CLOEXEC);
    memcpy((char *)shared + HEAD, argument, size);
    esp_status status = watch_child(shared, work, seconds, said);
    memcpy(argument, (char *)shared + HEAD, size);
    if (said >= 0) close(said);
    munmap(shared, HEAD + size);
    return status;
}

/* ---- programs ------------------------------------------------------------------------------------ */

bool esp_program_line(const char *command, char *line, size_t size)
{
    char rest[512];
    *line = 0;
    FILE *output = popen(command, "re");
    if (!output) return false;
    bool found = fgets(line, (int)size, output);
    while (fgets(rest, sizeof rest, output)) continue; /* a program whose output is not read to the end fails */
    int status = pclose(output);
    line[strcspn(line, "\n")] = 0;
    return found && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Says why `PROGRAM OPTION` failed. */
static esp_status no_version(const char *program, const char *option, const char *package)
{
    char command[128], line[512];
    snprintf(command, sizeof command, "command -v %s", program);
    if (!esp_program_line(command, line, sizeof line))
        return esp_fail(ESP_ERR_MACHINE, "the program %s is missing (install the package %s)", program, package);
    snprintf(command, sizeof command, "timeout -s KILL 5 %s %s 2>&1 >/dev/null", program, option);
    esp_program_line(command, line, sizeof line);
    return esp_fail(ESP_ERR_MACHINE, "the program %s is installed but does not run: %s", program,
                    *line ? line : "it fails, or takes longer than 10 s");
}

esp_status esp_program_version(const char *program, const char *option, const char *package, char *version,
                               size_t size)
{
    char command[128], line[512];
    snprintf(command, sizeof command, "timeout -s KILL 10 %s %s 2>/dev/null", program, option);
    if (!esp_program_line(command, line, sizeof line)) return no_version(program, option, package);
    const char *number = strstr(line, "version ");
    number = number ? number + strlen("version ") : line;
    snprintf(version, size, "%.*s", (int)strcspn(number, " "), number);
    return ESP_OK;
}
