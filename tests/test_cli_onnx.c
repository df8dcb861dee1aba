/* espalier inspect and prune on ONNX files: by weights alone, and judged on recorded inputs. */
#include "onnx/onnx.h"

#include "cli_run.h"

#define ACTOR ESP_SOURCE "/tests/onnx/pytorch_actor_17.onnx"

/* data.safetensors with rows of the actor's two inputs. */
static void write_data(const char *path, const char *second, int rows, float last)
{
    enum { ROWS = 400 };
    static float obs[ROWS][6], goal[ROWS][3];
    esp_rng rng = esp_rng_make(1, ESP_RNG_TEST, 0);
    esp_rng_normal(&rng, obs[0], ROWS * 6);
    esp_rng_normal(&rng, goal[0], ROWS * 3);
    goal[rows - 1][2] = last;
    char name[64] = "obs", other[64];
    snprintf(other, sizeof other, "%s", second);
    const esp_st_tensor arrays[] = {
        {.name = name, .dtype = ESP_F32, .rank = 2, .shape = {ROWS, 6}, .count = ROWS * 6, .data = obs},
        {.name = other, .dtype = ESP_F32, .rank = 2, .shape = {rows, 3}, .count = (size_t)rows * 3, .data = goal}};
    CHECK_OK(esp_safetensors_write(path, arrays, 2, NULL));
}

static void inspect_names_layers_axes_and_what_is_fixed(void)
{
    cli_open();
    CLI_OK("$E inspect " ACTOR " --json");
    cJSON *json = cli_json();
    cli_check_keys(json, "application checkpoint components params size_bytes flops_per_answer layers axes groups");
    CU_ASSERT_STRING_EQUAL(esp_json_text(json, "application"), "network");
    CU_ASSERT_EQUAL(cli_number(json, "params"), 612);
    const cJSON *axis = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "axes"), 0);
    CU_ASSERT_STRING_EQUAL(esp_json_text(axis, "name"), "obs");
    CU_ASSERT_STRING_EQUAL(esp_json_text(axis, "fixed"), "input");
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "groups"), "structural")), 3);
    cJSON_Delete(json);
    CLI_OK("$E inspect " ACTOR);
    CU_ASSERT(strstr(cli_out, "dense, tanh") != NULL && strstr(cli_out, "no: output") != NULL);
}

static void every_baseline_prunes_by_weights_alone(void)
{
    static const char *const methods[] = {"magnitude", "global", "lamp", "random"};
    for (int i = 0; i < 4; i++) {
        CLI_OK("$E prune " ACTOR " --sparsity 0.4 --tolerance 0.05 --method %s -o %s.onnx --quiet --json", methods[i],
               methods[i]);
        cJSON *json = cli_json();
        CU_ASSERT_DOUBLE_EQUAL(cli_number(json, "structural_sparsity"), 0.4, 0.05);
        CU_ASSERT_EQUAL(cli_number(json, "params_before"), 612);
        double params = cli_number(json, "params_after");
        cJSON_Delete(json);
        CLI_OK("$E inspect %s.onnx --json", methods[i]);
        json = cli_json();
        CU_ASSERT_EQUAL(cli_number(json, "params"), params);
        CU_ASSERT_DOUBLE_EQUAL(cli_number(json, "sparsity_of_original"), 1 - params / 612, 1e-9);
        CU_ASSERT_STRING_EQUAL(esp_json_text(cJSON_GetObjectItem(json, "contract"), "application"), "network");
        cJSON_Delete(json);
    }
}

static void recorded_inputs_repair_and_judge(void)
{
    write_data("data.safetensors", "goal", 400, 0);
    CLI_OK("$E prune " ACTOR " --sparsity 0.4 --tolerance 0.05 -o bare.onnx --quiet --json --data data.safetensors "
           "--compensate none");
    cJSON *bare = cli_json();
    CLI_OK("$E prune " ACTOR " --sparsity 0.4 --tolerance 0.05 -o out.onnx --quiet --json --data data.safetensors");
    cJSON *json = cli_json();
    CU_ASSERT_STRING_EQUAL(esp_json_text(json, "importance"), "obs");
    CU_ASSERT_EQUAL(cli_number(json, "performance_before"), 1);
    CU_ASSERT(cli_number(json, "performance_after") > cli_number(bare, "performance_after"));
    CU_ASSERT(cli_number(json, "mse_after") > 0);
    double repaired = cli_number(json, "performance_after");
    cJSON_Delete(bare);
    cJSON_Delete(json);
    CLI_OK("$E prune " ACTOR " --sparsity 0.4 --tolerance 0.05 -o fine.onnx --quiet --json --data data.safetensors "
           "--finetune 300");
    json = cli_json();
    CU_ASSERT(cli_number(json, "performance_finetuned") > repaired);
    cJSON_Delete(json);
    CLI_OK("$E prune out.onnx --sparsity 0.6 --tolerance 0.05 -o twice.onnx --quiet --json --data data.safetensors");
    json = cli_json();
    CU_ASSERT_DOUBLE_EQUAL(cli_number(json, "sparsity_of_original"), 0.6, 0.05);
    cJSON_Delete(json);
}

