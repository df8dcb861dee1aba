/* Feed-forward controllers: .onnx files and checkpoints in closed loop, pruned, and handed back. */
#include <mujoco/mujoco.h>

#include "graph/graph.h"
#include "onnx/onnx.h"

#include "cli_run.h"

#define TASK ESP_SOURCE "/models/gymnasium/inverted_pendulum/task.json"
#define OTHER_TASK ESP_SOURCE "/models/gymnasium/halfcheetah/task.json"
#define SHORT "--set env.physics_steps=60 "

/* A network of 4 inputs that keeps the pole up: its first hidden units are the state's parts, the others are noise. */
static void write_policy(const char *path, int inputs, int outputs, float scale)
{
    enum { HIDDEN = 24 };
    float first[HIDDEN * 8], second[8 * HIDDEN], bias[HIDDEN] = {0};
    static const float gain[] = {-0.4f, -4.0f, -0.4f, -0.6f};
    esp_rng rng = esp_rng_make(1, ESP_RNG_TEST, 0);
    esp_rng_normal(&rng, first, HIDDEN * 8);
    esp_rng_normal(&rng, second, 8 * HIDDEN);
    for (int i = 0; i < HIDDEN * inputs; i++) first[i] *= 0.05f;
    for (int i = 0; i < outputs * HIDDEN; i++) second[i] *= 0.05f;
    for (int i = 0; i < inputs && i < 4; i++) {
        first[i * inputs + i] = 0.5f;
        for (int k = 0; k < outputs; k++) second[k * HIDDEN + i] = -2.0f * gain[i] * scale;
    }
    esp_graph *graph = esp_graph_new();
    esp_graph_component(graph, "policy");
    int x = esp_graph_input(graph, "obs", inputs);
    x = esp_graph_dense(graph, x, &(esp_dense_spec){.module = "first", .outputs = HIDDEN, .weight = first,
                                                    .bias = bias});
    x = esp_graph_act(graph, x, ESP_ACT_TANH);
    x = esp_graph_dense(graph, x, &(esp_dense_spec){.module = "second", .outputs = outputs, .weight = second,
                                                    .bias = bias});
    esp_graph_output(graph, "action", esp_graph_act(graph, x, ESP_ACT_TANH));
    esp_onnx_port in = {.name = "obs", .axis = "obs", .rank = 2, .dim = {-1, inputs}, .batch = 0, .size = inputs};
    esp_onnx_port out = {.name = "action", .axis = "action", .rank = 2, .dim = {-1, outputs}, .batch = 0,
                         .size = outputs};
    esp_onnx_file file = {.num_inputs = 1, .num_outputs = 1, .input = &in, .output = &out};
    CHECK_OK(esp_graph_finish(graph, &file.net));
    CHECK_OK(esp_onnx_write(path, &file));
    esp_network_free(file.net);
    esp_graph_free(graph);
}

static void a_policy_plays_the_task_that_it_is_given(void)
{
    cli_open();
    write_policy("policy.onnx", 4, 1, 1);
    CLI_OK("$E eval policy.onnx --task " TASK " --episodes 4 --json --quiet " SHORT);
    cJSON *json = cli_json();
    CU_ASSERT_STRING_EQUAL(esp_json_text(json, "application"), "controller");
    CU_ASSERT(cli_number(json, "return_mean") > 0);
    CU_ASSERT_EQUAL(cli_number(json, "episodes"), 4);
    cJSON_Delete(json);
    CLI_OK("$E eval policy.onnx --set env.task=gymnasium/inverted_pendulum --episodes 1 --quiet " SHORT);
    CLI_OK("$E eval policy.onnx --quiet"); /* without a task it is a network */
    CU_ASSERT(strstr(cli_out, "agreement") != NULL);
}

