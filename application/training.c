/* Training, for any application: reads the configuration, checks the options, describes the run. */
#include <stdlib.h>
#include <unistd.h>

#include "application/application_internal.h"

cJSON *esp_training_about(const esp_train_request *request)
{
    const char *data = esp_judging_text(&request->judging, "data");
    cJSON *about = cJSON_CreateObject();
    if (request->settings->command) cJSON_AddStringToObject(about, "command", request->settings->command);
    if (data) cJSON_AddStringToObject(about, "data", data);
    cJSON_AddStringToObject(about, "version", ESP_VERSION);
    return about;
}

/* In a folder with both, the files of a run and of a sweep would be taken for each other's. */
static esp_status check_folder(const char *folder)
{
    char *sweep = esp_path_join(folder, "sweep.json");
    bool found = access(sweep, F_OK) == 0;
    free(sweep);
    return found ? esp_fail(ESP_ERR_FORMAT, "'%s' holds a sweep; name another folder with -o", folder) : ESP_OK;
}

esp_status esp_training_run(const esp_train_request *request, const esp_application **application, esp_figure_list *out)
{
    cJSON *config = NULL;
    *out = (esp_figure_list){.count = 0};
    *application = NULL;
    esp_status status = esp_json_read(request->path, &config);
    if (status == ESP_OK) status = esp_application_of_json(config, request->path, application);
    if (status == ESP_OK && !(*application)->train)
        status = esp_fail(ESP_ERR_USAGE, "%s: application '%s' has no training", request->path, (*application)->name);
    esp_judging judging = request->judging;
    if (status == ESP_OK) status = esp_judging_check(&judging, *application, request->path);
    if (status == ESP_OK) status = check_folder(request->run_dir);
    if (status == ESP_OK) status = (*application)->train(request, config, out);
    cJSON_Delete(config);
    return status;
}
