/* One pruning: groups, ranking, search, surgery, and held-out data before and after. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "study/study.h"

const char *const esp_prune_stage_names[] = {[ESP_BEFORE] = "before", [ESP_UNCOMPENSATED] = "uncompensated",
                                             [ESP_AFTER] = "after", [ESP_FINETUNED] = "finetuned"};

esp_prune_request esp_prune_request_default(void)
{
    return (esp_prune_request){.method = esp_search_methods, .importance = esp_importance_find("l2"),
                               .compensation = esp_compensations, .round_to = 1, .search = esp_search_config_default()};
}

/* ---- groups ---- */

/* One --pin, such as "encoder.*=0". */
static esp_status pin(esp_grouping *grouping, const char *text)
{
    char pattern[256];
    const char *equals = strrchr(text, '=');
    double value;
    if (!equals || equals == text || (size_t)(equals - text) >= sizeof pattern)
        return esp_fail(ESP_ERR_USAGE, "--pin: expected PATTERN=COEFFICIENT, found '%s'", text);
    snprintf(pattern, sizeof pattern, "%.*s", (int)(equals - text), text);
    if (!esp_number_parse(equals + 1, &value))
        return esp_fail(ESP_ERR_USAGE, "--pin: expected a number, found '%s'", equals + 1);
    return esp_grouping_pin(grouping, pattern, value);
}

static esp_status make_groups(const esp_subject *subject, const esp_prune_request *request, esp_grouping *out)
{
    const esp_application *app = subject->application;
    esp_status status = ESP_OK;
    if (esp_choice_index(ESP_GROUPS_CHOICES, "paper") == request->groups)
        status = esp_grouping_from_specs(subject->net, app->paper_groups, *app->num_paper_groups, subject->components,
                                         out);
    else
        esp_grouping_structural(subject->net, subject->components, out);
    for (int i = 0; i < request->num_pins && status == ESP_OK; i++) status = pin(out, request->pin[i]);
    out->round_to = request->round_to;
    return status;
}

cJSON *esp_pruning_identity(const esp_subject *subject, const esp_prune_request *request)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
    esp_json_add_hash(json, "checkpoint", esp_network_hash(subject->net));
    esp_json_add_choice(json, "groups", ESP_GROUPS_CHOICES, request->groups);
    cJSON_AddStringToObject(json, "importance", request->importance->name);
    cJSON_AddStringToObject(json, "compensation", request->compensation->name);
    cJSON_AddNumberToObject(json, "seed", (double)subject->settings->seed);
    subject->application->identify(subject, json);
    return json;
}

/* ---- the search ---- */

/* The first item of the question that the journal's last search answered otherwise; its answer goes to *asked. */
static const cJSON *first_change(const cJSON *question, const cJSON *last, const cJSON **asked)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, question) {
        *asked = cJSON_GetObjectItemCaseSensitive(last, item->string);
        if (*asked && !cJSON_Compare(*asked, item, true)) return item;
    }
    return NULL;
}

/* Says that evaluations are used again; if for another target or method, which, and whose result is replaced. */
static void tell_known(const esp_pruning *p, const char *journal, esp_journal_kind kind, int known)
{
    const cJSON *last = esp_objective_question(p->objective), *asked = NULL;
    cJSON *question = esp_pruning_question_json(p);
    const cJSON *change = first_change(question, last, &asked);
    char found[64];
    esp_text_counted(known, "known evaluation", found, sizeof found);
    if (change) {
        const char *written = kind == ESP_JOURNAL_OWN ? esp_json_text(last, "checkpoint") : NULL;
        char *before = esp_json_line(asked), *now = esp_json_line(change);
        esp_log(ESP_LOG_INFO, "using %s of %s, where '%s' was %.100s, for %.100s%s%s", found, journal, change->string,
                before, now, written ? "; the result will replace " : "", written ? written : "");
        free(before);
        free(now);
    } else {
        esp_log(ESP_LOG_INFO, "resuming from %s with %s", journal, found);
    }
    cJSON_Delete(question);
}

