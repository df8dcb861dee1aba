/* Options that some applications have, in the form that argp needs: made from the applications' tables, so that the
 * options of a new application need no line here. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

enum { FIRST_KEY = 0x3000, MOST = 32 };

/* Data of a parser: the options for one purpose, each name once. */
typedef struct {
    unsigned           purpose;
    int                count;
    struct argp_option option[MOST + 1];
} family;

static family eval = {.purpose = ESP_FOR_EVAL}, prune = {.purpose = ESP_FOR_PRUNE}, show = {.purpose = ESP_FOR_SHOW},
              train = {.purpose = ESP_FOR_TRAIN}, compare = {.purpose = ESP_FOR_COMPARE};

static struct argp_option *find(family *f, const char *name)
{
    for (int i = 0; i < f->count; i++)
        if (strcmp(f->option[i].name, name) == 0) return &f->option[i];
    return NULL;
}

/* "a; b" in memory that is kept until the end. */
static const char *joined(const char *a, const char *between, const char *b)
{
    char text[1024];
    if (strcmp(a, b) == 0) return a;
    snprintf(text, sizeof text, "%s%s%s", a, between, b);
    return esp_intern(text);
}

/* Options of several applications with one name are one option. */
static void add(family *f, const esp_option *o)
{
    struct argp_option *known = find(f, o->name);
    if (known) {
        if (known->arg && o->argument) known->arg = joined(known->arg, "|", o->argument);
        known->doc = joined(known->doc, ". ", o->help);
    } else if (f->count < MOST) {
        f->option[f->count] = (struct argp_option){.name = o->name, .key = FIRST_KEY + f->count, .arg = o->argument,
                                                   .doc = o->help};
        f->count++;
    }
}

static void make(family *f)
{
    for (int i = 0; esp_applications[i]; i++)
        for (const esp_option *o = esp_applications[i]->options; o->name; o++)
            if (o->purposes & f->purpose) add(f, o);
}

void esp_application_options_make(void)
{
    make(&eval);
    make(&prune);
    make(&show);
    make(&train);
    make(&compare);
}

static error_t parse(const family *f, int key, const char *argument, struct argp_state *state)
{
    if (key < FIRST_KEY || key >= FIRST_KEY + f->count) return ARGP_ERR_UNKNOWN;
    const char *name = f->option[key - FIRST_KEY].name;
    return esp_parse_error(esp_judging_give(state->input, f->purpose, name, argument));
}

static error_t parse_eval(int key, char *argument, struct argp_state *state)
{
    return parse(&eval, key, argument, state);
}

static error_t parse_prune(int key, char *argument, struct argp_state *state)
{
    return parse(&prune, key, argument, state);
}

static error_t parse_show(int key, char *argument, struct argp_state *state)
{
    return parse(&show, key, argument, state);
}

static error_t parse_train(int key, char *argument, struct argp_state *state)
{
    return parse(&train, key, argument, state);
}

static error_t parse_compare(int key, char *argument, struct argp_state *state)
{
    return parse(&compare, key, argument, state);
}

const struct argp esp_eval_argp = {.options = eval.option, .parser = parse_eval};
const struct argp esp_prune_argp = {.options = prune.option, .parser = parse_prune};
const struct argp esp_show_argp = {.options = show.option, .parser = parse_show};
const struct argp esp_train_argp = {.options = train.option, .parser = parse_train};
const struct argp esp_compare_argp = {.options = compare.option, .parser = parse_compare};
