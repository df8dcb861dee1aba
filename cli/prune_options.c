/* Options of one pruning, for `prune` and `sweep`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/prune.h"

enum {
    KEY_PRESET = 0x4000, KEY_ROUNDS, KEY_KEEP, KEY_TOLERANCE, KEY_GROUPS, KEY_IMPORTANCE, KEY_COMPENSATE,
    KEY_BUDGET, KEY_PIN, KEY_ROUND_TO, KEY_FINETUNE
};

static const struct argp_option table[] = {
    {"preset", KEY_PRESET, ESP_PRESET_CHOICES, 0, "Everything that no option chooses: the best known recipe, or the "
     "paper's method (default best; sweep: paper)", 0},
    {"keep", KEY_KEEP, "P", 0, "Share of the performance to keep, 99% or 0.99: without --sparsity the smallest network "
     "that keeps it (prune); with it a demand, exit status 3 when it is missed", 0},
    {"rounds", KEY_ROUNDS, "auto|N", 0, "Cuts one after another, each followed by finetuning (default auto: several "
     "when less than 5 % stays)", 0},
    {"tolerance", KEY_TOLERANCE, "X", 0, "Largest distance of the result from the target sparsity (default 0.01, or a "
     "twentieth of what is left)", 0},
    {"groups", KEY_GROUPS, ESP_GROUPS_CHOICES, 0, "Which axes share a coefficient (default structural; paper: paper)",
     0},
    {"pin", KEY_PIN, "PATTERN=X", 0, "Fix the coefficient of matching groups (=0 protects them); repeatable", 0},
    {"round-to", KEY_ROUND_TO, "N", 0, "Kept widths are multiples of N (8 suits vector units) or whole", 0},
    {"importance", KEY_IMPORTANCE, "NAME", 0, "Criterion that ranks the units of a group, see below (default obs; "
     "paper: l2)", 0},
    {"compensate", KEY_COMPENSATE, "NAME", 0, "Repair of layers that read removed units, see below (default lsq; "
     "paper: none)", 0},
    {"finetune", KEY_FINETUNE, "STEPS", 0, "Gradient steps after the last cut, reported separately "
     "(default: as many as are worth their time; paper: 0)", 0},
    {"budget", KEY_BUDGET, "N", 0, "Most evaluations of each round's search (default: no limit)", 0},
    {0},
};

esp_status esp_parse_sparsity(const char *option, const char *text, double *out)
{
    esp_status status = esp_parse_share(option, text, out);
    if (status == ESP_OK && !(*out > 0 && *out < 1))
        status = esp_fail(ESP_ERR_USAGE, "%s: %s is outside the range, 0 < sparsity < 1; write 0.95 or 95%%", option,
                          text);
    return status;
}

static esp_status parse_tolerance(const char *text, double *out)
{
    esp_status status = esp_parse_double("--tolerance", text, out);
    if (status == ESP_OK && !(*out >= 0 && *out < 1))
        status = esp_fail(ESP_ERR_USAGE, "--tolerance: %s is outside the range, 0 <= tolerance < 1", text);
    return status;
}

esp_status esp_parse_method(const char *option, const char *text, const esp_search_method **out)
{
    *out = esp_search_find(text);
    return *out ? ESP_OK : esp_fail_in(ESP_ERR_USAGE, "%s", option);
}

esp_status esp_parse_importance(const char *option, const char *text, const esp_importance **out)
{
    *out = esp_importance_find(text);
    return *out ? ESP_OK : esp_fail_in(ESP_ERR_USAGE, "%s", option);
}

static esp_status parse_compensation(const char *text, const esp_compensation **out)
{
    *out = esp_compensation_find(text);
    return *out ? ESP_OK : esp_fail_in(ESP_ERR_USAGE, "--compensate");
}

static esp_status add_pin(esp_prune_request *r, const char *text)
{
    if (r->num_pins == ESP_MAX_AXES) return esp_fail(ESP_ERR_USAGE, "--pin: more than %d of them", ESP_MAX_AXES);
    r->pin[r->num_pins++] = text;
    return ESP_OK;
}

static esp_status parse_keep(const char *text, double *out)
{
    esp_status status = esp_parse_share("--keep", text, out);
    if (status == ESP_OK && !(*out > 0 && *out <= 1))
        status = esp_fail(ESP_ERR_USAGE, "--keep: %s is outside the range, 0 < share <= 1; write 99%% or 0.99", text);
    return status;
}

static esp_status parse_rounds(const char *text, int *out)
{
    *out = ESP_BY_PRESET;
    return strcmp(text, "auto") == 0 ? ESP_OK : esp_parse_int("--rounds", text, 1, ESP_MOST_ROUNDS, out);
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    esp_prune_request *r = state->input;
    esp_status status = ESP_OK;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &r->judging; break;
    case KEY_PRESET: status = esp_parse_choice("--preset", text, ESP_PRESET_CHOICES, &r->preset); break;
    case KEY_KEEP: status = parse_keep(text, &r->keep); break;
    case KEY_ROUNDS: status = parse_rounds(text, &r->rounds); break;
    case KEY_TOLERANCE: status = parse_tolerance(text, &r->search.target.tolerance); break;
    case KEY_GROUPS: status = esp_parse_choice("--groups", text, ESP_GROUPS_CHOICES, &r->groups); break;
    case KEY_IMPORTANCE: status = esp_parse_importance("--importance", text, &r->importance); break;
    case KEY_COMPENSATE: status = parse_compensation(text, &r->compensation); break;
    case KEY_BUDGET: status = esp_parse_int("--budget", text, 2, 100000000, &r->budget); break;
    case KEY_PIN: status = add_pin(r, text); break;
    case KEY_ROUND_TO: status = esp_parse_int("--round-to", text, 1, 4096, &r->round_to); break;
    case KEY_FINETUNE: status = esp_parse_int("--finetune", text, 0, 100000000, &r->finetune); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return esp_parse_error(status);
}

/* argp would wrap a long line as well, but without the indent. */
static void print_row(FILE *out, const char *name, bool needs_data, const char *help)
{
    enum { INDENT = 14, WIDTH = 78 };
    int column = fprintf(out, "  %s%s", name, needs_data ? "*" : "");
    column += fprintf(out, "%*s", column < INDENT ? INDENT - column : 0, "");
    for (const char *word = help; *word; word += *word == ' ') {
        int length = (int)strcspn(word, " ");
        if (column + 1 + length > WIDTH) {
            fprintf(out, "\n%*s", INDENT, "");
            column = INDENT;
        }
        column += fprintf(out, " %.*s", length, word);
        word += length;
    }
    putc('\n', out);
}

