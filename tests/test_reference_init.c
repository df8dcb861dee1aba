/* Orthogonal initialisation against the recorded matrices of the reference (case 7). */
#include "reference.h"

static void check_matrix(const esp_safetensors *file, const char *name, float gain)
{
    char in[64], out[64];
    snprintf(in, sizeof in, "in.%s", name);
    snprintf(out, sizeof out, "out.%s", name);
    const esp_st_tensor *normals = reference_tensor(file, in);
    float *w = esp_alloc(normals->count, sizeof *w);
    memcpy(w, normals->data, normals->count * sizeof *w);
    esp_orthogonal((int)normals->shape[0], (int)normals->shape[1], gain, w);
    reference_check(file, out, normals->count, w, 2e-5, 0.0);
    free(w);
}

static void orthogonal_matrices_equal_the_reference(void)
{
    esp_safetensors *file = reference_open("ortho_init.safetensors");
    const float conv_gain = sqrtf(2.0f);
    check_matrix(file, "linear_7x5", 1.0f);
    check_matrix(file, "linear_5x7", 1.0f);
    check_matrix(file, "linear_6x6", 1.0f);
    check_matrix(file, "linear_512x51", 1.0f);
    check_matrix(file, "conv_4x3x3x3", conv_gain);
    check_matrix(file, "conv_32x9x7x7", conv_gain);
    esp_safetensors_free(file);
}

static CU_TestInfo tests[] = {
    {"orthogonal_matrices_equal_the_reference", orthogonal_matrices_equal_the_reference},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("reference_init", tests)
