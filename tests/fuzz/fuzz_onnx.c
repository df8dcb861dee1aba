/* Whatever the bytes are, the ONNX reader refuses them in one line or makes a network that runs and can be written
 * and read again. Built with libFuzzer (-DESP_FUZZ=ON, clang), or with replay.c for files that are there. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/onnx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SMALL = 1 << 20 }; /* values of all layers of a network that is run */

static bool is_small(const esp_network *net)
{
    double values = 0, macs = esp_component_macs(net, 0);
    for (int i = 0; i < net->num_layers; i++) values += net->layer[i].in_size + net->layer[i].out_size;
    for (int i = 0; i < net->num_layers; i++) values += (double)esp_layer_scratch(&net->layer[i]);
    return values < SMALL && macs < 16.0 * SMALL;
}

static void run(const esp_network *net)
{
    esp_tape *tape = esp_tape_create(net, 0, 1);
    float *x = esp_alloc((size_t)net->component[0].in_size, sizeof *x);
    esp_forward(net, tape, x, 1);
    free(x);
    esp_tape_free(tape);
}

static void check_line(void)
{
    const char *text = esp_error_text();
    assert(*text && !strchr(text, '\n') && strstr(text, "fuzz"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    esp_onnx_file file, again;
    uint8_t *bytes = NULL;
    size_t count = 0;
    if (esp_onnx_parse("fuzz", data, size, &file) != ESP_OK) {
        check_line();
        return 0;
    }
    if (is_small(file.net)) run(file.net);
    esp_status status = esp_onnx_print(&file, &bytes, &count);
    assert(status == ESP_OK);
    if (esp_onnx_parse("fuzz: written", bytes, count, &again) != ESP_OK) {
        fprintf(stderr, "%s\n", esp_error_text());
        abort();
    }
    assert(again.num_inputs == file.num_inputs && again.num_outputs == file.num_outputs);
    esp_onnx_file_free(&again);
    esp_onnx_file_free(&file);
    free(bytes);
    return 0;
}