/* A journal that the user named must fit. One that is only named after the output may come from an earlier search
 * with other settings; that must not be in the way of this one. */
static esp_status search_with(esp_pruning *p, const esp_judge *judge, const char *journal, esp_journal_kind kind)
{
    const esp_subject *subject = p->subject;
    cJSON *identity = esp_pruning_identity(subject, &p->request);
    cJSON *about = kind == ESP_JOURNAL_SHARED ? NULL : esp_pruning_about_json(p);
    esp_objective_config config = {.net = subject->net, .grouping = &p->grouping, .ranking = &p->ranking,
                                   .performance = judge->performance, .context = judge->context,
                                   .budget = p->request.budget, .at_once = judge->at_once,
                                   .journal = journal, .set_aside = kind == ESP_JOURNAL_OWN, .identity = identity,
                                   .about = about};
    double started = esp_clock();
    esp_status status = esp_objective_create(&config, &p->objective);
    int known = status == ESP_OK && kind != ESP_JOURNAL_SHARED ? esp_objective_known(p->objective) : 0;
    if (known > 0) tell_known(p, journal, kind, known);
    if (status == ESP_OK) status = esp_search(p->objective, p->request.method, &p->request.search, &p->result);
    p->wall_s = esp_clock() - started;
    cJSON_Delete(identity);
    cJSON_Delete(about);
    return status;
}

/* Recorded samples that candidates of a search are fitted to; the result is fitted to all. The cost of a fit grows
 * with them: 4,000 instead of 10,000 images make a least-squares search 2.5 times cheaper. */
#define SEARCH_SAMPLES 4000

/* Data for importance, compensation and finetuning, recorded once and only if one of them needs it. */
typedef struct {
    void           *recording;
    esp_calibration calibration;
    esp_calibration fewer;              /* fewer of the same samples */
    esp_surgeon    *surgeon, *search_surgeon;
} tools;

static esp_status prepare_tools(const esp_subject *subject, const esp_prune_request *request, tools *out)
{
    const esp_compensation *compensation = request->compensation;
    bool data = request->importance->needs_data || compensation->needs_data || request->finetune > 0;
    esp_status status = data ? subject->application->record(subject, &out->recording, &out->calibration) : ESP_OK;
    out->fewer = out->calibration;
    if (out->fewer.count > SEARCH_SAMPLES) out->fewer.count = SEARCH_SAMPLES;
    if (status == ESP_OK)
        status = esp_surgeon_create(subject->net, compensation, data ? &out->calibration : NULL, &out->surgeon);
    if (status == ESP_OK)
        status = esp_surgeon_create(subject->net, compensation, data ? &out->fewer : NULL, &out->search_surgeon);
    return status;
}

static void put_tools_away(const esp_subject *subject, tools *t)
{
    esp_surgeon_free(t->surgeon);
    esp_surgeon_free(t->search_surgeon);
    subject->application->forget(t->recording);
}

static esp_status rank(esp_pruning *p, const tools *t)
{
    return esp_ranking_make(p->subject->net, p->request.importance, p->subject->settings->seed,
                            t->recording ? &t->calibration : NULL, &p->ranking);
}

static esp_status search(esp_pruning *p, const tools *t, const char *journal, esp_journal_kind kind)
{
    const esp_application *app = p->subject->application;
    esp_judge judge;
    esp_judge_config config = {.subject = p->subject, .ranking = &p->ranking, .surgeon = t->search_surgeon,
                               .compensation = p->request.compensation};
    esp_status status = app->judge(&config, &judge);
    if (status != ESP_OK) return status;
    status = search_with(p, &judge, journal, kind);
    judge.free(judge.context);
    return status;
}

