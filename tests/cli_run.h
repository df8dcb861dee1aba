/* Runs the built executable in its own folder, as a shell would, and keeps its output. */
#ifndef ESP_TESTS_CLI_RUN_H
#define ESP_TESTS_CLI_RUN_H

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"

#include "check.h"

/* A pruning by the paper's gradient descent that repairs and finetunes nothing. */
#define BARE "$E prune --preset paper --groups structural "

/* A network of a few hundred parameters that sees 24 x 24 pixels for twelve control steps. */
static const char tiny_json[] =
    "{\"env\": {\"image_size\": 24, \"frame_stack\": 2, \"supersample\": 1, \"physics_steps\": 96,"
    "  \"reward\": \"dense\"},"
    " \"network\": {\"latent\": 8, \"hidden\": 24, \"channels\": 6},"
    " \"planner\": {\"horizon\": 2, \"samples\": 16, \"elites\": 4, \"iterations\": 2,"
    "  \"search\": {\"horizon\": 2, \"samples\": 8, \"elites\": 4, \"iterations\": 1}},"
    " \"train\": {\"updates\": 60, \"batch\": 8, \"buffer\": 40, \"seed_episodes\": 12, \"pretrain\": 10,"
    "  \"cycle_episodes\": 2, \"cycle_updates\": 10, \"eval_every\": 15, \"eval_episodes\": 2}}";

static char cli_folder[] = "/tmp/espalier-cli-XXXXXX";
static char *cli_out, *cli_err; /* output of the last run */

static inline char *cli_file(const char *name)
{
    char *data = NULL;
    size_t size = 0;
    CHECK_OK(esp_file_read(name, (size_t)1 << 30, &data, &size));
    return data;
}

/* Exit status of a shell command in which $E is the executable; -1 when a signal ended it. */
static inline int cli(const char *format, ...)
{
    char command[4096];
    va_list arguments;
    int length = snprintf(command, sizeof command, "( ");
    va_start(arguments, format);
    length += vsnprintf(command + length, sizeof command - (size_t)length, format, arguments);
    va_end(arguments);
    snprintf(command + length, sizeof command - (size_t)length, " ) >out 2>err </dev/null");
    int status = system(command);
    free(cli_out);
    free(cli_err);
    cli_out = cli_file("out");
    cli_err = cli_file("err");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline int cli_lines(const char *text)
{
    int lines = 0;
    for (; *text; text++) lines += *text == '\n';
    return lines;
}

static inline void cli_say(void)
{
    printf("\n    stdout: %.400s\n    stderr: %.400s ", cli_out, cli_err);
}

#define CLI_OK(...)                                                                               \
    do {                                                                                          \
        int cli_status = cli(__VA_ARGS__);                                                        \
        if (cli_status != 0) cli_say();                                                           \
        CU_ASSERT_EQUAL_FATAL(cli_status, 0);                                                     \
    } while (0)

/* The output of the last run, as one JSON object; the caller deletes it. */
static inline cJSON *cli_json(void)
{
    cJSON *json = NULL;
    CHECK_OK(esp_json_parse(cli_out, strlen(cli_out), "stdout", &json));
    CU_ASSERT_FATAL(cJSON_IsObject(json));
    return json;
}

/* Checks a space-separated list of keys that must be there. */
static inline void cli_check_keys(const cJSON *json, const char *keys)
{
    char *list = esp_strdup(keys);
    for (char *key = strtok(list, " "); key; key = strtok(NULL, " ")) {
        bool found = cJSON_HasObjectItem(json, key);
        if (!found) printf("\n    key '%s' is missing ", key);
        CU_ASSERT(found);
    }
    free(list);
}

static inline double cli_number(const cJSON *json, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    CU_ASSERT_FATAL(cJSON_IsNumber(item));
    return item->valuedouble;
}

/* Starts the executable without a shell, so that a signal reaches it. argv ends with NULL. */
static inline pid_t cli_start(char *const argv[])
{
    fflush(NULL);
    pid_t child = fork();
    CU_ASSERT_FATAL(child >= 0);
    if (child == 0) {
        if (!freopen("out", "w", stdout) || !freopen("err", "w", stderr)) _exit(126);
        execv(ESP_EXECUTABLE, argv);
        _exit(127);
    }
    return child;
}

/* Sends a signal as soon as the run has created `file`, and waits for it to end. Returns its exit status; -1 when a
 * signal ended it. Its error output is in the file "err". */
static inline int cli_interrupt(char *const argv[], const char *file, int signal)
{
    int status = 0;
    siginfo_t info = {.si_pid = 0};
    pid_t child = cli_start(argv);
    while (access(file, F_OK) != 0 && info.si_pid == 0) {
        usleep(10000);
        waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT);
    }
    kill(child, signal);
    CU_ASSERT_FATAL(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Kills the run again and again, each time a quarter later than before, so that even a slow machine makes progress,
 * until one run is long enough to finish. Returns the number of kills. */
static inline int cli_kill_until_done(char *const argv[], int milliseconds)
{
    double life = 1e3 * milliseconds;
    for (int kills = 0;; kills++, life *= 1.25) {
        CU_ASSERT_FATAL(kills < 50);
        pid_t child = cli_start(argv);
        int status = 0;
        usleep((useconds_t)life);
        kill(child, SIGKILL);
        CU_ASSERT_FATAL(waitpid(child, &status, 0) == child);
        if (WIFSIGNALED(status)) continue;
        CU_ASSERT_EQUAL_FATAL(WEXITSTATUS(status), 0);
        return kills;
    }
}

static inline void cli_end(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", cli_folder);
    if (system(command) != 0) perror(cli_folder);
}

/* The command must be refused: one line on stderr that contains the word, nothing on stdout, this exit status. */
static inline void cli_check_refusal(int status, const char *arguments, const char *word)
{
    int found = cli("$E %s", arguments);
    bool good = found == status && strstr(cli_err, word) && !*cli_out && cli_lines(cli_err) == 1;
    if (!good) {
        printf("\n    espalier %s: status %d, expected %d and '%s'", arguments, found, status, word);
        cli_say();
    }
    CU_ASSERT(good);
}

/* Changes into a new folder. */
static inline void cli_open(void)
{
    atexit(cli_end);
    setvbuf(stdout, NULL, _IONBF, 0);
    if (!mkdtemp(cli_folder) || chdir(cli_folder) != 0 || setenv("E", ESP_EXECUTABLE, 1) != 0) exit(1);
    if (setenv("ESPALIER_MODELS", ESP_SOURCE "/models", 1) != 0) exit(1);
}

/* Creates agent.safetensors in a new folder. Exit status 77 (skipped) on a machine that cannot draw. */
static inline void cli_begin(void)
{
    cli_open();
    if (esp_file_write("tiny.json", tiny_json, strlen(tiny_json)) != ESP_OK) exit(1);
    int status = cli("$E train tiny.json -o run --quiet && cp run/checkpoint.safetensors agent.safetensors");
    if (status == 0) return;
    fputs(cli_err, stdout);
    exit(strstr(cli_err, "EGL") ? 77 : 1);
}

#endif
