/* deploy: exported code is compiled by the compilers at hand, with warnings as errors in C and C++, and computes what
 * the host computes. */
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "deploy/deploy.h"
#include "graph_networks.h"

#define WARNINGS "-Wall -Wextra -Wpedantic -Wconversion -Wdouble-promotion -Wshadow -Werror"

static char folder[] = "/tmp/espalier-export-XXXXXX";

/* ---- running compilers ---- */

/* Exit status of a shell command in the test's folder; its output is shown when it fails. */
static int shell(const char *format, ...)
{
    char command[1024], *output = NULL;
    va_list arguments;
    size_t size;
    int length = snprintf(command, sizeof command, "cd %s && ( ", folder);
    va_start(arguments, format);
    length += vsnprintf(command + length, sizeof command - (size_t)length, format, arguments);
    va_end(arguments);
    snprintf(command + length, sizeof command - (size_t)length, " ) >log 2>&1 </dev/null");
    int status = system(command);
    status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    snprintf(command, sizeof command, "%s/log", folder);
    if (status != 0 && esp_file_read(command, 1 << 20, &output, &size) == ESP_OK) printf("\n%.2000s", output);
    free(output);
    return status;
}

static bool has(const char *program)
{
    char line[256], command[64];
    snprintf(command, sizeof command, "command -v %s", program);
    return esp_program_line(command, line, sizeof line);
}

/* Compiles with warnings as errors, as C99 and as C++17, by every compiler at hand. */
static void check_warnings(const char *export)
{
    static const char *const compilers[][2] = {{"gcc", "g++"}, {"clang", "clang++"}};
    for (int i = 0; i < 2; i++) {
        if (!has(compilers[i][0])) continue;
        CU_ASSERT_EQUAL(shell("%s -std=c99 -O1 %s -c %s/*.c", compilers[i][0], WARNINGS, export), 0);
        CU_ASSERT_EQUAL(shell("for f in %s/*.c; do %s -std=c++17 -O1 %s -x c++ -c $f || exit 1; done", export,
                              compilers[i][1], WARNINGS), 0);
    }
}

/* ---- exports ---- */

/* Random inputs for `steps` steps. */
static graph_rows example_rows(const esp_network *net, int component, int steps)
{
    return graph_rows_make(net, component, steps, 7);
}

static esp_c_export describe(const esp_network *net, const graph_rows *rows)
{
    return (esp_c_export){.name = "controller", .title = "A network", .origin = "a test", .net = net, .hash = 1,
                          .num_components = 1, .component = {0}, .history = 1, .about = "", .input_about = "",
                          .output_about = "", .num_examples = rows->n, .example = rows->x,
                          .example_about = "Random inputs."};
}

/* Writes the export and runs its own test, compiled by gcc, optimised and with sanitizers. */
static esp_c_costs check_export(const esp_c_export *what)
{
    char path[128];
    esp_c_costs costs;
    snprintf(path, sizeof path, "%s/out", folder);
    CU_ASSERT_EQUAL(shell("rm -rf out"), 0);
    CHECK_OK(esp_c_write(what, ESP_LAYOUT_CMAKE, path, &costs));
    CU_ASSERT_EQUAL(shell("cc -std=c99 -O2 out/%s.c out/test_%s.c -lm -o test && ./test", what->name, what->name), 0);
    CU_ASSERT_EQUAL(shell("cc -std=c99 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover out/%s.c "
                          "out/test_%s.c -lm -o test && ./test", what->name, what->name), 0);
    check_warnings("out");
    return costs;
}

static void check_network(esp_graph *graph)
{
    esp_network *net = graph_finished(graph);
    graph_rows rows = example_rows(net, 0, 6);
    esp_c_export what = describe(net, &rows);
    check_export(&what);
    graph_rows_free(&rows);
    esp_network_free(net);
}

/* ---- claims ---- */