static esp_status operate(esp_pruning *p, const tools *t)
{
    esp_cut cut;
    esp_cut_make(p->subject->net, &p->ranking, &p->result.widths, &cut);
    esp_status status = esp_surgeon_operate(t->surgeon, &cut, &p->net[ESP_AFTER]);
    if (status == ESP_OK && p->request.compensation->repair)
        status = esp_surgery(p->subject->net, &cut, &p->net[ESP_UNCOMPENSATED]);
    esp_cut_free(&cut);
    if (status != ESP_OK || p->request.finetune == 0) return status;
    p->net[ESP_FINETUNED] = esp_network_clone(p->net[ESP_AFTER]);
    return p->subject->application->finetune(p->subject, t->recording, p->net[ESP_FINETUNED], p->request.finetune);
}

esp_status esp_pruning_search(const esp_subject *subject, const esp_prune_request *request, const char *journal,
                              esp_journal_kind kind, esp_pruning *out)
{
    esp_pruning *p = out; /* filled in place, because the objective borrows its groups and ranking */
    *p = (esp_pruning){.subject = subject, .request = *request, .net = {[ESP_BEFORE] = subject->net},
                       .bytes = {[ESP_BEFORE] = subject->bytes}};
    tools t = {.recording = NULL};
    if (kind != ESP_JOURNAL_SHARED) esp_settings_warn_unread(subject->settings, 1, &request->method);
    p->request.search.seed = subject->settings->seed;
    esp_status status = make_groups(subject, request, &p->grouping);
    if (status == ESP_OK) status = prepare_tools(subject, request, &t);
    if (status == ESP_OK) status = rank(p, &t);
    if (status == ESP_OK) status = search(p, &t, journal, kind);
    if (status == ESP_OK) status = operate(p, &t);
    put_tools_away(subject, &t);
    if (status != ESP_OK) esp_pruning_free(p);
    return status;
}

/* ---- held-out data ---- */

esp_status esp_pruning_measure(esp_pruning *p, esp_prune_stage stage)
{
    if (!p->net[stage]) return ESP_OK;
    esp_status status =
        esp_subject_measure(p->subject, p->net[stage], esp_prune_stage_names[stage], &p->measured[stage]);
    if (status != ESP_OK) return status;
    p->has[stage] = true;
    return ESP_OK;
}

void esp_pruning_time(esp_pruning *p)
{
    const esp_network *const nets[] = {p->net[ESP_BEFORE], p->net[ESP_AFTER]};
    esp_timing time[2];
    p->subject->application->time(p->subject, 2, nets, time);
    for (int i = 0; i < ESP_PRUNED_STAGES; i++)
        if (p->net[i]) p->time[i] = time[i != ESP_BEFORE];
}

double esp_pruning_params(const esp_pruning *p, esp_prune_stage stage)
{
    return (double)esp_network_params(p->net[stage], p->subject->components);
}

double esp_pruning_flops(const esp_pruning *p, esp_prune_stage stage)
{
    return p->subject->application->flops(p->subject, p->net[stage]);
}

esp_status esp_pruning_write(esp_pruning *p, const char *path)
{
    const esp_network *net = p->net[p->net[ESP_FINETUNED] ? ESP_FINETUNED : ESP_AFTER];
    unsigned components = p->request.all_components ? ESP_ALL_COMPONENTS : p->subject->components;
    cJSON *pedigree = esp_pruning_pedigree(p);
    esp_status status = p->subject->application->write(p->subject, path, net, components, pedigree);
    cJSON_Delete(pedigree);
    if (status == ESP_OK) status = esp_file_bytes(path, &p->bytes[ESP_AFTER]);
    p->bytes[ESP_FINETUNED] = p->bytes[ESP_AFTER];
    return status;
}

void esp_pruning_free(esp_pruning *p)
{
    for (int i = 0; i < ESP_PRUNED_STAGES; i++) {
        esp_measurement_free(&p->measured[i]);
        if (i != ESP_BEFORE) esp_network_free(p->net[i]);
    }
    esp_objective_free(p->objective);
    esp_ranking_free(&p->ranking);
}
