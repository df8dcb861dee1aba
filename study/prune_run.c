/* One pruning: its rounds, and held-out data before and after. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/prune_internal.h"

const char *const esp_prune_stage_names[] = {[ESP_BEFORE] = "before", [ESP_UNCOMPENSATED] = "uncompensated",
                                             [ESP_AFTER] = "after", [ESP_FINETUNED] = "finetuned"};

esp_prune_stage esp_pruning_last(const esp_pruning *p)
{
    return p->net[ESP_FINETUNED] ? ESP_FINETUNED : ESP_AFTER;
}

/* ---- the rounds ---- */

/* Sparsity that round number `round` is to reach, of the original. The first leaves ESP_ROUND_LEFT if it can; the
 * others remove equal shares of what is left. */
static double round_target(const esp_pruning *p, int round)
{
    double left = 1 - p->request.search.target.sparsity;
    double now = esp_pruning_params(p, ESP_BEFORE) / esp_subject_original_params(p->subject);
    int rounds = p->request.rounds;
    if (round == rounds || left >= now) return 1 - left;
    if (now > ESP_ROUND_LEFT && left < ESP_ROUND_LEFT) {
        if (round == 1) return 1 - ESP_ROUND_LEFT;
        return 1 - ESP_ROUND_LEFT * pow(left / ESP_ROUND_LEFT, (round - 1.0) / (rounds - 1));
    }
    return 1 - now * pow(left / now, (double)round / rounds);
}

/* Gradient steps of every round but the last: enough for a network to cut again. */
#define STEPS_BETWEEN 1000

static int round_steps(const esp_pruning *p, int round)
{
    int steps = p->request.finetune;
    return round == p->request.rounds || steps < STEPS_BETWEEN ? steps : STEPS_BETWEEN;
}

/* ---- all rounds ---- */

static esp_status make_rounds(esp_pruning *p, const esp_records *r, const char *journal, esp_journal_kind kind)
{
    esp_status status = ESP_OK;
    for (int round = 1; round <= p->request.rounds && status == ESP_OK; round++) {
        esp_round_plan plan = {.round = round, .target = round_target(p, round), .finetune = round_steps(p, round),
                               .journal = journal, .kind = kind};
        if (p->request.rounds > 1)
            esp_log(ESP_LOG_INFO, "round %d of %d: to %.4g %% of the original's parameters", round, p->request.rounds,
                    100 * (1 - plan.target));
        status = esp_round_make(p, r, &plan);
    }
    return status;
}

/* The widths of the result as a cut of the subject's network. */
static void describe(esp_pruning *p)
{
    const esp_network *net = p->subject->net, *small = p->net[ESP_AFTER];
    for (int i = 0; i < net->num_axes; i++) p->result.widths.kept[i] = small->axis[i].size;
    for (int g = 0; g < p->grouping.num; g++)
        p->result.coefficient[g] = esp_group_fraction(net, &p->grouping.group[g], &p->result.widths);
    p->result.structural = 1 - esp_pruning_params(p, ESP_AFTER) / esp_subject_original_params(p->subject);
    p->result.nominal = esp_nominal_sparsity(net, &p->grouping, &p->result.widths);
}

/* Sparsity counts from the original, so a file that has lost more cannot reach it. */
static esp_status check_target(const esp_pruning *p)
{
    double now = 1 - esp_pruning_params(p, ESP_BEFORE) / esp_subject_original_params(p->subject);
    double target = p->request.search.target.sparsity + p->request.search.target.tolerance;
    if (!p->grouping.structural_constraint || now <= 0 || target >= now) return ESP_OK;
    return esp_fail(ESP_ERR_INFEASIBLE, "%s has lost %.4g of the original's parameters before; --sparsity counts from "
                    "the original: give more than that", p->subject->path, now);
}

/* Later rounds find out late that no cut is that small. */
static esp_status check_smallest(const esp_pruning *p)
{
    const esp_target *target = &p->request.search.target;
    const esp_network *net = p->subject->net;
    double coefficient[ESP_MAX_AXES];
    for (int g = 0; g < p->grouping.num; g++) coefficient[g] = p->grouping.group[g].most;
    esp_widths widths = esp_widths_of(net, &p->grouping, coefficient);
    double most = esp_nominal_sparsity(net, &p->grouping, &widths);
    if (p->grouping.structural_constraint)
        most = 1 - (double)esp_widths_params(net, &widths, p->subject->components) /
                       esp_subject_original_params(p->subject);
    if (target->sparsity - target->tolerance <= most + ESP_SPARSITY_SLACK) return ESP_OK;
    return esp_fail(ESP_ERR_INFEASIBLE, "no cut of these groups reaches sparsity %.9g: the largest possible is %.6g%s",
                    target->sparsity, floor(1e6 * most) / 1e6, p->request.num_pins ? ", with these --pin" : "");
}

static esp_status check_rounds(const esp_pruning *p)
{
    if (p->request.rounds == 1 || p->grouping.structural_constraint) return ESP_OK;
    return esp_fail(ESP_ERR_USAGE, "--rounds: several rounds count the parameters that are left; give --groups "
                    "structural with them");
}

/* Says what decides a result without having been asked for. */
static void warn_about(const esp_pruning *p)
{
    const esp_target *target = &p->request.search.target;
    if (target->tolerance > 0.1 * (1 - target->sparsity))
        esp_log(ESP_LOG_WARNING, "--tolerance %g is %.0f %% of what is left at sparsity %g, so it decides how large "
                "the result is", target->tolerance, 100 * target->tolerance / (1 - target->sparsity), target->sparsity);
}

esp_status esp_pruning_search(const esp_subject *subject, const esp_prune_request *request, const char *journal,
                              esp_journal_kind kind, esp_pruning *out)
{
    esp_pruning *p = out; /* filled in place, because the objective borrows its groups and ranking */
    *p = (esp_pruning){.subject = subject, .request = *request, .net = {[ESP_BEFORE] = subject->net},
                       .bytes = {[ESP_BEFORE] = subject->bytes}, .base = subject->net};
    esp_records r = {.recording = NULL};
    double started = esp_clock();
    esp_prune_request_settle(&p->request, subject);
    if (kind != ESP_JOURNAL_SHARED) esp_settings_warn_unread(subject->settings, 1, &p->request.method);
    p->request.search.seed = subject->settings->seed;
    esp_status status = esp_round_groups(p, subject->net, &p->grouping);
    if (status == ESP_OK) status = check_rounds(p);
    if (status == ESP_OK && !p->request.smallest) status = check_target(p);
    if (status == ESP_OK && !p->request.smallest) status = check_smallest(p);
    if (status == ESP_OK && kind != ESP_JOURNAL_SHARED && !p->request.smallest) warn_about(p);
    if (status == ESP_OK) status = esp_round_record(p, &r);
    if (status == ESP_OK)
        status = p->request.smallest ? esp_prune_smallest(p, &r, journal, kind) : make_rounds(p, &r, journal, kind);
    if (status == ESP_OK) describe(p);
    p->wall_s = esp_clock() - started;
    subject->application->forget(r.recording);
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
    p->subject->application->time(p->subject, p->net[ESP_AFTER] ? 2 : 1, nets, time);
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
    const esp_network *net = p->net[esp_pruning_last(p)];
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
    if (p->subject && p->base != p->subject->net) esp_network_free(p->base);
    esp_objective_free(p->objective);
    esp_ranking_free(&p->ranking);
}
