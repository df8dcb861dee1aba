/* Options that some applications have: described in their tables, given by name, checked when given. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/application.h"

/* ---- find ---- */

static const esp_option *find_in(const esp_application *application, unsigned purpose, const char *name)
{
    for (const esp_option *o = application->options; o->name; o++)
        if (o->purposes & purpose && strcmp(o->name, name) == 0) return o;
    return NULL;
}


/* ---- give ---- */

static esp_status take_count(const esp_option *o, const char *text, double *out)
{
    int64_t value;
    if (!esp_i64_parse(text, &value) || value < o->min || value > o->max)
        return esp_fail(ESP_ERR_USAGE, "--%s: expected a whole number from %d to %d, found '%s'", o->name, o->min,
                        o->max, text);
    *out = (double)value;
    return ESP_OK;
}

static esp_status take_value(const esp_option *o, const char *text, double *out)
{
    switch (o->type) {
    case ESP_OPTION_COUNT: return take_count(o, text, out);
    case ESP_OPTION_CONTROLLER:
        if (esp_is_library(text)) {
            *out = esp_choice_count(o->argument) - 1;
            return ESP_OK;
        }
        /* fall through */
    case ESP_OPTION_CHOICE:
        *out = esp_choice_index(o->argument, text);
        if (*out >= 0) return ESP_OK;
        return esp_fail(ESP_ERR_USAGE, "--%s: expected %s, found '%s'", o->name, o->argument, text);
    case ESP_OPTION_NUMBER:
        if (esp_number_parse(text, out)) return ESP_OK;
        return esp_fail(ESP_ERR_USAGE, "--%s: expected a number, found '%s'", o->name, text);
    default: return ESP_OK;
    }
}

/* The words of all applications for a choice, when none of them takes the value. */
static esp_status refuse_choice(unsigned purpose, const char *name, const char *text)
{
    char words[512] = "";
    for (int i = 0; esp_applications[i]; i++) {
        const esp_option *o = find_in(esp_applications[i], purpose, name);
        size_t used = strlen(words);
        if (o) snprintf(words + used, sizeof words - used, "%s%s", used > 0 ? "|" : "", o->argument);
    }
    return esp_fail(ESP_ERR_USAGE, "--%s: expected %s, found '%s'", name, words, text);
}

/* The first application's option that takes the value. */
static esp_status find(unsigned purpose, const char *name, const char *text, esp_given *out)
{
    *out = (esp_given){.text = text};
    esp_status status = esp_fail(ESP_ERR_USAGE, "--%s: no application has this option here", name);
    bool choice = false;
    for (int i = 0; esp_applications[i] && !out->option; i++) {
        const esp_option *option = find_in(esp_applications[i], purpose, name);
        if (!option) continue;
        choice = option->type == ESP_OPTION_CHOICE || option->type == ESP_OPTION_CONTROLLER;
        status = take_value(option, text, &out->number);
        if (status == ESP_OK) out->option = option;
    }
    return status != ESP_OK && choice ? refuse_choice(purpose, name, text) : status;
}

bool esp_is_library(const char *controller)
{
    return strncmp(controller, ESP_LIBRARY_PREFIX, strlen(ESP_LIBRARY_PREFIX)) == 0;
}

esp_status esp_judging_give(esp_judging *judging, unsigned purpose, const char *name, const char *text)
{
    esp_given given;
    esp_status status = find(purpose, name, text, &given);
    if (status != ESP_OK) return status;
    for (int i = 0; i < judging->count; i++)
        if (strcmp(judging->given[i].option->name, name) == 0) {
            judging->given[i] = given;
            return ESP_OK;
        }
    if (judging->count == ESP_MOST_GIVEN)
        return esp_fail(ESP_ERR_USAGE, "--%s: more than %d options of applications", name, ESP_MOST_GIVEN);
    judging->given[judging->count++] = given;
    return ESP_OK;
}

/* ---- read ---- */

const esp_given *esp_judging_find(const esp_judging *judging, const char *key)
{
    for (int i = judging->count - 1; i >= 0; i--)
        if (strcmp(judging->given[i].option->key, key) == 0) return &judging->given[i];
    return NULL;
}

const char *esp_judging_text(const esp_judging *judging, const char *key)
{
    const esp_given *given = esp_judging_find(judging, key);
    return given ? given->text : NULL;
}

double esp_judging_number(const esp_judging *judging, const char *key, double otherwise)
{
    const esp_given *given = esp_judging_find(judging, key);
    return given ? given->number : otherwise;
}

esp_status esp_judging_check(esp_judging *judging, const esp_application *application, const char *path)
{
    for (int i = judging->count - 1; i >= 0; i--) {
        esp_given *given = &judging->given[i];
        const esp_option *option = given->option, *own = find_in(application, option->purposes, option->name);
        if (!own)
            return esp_fail(ESP_ERR_USAGE, "--%s: not for %s, which belongs to application '%s'", option->name, path,
                            application->name);
        esp_status status = take_value(own, given->text, &given->number);
        if (status != ESP_OK) return esp_fail_in(status, "%s", path);
        given->option = own;
    }
    return ESP_OK;
}
