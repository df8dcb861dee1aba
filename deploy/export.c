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

uint64_t esp_c_hash(const esp_c_export *what)
{
    uint64_t hash = esp_network_hash(what->net);
    for (int c = 0; c < what->num_components; c++) hash = esp_hash_step(hash, (uint64_t)what->component[c]);
    hash = esp_hash_step(hash, (uint64_t)what->last);
    return esp_hash_step(hash, (uint64_t)what->history);
}

static int outputs_of(const esp_c_export *what)
{
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
    esp_c_plan   plan[ESP_MAX_COMPONENTS]; /* by position in what->component */
    esp_c_costs  costs;
    size_t       work;                     /* floats */
    char        *weights;                  /* text of the constants */
} sheet;

static size_t whole_words(size_t bytes)
{
    return (bytes + 3) / 4 * 4;
}

/* The longest way through the calls: a step, a component, a convolution, a row of it, its sums; 32 registers each are
 * generous, and the sums themselves are WIDE floats. */
static size_t stack_of(void)
{
    return 5 * 32 * 4 + 64 * sizeof(float);
}

static void count_costs(sheet *s)
{
    const esp_c_export *what = s->what;
    s->costs.inputs = esp_c_inputs(what);
    s->costs.outputs = outputs_of(what);
    for (int c = 0; c < what->num_components; c++) {
        esp_c_plan_make(what->net, what->component[c], &s->plan[c]);
        if (s->plan[c].floats > s->work) s->work = s->plan[c].floats;
        s->costs.macs += esp_component_macs(what->net, what->component[c]);
        if (c + 1 < what->num_components) s->costs.ram += (size_t)component_at(what, c)->out_size * sizeof(float);
    }
    if (s->work == 0) s->work = 1; /* C has no empty arrays */
    s->costs.ram += s->work * sizeof(float);
    if (what->history > 1)
        s->costs.ram += whole_words((size_t)component_at(what, 0)->in_size * (reads_bytes(what) ? 1 : 4)) + 4;
    s->costs.stack = stack_of();
}

/* The name of the row that component number c writes. */
static const char *row_name(const sheet *s, int c, char text[ESP_C_NAME + 16])
{
    if (c + 1 == s->what->num_components) return "output";
    snprintf(text, ESP_C_NAME + 16, "state->%s_output", s->names.component[s->what->component[c]]);
    return text;
}

static void write_members(const sheet *s, FILE *out)
{
    const esp_c_export *what = s->what;
    fprintf(out, "    float work[%zu]; /* values between layers */\n", s->work);
    for (int c = 0; c + 1 < what->num_components; c++)
        fprintf(out, "    float %s_output[%d];\n", s->names.component[what->component[c]],
                component_at(what, c)->out_size);
    if (what->history > 1)
        fprintf(out, "    %s seen[%d]; /* the last inputs, the newest last */\n    int32_t begun;\n",
                reads_bytes(what) ? "uint8_t" : "float", component_at(what, 0)->in_size);
}

static void write_calls(const sheet *s, esp_c_helpers *used, FILE *out)
{
    char from[ESP_C_NAME + 16], to[ESP_C_NAME + 16], count[64];
    const esp_c_export *what = s->what;
    for (int c = 0; c < what->num_components; c++)
        fprintf(out, "    run_%s(state->work, %s, %s);\n", s->names.component[what->component[c]],
                c > 0 ? row_name(s, c - 1, from) : what->history > 1 ? "state->seen" : "input", row_name(s, c, to));
    snprintf(count, sizeof count, "%d", outputs_of(what));
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

enum { MOST_ENTRIES = 32 };

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
    for (int c = 0; c < what->num_components; c++)
        esp_c_component_write(what, &s->names, &s->plan[c], what->component[c], n.out, &used);
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
    put(d, "tolerance", esp_strdup("1e-5"));
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
    status = esp_c_weights_write(what, &s->names, s->plan, constants.out, &s->costs.flash);
    put(&d, "weights", close_text(&constants));
    if (status == ESP_OK) {
        float *expected = esp_c_expected(what);
        fill_dictionary(&d, s, expected);
        free(expected);
        status = write_files(s, &d, layout, folder);
    }
    if (status == ESP_OK) *out = s->costs;
    free_dictionary(&d);
    free(s);
    return status;
}
