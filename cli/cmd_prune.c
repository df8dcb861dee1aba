/* espalier prune: search the coefficients in closed loop, write the smaller network, prove it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/prune.h"

/* Episodes behind one evaluation, half of them from each start: a policy's cost little. */
#define EPISODES_MPPI 2
#define EPISODES_POLICY 4

/* ---- options ---- */

enum {
    KEY_SPARSITY = 0x2000, KEY_TOLERANCE, KEY_GROUPS, KEY_IMPORTANCE, KEY_METHOD, KEY_EPISODES, KEY_BUDGET,
    KEY_CONTROLLER, KEY_JOURNAL, KEY_REPORT_EPISODES
};

static const struct argp_option table[] = {
    {"output", 'o', "OUT.safetensors", 0, "The smaller network", 0},
    {"sparsity", KEY_SPARSITY, "X", 0, "Fraction of the controller's parameters to remove (default 0.2)", 0},
    {"tolerance", KEY_TOLERANCE, "X", 0, "Largest distance of the result from that (default 0.01)", 0},
    {"groups", KEY_GROUPS, ESP_GROUPS_CHOICES, 0, "What shares a coefficient (default structural)", 0},
    {"importance", KEY_IMPORTANCE, ESP_IMPORTANCE_CHOICES, 0, "Rank of units inside a group (default l2)", 0},
    {"method", KEY_METHOD, "NAME", 0, "Search method, see below (default gd)", 0},
    {"controller", KEY_CONTROLLER, ESP_CONTROLLER_CHOICES, 0, "Whom to prune for (default mppi)", 0},
    {"episodes", KEY_EPISODES, "E", 0, "Episodes per evaluation, half from each start (default 2; policy 4)", 0},
    {"budget", KEY_BUDGET, "N", 0, "Evaluations at most (default: no limit)", 0},
    {"report-episodes", KEY_REPORT_EPISODES, "N", 0, "Held-out episodes played before and after (default 20)", 0},
    {"journal", KEY_JOURNAL, "FILE", 0, "Evaluations, kept to go on from (default OUT.safetensors.journal.jsonl)", 0},
    {0},
};

static esp_status parse_sparsity(const char *text, double *out)
{
    esp_status status = esp_parse_double("--sparsity", text, out);
    if (status == ESP_OK && !(*out > 0 && *out <= ESP_MAX_COEFFICIENT))
        status = esp_fail(ESP_ERR_USAGE, "--sparsity: %s is outside the range, 0 < sparsity <= %g", text,
                          ESP_MAX_COEFFICIENT);
    return status;
}

static esp_status parse_tolerance(const char *text, double *out)
{
    esp_status status = esp_parse_double("--tolerance", text, out);
    if (status == ESP_OK && !(*out >= 0 && *out < 1))
        status = esp_fail(ESP_ERR_USAGE, "--tolerance: %s is outside the range, 0 <= tolerance < 1", text);
    return status;
}

static esp_status parse_method(const char *text, const esp_search_method **out)
{
    *out = esp_search_find(text);
    return *out ? ESP_OK : ESP_ERR_USAGE;
}

static esp_status finish_arguments(esp_pruning *p)
{
    esp_status status = esp_need_argument(p->checkpoint, "CHECKPOINT");
    if (status == ESP_OK) status = esp_need_argument(p->output, "-o OUT.safetensors");
    if (status != ESP_OK) return status;
    if (!p->episodes) p->episodes = p->controller == ESP_CONTROLLER_POLICY ? EPISODES_POLICY : EPISODES_MPPI;
    p->search.seed = p->common->seed;
    if (p->journal) return ESP_OK;
    size_t size = strlen(p->output) + sizeof ".journal.jsonl";
    p->journal = esp_alloc(size, 1);
    snprintf(p->journal, size, "%s.journal.jsonl", p->output);
    return ESP_OK;
}