static void returns_are_the_same_for_any_number_of_threads(void)
{
    cJSON *json[2];
    for (int i = 0; i < 2; i++) {
        CLI_OK("$E eval policy.onnx --task " TASK " --episodes 17 --json --quiet --threads %d " SHORT, i ? 3 : 1);
        json[i] = cli_json();
    }
    const cJSON *one = cJSON_GetObjectItem(json[0], "returns"), *three = cJSON_GetObjectItem(json[1], "returns");
    CU_ASSERT_EQUAL(cJSON_GetArraySize(one), 17);
    CU_ASSERT(cJSON_Compare(one, three, true));
    for (int i = 0; i < 2; i++) cJSON_Delete(json[i]);
}

static void a_pruned_policy_carries_its_contract_in_either_format(void)
{
    static const char *const names[] = {"small.onnx", "small.safetensors"};
    double mean[2];
    for (int i = 0; i < 2; i++) {
        CLI_OK("$E prune policy.onnx --task " TASK " --sparsity 0.5 --tolerance 0.05 --finetune 20 --episodes 2 "
               "--report-episodes 2 --budget 12 --quiet --json -o %s " SHORT, names[i]);
        CLI_OK("$E eval %s --episodes 3 --json --quiet " SHORT, names[i]);
        cJSON *json = cli_json();
        CU_ASSERT_STRING_EQUAL(esp_json_text(json, "task"), "gymnasium/inverted_pendulum");
        mean[i] = cli_number(json, "return_mean");
        CU_ASSERT(cli_number(json, "params") < 100);
        cJSON_Delete(json);
    }
    CU_ASSERT_EQUAL(mean[0], mean[1]);
    CLI_OK("$E inspect small.safetensors --json");
    cJSON *json = cli_json();
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(json, "pedigree")), 1);
    CU_ASSERT_DOUBLE_EQUAL(cli_number(json, "sparsity_of_original"), 0.5, 0.05);
    CU_ASSERT_STRING_EQUAL(esp_json_text(cJSON_GetObjectItem(json, "contract"), "application"), "controller");
    cJSON_Delete(json);
    CLI_OK("$E prune small.safetensors --sparsity 0.7 --tolerance 0.05 --finetune 0 --episodes 2 --report-episodes 2 "
           "--method magnitude --quiet -o smaller.onnx " SHORT);
}

static void every_importance_and_method_prunes_it(void)
{
    static const char *const ways[] = {"--method magnitude --importance l1", "--method random --importance random",
                                       "--method gd --importance taylor", "--method evolve --importance obs",
                                       "--preset paper --groups structural"};
    for (int i = 0; i < 5; i++)
        CLI_OK("$E prune policy.onnx --task " TASK " --sparsity 0.5 --tolerance 0.06 --finetune 0 --episodes 2 "
               "--report-episodes 2 --budget 30 --quiet -o way%d.onnx %s " SHORT, i, ways[i]);
}

static void a_sweep_compares_cuts_of_a_policy(void)
{
    CLI_OK("$E sweep policy.onnx --task " TASK " --methods magnitude --sparsities 0.3,0.6 --tolerance 0.06 "
           "--finetune 0 --episodes 2 --report-episodes 2 --quiet -o sweep " SHORT);
    CLI_OK("grep -c magnitude sweep/results.csv");
}

/* ---- bad input ---- */

static void says(const char *command, int status, const char *sentence)
{
    CU_ASSERT_EQUAL(cli("%s", command), status);
    CU_ASSERT_EQUAL(cli_lines(cli_err), 1);
    CU_ASSERT(strstr(cli_err, sentence) != NULL);
    if (!strstr(cli_err, sentence)) cli_say();
}

static void numbers_that_do_not_fit_are_told_item_by_item(void)
{
    write_policy("five.onnx", 5, 1, 1);
    write_policy("two.onnx", 4, 2, 1);
    says("$E eval five.onnx --quiet --task " TASK, 1,
         "the network reads 5 numbers (obs 5), but the observation of task '" TASK "' has 4: position 2, velocity 2");
    says("$E eval two.onnx --quiet --task " TASK, 1, "the network writes 2 numbers (action 2), but task");
    says("$E eval five.onnx --quiet --task nothing/here", 2, "there is no task 'nothing/here'");
    says("$E eval five.onnx --quiet --task missing.json", 1, "missing.json");
    says("$E eval five.onnx --quiet --task " TASK " --data x.safetensors", 2, "--data: not for five.onnx");
    says("$E eval policy.onnx --quiet --task " TASK " --start nowhere", 2, "has no 'nowhere'");
    says("$E prune policy.onnx --quiet --sparsity 0.5 -o small.png --task " TASK, 2, "-o: 'small.png'");
}

