/* One pruning, asked for and done: what `prune` does once and `sweep` many times. */
#ifndef ESP_STUDY_PRUNE_H
#define ESP_STUDY_PRUNE_H

#include "study/application.h"

#define ESP_GROUPS_CHOICES "structural|paper"

/* ---- prune_options.c: options about one pruning ---------------------------------------------------- */

typedef struct {
    const esp_search_method *method;
    int    groups, importance, compensation;
    int    budget;                      /* evaluations; 0: no limit */
    int    round_to;                    /* kept widths are multiples of it */
    int    finetune;                    /* gradient steps after the cut */
    int    num_pins;
    const char *pin[ESP_MAX_AXES];      /* PATTERN=VALUE, in order */
    esp_judging judging;
    esp_search_config search;
} esp_prune_request;

esp_prune_request esp_prune_request_default(void);
/* Children of the parsers of `prune` and `sweep`: everything but what a sweep varies, and how a network is
 * judged, whose input is an esp_prune_request; options of every command. --help ends with the list of
 * methods. */
extern const struct argp_child esp_prune_children[];
esp_status esp_parse_sparsity(const char *option, const char *text, double *out);
esp_status esp_parse_method(const char *text, const esp_search_method **out);

/* ---- prune_run.c ------------------------------------------------------------------------------------------ */

/* The networks that are compared, in the order of report. */
typedef enum {
    ESP_BEFORE,
    ESP_UNCOMPENSATED, /* only with a compensation: the same cut without it */
    ESP_AFTER,
    ESP_FINETUNED,     /* only with gradient steps */
    ESP_PRUNED_STAGES
} esp_prune_stage;
extern const char *const esp_prune_stage_names[];

typedef struct {
    const esp_subject *subject;         /* borrowed */
    esp_prune_request  request;
    esp_grouping       grouping;
    esp_ranking        ranking;
    esp_search_result  result;
    double             wall_s;          /* of the search */
    esp_network       *net[ESP_PRUNED_STAGES]; /* owned but for ESP_BEFORE, which is the subject's */
    bool               has[ESP_PRUNED_STAGES];      /* measured */
    esp_measurement    measured[ESP_PRUNED_STAGES];
    double             ms[ESP_PRUNED_STAGES];
    size_t             bytes[ESP_PRUNED_STAGES];
} esp_pruning;

/* What decides the performance of a cut, beside its widths; the caller deletes it. */
cJSON *esp_pruning_identity(const esp_subject *subject, const esp_prune_request *request);

/* Whose the journal of a search is. */
typedef enum {
    ESP_JOURNAL_OWN,    /* follows from -o; one of another search is moved aside */
    ESP_JOURNAL_NAMED,  /* by the user: must fit */
    ESP_JOURNAL_SHARED  /* with other searches of a sweep: does not say what this one is after */
} esp_journal_kind;

/* Searches with the journal at `journal` and makes the smaller network. */
esp_status esp_pruning_search(const esp_subject *subject, const esp_prune_request *request, const char *journal,
                              esp_journal_kind kind, esp_pruning *out);
/* Held-out performance and time of a stage; nothing when it has no network. */
esp_status esp_pruning_measure(esp_pruning *pruning, esp_prune_stage stage);
void       esp_pruning_free(esp_pruning *pruning);

/* ---- prune_report.c ------------------------------------------------------------------------------------------ */

/* The stages that were measured; the caller deletes it. */
cJSON *esp_pruning_json(const esp_pruning *pruning);
/* What is known before a search: what is asked of it, and of a sweep the dense network. */
cJSON *esp_pruning_about_json(const esp_pruning *pruning);
cJSON *esp_pruning_dense_json(const esp_pruning *pruning);
void   esp_pruning_print_tables(const esp_pruning *pruning);

#endif
