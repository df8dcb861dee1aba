/* Inputs of a network without a task: from a file of named arrays, or drawn. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/network_internal.h"

enum { DRAWN = 4000, DRAWN_IMAGES = 500, FEWEST = 20, BLOCK = 256 };

static int inputs_of(const esp_network *net)
{
    return net->component[0].in_size;
}

static size_t bytes_of_value(const esp_network *net)
{
    return esp_component_reads_bytes(net, 0) ? 1 : sizeof(float);
}

size_t esp_network_row_bytes(const esp_network *net)
{
    return (size_t)inputs_of(net) * bytes_of_value(net);
}

static int outputs_of(const esp_network *net)
{
    return net->component[0].out_size;
}

/* ---- the rows of a file ---- */

/* "'obs', 'goal'", cut off when there are many. */
static void list_arrays(const esp_safetensors *file, char *out, size_t size)
{
    size_t used = 0;
    *out = 0;
    for (int i = 0; i < file->count && used < size - 1; i++) {
        snprintf(out + used, size - used, "%s'%.60s'", i ? ", " : "", file->tensor[i].name);
        used = strlen(out);
    }
}

/* The array of an input: rows of `size` numbers, in any dimensions behind the first. */
static esp_status find_array(const esp_safetensors *file, const esp_onnx_port *port, bool bytes,
                             const esp_st_tensor **out)
{
    char arrays[256];
    const esp_st_tensor *array = *out = esp_safetensors_find(file, port->name);
    list_arrays(file, arrays, sizeof arrays);
    if (!array)
        return esp_fail(ESP_ERR_FORMAT, "%s: no array for input '%.60s'; it has %s", file->path, port->name,
                        *arrays ? arrays : "none");
    if (array->dtype != (bytes ? ESP_U8 : ESP_F32))
        return esp_fail(ESP_ERR_FORMAT, "%s: array '%.60s' has another type; expected %s", file->path, array->name,
                        bytes ? "U8" : "F32");
    if (array->rank < 1 || array->shape[0] < 1 || array->count != (size_t)array->shape[0] * (size_t)port->size)
        return esp_fail(ESP_ERR_SHAPE, "%s: array '%.60s' has %zu values in %lld rows, expected rows of %d", file->path,
                        array->name, array->count, (long long)(array->rank ? array->shape[0] : 0), port->size);
    for (size_t i = 0; i < array->count && !bytes; i++) {
        float value = ((const float *)array->data)[i];
        if (!(fabsf(value) <= ESP_WEIGHT_LIMIT))
            return esp_fail(ESP_ERR_NUMERIC, "%s: array '%.60s' holds %g in row %zu", file->path, array->name,
                            (double)value, i / (size_t)port->size);
    }
    return ESP_OK;
}

/* All rows [*count, inputs], the inputs of a row one after another; the caller frees them. */
static esp_status read_rows(const esp_subject *subject, const esp_network_subject *state, int *count, char **out)
{
    const esp_onnx_file *file = &state->file;
    esp_safetensors *data = NULL;
    int width = inputs_of(subject->net);
    size_t each = bytes_of_value(subject->net), row_bytes = esp_network_row_bytes(subject->net), at = 0;
    *count = 0;
    esp_status status = esp_safetensors_read(state->data, &data);
    for (int i = 0; i < file->num_inputs && status == ESP_OK; i++) {
        const esp_st_tensor *array;
        size_t size = (size_t)file->input[i].size * each;
        status = find_array(data, &file->input[i], each == 1, &array);
        if (status == ESP_OK && (array->shape[0] > 100000000 / width || (i > 0 && array->shape[0] != *count)))
            status = esp_fail(ESP_ERR_SHAPE, "%s: array '%.60s' has %lld rows, expected %d", state->data, array->name,
                              (long long)array->shape[0], i > 0 ? *count : 100000000 / width);
        if (status != ESP_OK) break;
        if (i == 0) *out = esp_alloc((size_t)(*count = (int)array->shape[0]), row_bytes);
        for (size_t row = 0; row < (size_t)*count; row++)
            memcpy(*out + row * row_bytes + at, (const char *)array->data + row * size, size);
        at += size;
    }
    esp_safetensors_free(data);
    return status;
}

