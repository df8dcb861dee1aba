/* What this computer offers: processor, instruction sets, memory. */
#include "base/base.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The text after the colon in the line that begins with `key`, in a file below /proc. */
static bool read_proc(const char *path, const char *key, char *out, size_t size)
{
    char line[512];
    bool found = false;
    FILE *file = fopen(path, "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, key, strlen(key)) != 0 || !colon) continue;
        colon += 1 + strspn(colon + 1, " \t");
        snprintf(out, size, "%.*s", (int)strcspn(colon, "\n"), colon);
        found = true;
    }
    if (file) fclose(file);
    return found;
}

void esp_processor_name(char *out, size_t size)
{
    if (!read_proc("/proc/cpuinfo", "model name", out, size)) snprintf(out, size, "unknown processor");
}

size_t esp_memory_free(void)
{
    char text[64];
    uint64_t kib;
    if (!read_proc("/proc/meminfo", "MemAvailable", text, sizeof text)) return 0;
    text[strcspn(text, " ")] = 0;
    return esp_u64_parse(text, &kib) ? (size_t)kib * 1024 : 0;
}

size_t esp_memory_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return SIZE_MAX;
    return (size_t)limit.rlim_cur;
}
