/* The checkpoints that `record` and `view` show side by side. */
#ifndef ESP_CLI_SHOWN_H
#define ESP_CLI_SHOWN_H

#include "cli/cli.h"
#include "viewer/viewer.h"

/* What to show, and how. */
typedef struct {
    esp_options *options;                 /* borrowed */
    esp_judging judging;                  /* options for all of them */
    int         count;                    /* number of checkpoints */
    const char *path[ESP_MOST_ROLES];     /* [count] */
    esp_subject subject[ESP_MOST_ROLES];  /* [count], opened by esp_shown_open */
    esp_role    role[ESP_MOST_ROLES];     /* borrows the subjects */
} esp_shown;

esp_shown esp_shown_of(esp_options *options); /* nothing given on the command line yet */
/* Child parser of a command: the checkpoints, how they play, and the options of every command; its input is an
 * esp_shown. */
extern const struct argp esp_shown_argp;
/* Opens all of them. ESP_ERR_USAGE when an application has no episodes to show. */
esp_status esp_shown_open(esp_shown *shown);
void       esp_shown_close(esp_shown *shown); /* call it also when opening failed */
int        esp_shown_start(const esp_shown *shown); /* start of the episodes, an index into the task's starts */

/* Options of both commands: WxH, each side from least to most. */
esp_status esp_parse_size(const char *option, const char *text, int least, int most, int *width, int *height);
/* A number above 0 and at most `most`. */
esp_status esp_parse_positive(const char *option, const char *text, double most, double *out);

#endif
