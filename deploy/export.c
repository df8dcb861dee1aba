/* The files of an export: header, source, weights, example, test, build files. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/deploy_internal.h"

/* ---- what the host computes ---- */

static const esp_component *component_at(const esp_c_export *what, int i)
{
    return &what->net->component[what->component[i]];
}

static bool reads_bytes(const esp_c_export *what)
{
    return esp_component_reads_bytes(what->net, what->component[0]);
}

int esp_c_inputs(const esp_c_export *what)
{
    return component_at(what, 0)->in_size / what->history;
}

static uint64_t hash_planner(const esp_c_planner *p, uint64_t hash)
{
    const int counts[] = {p->horizon, p->samples, p->trajectories, p->elites, p->iterations, p->on_mean};
    const double numbers[] = {p->temperature, p->momentum, p->min_std, p->max_std, p->discount, p->policy_std};
    for (int i = 0; i < 6; i++) hash = esp_hash_step(hash, (uint64_t)counts[i]);
    for (int i = 0; i < 6; i++) hash = esp_hash_step(hash, (uint64_t)esp_double_bits(numbers[i]));
    return hash;
}

uint64_t esp_c_hash(const esp_c_export *what)
{
    uint64_t hash = esp_network_hash(what->net);
    for (int c = 0; c < what->num_components; c++) hash = esp_hash_step(hash, (uint64_t)what->component[c]);
    hash = esp_hash_step(hash, (uint64_t)what->last);
    hash = esp_hash_step(hash, (uint64_t)what->history);
    return what->planner ? hash_planner(what->planner, hash) : hash;
}

static int outputs_of(const esp_c_export *what)
{
    if (what->planner) return what->net->component[what->planner->policy].out_size;
    return component_at(what, what->num_components - 1)->out_size;
}

/* Moves the newest input into what the network reads; the first one fills all of it. */
static void remember(uint8_t *seen, int history, size_t bytes, const uint8_t *input, bool first)
{
    memmove(seen, seen + bytes, (size_t)(history - 1) * bytes);
    for (int i = first ? 0 : history - 1; i < history; i++) memcpy(seen + (size_t)i * bytes, input, bytes);
}

float *esp_c_expected(const esp_c_export *what)
{
    size_t bytes = (size_t)esp_c_inputs(what) * (reads_bytes(what) ? 1 : sizeof(float));
    int outputs = outputs_of(what);
    float *expected = esp_alloc((size_t)what->num_examples * (size_t)outputs, sizeof *expected);
    uint8_t *seen = esp_alloc((size_t)what->history, bytes);
    unsigned set = 0;
    for (int c = 0; c < what->num_components; c++) set |= 1u << what->component[c];
    esp_packed *packed = esp_packed_create(what->net, set);
    esp_runner *runner[ESP_MAX_COMPONENTS];
    for (int c = 0; c < what->num_components; c++) runner[c] = esp_runner_create(packed, what->component[c], 1);
    for (int s = 0; s < what->num_examples; s++) {
        remember(seen, what->history, bytes, (const uint8_t *)what->example + (size_t)s * bytes, s == 0);
        const void *x = seen;
        for (int c = 0; c < what->num_components; c++) x = esp_runner_forward(runner[c], x, 1);
        memcpy(expected + (size_t)s * (size_t)outputs, x, (size_t)outputs * sizeof *expected);
    }
    esp_act_forward(what->last, what->num_examples, outputs, NULL, expected);
    for (int c = 0; c < what->num_components; c++) esp_runner_free(runner[c]);
    esp_packed_free(packed);
    free(seen);
    return expected;
}

/* ---- parts of the texts ---- */

/* Everything that is worked out before the files are written. */
typedef struct {
    const esp_c_export *what;
    esp_c_names  names;
    int          num_components;           /* all that run: the chain, then the planner's */
    int          component[ESP_MAX_COMPONENTS]; /* [num_components] */
    esp_c_plan   plan[ESP_MAX_COMPONENTS]; /* [num_components] */
    esp_c_costs  costs;
    size_t       work;                     /* floats */
    char        *weights;                  /* text of the constants */
} sheet;

static size_t whole_words(size_t bytes)
{
    return (bytes + 3) / 4 * 4;
}

/* Whether what component number c of the chain writes is in the state; otherwise it is the output. */
static bool has_row(const esp_c_export *what, int c)
{
    return what->planner || c + 1 < what->num_components;
}

