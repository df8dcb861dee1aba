/* espalier: finds the subcommand and hands it the rest of the command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

const char *argp_program_version = "espalier " ESP_VERSION;

typedef struct {
    const char *name, *help;
    int (*run)(int argc, char **argv, esp_options *options);
} command;

static const command commands[] = {
    {"train", "train an agent or an autoencoder into a run directory", esp_cmd_train},
    {"eval", "return of an agent in closed loop, or reconstruction error", esp_cmd_eval},
    {"prune", "search how much of each part can be removed, write the smaller network", esp_cmd_prune},
    {"sweep", "prune with several methods to several sparsities, draw curves", esp_cmd_sweep},
    {"compare", "is B worse than A? the same episodes, until it is sure", esp_cmd_compare},
    {"inspect", "components, axes, groups, parameters, FLOPs of a checkpoint", esp_cmd_inspect},
    {"view", "a window in which agents act and you can intervene", esp_cmd_view},
    {"record", "episodes as a video, a film strip or a folder of pictures", esp_cmd_record},
    {"export", "the controller as C source code for a device", esp_cmd_export},
    {"report", "one page of a run, a sweep or a search, to look at", esp_cmd_report},
    {"doctor", "what this machine has and lacks, and what to do about it", esp_cmd_doctor},
    {"bench", "speed of every hot path against the machine's limit", esp_cmd_bench},
};
enum { NUM_COMMANDS = sizeof commands / sizeof *commands };

static const char examples[] =
    "Examples:\n"
    "  espalier eval models/pendulum/agent.safetensors --episodes 100\n"
    "  espalier prune agent.safetensors --sparsity 0.2 -o pruned.safetensors\n"
    "  espalier compare agent.safetensors pruned.safetensors\n"
    "  espalier inspect pruned.safetensors --json\n"
    "  espalier eval models/mnist/autoencoder.safetensors --data DIR\n"
    "\n"
    "Exit status: 0 done, 1 it failed, 2 wrong usage, 3 a demanded threshold was\n"
    "not met, 75 stopped on request: run it again to continue.\n"
    "`espalier COMMAND --help' describes one command.";

typedef struct {
    esp_options   *options;
    const command *command;
    int            at;       /* argv index of the subcommand's name */
} selection;

static esp_status find_command(const char *name, const command **out)
{
    const char *names[NUM_COMMANDS];
    for (int i = 0; i < NUM_COMMANDS; i++) {
        names[i] = commands[i].name;
        if (strcmp(name, names[i]) != 0) continue;
        *out = &commands[i];
        return ESP_OK;
    }
    const char *nearest = esp_nearest(name, names, NUM_COMMANDS);
    if (nearest) return esp_fail(ESP_ERR_USAGE, "unknown command '%s'; did you mean '%s'?", name, nearest);
    return esp_fail(ESP_ERR_USAGE, "unknown command '%s'; `espalier --help' lists the commands", name);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    selection *selected = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = selected->options;
        return 0;
    case ARGP_KEY_ARG:
        selected->at = state->next - 1;
        state->next = state->argc; /* the rest of the line belongs to the subcommand */
        return esp_parse_error(find_command(argument, &selected->command));
    case ARGP_KEY_NO_ARGS:
        return esp_parse_error(esp_fail(ESP_ERR_USAGE, "a command is missing; `espalier --help' lists the commands"));
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The list of commands is made from the table, so that the help is always complete. */
static char *filter_help(int key, const char *text, void *input)
{
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC) return (char *)text;
    size_t size = sizeof examples + NUM_COMMANDS * 100;
    char *help = malloc(size);
    if (!help) return (char *)text;
    int length = snprintf(help, size, "Commands:\n");
    for (int i = 0; i < NUM_COMMANDS; i++)
        length += snprintf(help + length, size - (size_t)length, "  %-9s %s\n", commands[i].name, commands[i].help);
    snprintf(help + length, size - (size_t)length, "\n%s", examples);
    return help;
}

static const struct argp argp = {
    .parser = parse,
    .args_doc = "COMMAND [ARGUMENT...]",
    .doc = "Finds out in closed loop how much of a neural controller can be cut away before it fails its task, "
           "and writes the smaller network.\v ", /* what follows \v is written by filter_help */
    .children = esp_options_children,
    .help_filter = filter_help,
};

/* The command as a shell reads it; the caller frees it. */
static char *command_line(int argc, char **argv)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    fputs("espalier", out);
    for (int i = 1; i < argc; i++) esp_write_shell_word(out, argv[i]);
    fclose(out);
    return text;
}

static int run(const selection *selected, int argc, char **argv)
{
    char name[64];
    snprintf(name, sizeof name, "espalier %s", selected->command->name);
    argv[selected->at] = name; /* argp prints this name before its messages */
    int status = selected->command->run(argc - selected->at, argv + selected->at, selected->options);
    argv[selected->at] = (char *)selected->command->name;
    return status;
}

/* Applies ESPALIER_KERNEL, which names the instruction set of matrix products. */
static void choose_kernel(void)
{
    const char *name = getenv("ESPALIER_KERNEL");
    esp_status status = name && *name ? esp_kernel_choose(name) : ESP_OK;
    if (status == ESP_OK) return;
    fprintf(stderr, "espalier: ESPALIER_KERNEL: %s\n", esp_error_text());
    exit(status == ESP_ERR_USAGE ? ESP_EXIT_USAGE : ESP_EXIT_FAILED);
}

/* Starts the program again when OpenBLAS did not know this processor: it chooses its kernels only at the start. */
static void choose_blas_kernel(char **argv)
{
    char path[4096];
    const char *better = getenv("OPENBLAS_CORETYPE") ? NULL : esp_blas_better_kernel();
    ssize_t length = better ? readlink("/proc/self/exe", path, sizeof path - 1) : -1;
    if (length < 0 || setenv("OPENBLAS_CORETYPE", better, 1) != 0) return;
    path[length] = 0;
    execv(path, argv); /* returns only when it fails: then the slow kernels stay */
}

int main(int argc, char **argv)
{
    choose_blas_kernel(argv);
    esp_options options = {.settings = esp_settings_default()};
    selection selected = {.options = &options};
    argp_err_exit_status = ESP_EXIT_USAGE;
    setenv("ARGP_HELP_FMT", "no-dup-args-note", 0);
    esp_output_install();
    esp_interrupt_install();
    choose_kernel();
    esp_application_options_make();
    options.settings.command = options.command = command_line(argc, argv);
    if (argc > 0) argv[0] = "espalier";

    bool wrong = esp_check_options(&argp, argc, argv, true) != ESP_OK ||
                 argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &selected) != 0;
    int status = wrong ? esp_console_fail(ESP_ERR_USAGE) : run(&selected, argc, argv);
    free(options.command);
    return status;
}