static void rows_with_every_layer_and_activation_agree(void)
{
    static const float scale[12] = {1, 2, 0.5f, 1, 1, -1, 1, 1, 3, 1, 1, 1}, shift[12] = {0.25f, -1};
    esp_graph *g = esp_graph_new();
    esp_graph_component(g, "policy");
    int a = esp_graph_input(g, "obs", 9), b = esp_graph_input(g, "command", 3);
    int x = esp_graph_concat(g, 2, (int[]){a, b});
    int y = esp_graph_scale(g, x, "normalise", scale, shift);
    y = esp_graph_act(g, graph_dense(g, y, "first", 37), ESP_ACT_ELU);
    int residual = y;
    y = esp_graph_act(g, esp_graph_layernorm(g, y, &(esp_norm_spec){.module = "norm"}), ESP_ACT_TANH);
    y = esp_graph_combine(g, ESP_LAYER_ADD, residual, esp_graph_act(g, graph_dense(g, y, "second", 37), ESP_ACT_SILU));
    y = esp_graph_act_with(g, esp_graph_batchnorm(g, y, &(esp_norm_spec){.module = "batch"}), ESP_ACT_LEAKY_RELU,
                           0.125f, 0);
    int left = esp_graph_act(g, esp_graph_slice(g, y, 0, 18), ESP_ACT_GELU);
    int right = esp_graph_act(g, esp_graph_slice(g, y, 18, 18), ESP_ACT_SIGMOID);
    int ratio = esp_graph_combine(g, ESP_LAYER_DIV, left, right);
    int tail = esp_graph_combine(g, ESP_LAYER_SUB, left, esp_graph_combine(g, ESP_LAYER_MUL, ratio, right));
    tail = esp_graph_combine(g, ESP_LAYER_ADD, tail, esp_graph_act(g, ratio, ESP_ACT_SOFTPLUS));
    tail = esp_graph_act(g, graph_dense(g, tail, "third", 70), ESP_ACT_GELU_TANH);
    tail = esp_graph_act(g, graph_dense(g, tail, "fourth", 5), ESP_ACT_RELU);
    int out = esp_graph_act_with(g, graph_dense(g, tail, "last", 3), ESP_ACT_CLIP, -0.5f, 0.75f);
    esp_graph_output(g, "action", out);
    esp_graph_output(g, "again", graph_dense(g, tail, "value", 1));
    check_network(g);
}

static void images_with_every_layer_agree(void)
{
    esp_graph *g = esp_graph_new();
    esp_graph_component(g, "_encoder");
    int x = esp_graph_input_bytes(g, "pixels", 3, 17, 13);
    x = esp_graph_conv(g, x, &(esp_conv_spec){.module = "_encoder.1", .kernels = 6,
                                              .window = {.rows = 5, .cols = 3, .row_stride = 2, .top = 2, .bottom = 1,
                                                         .left = 1, .right = 2}});
    x = esp_graph_act(g, esp_graph_batchnorm(g, x, &(esp_norm_spec){.module = "_encoder.2"}), ESP_ACT_RELU);
    int kept = x;
    x = esp_graph_conv(g, x, &(esp_conv_spec){.module = "_encoder.3", .kernels = 6, .groups = 3, .no_bias = true,
                                              .window = {.rows = 3, .cols = 3, .top = 1, .bottom = 1, .left = 1,
                                                         .right = 1}});
    x = esp_graph_combine(g, ESP_LAYER_ADD, kept, esp_graph_act(g, x, ESP_ACT_TANH));
    x = esp_graph_concat(g, 2, (int[]){x, esp_graph_slice(g, kept, 2, 3)});
    x = esp_graph_conv(g, x, &(esp_conv_spec){.module = "_encoder.4", .kernels = 35,
                                              .window = {.rows = 2, .cols = 3, .row_dilation = 2, .col_dilation = 2}});
    int most = esp_graph_max_pool(g, x, &(esp_window){.rows = 2, .cols = 3, .row_stride = 2, .col_stride = 2,
                                                      .left = 1, .right = 1});
    int mean = esp_graph_average_pool(g, x, &(esp_window){.rows = 2, .cols = 3, .row_stride = 2, .col_stride = 2,
                                                          .left = 1, .right = 1}, true);
    int other = esp_graph_average_pool(g, x, &(esp_window){.rows = 2, .cols = 3, .row_stride = 2, .col_stride = 2,
                                                           .left = 1, .right = 1}, false);
    x = esp_graph_combine(g, ESP_LAYER_SUB, most, esp_graph_combine(g, ESP_LAYER_ADD, mean, other));
    int flat = esp_graph_flatten(g, x);
    int y = graph_dense(g, flat, "head", 10);
    int global = esp_graph_flatten(g, esp_graph_global_average(g, x));
    esp_graph_output(g, "action", esp_graph_concat(g, 2, (int[]){y, graph_dense(g, global, "global", 4)}));
    esp_graph_output(g, "features", flat);
    check_network(g);
}