/* Members of the state that a planner needs; returns their bytes. out NULL: counts only. */
static size_t write_planner_members(const esp_c_export *what, FILE *out)
{
    const esp_c_planner *p = what->planner;
    int actions = outputs_of(what), latent = component_at(what, what->num_components - 1)->out_size, B = ESP_C_BATCH;
    int all = p->samples + p->trajectories, own = p->trajectories > 0 ? p->trajectories : 1;
    const struct { const char *type, *name; int count; const char *about; } members[] = {
        {"float", "mean", p->horizon * actions, "the plan"},
        {"float", "deviation", p->horizon * actions, NULL},
        {"float", "actions", p->horizon * p->samples * actions, "[step][sequence][action]"},
        {"float", "policy_actions", p->horizon * own * actions, NULL},
        {"float", "noise", (p->samples + own) * actions, "of the actions that value the ends"},
        {"float", "values", all, "of every sequence"},
        {"float", "rewards", own, "of the policy's sequences"},
        {"float", "ends", own * latent, "their last latent states"},
        {"float", "score", p->elites, NULL},
        {"int32_t", "rank", all, "sequences, the elites first"},
        {"float", "z", B * latent, "of the sequences that are computed at once"},
        {"float", "row", B * (latent + actions), NULL},
        {"float", "mu", B * actions, NULL},
        {"float", "scalar", B, NULL},
        {"float", "other", B, NULL},
        {"int32_t", "warm", 0, "not 0: mean holds the last plan"},
    };
    size_t bytes = 11 * 4; /* the stream of random numbers */
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        bytes += (size_t)(members[i].count ? members[i].count : 1) * 4;
        if (!out) continue;
        fprintf(out, "    %s %s", members[i].type, members[i].name);
        if (members[i].count) fprintf(out, "[%d]", members[i].count);
        fprintf(out, ";%s%s%s\n", members[i].about ? " /* " : "", members[i].about ? members[i].about : "",
                members[i].about ? " */" : "");
    }
    if (out) fprintf(out, "    %s_random random;\n", what->name);
    return bytes;
}

/* The longest way through the calls: a step, a component, a convolution, a row of it, its sums; 32 registers each are
 * generous, and the sums themselves are WIDE floats. */
static size_t stack_of(void)
{
    return 5 * 32 * 4 + 64 * sizeof(float);
}

static void list_components(sheet *s)
{
    const esp_c_planner *p = s->what->planner;
    for (int c = 0; c < s->what->num_components; c++) s->component[s->num_components++] = s->what->component[c];
    const int more[5] = {p ? p->dynamics : 0, p ? p->reward : 0, p ? p->value[0] : 0, p ? p->value[1] : 0,
                         p ? p->policy : 0};
    for (int i = 0; i < 5 && p; i++) s->component[s->num_components++] = more[i];
    for (int c = 0; c < s->num_components; c++) esp_c_plan_make(s->what->net, s->component[c], &s->plan[c]);
}

/* Multiply-adds of a plan: policy trajectories are unrolled once, their ends valued in every iteration. */
static double planner_macs(const esp_c_export *what)
{
    const esp_c_planner *p = what->planner;
    const esp_network *net = what->net;
    double step = esp_component_macs(net, p->dynamics) + esp_component_macs(net, p->reward);
    double policy = esp_component_macs(net, p->policy);
    double end = policy + esp_component_macs(net, p->value[0]) + esp_component_macs(net, p->value[1]);
    return p->trajectories * (p->horizon * (policy + step) + p->iterations * end) +
           (double)p->iterations * p->samples * (p->horizon * step + end);
}

static void count_costs(sheet *s)
{
    const esp_c_export *what = s->what;
    list_components(s);
    s->costs.inputs = esp_c_inputs(what);
    s->costs.outputs = outputs_of(what);
    for (int c = 0; c < s->num_components; c++) {
        size_t floats = s->plan[c].floats * (c < what->num_components ? 1 : ESP_C_BATCH);
        if (floats > s->work) s->work = floats;
    }
    for (int c = 0; c < what->num_components; c++) {
        s->costs.macs += esp_component_macs(what->net, what->component[c]);
        if (has_row(what, c)) s->costs.ram += (size_t)component_at(what, c)->out_size * sizeof(float);
    }
    if (what->planner) s->costs.macs += planner_macs(what);
    if (what->planner) s->costs.ram += write_planner_members(what, NULL);
    if (s->work == 0) s->work = 1; /* C has no empty arrays */
    s->costs.ram += s->work * sizeof(float);
    if (what->history > 1)
        s->costs.ram += whole_words((size_t)component_at(what, 0)->in_size * (reads_bytes(what) ? 1 : 4)) + 4;
    s->costs.stack = stack_of();
}

