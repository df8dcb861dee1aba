/* How much processor time the control groups of this process allow: what a container with `--cpus 1.5` may use on a
 * machine with 64 processors, which the number of processors does not show.
 *
 * Version 2 has "0::/path" in /proc/self/cgroup and "QUOTA PERIOD" (us) in ROOT/path/cpu.max; version 1 has
 * "4:cpu,cpuacct:/path" and the two numbers in ROOT/cpu/path/cpu.cfs_{quota,period}_us. The limits of parent groups
 * apply as well. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_internal.h"

/* Reads a small text file of the kernel; "" when it cannot be read. */
static void read_text(const char *folder, const char *name, char *out, size_t size)
{
    char *path = esp_path_join(folder, name);
    FILE *file = fopen(path, "re");
    out[0] = 0;
    if (file && !fgets(out, (int)size, file)) out[0] = 0;
    if (file) fclose(file);
    out[strcspn(out, "\n")] = 0;
    free(path);
}

/* quota / period, or INFINITY without a limit, which control groups write as "max" or -1. */
static double ratio(const char *quota, const char *period)
{
    uint64_t q, p;
    return esp_u64_parse(quota, &q) && esp_u64_parse(period, &p) && q > 0 && p > 0 ? (double)q / (double)p : INFINITY;
}

static double quota_of(const char *group, bool unified)
{
    char quota[64], period[64];
    if (!unified) {
        read_text(group, "cpu.cfs_quota_us", quota, sizeof quota);
        read_text(group, "cpu.cfs_period_us", period, sizeof period);
        return ratio(quota, period);
    }
    read_text(group, "cpu.max", quota, sizeof quota);
    char *space = strchr(quota, ' ');
    if (!space) return INFINITY;
    *space = 0;
    return ratio(quota, space + 1);
}

/* The least quota of a group and its parents, up to the root. A container sees its own group as the root, while the
 * path may be the one outside: folders that do not exist have no limit. */
static double least_quota(const char *root, const char *path, bool unified)
{
    char *group = esp_path_join(root, path[0] == '/' ? path + 1 : path);
    size_t top = strlen(root);
    double least = quota_of(root, unified);
    while (strlen(group) > top + 1) {
        least = fmin(least, quota_of(group, unified));
        *strrchr(group, '/') = 0;
    }
    free(group);
    return least;
}

static bool names_cpu(const char *controllers, size_t length)
{
    for (size_t at = 0; at < length;) {
        size_t span = strcspn(controllers + at, ",:");
        if (span == 3 && memcmp(controllers + at, "cpu", 3) == 0) return true;
        at += span + 1;
    }
    return false;
}

/* The quota of a line "NUMBER:CONTROLLERS:PATH". */
static double quota_of_line(const char *line, const char *root)
{
    const char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path) return INFINITY;
    controllers++;
    if (path == controllers) return least_quota(root, path + 1, true);
    if (!names_cpu(controllers, (size_t)(path - controllers))) return INFINITY;
    char *mount = esp_path_join(root, "cpu"); /* a link to cpu,cpuacct where these are mounted together */
    double least = least_quota(mount, path + 1, false);
    free(mount);
    return least;
}

double esp_cgroup_quota(const char *membership, const char *root)
{
    char line[4096];
    double least = INFINITY;
    FILE *file = fopen(membership, "re");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        least = fmin(least, quota_of_line(line, root));
    }
    if (file) fclose(file);
    return least;
}

double esp_processor_quota(void)
{
    return esp_cgroup_quota("/proc/self/cgroup", "/sys/fs/cgroup");
}
