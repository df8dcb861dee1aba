/* The recipe of a pruning in one line: everything that decides what comes out of it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pages/pages_internal.h"

typedef struct {
    char  *out;
    size_t size;
} line;

static void add(line *line, const char *part)
{
    size_t used = strlen(line->out);
    snprintf(line->out + used, line->size - used, "%s%s", used ? ", " : "", part);
}

static void add_named(line *line, const char *name, const char *value)
{
    char part[128];
    if (!value) return;
    snprintf(part, sizeof part, "%s%s", name, value);
    add(line, part);
}

/* The number at any of two keys, which results and questions name differently. */
static double number_of(const cJSON *asked, const char *key, const char *other)
{
    double value = esp_json_number(asked, key);
    return isnan(value) ? esp_json_number(asked, other) : value;
}

static void add_counted(line *line, double count, const char *noun)
{
    char part[128];
    if (count > 0) add(line, esp_text_counted(count, noun, part, sizeof part));
}

static void add_repair(line *line, const char *repair)
{
    if (repair && strcmp(repair, "none") == 0) add(line, "nothing repaired");
    else                                       add_named(line, "repair ", repair);
}

/* A result lists its rounds, a question has their number. One round is not worth a word. */
static void add_rounds(line *line, const cJSON *asked)
{
    const cJSON *rounds = cJSON_GetObjectItemCaseSensitive(asked, "rounds");
    double count = cJSON_IsArray(rounds) ? cJSON_GetArraySize(rounds) : esp_json_number(asked, "rounds");
    if (count > 1) add_counted(line, count, "round");
}

static void add_seeds(line *line, double first, int count)
{
    char part[96];
    if (isnan(first)) return;
    if (count > 1) esp_format(part, sizeof part, "seeds %.0f to %.0f", first, first + count - 1);
    else           esp_format(part, sizeof part, "seed %.0f", first);
    add(line, part);
}

void esp_report_recipe(const cJSON *asked, int num_seeds, char *out, size_t size)
{
    line line = {out, size};
    double steps = number_of(asked, "finetune_steps", "finetune");
    const char *groups = esp_json_text(asked, "groups");
    char words[64];
    *out = 0;
    add_named(&line, "method ", esp_json_text(asked, "method"));
    add_named(&line, "importance ", esp_json_text(asked, "importance"));
    add_repair(&line, esp_json_text(asked, "compensation"));
    if (steps == 0) add(&line, "not finetuned");
    add_counted(&line, steps, "finetuning step");
    add_rounds(&line, asked);
    add_seeds(&line, esp_json_number(asked, "seed"), num_seeds);
    if (groups) snprintf(words, sizeof words, "%s groups", groups), add(&line, words);
    add_named(&line, "controller ", esp_json_text(asked, "controller"));
}