static esp_status parse_value(esp_pruning *p, int key, const char *text)
{
    switch (key) {
    case KEY_SPARSITY: return parse_sparsity(text, &p->search.sparsity);
    case KEY_TOLERANCE: return parse_tolerance(text, &p->search.tolerance);
    case KEY_METHOD: return parse_method(text, &p->method);
    case KEY_GROUPS: return esp_parse_choice("--groups", text, ESP_GROUPS_CHOICES, &p->groups);
    case KEY_IMPORTANCE: return esp_parse_choice("--importance", text, ESP_IMPORTANCE_CHOICES, &p->importance);
    case KEY_CONTROLLER: return esp_parse_choice("--controller", text, ESP_CONTROLLER_CHOICES, &p->controller);
    case KEY_EPISODES: return esp_parse_int("--episodes", text, 1, 100000, &p->episodes);
    case KEY_REPORT_EPISODES: return esp_parse_int("--report-episodes", text, 1, 1000000, &p->report_episodes);
    case KEY_BUDGET: return esp_parse_int("--budget", text, 2, 100000000, &p->budget);
    default: return ESP_OK;
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    esp_pruning *p = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = p->common;
        return 0;
    case ARGP_KEY_ARG: return esp_parse_error(esp_take_argument(&p->checkpoint, argument));
    case ARGP_KEY_END: return esp_parse_error(finish_arguments(p));
    case 'o':
        p->output = argument;
        return 0;
    case KEY_JOURNAL:
        free(p->journal);
        p->journal = esp_strdup(argument);
        p->journal_named = true;
        return 0;
    default:
        if (key < KEY_SPARSITY || key > KEY_REPORT_EPISODES) return ARGP_ERR_UNKNOWN;
        return esp_parse_error(parse_value(p, key, argument));
    }
}

static const char examples[] =
    "Examples:\n"
    "  espalier prune agent.safetensors --sparsity 0.2 -o pruned.safetensors\n"
    "  espalier prune agent.safetensors --controller policy -o policy.safetensors\n"
    "  espalier prune agent.safetensors --method magnitude --importance l1 -o m.st\n"
    "\n"
    "Sparsity counts the parameters that the controller uses. The search sees other\n"
    "episodes than the report. A search that was stopped goes on from its journal\n"
    "when the same command is given again.";

/* The list of methods comes from their table. */
static char *filter_help(int key, const char *text, void *input)
{
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC) return (char *)text;
    size_t size = sizeof examples + 4096, length = 0;
    char *help = malloc(size);
    if (!help) return (char *)text;
    length += (size_t)snprintf(help, size, "Methods:\n");
    for (const esp_search_method *m = esp_search_methods; m->name && length < size; m++)
        length += (size_t)snprintf(help + length, size - length, "  %-10s %s\n", m->name, m->help);
    if (length < size) snprintf(help + length, size - length, "\n%s", examples);
    return help;
}

static const struct argp_child children[] = {{&esp_options_argp, 0, "Options of every command:", 1}, {0}};

static const struct argp argp = {
    .options = table,
    .parser = parse,
    .args_doc = "CHECKPOINT -o OUT.safetensors",
    .doc = "Searches how many units of each group the controller can lose, with episodes in the simulator, and writes "
           "the physically smaller network.\v ", /* what follows \v is written by filter_help */
    .children = children,
    .help_filter = filter_help,
};

/* ---- before the search: what would be a pity to find out after it ---- */

static esp_status check_not_input(const esp_pruning *p)
{
    struct stat in, out;
    if (stat(p->checkpoint, &in) != 0 || stat(p->output, &out) != 0) return ESP_OK;
    if (in.st_dev != out.st_dev || in.st_ino != out.st_ino) return ESP_OK;
    return esp_fail(ESP_ERR_USAGE, "-o: '%s' is the checkpoint itself; name another file", p->output);
}

/* Tries what esp_file_write will do: a new file in the folder, under another name. */
static esp_status check_folder(const char *path)
{
    size_t size = strlen(path) + sizeof ".XXXXXX";
    char *probe = esp_alloc(size, 1);
    snprintf(probe, size, "%s.XXXXXX", path);
    int fd = mkstemp(probe);
    esp_status status = ESP_OK;
    if (fd < 0) status = esp_fail(ESP_ERR_IO, "cannot write '%s': %s", path, strerror(errno));
    else        unlink(probe);
    if (fd >= 0) close(fd);
    free(probe);
    return status;
}

static esp_status check_output(const esp_pruning *p)
{
    struct stat info;
    if (strcmp(p->output, p->journal) == 0)
        return esp_fail(ESP_ERR_USAGE, "--journal: '%s' is the output as well; name another file", p->journal);
    esp_status status = check_not_input(p);
    if (status != ESP_OK) return status;
    if (stat(p->output, &info) == 0 && !S_ISREG(info.st_mode))
        return esp_fail(ESP_ERR_IO, "cannot write '%s': it is not a regular file", p->output);
    if (access(p->output, F_OK) == 0 && access(p->output, W_OK) != 0)
        return esp_fail(ESP_ERR_IO, "cannot write '%s': %s", p->output, strerror(errno));
    return check_folder(p->output);
}

