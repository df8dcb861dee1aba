/* Before main: what would otherwise end in an illegal instruction or in a process that never ends.
 *
 * CMakeLists.txt compiles this file, like base/isa.c, without -march=native: the first instruction of main may
 * already be one that an older processor does not know. */
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"

/* Bytes of address space without which OpenBLAS's threads wait for memory for ever, also when the process ends. */
static size_t least_memory(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return ((size_t)160 + 40 * (size_t)(processors > 0 ? processors : 1)) << 20;
}

__attribute__((constructor)) static void check_machine(void)
{
    char names[ESP_ISA_TEXT];
    esp_isa lacking = esp_isa_compiled & ~esp_isa_offered();
    size_t least = least_memory();
    if (lacking)
        dprintf(STDERR_FILENO, "espalier: built for a processor with %s, which this one lacks: build it on this "
                "machine, or for all with cmake -DESP_NATIVE=OFF\n", esp_isa_text(lacking, names));
    else if (esp_memory_limit() < least)
        dprintf(STDERR_FILENO, "espalier: %zu MiB of address space are too few to start in: raise `ulimit -v` to at "
                "least %zu\n", esp_memory_limit() >> 20, least >> 10);
    else return;
    _exit(ESP_EXIT_FAILED);
}
