/* One round of a pruning: groups, ranking, search, surgery and finetuning of the network that the round before left. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/prune_internal.h"

/* ---- groups ---- */

/* One --pin, such as "encoder.*=0". Later rounds keep what the first one fixed. */
static esp_status pin(esp_grouping *grouping, const char *text, bool first)
{
    char pattern[256];
    const char *equals = strrchr(text, '=');
    double value;
    if (!equals || equals == text || (size_t)(equals - text) >= sizeof pattern)
        return esp_fail(ESP_ERR_USAGE, "--pin: expected PATTERN=COEFFICIENT, found '%s'", text);
    snprintf(pattern, sizeof pattern, "%.*s", (int)(equals - text), text);
    if (!esp_number_parse(equals + 1, &value))
        return esp_fail(ESP_ERR_USAGE, "--pin: expected a number, found '%s'", equals + 1);
    return esp_grouping_pin(grouping, pattern, first ? value : 0);
}

esp_status esp_round_groups(const esp_pruning *p, const esp_network *net, esp_grouping *out)
{
    const esp_prune_request *request = &p->request;
    const esp_application *app = p->subject->application;
    unsigned components = p->subject->components;
    esp_status status = ESP_OK;
    if (esp_choice_index(ESP_GROUPS_CHOICES, "paper") == request->groups)
        status = esp_grouping_from_specs(net, app->paper_groups, *app->num_paper_groups, components, out);
    else
        esp_grouping_structural(net, components, out);
    if (request->preset != ESP_PRESET_PAPER) esp_grouping_limit(out, ESP_NO_CEILING);
    for (int i = 0; i < request->num_pins && status == ESP_OK; i++)
        status = pin(out, request->pin[i], net == p->subject->net);
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

/* A target of the original as one of the network that this round cuts. Nominal sparsity counts from the file. */
static esp_target target_here(const esp_pruning *p, double sparsity)
{
    esp_target target = p->request.search.target;
    if (!p->cutting.structural_constraint) return target;
    double original = esp_subject_original_params(p->subject);
    double here = (double)esp_network_params(p->base, p->subject->components);
    target.sparsity = 1 - (1 - sparsity) * original / here;
    target.tolerance *= original / here;
    return target;
}

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

/* The part of the journal that holds the evaluations of this search: named after its network, and apart for candidates
 * that are repaired otherwise than the result. */
static uint64_t section_of(const esp_pruning *p, const esp_round_plan *plan)
{
    if (plan->repaired) return esp_hash_step(esp_network_hash(p->base), 1);
    return p->base == p->subject->net ? 0 : esp_network_hash(p->base);
}

/* A journal that the user named must fit. One that is only named after the output may come from an earlier search
 * with other settings; that must not be in the way of this one. */
static esp_status search_with(esp_pruning *p, const esp_judge *judge, const esp_round_plan *plan,
                              esp_search_result *result)
{
    const esp_subject *subject = p->subject;
    cJSON *identity = esp_pruning_identity(subject, &p->request);
    cJSON *about = plan->kind == ESP_JOURNAL_SHARED ? NULL : esp_pruning_about_json(p);
    esp_search_config search = p->request.search;
    esp_objective_config config = {.net = p->base, .grouping = &p->cutting, .ranking = &p->ranking,
                                   .performance = judge->performance, .context = judge->context,
                                   .budget = p->request.budget, .at_once = judge->at_once,
                                   .journal = plan->journal, .set_aside = plan->kind == ESP_JOURNAL_OWN,
                                   .section = section_of(p, plan),
                                   .round = plan->round,
                                   .whole = esp_subject_original_params(subject), .identity = identity,
                                   .about = about};
    esp_objective_free(p->objective); /* one at a time holds the journal */
    p->objective = NULL;
    search.target = target_here(p, plan->target);
    esp_status status = esp_objective_create(&config, &p->objective);
    int known = status == ESP_OK && plan->kind != ESP_JOURNAL_SHARED ? esp_objective_known(p->objective) : 0;
    if (known > 0 && plan->round == 1) tell_known(p, plan->journal, plan->kind, known);
    if (status == ESP_OK) status = esp_search(p->objective, p->request.method, &search, result);
    cJSON_Delete(identity);
    cJSON_Delete(about);
    return status;
}

static esp_status search(esp_pruning *p, const esp_round_plan *plan, const esp_surgeon *surgeon,
                         const esp_compensation *compensation, esp_search_result *result)
{
    esp_subject cut = *p->subject;
    esp_judge judge;
    cut.net = p->base;
    esp_judge_config config = {.subject = &cut, .dense = p->subject->net, .ranking = &p->ranking, .surgeon = surgeon,
                               .compensation = compensation};
    esp_status status = p->subject->application->judge(&config, &judge);
    if (status != ESP_OK) return status;
    status = search_with(p, &judge, plan, result);
    judge.free(judge.context);
    return status;
}

/* ---- blind searches ---- */

#define NOTHING 0.01 /* share of the performance: less is none */

/* When every candidate loses everything, the search cannot tell them apart; repaired ones it can. */
static bool is_blind(const esp_search_result *found)
{
    return found->judged && found->baseline > 0 && found->performance < NOTHING * found->baseline;
}

static bool may_repair(const esp_pruning *p)
{
    const esp_application *app = p->subject->application;
    if (app->has_data && !app->has_data(p->subject)) return false;
    return p->request.preset == ESP_PRESET_BEST && p->request.compensation != esp_compensation_find("lsq");
}

/* ---- one round ---- */

/* Recorded samples that candidates of a search are fitted to; the result is fitted to all. The cost of a fit grows
 * with them: 4,000 instead of 10,000 images make a least-squares search 2.5 times cheaper. */
#define SEARCH_SAMPLES 4000

/* Refinements of least-squares fits. Each costs as much as the linear fit; the first gains most. */
enum { SEARCH_REFINEMENTS = 1, FINAL_REFINEMENTS = 8 };

esp_status esp_round_record(const esp_pruning *p, esp_records *out)
{
    const esp_prune_request *request = &p->request;
    bool data = request->importance->needs_data || request->compensation->needs_data || request->finetune > 0 ||
                may_repair(p);
    esp_status status =
        data ? p->subject->application->record(p->subject, &out->recording, &out->calibration) : ESP_OK;
    out->calibration.refinements = FINAL_REFINEMENTS;
    out->fewer = out->calibration;
    out->fewer.refinements = SEARCH_REFINEMENTS;
    if (out->fewer.count > SEARCH_SAMPLES) out->fewer.count = SEARCH_SAMPLES;
    return status;
}

static esp_status operate(esp_pruning *p, const esp_records *r, const esp_widths *widths)
{
    esp_cut cut;
    esp_surgeon *surgeon = NULL;
    esp_cut_make(p->base, &p->ranking, widths, &cut);
    esp_status status = esp_surgeon_create(p->base, p->request.compensation,
                                           r->recording ? &r->calibration : NULL, &surgeon);
    if (status == ESP_OK) status = esp_surgeon_operate(surgeon, &cut, &p->net[ESP_AFTER]);
    if (status == ESP_OK && p->request.compensation->repair)
        status = esp_surgery(p->base, &cut, &p->net[ESP_UNCOMPENSATED]);
    esp_surgeon_free(surgeon);
    esp_cut_free(&cut);
    return status;
}

static esp_status finetune(esp_pruning *p, const esp_records *r, int steps)
{
    double started = esp_clock();
    if (steps == 0) return ESP_OK;
    if (!p->subject->application->finetune)
        return esp_fail(ESP_ERR_USAGE, "--finetune: a network of this kind cannot be trained after a cut");
    p->net[ESP_FINETUNED] = esp_network_clone(p->net[ESP_AFTER]);
    esp_status status = p->subject->application->finetune(p->subject, r->recording, p->net[ESP_FINETUNED], steps);
    p->finetune_s += esp_clock() - started;
    return status;
}

/* Makes the result of the round before the network that this one cuts. */
static void advance(esp_pruning *p)
{
    esp_prune_stage last = esp_pruning_last(p);
    if (p->base != p->subject->net) esp_network_free(p->base);
    p->base = p->net[last] ? p->net[last] : p->subject->net;
    for (int i = ESP_BEFORE + 1; i < ESP_PRUNED_STAGES; i++) {
        if (p->net[i] != p->base) esp_network_free(p->net[i]);
        p->net[i] = NULL;
    }
    esp_ranking_free(&p->ranking);
}

static esp_status search_repaired_by(esp_pruning *p, const esp_records *r, const esp_round_plan *plan,
                                     const esp_compensation *compensation, esp_search_result *out)
{
    esp_surgeon *surgeon = NULL;
    esp_status status = esp_surgeon_create(p->base, compensation, r->recording ? &r->fewer : NULL, &surgeon);
    if (status == ESP_OK) status = search(p, plan, surgeon, compensation, out);
    esp_surgeon_free(surgeon);
    return status;
}

static esp_status search_round(esp_pruning *p, const esp_records *r, esp_round_plan plan, esp_search_result *out)
{
    esp_status status = esp_round_groups(p, p->base, &p->cutting);
    if (status == ESP_OK)
        status = esp_ranking_make(p->base, p->request.importance, p->subject->settings->seed,
                                  r->recording ? &r->calibration : NULL, &p->ranking);
    if (status == ESP_OK) status = search_repaired_by(p, r, &plan, p->request.compensation, out);
    if (status != ESP_OK || !is_blind(out)) return status;
    esp_log(ESP_LOG_WARNING, "the search is blind: the best of its cuts is left with %.3g of %.4g %s%s",
            out->performance, out->baseline, p->subject->application->measure_name,
            may_repair(p) ? "; it begins again with cuts that least squares repairs" : "");
    if (!may_repair(p)) return ESP_OK;
    plan.repaired = true;
    return search_repaired_by(p, r, &plan, esp_compensation_find("lsq"), out);
}

/* Adds what a round found to the result: sums and the last search's performance; the first one's baseline. */
static void note_round(esp_pruning *p, const esp_round_plan *plan, const esp_search_result *found, double wall_s)
{
    const esp_search_result before = p->result;
    double params = (double)esp_network_params(p->net[ESP_AFTER], p->subject->components);
    double sparsity = 1 - params / esp_subject_original_params(p->subject);
    p->result = *found;
    if (plan->round > 1) {
        p->result.baseline = before.baseline;
        p->result.evaluations += before.evaluations;
        p->result.iterations += before.iterations;
        p->result.judged = before.judged;
    }
    p->round[p->num_rounds++] = (esp_prune_round){.target = plan->target, .sparsity = sparsity, .params = params,
                                                  .evaluations = found->evaluations, .wall_s = wall_s,
                                                  .performance = found->performance, .finetune = plan->finetune};
}

esp_status esp_round_make(esp_pruning *p, const esp_records *r, const esp_round_plan *plan)
{
    double started = esp_clock();
    esp_search_result found;
    advance(p);
    esp_status status = search_round(p, r, *plan, &found);
    if (status == ESP_OK) status = operate(p, r, &found.widths);
    if (status == ESP_OK) status = finetune(p, r, plan->finetune);
    if (status == ESP_OK) note_round(p, plan, &found, esp_clock() - started);
    return status;
}