/* ---- the search ---- */

static esp_status make_groups(esp_pruning *p)
{
    unsigned components = esp_pruning_components(p);
    if (esp_choice_index(ESP_GROUPS_CHOICES, "paper") == p->groups)
        return esp_grouping_from_specs(p->subject.net, esp_told_paper_groups, esp_told_num_paper_groups, components,
                                       &p->grouping);
    esp_grouping_structural(p->subject.net, components, &p->grouping);
    return ESP_OK;
}

/* FNV-1a over axis sizes and the bits of the weights. */
static uint64_t network_hash(const esp_network *net)
{
    uint64_t hash = 14695981039346656037u;
    for (int i = 0; i < net->num_axes; i++) hash = (hash ^ (uint64_t)net->axis[i].size) * 1099511628211u;
    for (size_t i = 0; i < net->num_weights; i++) {
        uint32_t bits;
        memcpy(&bits, &net->weights[i], sizeof bits);
        hash = (hash ^ bits) * 1099511628211u;
    }
    return hash;
}

static void add_word(cJSON *json, const char *key, const char *choices, int index)
{
    char word[ESP_CONFIG_TEXT];
    esp_choice_word(choices, index, word);
    cJSON_AddStringToObject(json, key, word);
}

/* What decides the performance of a cut. The start does not: every evaluation plays both. */
static cJSON *make_identity(const esp_pruning *p)
{
    char hash[20];
    cJSON *config = esp_config_json(esp_agent_fields, esp_agent_num_fields, &p->subject.config);
    cJSON *json = cJSON_CreateObject();
    snprintf(hash, sizeof hash, "%016jx", (uintmax_t)network_hash(p->subject.net));
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
    cJSON_AddStringToObject(json, "checkpoint", hash);
    add_word(json, "controller", ESP_CONTROLLER_CHOICES, p->controller);
    add_word(json, "groups", ESP_GROUPS_CHOICES, p->groups);
    add_word(json, "importance", ESP_IMPORTANCE_CHOICES, p->importance);
    cJSON_AddNumberToObject(json, "seed", (double)p->common->seed);
    cJSON_AddNumberToObject(json, "episodes", p->episodes);
    cJSON_AddItemToObject(json, "env", cJSON_DetachItemFromObject(config, "env"));
    cJSON_AddItemToObject(json, "planner", cJSON_DetachItemFromObject(config, "planner"));
    cJSON_AddItemToObject(json, "loss", cJSON_DetachItemFromObject(config, "loss"));
    cJSON_DeleteItemFromObject(cJSON_GetObjectItem(json, "env"), "start");
    cJSON_Delete(config);
    return json;
}

static void announce_journal(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    if (access(path, F_OK) != 0 || esp_file_read(path, (size_t)1 << 30, &text, &size) != ESP_OK) return;
    int lines = 0;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    if (lines > 1) esp_log(ESP_LOG_INFO, "going on from %s: %d evaluations are known", path, lines - 1);
    free(text);
}

/* The journal a person named must fit. The one that only follows from -o may be of an earlier search
 * with other settings, which must not stand in the way of this one; it is moved aside. */
static esp_status open_objective(const esp_pruning *p, const esp_objective_config *config, esp_objective **out)
{
    esp_status status = esp_objective_create(config, out);
    if (status != ESP_ERR_FORMAT || p->journal_named) return status;
    size_t size = strlen(p->journal) + sizeof ".old";
    char *aside = esp_alloc(size, 1);
    snprintf(aside, size, "%s.old", p->journal);
    if (rename(p->journal, aside) == 0) {
        esp_log(ESP_LOG_WARNING, "%s; moved to %s", esp_error_text(), aside);
        status = esp_objective_create(config, out);
    }
    free(aside);
    return status;
}

static esp_status search_with(esp_pruning *p, esp_closed_loop *loop)
{
    cJSON *identity = make_identity(p);
    esp_objective_config config = {.net = p->subject.net, .grouping = &p->grouping, .ranking = &p->ranking,
                                   .components = esp_pruning_components(p),
                                   .performance = esp_closed_loop_performance, .context = loop,
                                   .budget = p->budget, .journal = p->journal, .identity = identity};
    esp_objective *objective = NULL;
    double started = esp_clock();
    esp_status status = open_objective(p, &config, &objective);
    if (status == ESP_OK) announce_journal(p->journal);
    if (status == ESP_OK) status = esp_search(objective, p->method, &p->search, &p->result);
    p->wall_s = esp_clock() - started;
    esp_objective_free(objective);
    cJSON_Delete(identity);
    return status;
}

