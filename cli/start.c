/* Runs before main: refuses a memory limit under which the program would hang. */
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"

/* Bytes of address space below which OpenBLAS's threads wait for memory forever, even when the
 * process ends. */
static size_t least_memory(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return ((size_t)160 + 40 * (size_t)(processors > 0 ? processors : 1)) << 20;
}

__attribute__((constructor)) static void check_memory(void)
{
    size_t least = least_memory();
    if (esp_memory_limit() >= least) return;
    dprintf(STDERR_FILENO, "espalier: %zu MiB of address space are too few to start: raise `ulimit -v` to at "
            "least %zu\n", esp_memory_limit() >> 20, least >> 10);
    _exit(ESP_EXIT_FAILED);
}