/* A flatten whose order the dense layer takes over, an image made from a row, and shared weights. */
static void rows_become_images_and_back(void)
{
    esp_graph *g = esp_graph_new();
    esp_graph_component(g, "int");
    int x = esp_graph_input(g, "double", 24);
    int image = esp_graph_unflatten(g, graph_dense(g, x, "1 first/layer", 24), 2, 3, 4);
    int conv = graph_conv(g, image, "class", 7, 2);
    int again = esp_graph_again(g, esp_graph_act(g, image, ESP_ACT_TANH), conv);
    int sum = esp_graph_combine(g, ESP_LAYER_ADD, conv, again);
    esp_graph_output(g, "return", graph_dense(g, esp_graph_flatten(g, sum), "1-first.layer", 3));
    check_network(g);
}

/* Two components, bytes, a history, and an activation at the end: the shape of a policy from pixels. */
static void a_chain_with_a_history_agrees(void)
{
    esp_graph *g = esp_graph_new();
    esp_graph_component(g, "_encoder");
    int x = esp_graph_act(g, graph_conv(g, esp_graph_input_bytes(g, "pixels", 4, 9, 9), "_encoder.1", 8, 3),
                          ESP_ACT_RELU);
    int z = graph_dense(g, esp_graph_flatten(g, x), "_encoder.2", 11);
    esp_graph_output(g, "latent", z);
    esp_graph_component(g, "_pi");
    int in = esp_graph_input(g, "latent", 11);
    esp_graph_output(g, "action", graph_dense(g, esp_graph_act(g, graph_dense(g, in, "_pi.0", 40), ESP_ACT_ELU),
                                              "_pi.2", 2));
    esp_network *net = graph_finished(g);
    graph_rows rows = example_rows(net, 0, 2); /* 8 frames */
    esp_c_export what = describe(net, &rows);
    what.name = "pendulum_policy";
    what.num_components = 2;
    what.component[1] = 1;
    what.last = ESP_ACT_TANH;
    what.history = 4;
    what.num_examples = 8;
    what.about = "A comment that ends */ early\nhas two lines.";
    esp_c_costs costs = check_export(&what);
    CU_ASSERT_EQUAL(costs.inputs, 81);
    CU_ASSERT_EQUAL(shell("echo '#include \"out/pendulum_policy.h\"\n"
                          "int main(void) { return sizeof(pendulum_policy_state) != %zu; }' >size.c && "
                          "cc size.c -o size && ./size", costs.ram), 0);
    CU_ASSERT_EQUAL(costs.flash, net->num_weights * sizeof(float));
    graph_rows_free(&rows);
    esp_network_free(net);
}

static esp_network *small_network(void)
{
    esp_graph *g = esp_graph_new();
    esp_graph_component(g, "policy");
    esp_graph_output(g, "action", graph_dense(g, esp_graph_input(g, "obs", 3), "layer", 2));
    return graph_finished(g);
}