static char *draw_rows(const esp_subject *subject, int *count)
{
    bool bytes = esp_component_reads_bytes(subject->net, 0);
    size_t values = (size_t)(*count = bytes ? DRAWN_IMAGES : DRAWN) * (size_t)inputs_of(subject->net);
    char *rows = esp_alloc(values, bytes_of_value(subject->net));
    esp_rng rng = esp_rng_make(subject->settings->seed, ESP_RNG_INPUTS, 0);
    if (!bytes) esp_rng_normal(&rng, (float *)(void *)rows, values);
    for (size_t i = 0; i < values && bytes; i++) rows[i] = (char)esp_rng_below(&rng, 256);
    esp_log(ESP_LOG_INFO, "no --data FILE.safetensors: outputs are compared on %s",
            bytes ? "random bytes" : "standard normal inputs");
    return rows;
}

/* ---- purposes ---- */

/* Neighbouring rows of a recording are alike, so every purpose gets rows from all over it. */
static esp_row_purpose purpose_of(int row)
{
    static const esp_row_purpose turn[] = {ESP_ROWS_LEARN, ESP_ROWS_SEARCH, ESP_ROWS_LEARN, ESP_ROWS_KEEP,
                                           ESP_ROWS_REPORT};
    return turn[row % 5];
}

static float *run_network(const esp_network *net, const void *x, int count)
{
    int width = outputs_of(net);
    float *y = esp_alloc((size_t)count * (size_t)width, sizeof *y);
    esp_tape *tape = esp_tape_create(net, 0, BLOCK);
    for (int first = 0; first < count; first += BLOCK) {
        int n = count - first < BLOCK ? count - first : BLOCK;
        const char *rows = (const char *)x + (size_t)first * esp_network_row_bytes(net);
        memcpy(y + (size_t)first * (size_t)width, esp_forward(net, tape, rows, n),
               (size_t)n * (size_t)width * sizeof *y);
    }
    esp_tape_free(tape);
    return y;
}

static void divide_rows(const esp_subject *subject, esp_network_subject *state, int count, const char *all)
{
    size_t width = esp_network_row_bytes(subject->net);
    for (int p = 0; p < ESP_ROW_PURPOSES; p++) {
        esp_rows *rows = &state->rows[p];
        rows->x = esp_alloc((size_t)count, width);
        for (int i = 0; i < count; i++)
            if (count < FEWEST || (int)purpose_of(i) == p)
                memcpy((char *)rows->x + (size_t)rows->count++ * width, all + (size_t)i * width, width);
        rows->y = run_network(subject->net, rows->x, rows->count);
    }
}

esp_status esp_network_rows(const esp_subject *subject, esp_network_subject *state)
{
    int count = 0;
    char *all = NULL;
    esp_status status = ESP_OK;
    if (state->data) status = read_rows(subject, state, &count, &all);
    else             all = draw_rows(subject, &count);
    if (status == ESP_OK) {
        state->hash = ESP_HASH_START;
        for (size_t i = 0; i < (size_t)count * esp_network_row_bytes(subject->net); i++)
            state->hash = esp_hash_step(state->hash, (uint8_t)all[i]);
        if (count < FEWEST)
            esp_log(ESP_LOG_WARNING, "%s: only %d rows, so the same rows repair, judge and report", state->data, count);
        divide_rows(subject, state, count, all);
    }
    free(all);
    return status;
}

void esp_network_rows_free(esp_network_subject *state)
{
    for (int p = 0; p < ESP_ROW_PURPOSES; p++) {
        free(state->rows[p].x);
        free(state->rows[p].y);
        state->rows[p] = (esp_rows){.count = 0};
    }
}

/* ---- agreement ---- */

double esp_network_agreement(const esp_network *net, const esp_rows *rows, int count, double *mse)
{
    if (count > rows->count) count = rows->count;
    size_t width = (size_t)outputs_of(net), values = (size_t)count * width;
    float *y = run_network(net, rows->x, count);
    double *mean = esp_alloc(width, sizeof *mean), error = 0, variance = 0;
    for (size_t i = 0; i < values; i++) mean[i % width] += (double)rows->y[i] / count;
    for (size_t i = 0; i < values; i++) {
        double wrong = (double)y[i] - (double)rows->y[i], apart = (double)rows->y[i] - mean[i % width];
        error += wrong * wrong;
        variance += apart * apart;
    }
    free(mean);
    free(y);
    if (mse) *mse = error / (double)values;
    return variance > 0 ? 1 - error / variance : error > 0 ? -INFINITY : 1;
}
