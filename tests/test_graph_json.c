/* Graphs as JSON: what is read back is the network that was written, and strangers' files are refused. */
#include "checkpoint_file.h"
#include "pruning/pruning.h"
#include "random_graph.h"

static bool same_dim(const esp_dim *a, const esp_dim *b)
{
    if (a->num != b->num) return false;
    for (int p = 0; p < a->num; p++)
        if (a->part[p].axis != b->part[p].axis || a->part[p].block != b->part[p].block) return false;
    return true;
}

static bool same_axes(const esp_network *a, const esp_network *b)
{
    if (a->num_axes != b->num_axes) return false;
    for (int i = 0; i < a->num_axes; i++)
        if (strcmp(a->axis[i].name, b->axis[i].name) != 0 || a->axis[i].size != b->axis[i].size ||
            a->axis[i].prunable != b->axis[i].prunable)
            return false;
    return true;
}

static bool same_tensors(const esp_network *a, const esp_network *b)
{
    if (a->num_tensors != b->num_tensors || a->num_weights != b->num_weights) return false;
    for (int t = 0; t < a->num_tensors; t++) {
        const esp_tensor *x = &a->tensor[t], *y = &b->tensor[t];
        if (strcmp(x->name, y->name) != 0 || x->rank != y->rank || x->trainable != y->trainable) return false;
        for (int d = 0; d < x->rank; d++)
            if (x->shape[d] != y->shape[d] || !same_dim(&x->dim[d], &y->dim[d])) return false;
    }
    return true;
}

static bool same_layers(const esp_network *a, const esp_network *b)
{
    if (a->num_layers != b->num_layers) return false;
    for (int l = 0; l < a->num_layers; l++) {
        const esp_layer *x = &a->layer[l], *y = &b->layer[l];
        if (x->kind != y->kind || x->act != y->act || x->num_inputs != y->num_inputs || x->in_size != y->in_size ||
            x->out_size != y->out_size || x->weight != y->weight || strcmp(x->module, y->module) != 0)
            return false;
        if (memcmp(x->input, y->input, (size_t)x->num_inputs * sizeof *x->input) != 0) return false;
    }
    return true;
}

/* Whether the axes that can lose units are the same, in order. Fixed units may be divided into other axes: those that
 * are fixed for want of parts come back as plain inputs and outputs. */
static bool same_prunable(const esp_network *a, const esp_network *b)
{
    int i = 0, k = 0;
    for (;; i++, k++) {
        while (i < a->num_axes && !a->axis[i].prunable) i++;
        while (k < b->num_axes && !b->axis[k].prunable) k++;
        if (i == a->num_axes || k == b->num_axes) return i == a->num_axes && k == b->num_axes;
        if (strcmp(a->axis[i].name, b->axis[k].name) != 0 || a->axis[i].size != b->axis[k].size) return false;
    }
}

static bool same_shapes(const esp_network *a, const esp_network *b)
{
    if (a->num_tensors != b->num_tensors || a->num_weights != b->num_weights) return false;
    for (int t = 0; t < a->num_tensors; t++)
        if (strcmp(a->tensor[t].name, b->tensor[t].name) != 0 ||
            memcmp(a->tensor[t].shape, b->tensor[t].shape, (size_t)a->tensor[t].rank * sizeof(int)) != 0)
            return false;
    return true;
}

/* Whether every axis that can lose units can still lose them. */
static bool keeps_prunable(const esp_network *a, const esp_network *b)
{
    for (int i = 0; i < a->num_axes; i++) {
        int k = esp_network_find_axis(b, a->axis[i].name);
        if (!a->axis[i].prunable) continue;
        if (k < 0 || !b->axis[k].prunable || b->axis[k].size != a->axis[i].size) return false;
    }
    return true;
}

static esp_network *there_and_back(const esp_network *net)
{
    cJSON *json = esp_graph_to_json(net), *again = NULL;
    char *text = esp_json_line(json);
    esp_network *out = NULL;
    CHECK_OK(esp_json_parse(text, strlen(text), "text", &again));
    CHECK_OK(esp_graph_from_json(again, "text", &out));
    memcpy(out->weights, net->weights, net->num_weights * sizeof(float));
    cJSON_Delete(json);
    cJSON_Delete(again);
    free(text);
    return out;
}

static bool same_outputs(const esp_network *a, const esp_network *b)
{
    graph_rows rows = graph_rows_make(a, 0, 2, 9);
    esp_tape *one = esp_tape_create(a, 0, 2), *two = esp_tape_create(b, 0, 2);
    const float *y = esp_forward(a, one, rows.x, 2), *z = esp_forward(b, two, rows.x, 2);
    bool same = memcmp(y, z, 2 * (size_t)a->component[0].out_size * sizeof *y) == 0;
    esp_tape_free(one);
    esp_tape_free(two);
    graph_rows_free(&rows);
    return same;
}