/* The name of the row that component number c writes. */
static const char *row_name(const sheet *s, int c, char text[ESP_C_NAME + 16])
{
    if (!has_row(s->what, c)) return "output";
    snprintf(text, ESP_C_NAME + 16, "state->%s_output", s->names.component[s->what->component[c]]);
    return text;
}

static void write_members(const sheet *s, FILE *out)
{
    const esp_c_export *what = s->what;
    fprintf(out, "    float work[%zu]; /* values between layers */\n", s->work);
    for (int c = 0; c < what->num_components && has_row(what, c); c++)
        fprintf(out, "    float %s_output[%d];\n", s->names.component[what->component[c]],
                component_at(what, c)->out_size);
    if (what->history > 1)
        fprintf(out, "    %s seen[%d]; /* the last inputs, the newest last */\n    int32_t begun;\n",
                reads_bytes(what) ? "uint8_t" : "float", component_at(what, 0)->in_size);
    if (what->planner) write_planner_members(what, out);
}

static void write_calls(const sheet *s, esp_c_helpers *used, FILE *out)
{
    char from[ESP_C_NAME + 16], to[ESP_C_NAME + 16], count[64];
    const esp_c_export *what = s->what;
    for (int c = 0; c < what->num_components; c++)
        fprintf(out, "    run_%s(state->work, %s, %s);\n", s->names.component[what->component[c]],
                c > 0 ? row_name(s, c - 1, from) : what->history > 1 ? "state->seen" : "input", row_name(s, c, to));
    snprintf(count, sizeof count, "%d", outputs_of(what));
    if (what->planner) {
        int last = what->num_components - 1;
        fprintf(out, "    for (int i = 0; i < %d; i++)\n        if (!(fabsf(%s[i]) <= FLT_MAX)) return 1;\n"
                "    plan(state, output);\n", component_at(what, last)->out_size, row_name(s, last, to));
        esp_c_helper_use(used, "random");
        esp_c_helper_use(used, "hyperbolic");
        return;
    }
    esp_c_activation_write(out, what->last, 1.0f, 0.0f, count, "output", used);
}

/* Lines in the middle of a comment. */
static void write_comment(const char *text, FILE *out)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        fprintf(out, " * ");
        for (size_t i = 0; i < length; i++) /* a text may not end the comment */
            fputc(text[i] == '/' && i > 0 && text[i - 1] == '*' ? ' ' : text[i], out);
        fputc('\n', out);
        text += length + (text[length] == '\n');
    }
}

static void write_rows(const sheet *s, bool bytes, const void *values, int width, FILE *out)
{
    for (int i = 0; i < s->what->num_examples; i++) {
        fprintf(out, "    {\n");
        if (bytes) esp_c_bytes_write(out, (size_t)width, (const uint8_t *)values + (size_t)i * (size_t)width);
        else       esp_c_floats_write(out, (size_t)width, (const float *)values + (size_t)i * (size_t)width);
        fprintf(out, "    },\n");
    }
}

/* ---- texts ---- */

enum { MOST_ENTRIES = 64 };

/* The entries of all templates; owns their texts. */
typedef struct {
    int         count;
    esp_c_entry entry[MOST_ENTRIES];
} dictionary;

/* A stream whose text becomes an entry when it is closed. */
typedef struct { FILE *out; char *text; size_t size; } note;

static note note_open(void)
{
    note n = {NULL, NULL, 0};
    return n;
}

static void put(dictionary *d, const char *key, char *text)
{
    d->entry[d->count++] = (esp_c_entry){key, text};
}

static void put_number(dictionary *d, const char *key, double number)
{
    char text[ESP_NUMBER_TEXT];
    esp_format(text, sizeof text, "%.0f", number);
    put(d, key, esp_strdup(text));
}

/* A stream into new memory. */
static FILE *open_text(note *n)
{
    *n = note_open();
    n->out = open_memstream(&n->text, &n->size);
    if (!n->out) abort();
    return n->out;
}

static char *close_text(note *n)
{
    fclose(n->out);
    return n->text;
}

static void put_code(dictionary *d, const sheet *s)
{
    const esp_c_export *what = s->what;
    esp_c_helpers used = 0;
    note n;
    open_text(&n);
    for (int c = 0; c < s->num_components; c++)
        esp_c_component_write(what, &s->names, &s->plan[c], s->component[c], c >= what->num_components, n.out, &used);
    put(d, "components", close_text(&n));
    open_text(&n);
    write_calls(s, &used, n.out);
    put(d, "calls", close_text(&n));
    open_text(&n);
    esp_c_helpers_write(used, n.out);
    put(d, "helpers", close_text(&n));
    open_text(&n);
    write_members(s, n.out);
    put(d, "members", close_text(&n));
}

