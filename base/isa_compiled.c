/* The instruction sets that the compiler was allowed to use, from its macros. This file holds data only, so it is
 * safe to read on a processor that has none of them. */
#include "base/base.h"

const esp_isa esp_isa_compiled = 0
#ifdef __SSE4_2__
    | ESP_ISA_SSE42
#endif
#ifdef __AVX__
    | ESP_ISA_AVX
#endif
#ifdef __FMA__
    | ESP_ISA_FMA
#endif
#ifdef __AVX2__
    | ESP_ISA_AVX2
#endif
#ifdef __BMI2__
    | ESP_ISA_BMI2
#endif
#ifdef __AVX512F__
    | ESP_ISA_AVX512F
#endif
#ifdef __AVX512BW__
    | ESP_ISA_AVX512BW
#endif
#ifdef __AVX512DQ__
    | ESP_ISA_AVX512DQ
#endif
#ifdef __AVX512VL__
    | ESP_ISA_AVX512VL
#endif
    ;
