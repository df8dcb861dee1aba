/* Orthogonal initialisation against the recorded matrices of the reference (case 7). */
#include "reference.h"

/* Convolutions, whose weights have four dimensions, have gain sqrt 2, linear layers 1. */
static void check_matrix(const esp_safetensors *file, const esp_st_tensor *normals)
{
    char out[64];
    snprintf(out, sizeof out, "out.%s", normals->name + strlen("in."));
    float gain = reference_tensor(file, out)->rank == 4 ? sqrtf(2.0f) : 1.0f;
    float *w = esp_alloc(normals->count, sizeof *w);
    memcpy(w, normals->data, normals->count * sizeof *w);
    esp_orthogonal((int)normals->shape[0], (int)normals->shape[1], gain, w);
    reference_check(file, out, normals->count, w, 2e-5, 0.0);
    free(w);
}

static void orthogonal_matrices_equal_the_reference(void)
{
    esp_safetensors *file = reference_open("ortho_init.safetensors");
    int count = 0;
    for (int i = 0; i < file->count; i++) {
        if (strncmp(file->tensor[i].name, "in.", strlen("in.")) != 0) continue;
        check_matrix(file, &file->tensor[i]);
        count++;
    }
    CU_ASSERT(count > 0);
    esp_safetensors_free(file);
}

static CU_TestInfo tests[] = {
    {"orthogonal_matrices_equal_the_reference", orthogonal_matrices_equal_the_reference},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("reference_init", tests)
