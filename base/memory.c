/* Memory allocation that succeeds or ends the program: zeroed blocks aligned for vector loads. */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 }; /* one cache line, one AVX-512 register */

static size_t round_up(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* The one place below `cli` that prints: sizes were checked before, so a refusal means that the
 * machine is too small, and hardly any caller could do better than stop. */
static _Noreturn void out_of_memory(size_t count, size_t size)
{
    fprintf(stderr, "espalier: out of memory: %zu x %zu bytes were refused; use a smaller model, buffer or "
                    "number of threads, or a larger machine\n", count, size);
    exit(1);
}

void *esp_alloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - ALIGNMENT)
        out_of_memory(count, size);
    bytes = round_up(bytes > 0 ? bytes : 1);

    void *block = aligned_alloc(ALIGNMENT, bytes);
    if (!block) out_of_memory(count, size);
    return memset(block, 0, bytes);
}

char *esp_strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(esp_alloc(bytes, 1), text, bytes);
}
