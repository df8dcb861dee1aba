/* espalier export: a checkpoint as an ONNX file, or as source code for a device. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

typedef struct {
    esp_options *common;
    esp_judging  judging;
    const char  *checkpoint, *folder, *name, *component;
    int          to, layout;    /* indices of their choices; -1: not given */
} arguments;

enum { KEY_TO = 0x2000, KEY_NAME, KEY_LAYOUT, KEY_COMPONENT };

#define TO_CHOICES "c|onnx"
enum { TO_C, TO_ONNX };

static const struct argp_option table[] = {
    {"to", KEY_TO, TO_CHOICES, 0, "What to write: c is C99 source code without allocation, files and libraries; "
     "onnx a model of opset 17", 0},
    {"output", 'o', "DIR|FILE.onnx", 0, "Folder to write, which may not exist or hold an earlier export only; or file",
     0},
    {"component", KEY_COMPONENT, "NAME", 0, "onnx: one component alone, such as dynamics", 0},
    {"name", KEY_NAME, "NAME", 0, "Prefix of the functions and files (default: controller)", 0},
    {"layout", KEY_LAYOUT, ESP_LAYOUT_CHOICES, 0, "Files for CMake (default), or an Arduino library", 0},
    {0},
};

static esp_status finish_arguments(const arguments *a)
{
    esp_status status = esp_need_argument(a->checkpoint, "CHECKPOINT");
    if (status == ESP_OK && a->to < 0) status = esp_fail(ESP_ERR_USAGE, "--to is missing: " TO_CHOICES);
    if (status == ESP_OK) status = esp_need_argument(a->folder, a->to == TO_ONNX ? "-o FILE.onnx" : "-o DIR");
    if (status == ESP_OK && a->to == TO_C && a->component)
        status = esp_fail(ESP_ERR_USAGE, "--component: for --to onnx only");
    return status;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    esp_status status = ESP_OK;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->judging;
        state->child_inputs[1] = a->common;
        break;
    case KEY_TO: status = esp_parse_choice("--to", argument, TO_CHOICES, &a->to); break;
    case KEY_LAYOUT: status = esp_parse_choice("--layout", argument, ESP_LAYOUT_CHOICES, &a->layout); break;
    case KEY_NAME: a->name = argument; break;
    case KEY_COMPONENT: a->component = argument; break;
    case 'o': a->folder = argument; break;
    case ARGP_KEY_ARG: status = esp_take_argument(&a->checkpoint, argument); break;
    case ARGP_KEY_END: status = finish_arguments(a); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return esp_parse_error(status);
}

static const struct argp_child children[] = {{&esp_show_argp, 0, NULL, 0}, ESP_OPTIONS_CHILD, {0}};

static const struct argp argp = {
    .options = table,
    .parser = parse,
    .args_doc = "CHECKPOINT",
    .doc = "Writes the controller as a model that ONNX runtimes read, or as C source code that other projects compile: "
           "no allocation, no files, no library but libm. The folder of the latter holds the code, its weights, the "
           "first steps of an episode with the actions to expect as a test, and a CMakeLists.txt. docs/onnx.md and "
           "docs/device.md say more.\v"
           "Examples:\n"
           "  espalier export pruned.safetensors --to c -o firmware/controller\n"
           "  espalier export agent.safetensors --controller policy --to c -o out\n"
           "  espalier export policy.onnx --to c --name walker --layout arduino -o Walker\n"
           "  espalier export pruned.safetensors --to onnx -o pruned.onnx\n"
           "  espalier export agent.safetensors --to onnx --component dynamics -o d.onnx\n"
           "  cmake -S out -B out/build && cmake --build out/build && out/build/test_controller\n",
    .children = children,
};

/* ---- results ---- */

static void print_json(const arguments *a, const esp_deployment *d, const esp_c_costs *costs)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "checkpoint", a->checkpoint);
    cJSON_AddStringToObject(json, "to", "c");
    cJSON_AddStringToObject(json, "folder", a->folder);
    cJSON_AddStringToObject(json, "name", d->code.name);
    cJSON_AddNumberToObject(json, "inputs", costs->inputs);
    cJSON_AddNumberToObject(json, "history", d->code.history);
    cJSON_AddNumberToObject(json, "outputs", costs->outputs);
    cJSON_AddNumberToObject(json, "flash_bytes", (double)costs->flash);
    cJSON_AddNumberToObject(json, "ram_bytes", (double)costs->ram);
    cJSON_AddNumberToObject(json, "stack_bytes", (double)costs->stack);
    cJSON_AddNumberToObject(json, "macs", costs->macs);
    cJSON_AddNumberToObject(json, "example_steps", d->code.num_examples);
    esp_json_add_hash(json, "hash", d->code.hash);
    cJSON_AddStringToObject(json, "version", ESP_VERSION);
    esp_json_print(json);
}

