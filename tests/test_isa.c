/* Instruction sets: this build runs on this processor, and names say which. */
#include "tests/check.h"

static void this_processor_offers_what_the_build_uses(void)
{
    CU_ASSERT_EQUAL(esp_isa_compiled & ~esp_isa_offered(), 0);
}

static void offered_sets_are_those_of_proc_cpuinfo(void)
{
    char text[ESP_ISA_TEXT], line[8192] = "";
    FILE *file = fopen("/proc/cpuinfo", "r");
    CU_ASSERT_FATAL(file != NULL);
    while (fgets(line, sizeof line, file) && strncmp(line, "flags", 5) != 0) continue;
    fclose(file);
    CU_ASSERT_EQUAL(strstr(line, " avx2") != NULL, (esp_isa_offered() & ESP_ISA_AVX2) != 0);
    CU_ASSERT_EQUAL(strstr(line, " fma") != NULL, (esp_isa_offered() & ESP_ISA_FMA) != 0);
    CU_ASSERT_EQUAL(strstr(line, " avx512f") != NULL, (esp_isa_offered() & ESP_ISA_AVX512F) != 0);
    CU_ASSERT(strlen(esp_isa_text(esp_isa_offered(), text)) > 0);
}

static void every_set_has_a_name(void)
{
    char text[ESP_ISA_TEXT];
    CU_ASSERT_STRING_EQUAL(esp_isa_text(0, text), "none");
    CU_ASSERT_STRING_EQUAL(esp_isa_text(ESP_ISA_SSE42 | ESP_ISA_AVX512VL, text), "sse4.2 avx512vl");
    CU_ASSERT_STRING_EQUAL(esp_isa_text((ESP_ISA_AVX512VL << 1) - 1, text),
                           "sse4.2 avx fma avx2 bmi2 avx512f avx512bw avx512dq avx512vl");
}

static CU_TestInfo tests[] = {
    {"this processor offers what the build uses", this_processor_offers_what_the_build_uses},
    {"offered sets are those of /proc/cpuinfo", offered_sets_are_those_of_proc_cpuinfo},
    {"every set has a name", every_set_has_a_name},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("isa", tests)
