/* What a file says about itself besides tensors and configuration: its contract with the application that runs it,
 * and the prunings that produced it. docs/files.md lists the keys; files of other formats hold the same JSON. */
#include <string.h>

#include "nn/nn.h"

#define MOST_ANCESTORS 1000 /* longest pedigree; a file with more prunings was not made by pruning */

/* ---- native code ---- */

/* "task.so", "./lib/task.so.1" */
static bool names_code(const char *text)
{
    for (const char *at = text; (at = strstr(at, ".so")); at++)
        if (at[3] == 0 || at[3] == '.') return true;
    return false;
}

static const char *find_code(const cJSON *json)
{
    const char *found = cJSON_IsString(json) && names_code(json->valuestring) ? json->valuestring : NULL;
    for (const cJSON *item = json->child; item && !found; item = item->next) found = find_code(item);
    return found;
}

esp_status esp_metadata_refuse_code(const cJSON *json, const char *source)
{
    const char *code = find_code(json);
    if (!code) return ESP_OK;
    return esp_fail(ESP_ERR_FORMAT, "%s: names native code ('%.80s'), which only the command line may name",
                    source, code);
}

/* ---- reading ---- */

/* The JSON text of a key in __metadata__; NULL when it is missing. */
static esp_status read_json(const esp_safetensors *file, const char *key, cJSON **out)
{
    const char *text = esp_safetensors_metadata(file, key);
    esp_status status = text ? esp_json_parse(text, strlen(text), key, out) : ESP_OK;
    return status == ESP_OK ? ESP_OK : esp_fail_in(status, "%s", file->path);
}

static esp_status check_contract(const char *path, const cJSON *contract)
{
    if (!contract) return ESP_OK;
    double version = esp_json_number(contract, "version");
    if (!esp_json_text(contract, "application") || !(version >= 1))
        return esp_fail(ESP_ERR_FORMAT, "%s: contract: expected an object with 'version' and 'application'", path);
    if (version > ESP_CONTRACT_VERSION)
        return esp_fail(ESP_ERR_FORMAT, "%s: contract: version %.15g is newer than %d, the last one this espalier "
                        "knows; update espalier", path, version, ESP_CONTRACT_VERSION);
    return esp_metadata_refuse_code(contract, path);
}

static esp_status check_pedigree(const char *path, const cJSON *pedigree)
{
    const cJSON *entry;
    if (!pedigree) return ESP_OK;
    if (!cJSON_IsArray(pedigree) || cJSON_GetArraySize(pedigree) > MOST_ANCESTORS)
        return esp_fail(ESP_ERR_FORMAT, "%s: pedigree: expected a list of at most %d prunings", path,
                        MOST_ANCESTORS);
    cJSON_ArrayForEach(entry, pedigree)
        if (!esp_json_text(entry, "parent") || !esp_json_text(entry, "method"))
            return esp_fail(ESP_ERR_FORMAT, "%s: pedigree: every entry needs 'parent' and 'method'", path);
    return ESP_OK;
}

esp_status esp_metadata_read(const esp_safetensors *file, esp_metadata *out)
{
    esp_metadata metadata = {.contract = NULL};
    esp_status status = read_json(file, ESP_CONTRACT_KEY, &metadata.contract);
    if (status == ESP_OK) status = check_contract(file->path, metadata.contract);
    if (status == ESP_OK) status = read_json(file, ESP_PEDIGREE_KEY, &metadata.pedigree);
    if (status == ESP_OK) status = check_pedigree(file->path, metadata.pedigree);
    if (status == ESP_OK) *out = metadata;
    else                  esp_metadata_free(&metadata);
    return status;
}

esp_metadata esp_metadata_complete(const esp_metadata *metadata, cJSON *otherwise)
{
    esp_metadata out = {.contract = otherwise, .pedigree = cJSON_Duplicate(metadata->pedigree, true),
                        .derived = !metadata->contract};
    if (out.derived) return out;
    cJSON_Delete(otherwise);
    out.contract = cJSON_Duplicate(metadata->contract, true);
    return out;
}

void esp_metadata_free(esp_metadata *metadata)
{
    cJSON_Delete(metadata->contract);
    cJSON_Delete(metadata->pedigree);
    *metadata = (esp_metadata){.contract = NULL};
}

/* ---- contracts and pedigrees ---- */

cJSON *esp_contract_new(const char *application, const char *task)
{
    cJSON *contract = cJSON_CreateObject();
    cJSON_AddNumberToObject(contract, "version", ESP_CONTRACT_VERSION);
    cJSON_AddStringToObject(contract, "application", application);
    cJSON_AddStringToObject(contract, "task", task);
    return contract;
}

double esp_pedigree_params(const cJSON *pedigree, const esp_network *net, unsigned components)
{
    const cJSON *before = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(pedigree, 0), "params_before");
    double params = 0.0;
    for (int c = 0; c < net->num_components; c++) {
        double count = esp_json_number(before, esp_component_name(net, c));
        if (components >> c & 1u) params += count;
    }
    return params;
}