static esp_status search(esp_pruning *p, const esp_stage *stage)
{
    int hanging = p->episodes / 2, random = p->episodes - hanging;
    esp_episode *episodes = esp_alloc((size_t)p->episodes, sizeof *episodes);
    esp_episodes_name(p->common->seed, ESP_EPISODES_SEARCH, ESP_START_RANDOM, random, episodes);
    esp_episodes_name(p->common->seed, ESP_EPISODES_SEARCH, ESP_START_HANGING, hanging, episodes + random);
    esp_closed_loop loop = {.net = p->subject.net, .config = &p->subject.config,
                            .kind = (esp_controller_kind)p->controller, .episodes = episodes, .count = p->episodes,
                            .pool = stage->pool};
    esp_status status = search_with(p, &loop);
    free(episodes);
    return status;
}

static esp_status operate(esp_pruning *p)
{
    esp_cut cut;
    esp_cut_make(p->subject.net, &p->ranking, &p->result.widths, &cut);
    esp_status status = esp_surgery(p->subject.net, &cut, &p->pruned);
    esp_cut_free(&cut);
    /* --set was for this run; the file keeps the configuration the agent was trained with. */
    if (status == ESP_OK) status = esp_checkpoint_write(p->output, &p->subject.stored, p->pruned);
    if (status == ESP_OK) status = esp_file_bytes(p->output, &p->bytes[ESP_AFTER]);
    return status;
}

static esp_status measure(esp_pruning *p, const esp_stage *stage)
{
    const esp_network *nets[] = {p->subject.net, p->pruned};
    static const char *const tasks[] = {"before", "after"};
    esp_controller_kind kind = (esp_controller_kind)p->controller;
    esp_status status = ESP_OK;
    for (int i = 0; i < 2 && status == ESP_OK; i++) {
        status = esp_measure(stage, &p->subject, nets[i], kind, p->common->seed, p->report_episodes, tasks[i],
                             &p->measured[i]);
        if (status == ESP_OK) p->ms[i] = esp_measure_action(nets[i], &p->subject.config, kind);
    }
    return status;
}

static esp_status prune(esp_pruning *p)
{
    esp_stage stage;
    esp_status status = make_groups(p);
    if (status == ESP_OK)
        status = esp_ranking_make(p->subject.net, (esp_importance)p->importance, p->common->seed, NULL, &p->ranking);
    if (status == ESP_OK) status = esp_stage_open(&p->subject, &stage);
    if (status != ESP_OK) return status;
    p->bytes[ESP_BEFORE] = p->subject.bytes;
    status = search(p, &stage);
    if (status == ESP_OK) status = operate(p);
    if (status == ESP_OK) status = measure(p, &stage);
    esp_stage_close(&stage);
    return status;
}

static int fail(const esp_pruning *p, esp_status status)
{
    if (status == ESP_ERR_INTERRUPTED)
        esp_fail(status, "interrupted; the same command goes on from %s", p->journal);
    return esp_console_fail(status);
}

int esp_cmd_prune(int argc, char **argv, esp_options *options)
{
    esp_pruning p = {.common = options, .method = esp_search_methods, .importance = ESP_IMPORTANCE_L2,
                     .controller = ESP_CONTROLLER_MPPI, .report_episodes = 20, .search = esp_search_config_default()};
    esp_status status = esp_parse(&argp, argc, argv, &p);
    if (status == ESP_OK) status = esp_subject_open(p.checkpoint, options, &p.search, &p.subject);
    if (status == ESP_OK) status = check_output(&p);
    if (status == ESP_OK) status = prune(&p);
    if (status == ESP_OK && options->json) esp_pruning_print_json(&p);
    if (status == ESP_OK && !options->json) esp_pruning_print_tables(&p);
    int result = status == ESP_OK ? ESP_EXIT_DONE : fail(&p, status);
    for (int i = 0; i < 2; i++) esp_measurement_free(&p.measured[i]);
    esp_network_free(p.pruned);
    esp_ranking_free(&p.ranking);
    esp_subject_close(&p.subject);
    free(p.journal);
    return result;
}
