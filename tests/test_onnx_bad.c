/* Damaged, hostile and unsupported ONNX files are refused in one line that says what is wrong. */
#include <sys/stat.h>
#include <unistd.h>

#include "onnx.pb-c.h"
#include "onnx_fixtures.h"

#define ACTOR ONNX_FOLDER "pytorch_actor_17.onnx"

static char *read_actor(size_t *size)
{
    char *bytes = NULL;
    CHECK_OK(esp_file_read(ACTOR, (size_t)1 << 20, &bytes, size));
    return bytes;
}

/* The bytes are refused, or make a network that is written. */
static void try_bytes(const char *bytes, size_t size)
{
    esp_onnx_file file;
    uint8_t *written = NULL;
    size_t count = 0;
    if (esp_onnx_parse("damaged.onnx", bytes, size, &file) == ESP_OK) {
        CHECK_OK(esp_onnx_print(&file, &written, &count));
        free(written);
        esp_onnx_file_free(&file);
        return;
    }
    bool named = strncmp(esp_error_text(), "damaged.onnx: ", 14) == 0 && !strchr(esp_error_text(), '\n');
    if (!named) printf("\n    %s ", esp_error_text());
    CU_ASSERT_FATAL(named);
}

static void files_cut_at_every_length_are_refused_or_whole(void)
{
    size_t size;
    char *bytes = read_actor(&size);
    for (size_t length = 0; length < size; length++) {
        char *part = malloc(length ? length : 1); /* exactly as long: a sanitizer sees reads beyond it */
        memcpy(part, bytes, length);
        try_bytes(part, length);
        free(part);
    }
    free(bytes);
}

static void flipped_bits_are_refused_or_read(void)
{
    size_t size;
    char *bytes = read_actor(&size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= (char)(1 << i % 8);
        try_bytes(bytes, size);
        bytes[i] ^= (char)(1 << i % 8);
    }
    free(bytes);
}

/* ---- models made by hand ---- */

/* One Gemm from x [1, 2] to y, whose parts the tests damage. */
typedef struct {
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto opset, *opsets[1];
    Onnx__NodeProto node[2], *nodes[2];
    Onnx__TensorProto weight, *weights[1];
    Onnx__ValueInfoProto in, out, *ins[1], *outs[1];
    Onnx__TypeProto type;
    Onnx__TypeProto__Tensor tensor;
    Onnx__TensorShapeProto shape;
    Onnx__TensorShapeProto__Dimension dim[2], *dims[2];
    char   *inputs[2][2], *outputs[2][1];
    int64_t sizes[2];
    float   data[4];
    Onnx__StringStringEntryProto place[3], *places[3];
} small_model;

static void connect(small_model *m, int index, char *op, char *first, char *second, char *output)
{
    Onnx__NodeProto *node = m->nodes[index] = &m->node[index];
    onnx__node_proto__init(node);
    m->inputs[index][0] = first;
    m->inputs[index][1] = second;
    m->outputs[index][0] = output;
    node->op_type = op;
    node->name = op;
    node->n_input = second ? 2 : 1;
    node->input = m->inputs[index];
    node->n_output = 1;
    node->output = m->outputs[index];
}

static void make_input(small_model *m)
{
    onnx__value_info_proto__init(&m->in);
    onnx__value_info_proto__init(&m->out);
    onnx__type_proto__init(&m->type);
    onnx__type_proto__tensor__init(&m->tensor);
    onnx__tensor_shape_proto__init(&m->shape);
    for (int d = 0; d < 2; d++) {
        onnx__tensor_shape_proto__dimension__init(&m->dim[d]);
        m->dim[d].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        m->dim[d].dim_value = d + 1;
        m->dims[d] = &m->dim[d];
    }
    m->shape.n_dim = 2;
    m->shape.dim = m->dims;
    m->tensor.has_elem_type = true;
    m->tensor.elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    m->tensor.shape = &m->shape;
    m->type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    m->type.tensor_type = &m->tensor;
    m->in.name = "x";
    m->in.type = &m->type;
    m->out.name = "y";
}

