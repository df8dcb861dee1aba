/* Contract and pedigree of a file, for programs and for people. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/origin.h"

static double sparsity_of_original(const esp_subject *subject)
{
    double params = (double)esp_network_params(subject->net, subject->components);
    return 1.0 - params / esp_subject_original_params(subject);
}

/* ---- for programs ---- */

void esp_origin_json(const esp_subject *subject, cJSON *json)
{
    const esp_metadata *metadata = &subject->metadata;
    if (metadata->contract) {
        cJSON *contract = cJSON_Duplicate(metadata->contract, true);
        if (metadata->derived) cJSON_AddTrueToObject(contract, "derived");
        cJSON_AddItemToObject(json, "contract", contract);
    }
    cJSON_AddItemToObject(json, "pedigree", metadata->pedigree ? cJSON_Duplicate(metadata->pedigree, true)
                                                               : cJSON_CreateArray());
    cJSON_AddNumberToObject(json, "params_original", esp_subject_original_params(subject));
    cJSON_AddNumberToObject(json, "sparsity_of_original", sparsity_of_original(subject));
}

/* ---- for people ---- */

/* "pixels, 28 x 28, 9 frames", "torque = 0 + 1 a, a in [-1, 1]"; other keys and kinds as they
 * are. */
static void add_observation(esp_table *table, const cJSON *item, const char *label)
{
    const char *name = esp_json_text(item, "name");
    double width = esp_json_number(item, "width"), height = esp_json_number(item, "height");
    double stack = esp_json_number(item, "stack");
    esp_table_row(table, "%s|%s", label, name ? name : "");
    if (width > 0) esp_table_cell(table, "%.0f x %.0f", width, height);
    if (stack > 0) esp_table_cell(table, "%.0f frames", stack);
}

static void add_action(esp_table *table, const cJSON *item, const char *label)
{
    const char *name = esp_json_text(item, "name");
    esp_table_row(table, "%s|%s", label, name ? name : "");
    esp_table_cell(table, "%.6g + %.6g a", esp_json_number(item, "offset"), esp_json_number(item, "scale"));
    esp_table_cell(table, "a in [-1, 1]");
}

static void add_list(esp_table *table, const cJSON *contract, const char *key,
                     void (*add)(esp_table *table, const cJSON *item, const char *label))
{
    const char *label = key;
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(contract, key)) {
        add(table, item, label);
        label = "";
    }
}

static void add_text(esp_table *table, const cJSON *contract, const char *key, const char *label)
{
    const char *text = esp_json_text(contract, key);
    if (text) esp_table_row(table, "%s|%s", label, text);
}

static void print_contract(const esp_metadata *metadata)
{
    const cJSON *contract = metadata->contract, *scene = cJSON_GetObjectItemCaseSensitive(contract, "scene");
    double period = esp_json_number(contract, "control_period_s");
    printf("\ncontract%s\n", metadata->derived ? ", derived from the configuration" : "");
    esp_table *table = esp_table_create("llll");
    esp_table_rule(table);
    add_text(table, contract, "application", "application");
    add_text(table, contract, "task", "task");
    if (cJSON_IsNull(scene)) esp_table_row(table, "scene|the task's own");
    add_text(table, contract, "scene", "scene");
    add_text(table, contract, "scene_hash", "scene's hash");
    add_list(table, contract, "observation", add_observation);
    add_list(table, contract, "action", add_action);
    if (period > 0) esp_table_row(table, "control period|%.6g s", period);
    add_text(table, contract, "controller", "controller");
    esp_table_print(table);
}

/* Parameters of the components that were written, which are those that it was pruned for. */
static double total(const cJSON *entry, const char *key)
{
    const cJSON *params = cJSON_GetObjectItemCaseSensitive(entry, key), *item;
    double sum = 0;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(entry, "params_after"))
        sum += esp_json_number(params, item->string);
    return sum;
}

static void print_pruning(int number, const cJSON *entry)
{
    char before[ESP_NUMBER_TEXT], after[ESP_NUMBER_TEXT];
    const char *command = esp_json_text(entry, "command");
    printf("%d  %s parameters of %s became %s\n", number,
           esp_text_count(total(entry, "params_before"), before),
           esp_json_text(entry, "parent"),
           esp_text_count(total(entry, "params_after"), after));
    if (command) printf("   %s\n", command);
}

static void print_pedigree(const esp_subject *subject)
{
    char params[ESP_NUMBER_TEXT], original[ESP_NUMBER_TEXT];
    const cJSON *entry;
    int number = 0;
    if (cJSON_GetArraySize(subject->metadata.pedigree) == 0) return;
    printf("\npedigree\n");
    cJSON_ArrayForEach(entry, subject->metadata.pedigree) print_pruning(++number, entry);
    printf("%s of the %s parameters that the controller used originally: sparsity %.4f\n",
           esp_text_count((double)esp_network_params(subject->net, subject->components), params),
           esp_text_count(esp_subject_original_params(subject), original), sparsity_of_original(subject));
}

void esp_origin_print(const esp_subject *subject)
{
    if (subject->metadata.contract) print_contract(&subject->metadata);
    print_pedigree(subject);
}