/* The same network in both formats: the one file pruned again gives the same as the other. */
static void a_checkpoint_holds_the_same_network(void)
{
    CLI_OK("$E prune " ACTOR " --sparsity 0.4 --tolerance 0.05 -o first.onnx --quiet --data data.safetensors");
    CLI_OK("$E prune " ACTOR " --sparsity 0.4 --tolerance 0.05 -o first.safetensors --quiet --data data.safetensors");
    CLI_OK("$E inspect first.safetensors --json");
    cJSON *json = cli_json();
    CU_ASSERT_STRING_EQUAL(esp_json_text(json, "application"), "network");
    double params = cli_number(json, "params");
    cJSON_Delete(json);
    CLI_OK("$E inspect first.onnx --json");
    json = cli_json();
    CU_ASSERT_EQUAL(cli_number(json, "params"), params);
    cJSON_Delete(json);
    CLI_OK("$E prune first.onnx --sparsity 0.6 --tolerance 0.05 -o a.onnx --quiet --method magnitude --data "
           "data.safetensors --compensate none --importance l2");
    CLI_OK("$E prune first.safetensors --sparsity 0.6 --tolerance 0.05 -o b.onnx --quiet --method magnitude --data "
           "data.safetensors --compensate none --importance l2");
    esp_onnx_file a, b;
    CHECK_OK(esp_onnx_read("a.onnx", &a));
    CHECK_OK(esp_onnx_read("b.onnx", &b));
    CU_ASSERT_EQUAL(esp_network_hash(a.net), esp_network_hash(b.net));
    CU_ASSERT_STRING_EQUAL(a.output[0].name, b.output[0].name);
    esp_onnx_file_free(&a);
    esp_onnx_file_free(&b);
}

/* Frames are bytes: random ones without --data, else an array U8. */
static void an_exported_policy_is_read_and_pruned_again(void)
{
    CLI_OK("$E export " ESP_SOURCE "/models/pendulum/agent.safetensors --controller policy --to onnx -o policy.onnx");
    CLI_OK("$E inspect policy.onnx --json");
    cJSON *json = cli_json();
    CU_ASSERT_EQUAL(cli_number(json, "params"), 362003);
    cJSON_Delete(json);
    CLI_OK("$E prune policy.onnx --sparsity 0.5 --method magnitude -o half.onnx --quiet --json");
    json = cli_json();
    CU_ASSERT_DOUBLE_EQUAL(cli_number(json, "structural_sparsity"), 0.5, 0.011);
    CU_ASSERT_STRING_EQUAL(esp_json_text(json, "data"), "random bytes");
    cJSON_Delete(json);
    cli_check_refusal(1, "prune policy.onnx --sparsity 0.5 -o x.onnx --quiet --data data.safetensors",
                      "no array for input 'pixels'");
    cli_check_refusal(2, "export " ESP_SOURCE "/models/pendulum/agent.safetensors --to onnx -o x.onnx --component Q3",
                      "no component 'Q3'; it has encoder, dynamics, reward, Q1, Q2, pi");
}

static void equal_work_gives_equal_files(void)
{
    for (int threads = 1; threads <= 2; threads++)
        CLI_OK("$E prune " ACTOR " --sparsity 0.4 --tolerance 0.05 -o on%d.onnx --quiet --data data.safetensors "
               "--threads %d", threads, threads);
    CLI_OK("cmp on1.onnx on2.onnx");
}

static void what_cannot_be_done_is_one_line(void)
{
    write_data("names.safetensors", "target", 400, 0);
    write_data("rows.safetensors", "goal", 300, 0);
    write_data("nan.safetensors", "goal", 400, NAN);
    const char *const prune = "prune " ACTOR " --sparsity 0.4 -o x.onnx --quiet ";
    char command[512];
    const struct { const char *options, *word; int status; } cases[] = {
        {"--data names.safetensors", "no array for input 'goal'; it has 'obs', 'target'", 1},
        {"--data rows.safetensors", "has 300 rows, expected 400", 1},
        {"--data nan.safetensors", "holds nan in row 399", 1},
        {"--data missing.safetensors", "missing.safetensors", 1},
        {"--importance obs", "needs --data", 2},
        {"--episodes 3", "not for", 2},
        {"--finetune 10", "needs --data", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(command, sizeof command, "%s%s", prune, cases[i].options);
        cli_check_refusal(cases[i].status, command, cases[i].word);
    }
    cli_check_refusal(2, "prune " ACTOR " --sparsity 0.4 -o x.mp4", "does not end with .safetensors or .onnx");
    CLI_OK("head -c 100 " ACTOR " > cut.onnx");
    cli_check_refusal(1, "inspect cut.onnx", "cut.onnx: not an ONNX file");
}

static CU_TestInfo tests[] = {
    {"inspect names layers, axes and what is fixed", inspect_names_layers_axes_and_what_is_fixed},
    {"every baseline prunes by weights alone", every_baseline_prunes_by_weights_alone},
    {"recorded inputs repair and judge", recorded_inputs_repair_and_judge},
    {"a checkpoint holds the same network", a_checkpoint_holds_the_same_network},
    {"an exported policy is read and pruned again", an_exported_policy_is_read_and_pruned_again},
    {"equal work gives equal files", equal_work_gives_equal_files},
    {"what cannot be done is one line", what_cannot_be_done_is_one_line},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("espalier with ONNX files", tests)