static small_model *make_model(void)
{
    small_model *m = calloc(1, sizeof *m);
    onnx__model_proto__init(&m->model);
    onnx__graph_proto__init(&m->graph);
    onnx__operator_set_id_proto__init(&m->opset);
    onnx__tensor_proto__init(&m->weight);
    make_input(m);
    connect(m, 0, "MatMul", "x", "w", "y");
    m->weight.name = "w";
    m->weight.has_data_type = m->weight.has_raw_data = true;
    m->weight.data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    m->weight.n_dims = 2;
    m->sizes[0] = m->sizes[1] = 2;
    m->weight.dims = m->sizes;
    for (int i = 0; i < 4; i++) m->data[i] = (float)i;
    m->weight.raw_data = (ProtobufCBinaryData){sizeof m->data, (uint8_t *)m->data};
    m->opset.has_version = true;
    m->opset.version = 17;
    m->opsets[0] = &m->opset;
    m->weights[0] = &m->weight;
    m->ins[0] = &m->in;
    m->outs[0] = &m->out;
    m->model.n_opset_import = 1;
    m->model.opset_import = m->opsets;
    m->model.graph = &m->graph;
    m->graph.n_node = m->graph.n_initializer = m->graph.n_input = m->graph.n_output = 1;
    m->graph.node = m->nodes;
    m->graph.initializer = m->weights;
    m->graph.input = m->ins;
    m->graph.output = m->outs;
    return m;
}

/* Writes the model to a file, reads it and frees it. */
static esp_status read_model(small_model *m, esp_onnx_file *out)
{
    size_t size = onnx__model_proto__get_packed_size(&m->model);
    uint8_t *bytes = malloc(size);
    onnx__model_proto__pack(&m->model, bytes);
    CHECK_OK(esp_file_write("small.onnx", bytes, size));
    free(bytes);
    free(m);
    return esp_onnx_read("small.onnx", out);
}

static void refused(small_model *m, const char *word)
{
    esp_onnx_file file;
    esp_status status = read_model(m, &file);
    if (status == ESP_OK) esp_onnx_file_free(&file);
    if (status == ESP_OK || !strstr(esp_error_text(), word)) printf("\n    %s: %s ", word, esp_error_text());
    CU_ASSERT(status != ESP_OK && strstr(esp_error_text(), word) != NULL);
    CU_ASSERT(strstr(esp_error_text(), "small.onnx") != NULL);
}

static void the_small_model_itself_is_read(void)
{
    esp_onnx_file file;
    CHECK_OK(read_model(make_model(), &file));
    float x[2] = {1, 10}, *y = onnx_outputs(file.net, x, 1);
    CU_ASSERT_EQUAL(y[0], 20);
    CU_ASSERT_EQUAL(y[1], 31);
    free(y);
    esp_onnx_file_free(&file);
}

static void shapes_that_lie_are_refused(void)
{
    small_model *m = make_model();
    m->sizes[0] = 3;
    refused(m, "constant 'w': it has 16 bytes of data, its dimensions need 24");
    m = make_model();
    m->sizes[0] = m->sizes[1] = INT64_MAX / 2;
    refused(m, "constant 'w': its dimensions multiply to more than");
    m = make_model();
    m->sizes[0] = -2;
    refused(m, "dimension 0 is -2");
    m = make_model();
    m->sizes[0] = 1 << 14, m->sizes[1] = 1 << 13;
    refused(m, "its dimensions need 134217728 elements, its data has fewer");
    m = make_model();
    m->sizes[0] = 1, m->sizes[1] = 4;
    refused(m, "node 'MatMul' (MatMul): its input does not have rows of 1 values");
    m = make_model();
    m->dim[1].dim_value = INT64_MAX;
    refused(m, "input 'x' has size");
}

static void numbers_that_are_none_are_refused(void)
{
    small_model *m = make_model();
    m->data[2] = NAN;
    refused(m, "node 'MatMul' (MatMul): its weights: nan at index 2");
    m = make_model();
    m->data[1] = -INFINITY;
    refused(m, "its weights: -inf at index 1");
}

static void other_types_are_refused_by_name(void)
{
    static const struct { int type; const char *word; } types[] = {
        {ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16, "float16"}, {ONNX__TENSOR_PROTO__DATA_TYPE__INT8, "int8"},
        {ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16, "bfloat16"}, {ONNX__TENSOR_PROTO__DATA_TYPE__STRING, "string"},
        {17, "float8e4m3fn"}, {99, "an unknown type"}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        small_model *m = make_model();
        m->weight.data_type = types[i].type;
        if (types[i].type == ONNX__TENSOR_PROTO__DATA_TYPE__INT8) m->weight.raw_data.len = 4;
        refused(m, types[i].word);
    }
    small_model *m = make_model();
    m->weight.data_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    m->sizes[0] = 1;
    refused(m, "has type int64; only float and double are supported");
    m = make_model();
    m->tensor.elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    refused(m, "input 'x' has type int64");
}

