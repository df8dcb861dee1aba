/* The checkpoints that `record` and `view` show side by side. */
#include <stdio.h>
#include <string.h>

#include "cli/shown.h"

/* ---- on the command line ---- */

esp_shown esp_shown_of(esp_options *options)
{
    return (esp_shown){.options = options};
}

static esp_status take(esp_shown *shown, const char *path)
{
    if (shown->count == ESP_MOST_ROLES)
        return esp_fail(ESP_ERR_USAGE, "'%s': at most %d checkpoints can be shown side by side", path, ESP_MOST_ROLES);
    shown->path[shown->count++] = path;
    return ESP_OK;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    esp_shown *shown = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &shown->judging;
        state->child_inputs[1] = shown->options;
        return 0;
    case ARGP_KEY_ARG: return esp_parse_error(take(shown, argument));
    case ARGP_KEY_END: return esp_parse_error(esp_need_argument(shown->path[0], "CHECKPOINT"));
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&esp_show_argp, 0, NULL, 0}, ESP_OPTIONS_CHILD, {0}};

const struct argp esp_shown_argp = {.parser = parse, .args_doc = "CHECKPOINT [CHECKPOINT...]", .children = children};

/* ---- open and close ---- */

/* Names the applications that can play. */
static esp_status refuse(const esp_subject *subject)
{
    char playing[256] = "";
    for (const esp_application *const *a = esp_applications; *a; a++) {
        size_t used = strlen(playing);
        if ((*a)->cast) snprintf(playing + used, sizeof playing - used, "%s'%s'", used ? ", " : "", (*a)->name);
    }
    return esp_fail(ESP_ERR_USAGE, "%s: application '%s' has no episodes to show; these have: %s", subject->path,
                    subject->application->name, playing);
}

/* The file's name; that of its folder too when all files of the kind have one name. */
static const char *shown_name(const char *path)
{
    const char *name = esp_path_name(path);
    if (strcmp(name, "task.json") != 0 || name < path + 2) return name;
    for (name -= 2; name > path && *name != '/';) name--;
    return *name == '/' ? name + 1 : name;
}

static esp_status open_one(esp_shown *shown, int i)
{
    esp_subject *subject = &shown->subject[i];
    esp_status status =
        esp_subject_open(shown->path[i], &shown->options->settings, &shown->judging, NULL, subject);
    if (status != ESP_OK) return status;
    if (!subject->application->cast) return refuse(subject);
    subject->application->cast(subject, &shown->role[i]);
    shown->role[i].name = shown_name(shown->path[i]);
    return ESP_OK;
}

esp_status esp_shown_open(esp_shown *shown)
{
    esp_status status = ESP_OK;
    for (int i = 0; i < shown->count && status == ESP_OK; i++) status = open_one(shown, i);
    return status;
}

void esp_shown_close(esp_shown *shown)
{
    for (int i = 0; i < shown->count; i++) esp_subject_close(&shown->subject[i]);
}

int esp_shown_start(const esp_shown *shown)
{
    const esp_env_config *env = shown->role[0].env;
    return esp_names_index(esp_task_find(env->task)->about.starts, env->start);
}

/* ---- options of both ---- */

esp_status esp_parse_size(const char *option, const char *text, int least, int most, int *width, int *height)
{
    uint64_t columns, rows;
    size_t length = esp_digits_parse(text, &columns);
    if (length == 0 || text[length] != 'x' || !esp_u64_parse(text + length + 1, &rows))
        return esp_fail(ESP_ERR_USAGE, "%s: '%s' is not a size; expected WxH such as 640x480", option, text);
    uint64_t low = (uint64_t)least, high = (uint64_t)most;
    if (columns < low || columns > high || rows < low || rows > high)
        return esp_fail(ESP_ERR_RANGE, "%s: %s, expected %dx%d to %dx%d", option, text, least, least, most, most);
    *width = (int)columns;
    *height = (int)rows;
    return ESP_OK;
}

esp_status esp_parse_positive(const char *option, const char *text, double most, double *out)
{
    esp_status status = esp_parse_double(option, text, out);
    if (status == ESP_OK && !(*out > 0.0 && *out <= most))
        status = esp_fail(ESP_ERR_RANGE, "%s: %s, expected above 0 and at most %g", option, text, most);
    return status;
}