static void print_table(const arguments *a, const esp_deployment *d, const esp_c_costs *costs)
{
    char flash[ESP_NUMBER_TEXT], ram[ESP_NUMBER_TEXT], macs[ESP_NUMBER_TEXT], inputs[ESP_NUMBER_TEXT];
    esp_table *table = esp_table_create("ll");
    esp_table_row(table, "folder|%s", a->folder);
    esp_table_row(table, "code|%s.h, %s.c", d->code.name, d->code.name);
    esp_table_row(table, "inputs|%s per step%s", esp_text_count(costs->inputs, inputs),
                  d->code.history > 1 ? "; the state keeps those before" : "");
    esp_table_row(table, "outputs|%d", costs->outputs);
    esp_table_row(table, "flash|%s bytes of constants, and the code itself",
                  esp_text_count((double)costs->flash, flash));
    esp_table_row(table, "RAM|%s bytes of state, and at most %zu of stack", esp_text_count((double)costs->ram, ram),
                  costs->stack);
    esp_table_row(table, "work|%s multiply-adds per step", esp_text_count(costs->macs, macs));
    esp_table_row(table, "example|%d steps", d->code.num_examples);
    esp_table_print(table);
}

/* ---- ONNX ---- */

static esp_status export_onnx(const arguments *a, const esp_subject *subject)
{
    int inputs, outputs;
    char number[ESP_NUMBER_TEXT], more[ESP_NUMBER_TEXT];
    esp_status status = esp_file_writable(a->folder);
    if (status == ESP_OK) status = esp_subject_write_onnx(subject, a->component, a->folder, &inputs, &outputs);
    if (status != ESP_OK) return status;
    if (a->common->json) {
        cJSON *json = cJSON_CreateObject();
        cJSON_AddStringToObject(json, "checkpoint", a->checkpoint);
        cJSON_AddStringToObject(json, "to", "onnx");
        cJSON_AddStringToObject(json, "file", a->folder);
        cJSON_AddNumberToObject(json, "inputs", inputs);
        cJSON_AddNumberToObject(json, "outputs", outputs);
        cJSON_AddStringToObject(json, "version", ESP_VERSION);
        esp_json_print(json);
    } else {
        printf("written: %s, %s inputs, %s outputs\n", a->folder, esp_text_count(inputs, number),
               esp_text_count(outputs, more));
    }
    return ESP_OK;
}

/* ---- C ---- */

static esp_status export_c(const arguments *a, esp_subject *subject)
{
    esp_deployment deployment = {.title = NULL};
    esp_c_costs costs;
    esp_status status = esp_deployment_make(subject, a->name, &deployment);
    if (status == ESP_OK) status = esp_c_write(&deployment.code, (esp_c_layout)a->layout, a->folder, &costs);
    if (status == ESP_OK && a->common->json) print_json(a, &deployment, &costs);
    if (status == ESP_OK && !a->common->json) print_table(a, &deployment, &costs);
    esp_deployment_free(&deployment);
    return status;
}

int esp_cmd_export(int argc, char **argv, esp_options *options)
{
    arguments a = {.common = options, .name = "controller", .to = -1};
    esp_subject subject = {.net = NULL};
    esp_status status = esp_parse(&argp, argc, argv, &a);
    if (status == ESP_OK) status = esp_subject_open(a.checkpoint, &options->settings, &a.judging, NULL, &subject);
    if (status == ESP_OK && subject.net->num_layers == 0)
        status = esp_fail(ESP_ERR_USAGE, "%s: has no network to export", a.checkpoint);
    if (status == ESP_OK) status = a.to == TO_ONNX ? export_onnx(&a, &subject) : export_c(&a, &subject);
    esp_subject_close(&subject);
    return status == ESP_OK ? ESP_EXIT_DONE : esp_console_fail(status);
}
