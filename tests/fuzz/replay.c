/* Runs a fuzz target on files: replay FILE... Exit status 1 when one cannot be read; a finding ends the process. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char *data = NULL;
        size_t size = 0;
        if (esp_file_read(argv[i], (size_t)64 << 20, &data, &size) != ESP_OK) {
            fprintf(stderr, "%s\n", esp_error_text());
            return 1;
        }
        uint8_t *exact = malloc(size ? size : 1); /* so that a sanitizer sees the first byte beyond it */
        if (!exact) return 1;
        for (size_t k = 0; k < size; k++) exact[k] = (uint8_t)data[k];
        LLVMFuzzerTestOneInput(exact, size);
        free(exact);
        free(data);
    }
    printf("%d files replayed\n", argc - 1);
    return 0;
}