static void random_graphs_come_back_as_they_were(void)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        esp_network *net = random_network(seed);
        CU_ASSERT_PTR_NOT_NULL_FATAL(net);
        esp_network *back = there_and_back(net);
        bool same = same_prunable(net, back) && same_shapes(net, back) && same_layers(net, back) &&
                    same_outputs(net, back);
        if (!same) printf("\n    graph %d ", (int)seed);
        CU_ASSERT(same);
        esp_network_free(back);
        esp_network_free(net);
    }
}

static void pruned_graphs_come_back_with_their_sizes(void)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        esp_network *net = random_network(seed), *smaller = NULL;
        esp_widths widths = esp_widths_full(net);
        esp_ranking ranking;
        esp_cut cut;
        for (int a = 0; a < net->num_axes; a++)
            if (net->axis[a].prunable) widths.kept[a] = (net->axis[a].size + 1) / 2;
        CHECK_OK(esp_ranking_make(net, esp_importance_find("l1"), seed, NULL, &ranking));
        esp_cut_make(net, &ranking, &widths, &cut);
        CHECK_OK(esp_surgery(net, &cut, &smaller));
        esp_network *back = there_and_back(smaller);
        CU_ASSERT_EQUAL_FATAL(back->num_weights, smaller->num_weights);
        CU_ASSERT(same_outputs(smaller, back));
        esp_network_free(back);
        esp_network_free(smaller);
        esp_network_free(net);
        esp_cut_free(&cut);
        esp_ranking_free(&ranking);
    }
}

/* An encoder of images and a head that reads its output and a command. */
static esp_network *two_components(void)
{
    esp_graph *g = esp_graph_new();
    esp_graph_component(g, "encoder");
    int x = esp_graph_input_bytes(g, "pixels", 3, 5, 6);
    int z = graph_dense(g, esp_graph_flatten(g, graph_conv(g, x, "e.conv", 4, 3)), "e.fc", 7);
    esp_graph_output(g, "latent", z);
    esp_graph_component(g, "left_out");
    esp_graph_component(g, "head");
    int in = esp_graph_input(g, "latent", 7), command = esp_graph_input(g, "command", 2);
    int both = esp_graph_concat(g, 2, (const int[]){in, command});
    esp_graph_output(g, "action", graph_dense(g, esp_graph_act(g, graph_dense(g, both, "h.0", 9), ESP_ACT_SILU),
                                              "h.1", 2));
    esp_graph_wire(g, z, 0, in, 0, 7);
    esp_graph_name(g, z, 0, "latent");
    return graph_finished(g);
}

static void components_keep_what_they_share(void)
{
    esp_network *net = two_components(), *back = there_and_back(net);
    CU_ASSERT(same_axes(net, back));
    CU_ASSERT(same_tensors(net, back));
    CU_ASSERT(same_layers(net, back));
    CU_ASSERT_STRING_EQUAL(back->axis[0].name, "latent");
    CU_ASSERT_TRUE(back->axis[0].prunable);
    CU_ASSERT_EQUAL(back->component[1].num_layers, 0);
    CU_ASSERT_STRING_EQUAL(back->component[2].input[1].name, "command");
    esp_network_free(back);
    esp_network_free(net);
}

static void random_pairs_come_back_with_the_axes_that_lose_units(void)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        esp_network *net = random_pair(seed), *back = there_and_back(net);
        bool same = keeps_prunable(net, back) && same_shapes(net, back) && same_layers(net, back);
        if (!same) printf("\n    pair %d ", (int)seed);
        CU_ASSERT(same);
        esp_network_free(back);
        esp_network_free(net);
    }
}

static void a_file_holds_graph_and_weights(void)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        esp_network *net = random_network(seed), *back = NULL;
        cJSON *json = esp_graph_to_json(net), *again = NULL;
        char *text = esp_json_line(json);
        esp_safetensors *file = NULL;
        write_tensors(net, NULL, text);
        CHECK_OK(esp_safetensors_read(path, &file));
        const char *read = esp_safetensors_metadata(file, "espalier");
        CHECK_OK(esp_json_parse(read, strlen(read), path, &again));
        CHECK_OK(esp_graph_from_json(again, path, &back));
        CHECK_OK(esp_network_load(back, file, ""));
        CU_ASSERT(same_weights(net, back) && same_outputs(net, back));
        esp_safetensors_free(file);
        cJSON_Delete(again);
        cJSON_Delete(json);
        free(text);
        esp_network_free(back);
        esp_network_free(net);
    }
}

/* ---- strangers ---- */

static void refused(const char *text, const char *word)
{
    cJSON *json = NULL;
    esp_network *net = NULL;
    CHECK_OK(esp_json_parse(text, strlen(text), "file", &json));
    esp_status status = esp_graph_from_json(json, "file", &net);
    if (!strstr(esp_error_text(), word)) printf("\n    error text: %s ", esp_error_text());
    CU_ASSERT(status == ESP_ERR_FORMAT || status == ESP_ERR_SHAPE);
    CU_ASSERT(strstr(esp_error_text(), word) != NULL && strstr(esp_error_text(), "file") != NULL);
    CU_ASSERT_PTR_NULL(net);
    cJSON_Delete(json);
}

