/* Networks of all exporters compute what onnxruntime does, and survive being written. */
#include <unistd.h>

#include "onnx_fixtures.h"
#include "pruning/pruning.h"

/* 1e-5 of outputs of order 1: both add in float32, in other orders. */
#define SAME 1e-5

static void check_outputs(const onnx_fixture *fixture, const esp_network *net)
{
    float *y = onnx_outputs(net, fixture->x, fixture->count);
    CU_ASSERT_EQUAL_FATAL((size_t)fixture->count * (size_t)net->component[0].out_size, fixture->num_y);
    CHECK_CLOSE(fixture->path, fixture->num_y, y, fixture->y, SAME, SAME);
    free(y);
}

static void compare_with_runtime(const onnx_fixture *fixture)
{
    esp_onnx_file file;
    CHECK_OK(esp_onnx_read(fixture->path, &file));
    check_outputs(fixture, file.net);
    esp_onnx_file_free(&file);
}

static void outputs_are_those_of_onnxruntime(void)
{
    onnx_fixtures_each(compare_with_runtime);
}

static void check_ports(int count, const esp_onnx_port *a, const esp_onnx_port *b)
{
    for (int i = 0; i < count; i++) {
        CU_ASSERT_STRING_EQUAL(a[i].name, b[i].name);
        CU_ASSERT_EQUAL(a[i].batch, b[i].batch);
        CU_ASSERT_EQUAL(a[i].rank, b[i].rank);
        CU_ASSERT(memcmp(a[i].dim, b[i].dim, (size_t)a[i].rank * sizeof *a[i].dim) == 0);
    }
}

static void write_and_read(const onnx_fixture *fixture)
{
    esp_onnx_file first, second;
    CHECK_OK(esp_onnx_read(fixture->path, &first));
    CHECK_OK(esp_onnx_write("written.onnx", &first));
    CHECK_OK(esp_onnx_read("written.onnx", &second));
    CU_ASSERT_EQUAL(second.opset, 17);
    CU_ASSERT_EQUAL_FATAL(first.num_inputs, second.num_inputs);
    CU_ASSERT_EQUAL_FATAL(first.num_outputs, second.num_outputs);
    check_ports(first.num_inputs, first.input, second.input);
    check_ports(first.num_outputs, first.output, second.output);
    check_outputs(fixture, second.net);
    CU_ASSERT_EQUAL(esp_network_params(first.net, 1), esp_network_params(second.net, 1));
    esp_onnx_file_free(&first);
    esp_onnx_file_free(&second);
    unlink("written.onnx");
}

static void a_written_network_reads_back_with_its_names(void)
{
    onnx_fixtures_each(write_and_read);
}

static bool has_node(const esp_onnx_file *file, const char *name)
{
    for (int i = 0; i < file->num_nodes; i++)
        if (strcmp(file->node[i].name, name) == 0) return true;
    return false;
}

static void names_of_nodes_and_weights_survive(void)
{
    esp_onnx_file file, again;
    CHECK_OK(esp_onnx_read(ONNX_FOLDER "pytorch_actor_17.onnx", &file));
    CU_ASSERT(esp_network_find_tensor(file.net, "embed.weight") >= 0);
    CU_ASSERT(esp_network_find_tensor(file.net, "norm.bias") >= 0);
    CU_ASSERT(has_node(&file, "/embed/Gemm"));
    CHECK_OK(esp_onnx_write("names.onnx", &file));
    CHECK_OK(esp_onnx_read("names.onnx", &again));
    CU_ASSERT(has_node(&again, "/embed/Gemm"));
    CU_ASSERT(esp_network_find_tensor(again.net, "embed.weight") >= 0);
    CU_ASSERT_EQUAL(esp_network_hash(file.net), esp_network_hash(again.net));
    esp_onnx_file_free(&file);
    esp_onnx_file_free(&again);
    unlink("names.onnx");
}

static void a_residual_sum_is_one_axis(void)
{
    esp_onnx_file file;
    CHECK_OK(esp_onnx_read(ONNX_FOLDER "dynamo_actor.onnx", &file));
    int embed = esp_network_find_tensor(file.net, "embed.weight");
    int down = esp_network_find_tensor(file.net, "down.weight");
    CU_ASSERT_FATAL(embed >= 0 && down >= 0);
    CU_ASSERT_EQUAL(file.net->tensor[embed].dim[0].part[0].axis, file.net->tensor[down].dim[0].part[0].axis);
    CU_ASSERT(file.net->axis[file.net->tensor[embed].dim[0].part[0].axis].prunable);
    esp_onnx_file_free(&file);
}

/* Half of every axis by magnitude: surgery gives a network that is written, read and smaller. */
static void a_pruned_network_is_written_and_read(void)
{
    esp_onnx_file file, again;
    esp_grouping grouping;
    esp_ranking ranking;
    esp_cut cut;
    esp_network *small = NULL;
    onnx_fixture fixture;
    onnx_fixture_open(ONNX_FOLDER "pytorch_pixels.onnx", &fixture);
    CHECK_OK(esp_onnx_read(fixture.path, &file));
    esp_grouping_structural(file.net, 1, &grouping);
    CHECK_OK(esp_ranking_make(file.net, esp_importance_find("l2"), 1, NULL, &ranking));
    CHECK_OK(esp_cut_equal(file.net, &grouping, &ranking, &(esp_target){0.5, 0.05}, &cut));
    CHECK_OK(esp_surgery(file.net, &cut, &small));
    esp_network *whole = file.net;
    file.net = small;
    CHECK_OK(esp_onnx_write("small.onnx", &file));
    CHECK_OK(esp_onnx_read("small.onnx", &again));
    CU_ASSERT(esp_network_params(again.net, 1) < 0.6 * (double)esp_network_params(whole, 1));
    float *expected = onnx_outputs(small, fixture.x, fixture.count);
    float *got = onnx_outputs(again.net, fixture.x, fixture.count);
    CHECK_CLOSE("pruned", fixture.num_y, got, expected, SAME, SAME);
    free(expected);
    free(got);
    esp_network_free(whole);
    esp_onnx_file_free(&file);
    esp_onnx_file_free(&again);
    esp_cut_free(&cut);
    esp_ranking_free(&ranking);
    onnx_fixture_close(&fixture);
    unlink("small.onnx");
}

static CU_TestInfo tests[] = {
    {"outputs are those of onnxruntime", outputs_are_those_of_onnxruntime},
    {"a written network reads back with its names", a_written_network_reads_back_with_its_names},
    {"names of nodes and weights survive", names_of_nodes_and_weights_survive},
    {"a residual sum is one axis", a_residual_sum_is_one_axis},
    {"a pruned network is written and read", a_pruned_network_is_written_and_read},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("onnx", tests)