static void put_comment(dictionary *d, const char *key, const char *text)
{
    note n;
    open_text(&n);
    write_comment(text, n.out);
    put(d, key, close_text(&n));
}

static void put_example(dictionary *d, const sheet *s, const float *expected)
{
    const esp_c_export *what = s->what;
    note n;
    open_text(&n);
    write_rows(s, reads_bytes(what), what->example, s->costs.inputs, n.out);
    put(d, "example_inputs", close_text(&n));
    open_text(&n);
    write_rows(s, false, expected, s->costs.outputs, n.out);
    put(d, "example_outputs", close_text(&n));
    put(d, "example_title", esp_strdup(what->example_about));
    put_number(d, "steps", what->num_examples);
}

static void put_float(dictionary *d, const char *key, double number)
{
    char text[ESP_NUMBER_TEXT];
    esp_format(text, sizeof text, "%.9g", (double)(float)number);
    strcat(text, strpbrk(text, ".e") ? "f" : ".0f");
    put(d, key, esp_strdup(text));
}

static void put_planner_numbers(dictionary *d, const esp_c_planner *p)
{
    put_number(d, "horizon", p->horizon);
    put_number(d, "samples", p->samples);
    put_number(d, "trajectories", p->trajectories);
    put_number(d, "elites", p->elites);
    put_number(d, "iterations", p->iterations);
    put_number(d, "batch", ESP_C_BATCH);
    put_float(d, "discount", p->discount);
    put_float(d, "policy_std", p->policy_std);
    put_float(d, "temperature", p->temperature);
    put_float(d, "momentum", p->momentum);
    put_float(d, "min_std", p->min_std);
    put_float(d, "max_std", p->max_std);
    put(d, "on_mean", esp_strdup(p->on_mean ? "1" : ""));
}

/* The planner's functions, or nothing. */
static void put_planner(dictionary *d, const sheet *s)
{
    const esp_c_planner *p = s->what->planner;
    put(d, "planner", esp_strdup(p ? "1" : ""));
    if (!p) {
        put(d, "planner_code", esp_strdup(""));
        return;
    }
    char row[ESP_C_NAME + 16];
    int last = s->what->num_components - 1;
    put_planner_numbers(d, p);
    put_number(d, "latent", component_at(s->what, last)->out_size);
    put(d, "latent_row", esp_strdup(row_name(s, last, row) + strlen("state->")));
    put(d, "dynamics", esp_strdup(s->names.component[p->dynamics]));
    put(d, "reward", esp_strdup(s->names.component[p->reward]));
    put(d, "q1", esp_strdup(s->names.component[p->value[0]]));
    put(d, "q2", esp_strdup(s->names.component[p->value[1]]));
    put(d, "pi", esp_strdup(s->names.component[p->policy]));
    note n;
    esp_c_template_write("planner.c", d->entry, d->count, open_text(&n));
    put(d, "planner_code", close_text(&n));
}

static void put_names(dictionary *d, const esp_c_export *what)
{
    char *upper = esp_strdup(what->name), hash[24];
    for (char *c = upper; *c; c++) *c = (char)toupper((unsigned char)*c);
    snprintf(hash, sizeof hash, "%016jx", (uintmax_t)what->hash);
    put(d, "name", esp_strdup(what->name));
    put(d, "NAME", upper);
    put(d, "hash", esp_strdup(hash));
    put(d, "title", esp_strdup(what->title));
    put(d, "origin", esp_strdup(what->origin));
    put(d, "version", esp_strdup(ESP_VERSION));
    put(d, "type", esp_strdup(reads_bytes(what) ? "uint8_t" : "float"));
    put(d, "input_unit", esp_strdup(reads_bytes(what) ? "bytes" : "numbers"));
    char tolerance[ESP_NUMBER_TEXT];
    esp_format(tolerance, sizeof tolerance, "%g", what->tolerance > 0 ? what->tolerance : 1e-5);
    put(d, "tolerance", esp_strdup(tolerance));
    char name[64] = "", purpose[16];
    if (what->planner)
        snprintf(name, sizeof name, ", %juu, %juu", (uintmax_t)what->example_seed, (uintmax_t)what->example_episode);
    snprintf(purpose, sizeof purpose, "%d", ESP_RNG_PLAN);
    put(d, "example_name", esp_strdup(name));
    put(d, "purpose", esp_strdup(purpose));
}

