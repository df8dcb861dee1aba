/* Finds wrong options before argp does: argp's own answer takes several lines and suggests
 * nothing. */
#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum { MOST = 128 };

/* The options of a command, in the form that getopt needs. */
typedef struct {
    struct option option[MOST + 1];   /* long options; ends with zeros */
    const char   *name[MOST];         /* names of the same, with -- in front, owned */
    int           count;
    char          letters[3 * MOST];  /* short options */
} option_set;

static bool has(const option_set *set, const char *name)
{
    for (int i = 0; i < set->count; i++)
        if (strcmp(set->option[i].name, name) == 0) return true;
    return false;
}

/* Gives each option another value, so that getopt treats the common beginning of two names as
 * ambiguous. */
static void add(option_set *set, const char *name, int key, int argument)
{
    if (name && set->count < MOST && !has(set, name)) {
        size_t size = strlen(name) + 3;
        char *word = esp_alloc(size, 1);
        snprintf(word, size, "--%s", name);
        set->name[set->count] = word;
        set->option[set->count] = (struct option){.name = word + 2, .has_arg = argument, .val = 0x1000 + set->count};
        set->count++;
    }
    size_t used = strlen(set->letters);
    if (key > 0 && key < 128 && isgraph(key) && used + 3 < sizeof set->letters)
        snprintf(set->letters + used, sizeof set->letters - used, "%c%s", key,
                 argument == required_argument ? ":" : "");
}

/* Collects the options of a parser and its children. */
static void collect(const struct argp *argp, option_set *set)
{
    for (const struct argp_option *o = argp->options; o && (o->name || o->key || o->doc); o++)
        if (!(o->flags & OPTION_DOC)) add(set, o->name, o->key, o->arg ? required_argument : no_argument);
    for (const struct argp_child *child = argp->children; child && child->argp; child++) collect(child->argp, set);
}

/* word: a long option, possibly with =VALUE; takes_none: the option exists but takes no value. */
static esp_status refuse_long(const option_set *set, const char *command, const char *word, bool takes_none)
{
    size_t length = strcspn(word, "=");
    int prefixed = 0;
    if (takes_none) return esp_fail(ESP_ERR_USAGE, "%.*s takes no value", (int)length, word);
    for (int i = 0; i < set->count; i++) prefixed += strncmp(set->name[i], word, length) == 0;
    char *name = esp_strdup(word);
    name[length] = 0;
    const char *nearest = prefixed > 0 ? NULL : esp_nearest(name, set->name, set->count);
    if (nearest)
        esp_fail(ESP_ERR_USAGE, "unknown option '%s'; did you mean '%s'?", name, nearest);
    else
        esp_fail(ESP_ERR_USAGE, "%s '%s'; `%s --help' lists the options",
                 prefixed > 0 ? "several options begin with" : "unknown option", name, command);
    free(name);
    return ESP_ERR_USAGE;
}

/* Refuses the option at which getopt stopped; `found` is getopt's result. */
static esp_status refuse(const option_set *set, char **argv, int found)
{
    const char *word = argv[optind - 1];
    bool is_long = strncmp(word, "--", 2) == 0;
    if (found == ':' && is_long) return esp_fail(ESP_ERR_USAGE, "%s needs a value", word);
    if (found == ':') return esp_fail(ESP_ERR_USAGE, "-%c needs a value", optopt);
    if (is_long) return refuse_long(set, argv[0], word, optopt != 0);
    return esp_fail(ESP_ERR_USAGE, "unknown option '-%c'; `%s --help' lists the options", optopt, argv[0]);
}

esp_status esp_check_options(const struct argp *argp, int argc, char **argv, bool in_order)
{
    option_set set = {.letters = ""};
    char **words = esp_alloc((size_t)argc + 1, sizeof *words); /* a copy, because getopt reorders it */
    int found;
    memcpy(words, argv, (size_t)argc * sizeof *words);
    snprintf(set.letters, sizeof set.letters, "%s:", in_order ? "+" : "");
    add(&set, "help", 0, no_argument); /* argp's own; its short form is what getopt returns for unknown options */
    add(&set, "usage", 0, no_argument);
    add(&set, "version", 'V', no_argument);
    collect(argp, &set);
    opterr = 0;
    optind = 0;
    do found = getopt_long(argc, words, set.letters, set.option, NULL);
    while (found != -1 && found != ':' && (found != '?' || optopt == '?'));
    esp_status status = found == -1 ? ESP_OK : refuse(&set, words, found);
    for (int i = 0; i < set.count; i++) free((char *)set.name[i]);
    free(words);
    return status;
}
