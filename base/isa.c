/* Instruction sets of this processor.
 *
 * CMakeLists.txt compiles this file without -march=native: it has to run on a processor that lacks what the rest
 * of the program uses. */
#include "base/base.h"

#include <stdio.h>

static const char *const names[] = {"sse4.2",  "avx",      "fma",      "avx2",    "bmi2",
                                    "avx512f", "avx512bw", "avx512dq", "avx512vl"};
enum { NUM_NAMES = sizeof names / sizeof *names };

esp_isa esp_isa_offered(void)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    const bool has[NUM_NAMES] = {
        __builtin_cpu_supports("sse4.2"),   __builtin_cpu_supports("avx"),      __builtin_cpu_supports("fma"),
        __builtin_cpu_supports("avx2"),     __builtin_cpu_supports("bmi2"),     __builtin_cpu_supports("avx512f"),
        __builtin_cpu_supports("avx512bw"), __builtin_cpu_supports("avx512dq"), __builtin_cpu_supports("avx512vl")};
    esp_isa set = 0;
    for (int i = 0; i < NUM_NAMES; i++)
        if (has[i]) set |= (esp_isa)1 << i;
    return set;
#else
    return 0;
#endif
}

char *esp_isa_text(esp_isa set, char out[ESP_ISA_TEXT])
{
    size_t length = 0;
    snprintf(out, ESP_ISA_TEXT, "none");
    for (int i = 0; i < NUM_NAMES; i++)
        if (set >> i & 1)
            length += (size_t)snprintf(out + length, ESP_ISA_TEXT - length, "%s%s", length ? " " : "", names[i]);
    return out;
}