static void fill_dictionary(dictionary *d, const sheet *s, const float *expected)
{
    const esp_c_export *what = s->what;
    put_names(d, what);
    put_number(d, "inputs", s->costs.inputs);
    put_number(d, "outputs", s->costs.outputs);
    if (what->history > 1) put_number(d, "history", what->history);
    else                   put(d, "history", esp_strdup(""));
    put_number(d, "weight_bytes", (double)s->costs.flash);
    put_number(d, "state_bytes", (double)s->costs.ram);
    put_number(d, "macs", s->costs.macs);
    put_comment(d, "about", what->about);
    put_comment(d, "input_note", what->input_about);
    put_comment(d, "output_note", what->output_about);
    put_planner(d, s);
    put_code(d, s);
    put_example(d, s, expected);
}

static void free_dictionary(dictionary *d)
{
    for (int i = 0; i < d->count; i++) free((char *)d->entry[i].text);
}

/* ---- files ---- */

/* A template and the path at which it stands in each layout ('%s': the name); NULL: not there. */
static const struct { const char *template_name, *path[2]; } parts[] = {
    {"controller.h", {"%s.h", "src/%s.h"}},
    {"controller.c", {"%s.c", "src/%s.c"}},
    {"weights.h", {"%s_weights.h", "src/%s_weights.h"}},
    {"example.h", {"%s_example.h", "src/%s_example.h"}},
    {"test.c", {"test_%s.c", NULL}},
    {"library.c", {"%s_library.c", NULL}},
    {"CMakeLists.txt", {"CMakeLists.txt", NULL}},
    {"library.properties", {NULL, "library.properties"}},
    {"sketch.ino", {NULL, "examples/replay/replay.ino"}},
};
enum { NUM_PARTS = sizeof parts / sizeof *parts };

static esp_c_file make_file(const dictionary *d, const char *template_name, const char *pattern, const char *name)
{
    esp_c_file file = {.path = esp_alloc(strlen(pattern) + strlen(name) + 1, 1)};
    const char *at = strstr(pattern, "%s");
    if (at) sprintf(file.path, "%.*s%s%s", (int)(at - pattern), pattern, name, at + 2);
    else    strcpy(file.path, pattern);
    note n;
    esp_c_template_write(template_name, d->entry, d->count, open_text(&n));
    file.text = close_text(&n);
    file.size = n.size;
    return file;
}

static esp_status write_files(const sheet *s, const dictionary *d, esp_c_layout layout, const char *folder)
{
    esp_c_file files[NUM_PARTS];
    int count = 0;
    for (int i = 0; i < NUM_PARTS; i++)
        if (parts[i].path[layout])
            files[count++] = make_file(d, parts[i].template_name, parts[i].path[layout], s->what->name);
    esp_status status = esp_c_folder_write(folder, count, files);
    for (int i = 0; i < count; i++) {
        free(files[i].path);
        free(files[i].text);
    }
    return status;
}

/* What a planner's components may consist of: layers that the generated loops run for several rows. */
static esp_status check_planner(const esp_c_export *what)
{
    if (!what->planner) return ESP_OK;
    const esp_c_planner *p = what->planner;
    const int components[] = {p->dynamics, p->reward, p->value[0], p->value[1], p->policy};
    for (int c = 0; c < 5; c++) {
        const esp_component *component = &what->net->component[components[c]];
        for (int i = 0; i < component->num_layers; i++) {
            const esp_layer *layer = &what->net->layer[component->first_layer + i];
            if (layer->kind != ESP_LAYER_DENSE && layer->kind != ESP_LAYER_LAYERNORM && layer->kind != ESP_LAYER_ACT)
                return esp_fail(ESP_ERR_USAGE, "layer '%s': a planner is exported with dense layers, LayerNorm and "
                                "activations only", layer->module);
        }
    }
    return ESP_OK;
}

esp_status esp_c_write(const esp_c_export *what, esp_c_layout layout, const char *folder, esp_c_costs *out)
{
    esp_status status = esp_c_name_check(what->name);
    if (status != ESP_OK) return status;
    sheet *s = esp_alloc(1, sizeof *s);
    dictionary d = {.count = 0};
    note constants;
    s->what = what;
    esp_c_names_make(what, &s->names);
    count_costs(s);
    open_text(&constants);
    if (status == ESP_OK) status = check_planner(what);
    if (status == ESP_OK)
        status = esp_c_weights_write(what, &s->names, s->num_components, s->component, s->plan, constants.out,
                                     &s->costs.flash);
    put(&d, "weights", close_text(&constants));
    if (status == ESP_OK) {
        float *expected = what->expected ? NULL : esp_c_expected(what);
        fill_dictionary(&d, s, what->expected ? what->expected : expected);
        free(expected);
        status = write_files(s, &d, layout, folder);
    }
    if (status == ESP_OK) *out = s->costs;
    free_dictionary(&d);
    free(s);
    return status;
}