static void the_same_export_twice_is_equal_and_replaces_itself(void)
{
    char path[128], other[128];
    esp_network *net = small_network();
    graph_rows rows = example_rows(net, 0, 2);
    esp_c_export what = describe(net, &rows);
    esp_c_costs costs;
    snprintf(path, sizeof path, "%s/twice/", folder);
    snprintf(other, sizeof other, "%s/arduino", folder);
    CHECK_OK(esp_c_write(&what, ESP_LAYOUT_CMAKE, path, &costs));
    CU_ASSERT_EQUAL(shell("cp -r twice before"), 0);
    CHECK_OK(esp_c_write(&what, ESP_LAYOUT_CMAKE, path, &costs));
    CU_ASSERT_EQUAL(shell("diff -r twice before && ! ls -d *.tmp"), 0);
    CHECK_OK(esp_c_write(&what, ESP_LAYOUT_ARDUINO, other, &costs));
    CHECK_OK(esp_c_write(&what, ESP_LAYOUT_ARDUINO, other, &costs));
    CU_ASSERT_EQUAL(shell("cd arduino && test -f library.properties -a -f src/controller.c -a "
                          "-f examples/replay/replay.ino"), 0);
    CHECK_FAILS(ESP_ERR_USAGE, esp_c_write(&what, ESP_LAYOUT_ARDUINO, path, &costs), "which is not of an export");
    CU_ASSERT_EQUAL(shell("touch twice/notes.txt"), 0);
    CHECK_FAILS(ESP_ERR_USAGE, esp_c_write(&what, ESP_LAYOUT_CMAKE, path, &costs), "notes.txt");
    CU_ASSERT_EQUAL(shell("rm twice/notes.txt && diff -r twice before && ! ls -d *.tmp"), 0);
    graph_rows_free(&rows);
    esp_network_free(net);
}

static void what_cannot_be_exported_is_refused(void)
{
    char path[128];
    esp_network *net = small_network();
    graph_rows rows = example_rows(net, 0, 2);
    esp_c_export what = describe(net, &rows);
    esp_c_costs costs;
    snprintf(path, sizeof path, "%s/refused", folder);
    for (int i = 0; i < 6; i++) {
        static const char *const names[] = {"", "2nd", "Policy", "my policy", "while", "a__b"};
        what.name = names[i];
        CHECK_FAILS(ESP_ERR_USAGE, esp_c_write(&what, ESP_LAYOUT_CMAKE, path, &costs), "small letters");
    }
    what.name = "controller";
    net->weights[1] = NAN;
    CHECK_FAILS(ESP_ERR_NUMERIC, esp_c_write(&what, ESP_LAYOUT_CMAKE, path, &costs), "layer");
    net->weights[1] = 1e-42f; /* denormals are numbers */
    CHECK_FAILS(ESP_ERR_USAGE, esp_c_write(&what, ESP_LAYOUT_CMAKE, "/dev/null", &costs), "not a folder");
    CU_ASSERT(esp_c_write(&what, ESP_LAYOUT_CMAKE, "/proc/nothing", &costs) != ESP_OK);
    CHECK_OK(esp_c_write(&what, ESP_LAYOUT_CMAKE, path, &costs));
    graph_rows_free(&rows);
    esp_network_free(net);
}

static void remove_folder(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (!getenv("KEEP") && system(command) != 0) perror(folder);
}

static CU_TestInfo tests[] = {
    {"rows with every layer and activation agree", rows_with_every_layer_and_activation_agree},
    {"images with every layer agree", images_with_every_layer_agree},
    {"rows become images and back", rows_become_images_and_back},
    {"a chain with a history agrees", a_chain_with_a_history_agrees},
    {"the same export twice is equal and replaces itself", the_same_export_twice_is_equal_and_replaces_itself},
    {"what cannot be exported is refused", what_cannot_be_exported_is_refused},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    if (!has("cc")) {
        puts("skipped: there is no C compiler on this machine");
        return 77;
    }
    if (!mkdtemp(folder)) return 1;
    atexit(remove_folder);
    CU_SuiteInfo suites[] = {{"export to C", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS) return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures != 0;
}