#define NODES(nodes) "{\"version\":1,\"components\":[{\"name\":\"c\",\"inputs\":[{\"name\":\"x\",\"shape\":[4]}]," \
                     "\"nodes\":[" nodes "],\"outputs\":[{\"name\":\"y\",\"value\":0}]}]}"

static void what_does_not_make_a_graph_is_refused(void)
{
    refused("[]", "version");
    refused("{\"version\":2}", "version");
    refused("{\"version\":1}", "components");
    refused("{\"version\":1,\"components\":[3]}", "name");
    refused("{\"version\":1,\"components\":[{\"name\":\"c\",\"inputs\":[{\"name\":\"x\",\"shape\":[0]}]}]}", "shape");
    refused("{\"version\":1,\"components\":[{\"name\":\"c\",\"inputs\":[{\"name\":\"x\",\"shape\":[4,99999999,1]}]}]}",
            "shape");
    refused(NODES("{\"op\":\"dance\",\"name\":\"n\",\"in\":[0]}"), "op");
    refused(NODES("{\"op\":\"flatten\",\"name\":\"n\",\"in\":[1]}"), "in");
    refused(NODES("{\"op\":\"flatten\",\"name\":\"n\",\"in\":[-1]}"), "in");
    refused(NODES("{\"op\":\"flatten\",\"name\":\"n\",\"in\":[0.5]}"), "in");
    refused(NODES("{\"op\":\"add\",\"name\":\"n\",\"in\":[0]}"), "two values");
    refused(NODES("{\"op\":\"dense\",\"name\":\"n\",\"in\":[0],\"outputs\":1e9,\"bias\":true}"), "outputs");
    refused(NODES("{\"op\":\"dense\",\"name\":\"n\",\"in\":[0],\"outputs\":3}"), "bias");
    refused(NODES("{\"op\":\"dense\",\"name\":\"n\",\"in\":[0],\"like\":0,\"outputs\":3,\"bias\":true}"), "no weights");
    refused(NODES("{\"op\":\"act\",\"name\":\"n\",\"in\":[0],\"act\":\"silu\"}"), "alpha");
    refused(NODES("{\"op\":\"maxpool\",\"name\":\"n\",\"in\":[0],\"window\":[1,2]}"), "10 numbers");
    refused(NODES("{\"op\":\"slice\",\"name\":\"n\",\"in\":[0],\"first\":3,\"count\":4}"), "values from 3");
    refused("{\"version\":1,\"components\":[{\"name\":\"c\",\"inputs\":[{\"name\":\"x\",\"shape\":[4]}],\"outputs\":"
            "[{\"name\":\"y\",\"value\":1}]}]}", "value");
    refused("{\"version\":1,\"components\":[{\"name\":\"c\",\"inputs\":[{\"name\":\"x\",\"shape\":[4]}],\"outputs\":"
            "[{\"name\":\"y\",\"value\":0}]}],\"ties\":[{\"a\":[0,0,0,3],\"b\":[0,1,0,3],\"count\":2,\"wired\":true}]}",
            "has no units");
    refused("{\"version\":1,\"components\":[{\"name\":\"c\",\"inputs\":[{\"name\":\"x\",\"shape\":[4]}],\"outputs\":"
            "[{\"name\":\"y\",\"value\":0}]}],\"axes\":[{\"name\":\"a\",\"component\":1,\"value\":0,\"first\":0}]}",
            "component");
}

/* Every byte of a good text replaced in turn: no crash, whatever it means then. */
static void a_changed_byte_never_crashes(void)
{
    esp_network *net = two_components();
    cJSON *json = esp_graph_to_json(net);
    char *text = esp_json_line(json);
    size_t size = strlen(text);
    static const char bytes[] = "0-9\"[}e,";
    for (size_t i = 0; i < size; i++)
        for (size_t k = 0; k < sizeof bytes - 1; k++) {
            char before = text[i];
            cJSON *changed = NULL;
            esp_network *other = NULL;
            text[i] = bytes[k];
            if (esp_json_parse(text, size, "text", &changed) == ESP_OK &&
                esp_graph_from_json(changed, "text", &other) == ESP_OK)
                esp_network_free(other);
            cJSON_Delete(changed);
            text[i] = before;
        }
    free(text);
    cJSON_Delete(json);
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"random graphs come back as they were", random_graphs_come_back_as_they_were},
    {"pruned graphs come back with their sizes", pruned_graphs_come_back_with_their_sizes},
    {"random pairs come back with the axes that lose units", random_pairs_come_back_with_the_axes_that_lose_units},
    {"a file holds graph and weights", a_file_holds_graph_and_weights},
    {"components keep what they share", components_keep_what_they_share},
    {"what does not make a graph is refused", what_does_not_make_a_graph_is_refused},
    {"a changed byte never crashes", a_changed_byte_never_crashes},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("graph json", tests)
