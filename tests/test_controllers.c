/* Controllers that other people trained: as ONNX files they give the actions that were recorded. */
#include <sys/stat.h>

#include "onnx_fixtures.h"

static const char *folder; /* set before main */

__attribute__((constructor)) static void skip_without_controllers(void)
{
    struct stat info;
    folder = getenv("ESPALIER_CONTROLLERS");
    if (!folder) folder = ESP_SOURCE "/../shared/controllers";
    if (stat(folder, &info) == 0 && S_ISDIR(info.st_mode)) return;
    printf("skipped: there is no folder '%s' (ESPALIER_CONTROLLERS names another)\n", folder);
    exit(77);
}

/* Outputs of the file for its four recorded inputs. */
static void check_example(const char *name)
{
    char path[512];
    cJSON *json = NULL;
    esp_onnx_file file;
    snprintf(path, sizeof path, "%s/%s/policy.onnx", folder, name);
    CHECK_OK(esp_onnx_read(path, &file));
    snprintf(path, sizeof path, "%s/%s/example.json", folder, name);
    CHECK_OK(esp_json_read(path, &json));
    const cJSON *rows = cJSON_GetObjectItem(json, "input"), *wanted = cJSON_GetObjectItem(json, "output");
    CU_ASSERT_FATAL(cJSON_GetArraySize(rows) > 0 && cJSON_GetArraySize(rows) == cJSON_GetArraySize(wanted));
    for (int r = 0; r < cJSON_GetArraySize(rows); r++) {
        float x[64], y[64];
        int in = file.net->component[0].in_size, out = file.net->component[0].out_size;
        CU_ASSERT_FATAL(in <= 64 && out <= 64 && cJSON_GetArraySize(cJSON_GetArrayItem(rows, r)) == in);
        for (int i = 0; i < in; i++)
            x[i] = (float)cJSON_GetArrayItem(cJSON_GetArrayItem(rows, r), i)->valuedouble;
        for (int i = 0; i < out; i++)
            y[i] = (float)cJSON_GetArrayItem(cJSON_GetArrayItem(wanted, r), i)->valuedouble;
        float *found = onnx_outputs(file.net, x, 1);
        CHECK_CLOSE(name, (size_t)out, found, y, 1e-5, 1e-5); /* float32, other orders of addition */
        free(found);
    }
    cJSON_Delete(json);
    esp_onnx_file_free(&file);
}

static void recorded_actions_of_policies_are_reproduced(void)
{
    static const char *const names[] = {"sac-HalfCheetah", "sac-Walker2d", "sac-Swimmer", "ppo-Hopper"};
    for (int i = 0; i < 4; i++) check_example(names[i]);
}

static void a_file_of_most_of_a_megabyte_is_read_in_20_ms(void)
{
    char path[512];
    esp_onnx_file file;
    double best = 1;
    snprintf(path, sizeof path, "%s/go1/policy.onnx", folder);
    for (int i = 0; i < 5; i++) {
        double started = esp_clock();
        CHECK_OK(esp_onnx_read(path, &file));
        double took = esp_clock() - started;
        best = took < best ? took : best;
        esp_onnx_file_free(&file);
    }
    printf("(%.1f ms) ", 1e3 * best);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    CU_ASSERT(best < 0.02);
#endif
}

static CU_TestInfo tests[] = {
    {"recorded actions of policies are reproduced", recorded_actions_of_policies_are_reproduced},
    {"a file of most of a megabyte is read in 20 ms", a_file_of_most_of_a_megabyte_is_read_in_20_ms},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("controllers of others", tests)
