/* The pedigree of a file: one entry per pruning, oldest first, with its question and its result. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/study.h"

/* ---- the canonical command ---- */

static void say(FILE *out, const char *option, const char *value)
{
    fprintf(out, " --%s", option);
    esp_write_shell_word(out, value);
}

static void say_number(FILE *out, const char *option, double value)
{
    char text[ESP_NUMBER_TEXT];
    esp_format(text, sizeof text, "%.15g", value);
    say(out, option, text);
}

static void say_choice(FILE *out, const char *option, const char *choices, int index)
{
    char word[ESP_CONFIG_TEXT];
    esp_choice_word(choices, index, word);
    say(out, option, word);
}

/* Options of the application whose value is in the entry: controller, data. */
static void say_own(FILE *out, const esp_pruning *p, const cJSON *entry)
{
    for (const esp_option *o = p->subject->application->options; o && o->name; o++) {
        const char *value = o->purposes & ESP_FOR_PRUNE ? esp_json_text(entry, o->key) : NULL;
        if (value) say(out, o->name, value);
    }
}

static void say_request(FILE *out, const esp_prune_request *r)
{
    say_choice(out, "preset", ESP_PRESET_CHOICES, r->preset);
    if (r->smallest) {
        say_number(out, "keep", r->keep);
    } else {
        say_number(out, "sparsity", r->search.target.sparsity);
        say_number(out, "tolerance", r->search.target.tolerance);
        say_number(out, "rounds", r->rounds);
    }
    say_choice(out, "groups", ESP_GROUPS_CHOICES, r->groups);
    say(out, "importance", r->importance->name);
    say(out, "compensate", r->compensation->name);
    say(out, "method", r->method->name);
    say_number(out, "finetune", r->finetune);
    if (r->budget) say_number(out, "budget", r->budget);
    if (r->round_to > 1) say_number(out, "round-to", r->round_to);
    for (int i = 0; i < r->num_pins; i++) say(out, "pin", r->pin[i]);
    if (r->all_components) fputs(" --all-components", out);
}

static bool same_key(const char *a, const char *b)
{
    size_t length = strcspn(a, "=");
    return length == strcspn(b, "=") && strncmp(a, b, length) == 0;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The last assignment of each key, which holds, in an order that does not depend on how they were
 * given. */
static void say_settings(FILE *out, const esp_settings *settings)
{
    const char *last[ESP_MAX_SETTINGS];
    int count = 0;
    for (int i = 0; i < settings->num_assignments; i++) {
        bool later = false;
        for (int k = i + 1; k < settings->num_assignments; k++)
            later |= same_key(settings->assignment[i], settings->assignment[k]);
        if (!later) last[count++] = settings->assignment[i];
    }
    qsort(last, (size_t)count, sizeof *last, compare_texts);
    for (int i = 0; i < count; i++) say(out, "set", last[i]);
}

/* A name without its folders: where a file was does not matter. */
static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* Spells out every choice, so that the command means the same under other defaults. */
static char *command_of(const esp_pruning *p, const cJSON *entry)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    fputs("espalier prune", out);
    esp_write_shell_word(out, file_name(p->subject->path));
    say_own(out, p, entry);
    say_request(out, &p->request);
    say_number(out, p->subject->application->sample_name, p->subject->search);
    fprintf(out, " --seed %ju", (uintmax_t)p->subject->settings->seed);
    say_settings(out, p->subject->settings);
    fclose(out);
    return text;
}

/* ---- the entry ---- */

static void add_params(cJSON *entry, const char *key, const esp_network *net, unsigned components)
{
    cJSON *params = cJSON_AddObjectToObject(entry, key);
    for (int c = 0; c < net->num_components; c++)
        if (components & esp_network_components(net) & 1u << c)
            cJSON_AddNumberToObject(params, esp_component_name(net, c), (double)esp_network_params(net, 1u << c));
}

static void add_target(cJSON *entry, const esp_pruning *p)
{
    cJSON *target = cJSON_AddObjectToObject(entry, "target");
    cJSON_AddNumberToObject(target, "sparsity", p->request.search.target.sparsity);
    cJSON_AddNumberToObject(target, "tolerance", p->request.search.target.tolerance);
    cJSON_AddStringToObject(target, "constraint", p->grouping.structural_constraint ? "structural" : "nominal");
}

static cJSON *entry_of(const esp_pruning *p)
{
    const esp_subject *subject = p->subject;
    const esp_prune_request *r = &p->request;
    cJSON *entry = cJSON_CreateObject();
    esp_json_add_hash(entry, "parent", esp_network_hash(subject->net));
    cJSON_AddStringToObject(entry, "method", r->method->name);
    cJSON_AddStringToObject(entry, "importance", r->importance->name);
    esp_json_add_choice(entry, "groups", ESP_GROUPS_CHOICES, r->groups);
    cJSON_AddStringToObject(entry, "compensate", r->compensation->name);
    cJSON_AddNumberToObject(entry, "finetune", r->finetune);
    cJSON_AddNumberToObject(entry, "rounds", p->num_rounds);
    add_target(entry, p);
    cJSON_AddNumberToObject(entry, "structural_sparsity", p->result.structural);
    cJSON_AddNumberToObject(entry, "nominal_sparsity", p->result.nominal);
    add_params(entry, "params_before", subject->net, ESP_ALL_COMPONENTS);
    add_params(entry, "params_after", p->net[ESP_AFTER], r->all_components ? ESP_ALL_COMPONENTS : subject->components);
    cJSON_AddNumberToObject(entry, subject->application->sample_name, subject->search);
    cJSON_AddNumberToObject(entry, "seed", (double)subject->settings->seed);
    cJSON_AddStringToObject(entry, "espalier", ESP_VERSION);
    if (subject->application->ancestry) subject->application->ancestry(subject, entry);
    return entry;
}

cJSON *esp_pruning_pedigree(const esp_pruning *p)
{
    const cJSON *before = p->subject->metadata.pedigree;
    cJSON *pedigree = before ? cJSON_Duplicate(before, true) : cJSON_CreateArray();
    cJSON *entry = entry_of(p);
    char *command = command_of(p, entry);
    if (command) cJSON_AddStringToObject(entry, "command", command);
    free(command);
    cJSON_AddItemToArray(pedigree, entry);
    return pedigree;
}

double esp_subject_original_params(const esp_subject *subject)
{
    double params = esp_pedigree_params(subject->metadata.pedigree, subject->net, subject->components);
    return isfinite(params) && params >= 1 ? params
                                           : (double)esp_network_params(subject->net, subject->components);
}