static void circles_and_missing_values_are_refused(void)
{
    small_model *m = make_model();
    connect(m, 0, "Add", "x", "b", "a");
    connect(m, 1, "Relu", "a", NULL, "b");
    m->graph.n_node = 2;
    refused(m, "node 'Add' (Add): its input 'b' is made by a later node, or in a circle");
    m = make_model();
    connect(m, 0, "Add", "x", "nowhere", "y");
    refused(m, "nothing makes its input 'nowhere'");
    m = make_model();
    connect(m, 0, "MatMul", "x", "w", "x");
    refused(m, "its output 'x' exists already");
    m = make_model();
    m->out.name = "z";
    refused(m, "nothing makes output 'z'");
    m = make_model();
    m->out.name = "x";
    refused(m, "output 'x' is an input: there is nothing to compute");
    m = make_model();
    m->out.name = "w";
    refused(m, "output 'w' is a constant");
    m = make_model();
    m->graph.n_output = 0;
    refused(m, "the graph has no output");
}

static void operators_that_are_not_supported_are_named(void)
{
    static const struct { char *op; const char *word; } cases[] = {
        {"If", "node 'If' (If): control flow is not supported"},
        {"LSTM", "node 'LSTM' (LSTM): recurrent networks are not supported"},
        {"QLinearMatMul", "(QLinearMatMul): quantized networks are not supported"},
        {"Softmax", "node 'Softmax' (Softmax): this operator is not supported"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        small_model *m = make_model();
        connect(m, 0, cases[i].op, "x", "w", "y");
        refused(m, cases[i].word);
    }
    small_model *m = make_model();
    m->node[0].domain = "com.microsoft";
    refused(m, "operators of domain 'com.microsoft' are not supported");
    m = make_model();
    m->opset.version = 6;
    refused(m, "opset 6; opsets 7 to 23 are read");
    m = make_model();
    m->opset.version = 24;
    refused(m, "opset 24");
    m = make_model();
    connect(m, 0, "MatMul", "x", "x", "y");
    refused(m, "the product of two computed values (attention) is not supported");
}

static void long_names_survive_and_messages_stay_short(void)
{
    char name[10001];
    esp_onnx_file file, again;
    memset(name, 'n', sizeof name - 1);
    name[10000] = 0;
    small_model *m = make_model();
    m->out.name = name;
    connect(m, 0, "MatMul", "x", "w", name);
    m->node[0].name = name;
    CHECK_OK(read_model(m, &file));
    CU_ASSERT_STRING_EQUAL(file.output[0].name, name);
    CHECK_OK(esp_onnx_write("long.onnx", &file));
    CHECK_OK(esp_onnx_read("long.onnx", &again));
    CU_ASSERT_STRING_EQUAL(again.output[0].name, name);
    CU_ASSERT_STRING_EQUAL(again.node[0].name, name);
    esp_onnx_file_free(&file);
    esp_onnx_file_free(&again);
    m = make_model();
    name[3] = '\n';
    m->node[0].name = name;
    m->node[0].op_type = "Loop";
    refused(m, "node 'nnn?nnn");
    CU_ASSERT(strlen(esp_error_text()) < 300 && !strchr(esp_error_text(), '\n'));
    unlink("long.onnx");
}

/* A message in a message 20,000 times: control flow in control flow. */
static void deep_nesting_is_refused(void)
{
    enum { DEPTH = 20000 };
    /* Built from the inside: graph (7 of a model, 6 of an attribute), node (1), attribute (5). */
    static const uint8_t tags[] = {0x0a, 0x2a, 0x32};
    uint8_t *bytes = malloc(8 * DEPTH), *at = bytes + 8 * DEPTH;
    for (int i = 0; i <= DEPTH; i++) {
        size_t length = (size_t)(bytes + 8 * DEPTH - at);
        uint8_t varint[5], n = 0;
        do {
            varint[n++] = (uint8_t)((length & 0x7f) | (length > 0x7f ? 0x80 : 0));
            length >>= 7;
        } while (length);
        at -= n;
        memcpy(at, varint, n);
        *--at = i == DEPTH ? 0x3a : tags[i % 3 == 0 ? 1 : i % 3 == 1 ? 0 : 2];
    }
    esp_onnx_file file;
    CHECK_FAILS(ESP_ERR_FORMAT, esp_onnx_parse("deep.onnx", at, (size_t)(bytes + 8 * DEPTH - at), &file),
                "its messages are nested too deeply");
    free(bytes);
}

/* A file that grew holes: nothing of its size is allocated. */
static void a_file_of_2_gb_is_refused_by_its_size(void)
{
    esp_onnx_file file;
    FILE *f = fopen("large.onnx", "w");
    CU_ASSERT_FATAL(f != NULL);
    CU_ASSERT_EQUAL_FATAL(ftruncate(fileno(f), (off_t)2 << 30), 0);
    fclose(f);
    CHECK_FAILS(ESP_ERR_FORMAT, esp_onnx_read("large.onnx", &file), "'large.onnx' has 2147483648 bytes");
    unlink("large.onnx");
}

/* ---- external data ---- */

static small_model *external_model(char *location, char *offset)
{
    small_model *m = make_model();
    char *const pairs[][2] = {{"location", location}, {"offset", offset}, {"length", "16"}};
    for (int i = 0; i < 3; i++) {
        onnx__string_string_entry_proto__init(&m->place[i]);
        m->place[i].key = pairs[i][0];
        m->place[i].value = pairs[i][1];
        m->places[i] = &m->place[i];
    }
    m->weight.has_raw_data = false;
    m->weight.has_data_location = true;
    m->weight.data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    m->weight.n_external_data = 3;
    m->weight.external_data = m->places;
    return m;
}

static void external_data_is_read_only_from_beside_the_file(void)
{
    const float data[5] = {7, 0, 1, 2, 3};
    esp_onnx_file file;
    CHECK_OK(esp_file_write("weights.bin", data, sizeof data));
    CHECK_OK(read_model(external_model("weights.bin", "4"), &file));
    float x[2] = {1, 10}, *y = onnx_outputs(file.net, x, 1);
    CU_ASSERT(y[0] == 20 && y[1] == 31);
    free(y);
    esp_onnx_file_free(&file);
    refused(external_model("weights.bin", "8"), "16 bytes from byte 8 are not in its 20 bytes");
    refused(external_model("weights.bin", "18446744073709551615"), "are not in its 20 bytes");
    refused(external_model("weights.bin", "four"), "'four' is no number of bytes");
    refused(external_model("missing.bin", "0"), "external data 'missing.bin'");
    CU_ASSERT_EQUAL(mkdir("folder", 0700), 0);
    CU_ASSERT_EQUAL(symlink("../weights.bin", "link.bin"), 0);
    static char *const places[] = {"../weights.bin", "/etc/hostname", "folder/weights.bin", "..", ".", ""};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        refused(external_model(places[i], "0"), "only a file in the model's own folder is read");
    refused(external_model("folder", "0"), "it is not a regular file");
    refused(external_model("link.bin", "0"), "it is a link, which is not followed");
    CHECK_FAILS(ESP_ERR_FORMAT, esp_onnx_parse("bytes", "\x3a\x00", 2, &file), "opset 0");
    unlink("link.bin");
    unlink("weights.bin");
    rmdir("folder");
}

/* The tests write files: in a folder of their own. */
static char folder[] = "/tmp/espalier-onnx-XXXXXX";

static void remove_folder(void)
{
    unlink("small.onnx");
    if (chdir("/") != 0 || rmdir(folder) != 0) perror(folder);
}

static void a_folder_is_made(void)
{
    CU_ASSERT_FATAL(mkdtemp(folder) != NULL && chdir(folder) == 0);
    atexit(remove_folder);
}

static CU_TestInfo tests[] = {
    {"a folder is made", a_folder_is_made},
    {"files cut at every length are refused or whole", files_cut_at_every_length_are_refused_or_whole},
    {"flipped bits are refused or read", flipped_bits_are_refused_or_read},
    {"the small model itself is read", the_small_model_itself_is_read},
    {"shapes that lie are refused", shapes_that_lie_are_refused},
    {"numbers that are none are refused", numbers_that_are_none_are_refused},
    {"other types are refused by name", other_types_are_refused_by_name},
    {"circles and missing values are refused", circles_and_missing_values_are_refused},
    {"operators that are not supported are named", operators_that_are_not_supported_are_named},
    {"long names survive and messages stay short", long_names_survive_and_messages_stay_short},
    {"deep nesting is refused", deep_nesting_is_refused},
    {"a file of 2 GB is refused by its size", a_file_of_2_gb_is_refused_by_its_size},
    {"external data is read only from beside the file", external_data_is_read_only_from_beside_the_file},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("damaged ONNX files", tests)