static void a_task_with_pixels_is_refused_for_a_network_with_vectors(void)
{
    says("$E eval policy.onnx --quiet --task pendulum", 1, "pixels: pixels");
}

static void a_file_may_not_name_native_code(void)
{
    CLI_OK("sed 's#gymnasium/inverted_pendulum#gymnasium/inverted_pendu.so#' small.safetensors >code.safetensors");
    CU_ASSERT_EQUAL(cli("$E eval code.safetensors --quiet"), 1);
    CU_ASSERT(strstr(cli_err, "native code") != NULL);
}

static void a_robot_that_falls_in_the_first_step_is_counted(void)
{
    CLI_OK("cp -r " ESP_SOURCE "/models/gymnasium/inverted_pendulum falling; "
           "sed -i 's/abs(hinge.qpos) > 0.2/abs(hinge.qpos) >= 0/' falling/task.json");
    CLI_OK("$E eval policy.onnx --task falling/task.json --episodes 6 --json --quiet");
    cJSON *json = cli_json();
    CU_ASSERT_EQUAL(cli_number(json, "ended_early"), 1);
    CU_ASSERT_EQUAL(cli_number(json, "steps_mean"), 1);
    cJSON_Delete(json);
    CLI_OK("$E prune policy.onnx --task falling/task.json --sparsity 0.5 --tolerance 0.06 --finetune 5 --episodes 2 "
           "--report-episodes 2 --budget 8 --quiet -o fallen.onnx");
    CLI_OK("$E eval fallen.onnx --episodes 1 --quiet"); /* its contract names falling/task.json */
}

static void the_robot_dog_follows_the_commands_of_its_start_in_turn(void)
{
    if (mjVERSION_HEADER < 300) return; /* its scene needs MuJoCo 3 */
    CLI_OK("$E eval " ESP_SOURCE "/models/go1/policy.onnx --task " ESP_SOURCE "/models/go1/task.json --episodes 6 "
           "--json --quiet --set env.physics_steps=100");
    cJSON *json = cli_json();
    const cJSON *returns = cJSON_GetObjectItem(json, "returns");
    CU_ASSERT_EQUAL(cli_number(json, "ended_early"), 0);
    CU_ASSERT(cJSON_GetArrayItem(returns, 0)->valuedouble > 2); /* of 3 */
    CU_ASSERT_NOT_EQUAL(cJSON_GetArrayItem(returns, 1)->valuedouble, cJSON_GetArrayItem(returns, 0)->valuedouble);
    CU_ASSERT_EQUAL(cJSON_GetArrayItem(returns, 5)->valuedouble, cJSON_GetArrayItem(returns, 0)->valuedouble);
    cJSON_Delete(json);
}

static CU_TestInfo tests[] = {
    {"a policy plays the task that it is given", a_policy_plays_the_task_that_it_is_given},
    {"returns are the same for any number of threads", returns_are_the_same_for_any_number_of_threads},
    {"a pruned policy carries its contract in either format", a_pruned_policy_carries_its_contract_in_either_format},
    {"every importance and method prunes it", every_importance_and_method_prunes_it},
    {"a sweep compares cuts of a policy", a_sweep_compares_cuts_of_a_policy},
    {"numbers that do not fit are told item by item", numbers_that_do_not_fit_are_told_item_by_item},
    {"a task with pixels is refused for a network with vectors",
     a_task_with_pixels_is_refused_for_a_network_with_vectors},
    {"a file may not name native code", a_file_may_not_name_native_code},
    {"a robot that falls in the first step is counted", a_robot_that_falls_in_the_first_step_is_counted},
    {"the robot dog follows the commands of its start in turn",
     the_robot_dog_follows_the_commands_of_its_start_in_turn},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("espalier with feed-forward controllers", tests)
