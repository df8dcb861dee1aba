/* Contract and pedigree of a file: read as they were written, refused when they are damaged. */
#include "checkpoint_file.h"

/* Writes a file with one tensor and these texts in its metadata; NULL: left out. */
static void write_file(const char *contract, const char *pedigree)
{
    static const float weight[1] = {1.0f};
    esp_st_tensor tensor = {.name = (char *)"w", .dtype = ESP_F32, .rank = 1, .shape = {1}, .count = 1, .data = weight};
    cJSON *metadata = cJSON_CreateObject();
    if (contract) cJSON_AddStringToObject(metadata, "contract", contract);
    if (pedigree) cJSON_AddStringToObject(metadata, "pedigree", pedigree);
    CHECK_OK(esp_safetensors_write(path, &tensor, 1, metadata));
    cJSON_Delete(metadata);
}

static esp_status read_file(esp_metadata *out)
{
    esp_safetensors *file = NULL;
    CHECK_OK(esp_safetensors_read(path, &file));
    esp_status status = esp_metadata_read(file, out);
    esp_safetensors_free(file);
    return status;
}

#define CONTRACT "{\"version\": 1, \"application\": \"juggler\", \"task\": \"five balls\"}"
#define PRUNING(before) "{\"parent\": \"00ff\", \"method\": \"gd\", \"params_before\": " before "}"

static void contract_and_pedigree_are_read(void)
{
    esp_metadata read = {.contract = NULL};
    write_file(CONTRACT, "[" PRUNING("{}") ", " PRUNING("{}") "]");
    CHECK_OK(read_file(&read));
    CU_ASSERT_STRING_EQUAL(esp_json_text(read.contract, "task"), "five balls");
    CU_ASSERT_EQUAL(cJSON_GetArraySize(read.pedigree), 2);
    esp_metadata_free(&read);
    CU_ASSERT_PTR_NULL(read.contract);
}

static void file_without_them_is_read(void)
{
    esp_metadata read = {.derived = true};
    write_file(NULL, NULL);
    CHECK_OK(read_file(&read));
    CU_ASSERT(!read.contract && !read.pedigree);
}

static void damaged_contract_is_refused(void)
{
    esp_metadata read = {.contract = NULL};
    write_file("{\"version\": 1", NULL);
    CHECK_FAILS(ESP_ERR_FORMAT, read_file(&read), "contract");
    write_file("[]", NULL);
    CHECK_FAILS(ESP_ERR_FORMAT, read_file(&read), "'version' and 'application'");
    write_file("{\"version\": 1}", NULL);
    CHECK_FAILS(ESP_ERR_FORMAT, read_file(&read), "'version' and 'application'");
    write_file("{\"version\": 2, \"application\": \"juggler\"}", NULL);
    CHECK_FAILS(ESP_ERR_FORMAT, read_file(&read), "newer");
    CU_ASSERT_PTR_NULL(read.contract);
}

static void damaged_pedigree_is_refused(void)
{
    esp_metadata read = {.contract = NULL};
    write_file(CONTRACT, "{}");
    CHECK_FAILS(ESP_ERR_FORMAT, read_file(&read), "pedigree");
    write_file(CONTRACT, "[{\"parent\": \"00ff\"}]");
    CHECK_FAILS(ESP_ERR_FORMAT, read_file(&read), "'method'");
    write_file(CONTRACT, "[3]");
    CHECK_FAILS(ESP_ERR_FORMAT, read_file(&read), "'parent'");
    CU_ASSERT_PTR_NULL(read.contract);
}

static void a_file_that_names_native_code_is_refused(void)
{
    static const char *const code[] = {"{\"version\": 1, \"application\": \"a\", \"task\": \"./evil.so\"}",
                                       "{\"version\": 1, \"application\": \"a\", \"scene\": [{\"x\": \"evil.so.1\"}]}",
                                       "{\"version\": 1, \"application\": \"a\", \"scene\": \"my.socks.so\"}"};
    esp_metadata read = {.contract = NULL};
    for (int i = 0; i < 3; i++) {
        write_file(code[i], NULL);
        CHECK_FAILS(ESP_ERR_FORMAT, read_file(&read), "native code");
    }
    write_file("{\"version\": 1, \"application\": \"a\", \"scene\": \"my.socks/resort.xml\"}", NULL);
    CHECK_OK(read_file(&read));
    esp_metadata_free(&read);
}

static void original_size_is_that_before_the_first_pruning(void)
{
    esp_metadata read = {.contract = NULL};
    esp_network *net = esp_network_new();
    esp_network_component(net, "_eye");
    esp_network_component(net, "hand");
    write_file(CONTRACT, "[" PRUNING("{\"eye\": 100, \"hand\": 20}") ", " PRUNING("{\"eye\": 50, \"hand\": 10}") "]");
    CHECK_OK(read_file(&read));
    CU_ASSERT_EQUAL(esp_pedigree_params(read.pedigree, net, ESP_ALL_COMPONENTS), 120.0);
    CU_ASSERT_EQUAL(esp_pedigree_params(read.pedigree, net, 2u), 20.0);
    CU_ASSERT(isnan(esp_pedigree_params(NULL, net, 2u)));
    esp_metadata_free(&read);
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"contract and pedigree are read", contract_and_pedigree_are_read},
    {"file without them is read", file_without_them_is_read},
    {"damaged contract is refused", damaged_contract_is_refused},
    {"damaged pedigree is refused", damaged_pedigree_is_refused},
    {"a file that names native code is refused", a_file_that_names_native_code_is_refused},
    {"original size is that before the first pruning", original_size_is_that_before_the_first_pruning},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("metadata", tests)
