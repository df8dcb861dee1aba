/* cli: the executable. All printing, and the choice of exit statuses, is here. */
#ifndef ESP_CLI_H
#define ESP_CLI_H

#include <argp.h>

#include "study/study.h"

/* ---- options.c: options of every subcommand -------------------------------------------- */

/* Exit statuses, as in the command line contract. */
enum {
    ESP_EXIT_DONE = 0,      /* the command did what it was asked for */
    ESP_EXIT_FAILED = 1,    /* one line on standard error says why */
    ESP_EXIT_USAGE = 2,     /* wrong option, argument or value */
    ESP_EXIT_THRESHOLD = 3, /* a demanded performance was not met */
    ESP_EXIT_STOPPED = 75   /* on request (EX_TEMPFAIL of sysexits.h): the same command, run again, continues */
};

/* Options of every subcommand. */
typedef struct {
    bool         json;         /* print one object on standard output and nothing else there */
    bool         quiet;        /* print only warnings on standard error */
    int          threads;      /* 0: all that may be used */
    esp_settings settings;     /* seed, --set, --config */
    char        *command;      /* the command line in a form that a person could type again, owned */
} esp_options;

/* Child parser of every subcommand; its input is an esp_options. */
extern const struct argp       esp_options_argp;
extern const struct argp_child esp_options_children[]; /* the children of a parser without others */
/* As an entry of a parser's children. */
#define ESP_OPTIONS_CHILD {&esp_options_argp, 0, "Options of every command:", 1}

/* unknown_option.c: ESP_ERR_USAGE naming the first option that the parser and its children do not have, or that lacks
 * its value; in_order: checks only the options before the first argument. */
esp_status esp_check_options(const struct argp *argp, int argc, char **argv, bool in_order);
/* argp_parse that returns a status; argp itself answers --help and unknown options. */
esp_status esp_parse(const struct argp *argp, int argc, char **argv, void *input);
/* For use in parsers: keeps the sentence of a failed esp_parse_* and stops argp. */
error_t    esp_parse_error(esp_status status);

/* Takes the one argument of a command; ESP_ERR_USAGE for a second one. */
esp_status esp_take_argument(const char **slot, const char *argument);
/* ESP_ERR_USAGE when value is NULL: the argument `name` is missing. */
esp_status esp_need_argument(const char *value, const char *name);
/* ESP_ERR_USAGE unless the name of an output ends with the suffix (".html"), so that a typing error does not
 * overwrite results or a checkpoint. */
esp_status esp_need_suffix(const char *option, const char *path, const char *suffix);

/* Parses the value of an option, whole and in range; error messages name the option. */
esp_status esp_parse_int(const char *option, const char *text, int min, int max, int *out);
esp_status esp_parse_u64(const char *option, const char *text, uint64_t max, uint64_t *out); /* 0 to max */
esp_status esp_parse_double(const char *option, const char *text, double *out);              /* finite */
esp_status esp_parse_share(const char *option, const char *text, double *out); /* "1%", "1 %" or "0.01"; finite */
esp_status esp_parse_choice(const char *option, const char *text, const char *choices, int *out); /* one of "a|b|c" */

/* ---- application_options.c: options that some applications have ---------------------------------- */

/* Makes the parsers below from the tables of all applications; call it first in main. */
void esp_application_options_make(void);
/* Child parsers of commands, whose input is an esp_judging: the options for one purpose of a
 * checkpoint. */
extern const struct argp esp_eval_argp, esp_prune_argp, esp_show_argp, esp_train_argp, esp_compare_argp;

/* ---- progress.c: stderr ------------------------------------------------------------------------ */

/* Sends log lines to stderr, with a progress bar when that is a terminal; quiet leaves only
 * warnings. */
void esp_console_install(bool quiet);
/* Prints "espalier: the sentence of the failure" and returns the exit status that belongs to it. */
int  esp_console_fail(esp_status status);

/* ---- output.c: stdout --------------------------------------------------------------------------- */

/* At exit, turns success into failure when output could not be written. */
void esp_output_install(void);

/* A table whose columns are as wide as their widest cell. */
typedef struct esp_table esp_table;

/* One letter per column: 'l' or 'r' aligned. */
esp_table *esp_table_create(const char *alignment);
/* Cells are separated by '|'. */
void       esp_table_row(esp_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends a cell to the last row. */
void       esp_table_cell(esp_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void       esp_table_rule(esp_table *table);  /* a rule below the rows so far */
void       esp_table_print(esp_table *table); /* prints and frees it */

/* ---- figures.c ------------------------------------------------------------------------------------ */

/* Adds one row per line of figures: its label, and the figures on it. The table has two columns,
 * "ll". */
void  esp_table_figures(esp_table *table, const esp_figure_list *figures);

/* ---- paired_table.c ------------------------------------------------------------------------------- */

/* Prints, below an empty line, how the performances of the same samples ("episodes") differ between two networks, one
 * row per start; nothing when samples cannot be told apart. The names head the columns of the two networks. */
void esp_print_paired(const char *sample_name, const char *name_a, const esp_samples *a, const char *name_b,
                      const esp_samples *b, uint64_t seed);

/* ---- output.c: JSON --------------------------------------------------------------------------------- */

void esp_json_print(cJSON *json); /* prints and deletes it */

/* ---- cmd_<name>.c ------------------------------------------------------------------------------------------ */

/* argv[0] is "espalier <name>". Each prints its result, or one line on failure, and returns the
 * exit status. */
int esp_cmd_train(int argc, char **argv, esp_options *options);   /* trains into a run directory */
int esp_cmd_eval(int argc, char **argv, esp_options *options);    /* evaluates on held-out data */
int esp_cmd_prune(int argc, char **argv, esp_options *options);   /* writes a smaller network */
int esp_cmd_sweep(int argc, char **argv, esp_options *options);   /* prunings side by side */
int esp_cmd_compare(int argc, char **argv, esp_options *options); /* whether one checkpoint is worse than another */
int esp_cmd_export(int argc, char **argv, esp_options *options);  /* source code, or a file for other programs */
int esp_cmd_inspect(int argc, char **argv, esp_options *options); /* what a checkpoint consists of */
int esp_cmd_view(int argc, char **argv, esp_options *options);    /* a window that shows episodes */
int esp_cmd_record(int argc, char **argv, esp_options *options);  /* episodes as a film */
int esp_cmd_report(int argc, char **argv, esp_options *options);  /* one page of a run, sweep or search */
int esp_cmd_doctor(int argc, char **argv, esp_options *options);  /* what this machine has and lacks */
int esp_cmd_bench(int argc, char **argv, esp_options *options);   /* speed of hot paths */

#endif
