/* cli: the one executable. Everything that prints, and the choice of exit statuses, is here. */
#ifndef ESP_CLI_H
#define ESP_CLI_H

#include <argp.h>

#include "agent/agent.h"
#include "search/search.h"

/* ---- options.c: what every subcommand understands ------------------------------------------- */

#define ESP_MAX_SETTINGS 256

enum { ESP_EXIT_DONE = 0, ESP_EXIT_FAILED = 1, ESP_EXIT_USAGE = 2, ESP_EXIT_THRESHOLD = 3 };

typedef struct {
    bool        json, quiet;
    bool        has_seed;
    uint64_t    seed;          /* 1 unless given */
    int         threads;       /* 0: all */
    const char *config;        /* of a foreign checkpoint, or NULL */
    int         num_settings;
    const char *setting[ESP_MAX_SETTINGS]; /* of --set, in order */
    char       *command;       /* the command line as a person would type it again, owned */
} esp_options;

/* Child of every subcommand's parser; its input is an esp_options. And the children of a parser that has
 * no other. */
extern const struct argp       esp_options_argp;
extern const struct argp_child esp_options_children[];
#define ESP_OPTIONS_CHILD {&esp_options_argp, 0, "Options of every command:", 1}

/* argp_parse that ends with a status; argp itself answers --help and unknown options. */
esp_status esp_parse(const struct argp *argp, int argc, char **argv, void *input);
/* For parsers: keeps the sentence of a failed esp_parse_* and stops argp. */
error_t    esp_parse_error(esp_status status);

/* A command's one argument, and what must not be missing. */
esp_status esp_take_argument(const char **slot, const char *argument);
esp_status esp_need_argument(const char *value, const char *name);

/* The value of an option, whole and in range; the sentence names the option. */
esp_status esp_parse_int(const char *option, const char *text, int min, int max, int *out);
esp_status esp_parse_u64(const char *option, const char *text, uint64_t max, uint64_t *out);
esp_status esp_parse_double(const char *option, const char *text, double *out);
esp_status esp_parse_choice(const char *option, const char *text, const char *choices, int *out);

/* Applies every --set to a configuration, and to a search when it is not NULL. */
esp_status esp_options_apply(const esp_options *options, const esp_field *fields, int count, void *config,
                             esp_search_config *search);

/* ---- progress.c: stderr ------------------------------------------------------------------------ */

/* Log lines go to stderr, and a progress bar when that is a terminal; quiet leaves warnings only. */
void esp_console_install(bool quiet);
/* "espalier: the sentence of the failure", and the exit status that belongs to it. */
int  esp_console_fail(esp_status status);

/* ---- output.c: stdout --------------------------------------------------------------------------- */

/* At exit, output that could not be written turns success into failure. */
void esp_output_install(void);

/* Columns as wide as their widest cell. */
typedef struct esp_table esp_table;

/* One letter a column: 'l' or 'r' aligned. */
esp_table *esp_table_create(const char *alignment);
/* Cells are separated by '|'. */
void       esp_table_row(esp_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One more cell in the last row. */
void       esp_table_cell(esp_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void       esp_table_rule(esp_table *table);
void       esp_table_print(esp_table *table); /* frees it */

#define ESP_NUMBER_TEXT 32
char *esp_text_count(double count, char out[ESP_NUMBER_TEXT]);   /* 1,548,360 */
char *esp_text_scaled(double value, char out[ESP_NUMBER_TEXT]);  /* 12.4 M */
char *esp_text_seconds(double seconds, char out[ESP_NUMBER_TEXT]);
char *esp_text_performance(double value, char out[ESP_NUMBER_TEXT]); /* 849.1, 31.63 */
char *esp_text_short(double value, char out[ESP_NUMBER_TEXT]);   /* three digits */

void esp_json_print(cJSON *json); /* deletes it */
void esp_json_add_doubles(cJSON *object, const char *key, int count, const double *values);
void esp_json_add_choice(cJSON *object, const char *key, const char *choices, int index); /* the word */

/* ---- cmd_<name>.c ------------------------------------------------------------------------------------------ */

/* argv[0] is "espalier <name>". Each prints its result or one line of failure. */
int esp_cmd_train(int argc, char **argv, esp_options *options);
int esp_cmd_eval(int argc, char **argv, esp_options *options);
int esp_cmd_prune(int argc, char **argv, esp_options *options);
int esp_cmd_sweep(int argc, char **argv, esp_options *options);
int esp_cmd_inspect(int argc, char **argv, esp_options *options);
int esp_cmd_view(int argc, char **argv, esp_options *options);
int esp_cmd_record(int argc, char **argv, esp_options *options);
int esp_cmd_report(int argc, char **argv, esp_options *options);
int esp_cmd_bench(int argc, char **argv, esp_options *options);

#endif