/* Prints the three tables. */
static void print_tables(FILE *out)
{
    fprintf(out, "Methods:\n");
    for (const esp_search_method *m = esp_search_methods; m->name; m++) print_row(out, m->name, false, m->help);
    fprintf(out, "\nImportance, * from recorded data:\n");
    for (const esp_importance *i = esp_importances; i->name; i++) print_row(out, i->name, i->needs_data, i->help);
    fprintf(out, "\nCompensation, * from recorded data:\n");
    for (const esp_compensation *c = esp_compensations; c->name; c++) print_row(out, c->name, c->needs_data, c->help);
}

static char *filter_help(int key, const char *text, void *input)
{
    (void)input;
    char *help = NULL;
    size_t size = 0;
    FILE *out = key == ARGP_KEY_HELP_POST_DOC ? open_memstream(&help, &size) : NULL;
    if (!out) return (char *)text;
    print_tables(out);
    fclose(out);
    return help;
}

static const struct argp_child children[] = {{&esp_prune_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
    .options = table,
    .parser = parse,
    .doc = "\v ", /* the text after \v is written by filter_help */
    .children = children,
    .help_filter = filter_help,
};

const struct argp_child esp_prune_children[] = {{&argp, 0, NULL, 0}, ESP_OPTIONS_CHILD, {0}};
