/* The settings for driving a model: from the program's options, then the environment, then the
 * scene. */
#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/plugin_internal.h"

#define DEFAULT_SEED 1 /* as in `espalier eval` */

esp_status esp_plugin_check_mujoco(void)
{
    if (mj_version() == mjVERSION_HEADER) return ESP_OK;
    return esp_fail(ESP_ERR_MACHINE, "the controller was built for MuJoCo %d, this program uses %d", mjVERSION_HEADER,
                    mj_version());
}

const char *esp_plugin_scene_text(const mjModel *model, int instance, const char *key)
{
    char name[64];
    (void)instance;
    snprintf(name, sizeof name, "espalier.%s", key);
    int text = mj_name2id(model, mjOBJ_TEXT, name);
    return text < 0 ? NULL : model->text_data + model->text_adr[text];
}

/* ESPALIER_CHECKPOINT for "checkpoint". */
static const char *environment(const char *key)
{
    char name[64] = "ESPALIER_";
    size_t length = strlen(name);
    for (; *key && length < sizeof name - 1; key++) name[length++] = (char)toupper((unsigned char)*key);
    name[length] = 0;
    return getenv(name);
}

typedef struct {
    const mjModel    *model;
    int               instance;
    esp_plugin_lookup lookup;
} source;

/* NULL when no value was given. */
static const char *find(const source *from, const char *option, const char *key)
{
    if (option && option[0]) return option;
    const char *text = environment(key);
    if (!text || !text[0]) text = from->lookup(from->model, from->instance, key);
    return text && text[0] ? text : NULL;
}

static esp_status read_controller(const char *text, int *out)
{
    *out = text ? esp_choice_index(ESP_CONTROLLER_CHOICES, text) : -1;
    if (!text || *out >= 0) return ESP_OK;
    return esp_fail(ESP_ERR_USAGE, "controller '%s' is unknown, expected %s", text, ESP_CONTROLLER_CHOICES);
}

static esp_status read_period(const char *text, double *out)
{
    if (!text) return ESP_OK;
    if (!esp_number_parse(text, out) || !(*out > 0.0 && *out <= 1e6))
        return esp_fail(ESP_ERR_RANGE, "period '%s', expected seconds above 0", text);
    return ESP_OK;
}

static esp_status read_seed(const char *text, uint64_t *out)
{
    if (!text || esp_u64_parse(text, out)) return ESP_OK;
    return esp_fail(ESP_ERR_RANGE, "seed '%s', expected a whole number from 0", text);
}

static char *copy(const char *text)
{
    return text ? esp_strdup(text) : NULL;
}

esp_status esp_plugin_settings_read(const esp_plugin_options *options, const mjModel *model, int instance,
                                    esp_plugin_lookup lookup, esp_plugin_settings *out)
{
    const esp_plugin_options none = {0}, *given = options ? options : &none;
    const source from = {model, instance, lookup};
    *out = (esp_plugin_settings){
        .checkpoint = copy(find(&from, given->checkpoint, "checkpoint")),
        .log = copy(find(&from, given->log, "log")),
        .period = given->period,
        .seed = given->seed ? given->seed : DEFAULT_SEED,
    };
    esp_status status = read_controller(find(&from, given->controller, "controller"), &out->controller);
    if (status == ESP_OK && (given->period < 0.0 || isnan(given->period)))
        status = esp_fail(ESP_ERR_RANGE, "period %g s, expected above 0", given->period);
    if (status == ESP_OK && given->period == 0.0) status = read_period(find(&from, NULL, "period"), &out->period);
    if (status == ESP_OK && given->seed == 0) status = read_seed(find(&from, NULL, "seed"), &out->seed);
    return status;
}

void esp_plugin_settings_free(esp_plugin_settings *settings)
{
    free(settings->checkpoint);
    free(settings->log);
    *settings = (esp_plugin_settings){.checkpoint = NULL};
}

/* ---- lines on stderr ----------------------------------------------------------------------------- */

/* Prints a line once: threads that step copies of one model would all say the same. */
static void say(const char *line)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static char last[ESP_ERROR_TEXT + 128];
    pthread_mutex_lock(&lock);
    if (strcmp(line, last) != 0) fprintf(stderr, "espalier: %s\n", line);
    snprintf(last, sizeof last, "%s", line);
    pthread_mutex_unlock(&lock);
}

void esp_plugin_complain(const mjModel *model, const char *sentence)
{
    char line[ESP_ERROR_TEXT + 128];
    snprintf(line, sizeof line, "model '%s': %s", model->names, sentence);
    say(line);
}

static void on_log(void *context, esp_log_level level, const char *line)
{
    (void)context;
    if (level == ESP_LOG_WARNING) say(line);
}

static void listen(void)
{
    esp_log_to(on_log, NULL, NULL);
}

void esp_plugin_listen(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, listen);
}
