/* The processor time that control groups allow, from folders like the kernel's. */
#include <unistd.h>

#include "base/base_internal.h"
#include "check.h"

static char root[] = "/tmp/espalier-cgroup-XXXXXX";

static void make(const char *path, const char *text)
{
    char command[512];
    snprintf(command, sizeof command, "cd %s && mkdir -p \"$(dirname %s)\" && printf -- '%s' >%s", root, path, text,
             path);
    CU_ASSERT_EQUAL_FATAL(system(command), 0);
}

static void begin(void)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
}

static void end(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", root);
    CU_ASSERT_EQUAL(system(command), 0);
    memcpy(root + sizeof root - 7, "XXXXXX", 6);
}

static double quota(const char *membership)
{
    make("membership", membership);
    char *file = esp_path_join(root, "membership");
    double found = esp_cgroup_quota(file, root);
    free(file);
    return found;
}

static void a_quota_of_version_2_counts_processors(void)
{
    begin();
    make("box/cpu.max", "150000 100000\\n");
    CU_ASSERT_EQUAL(quota("0::/box\\n"), 1.5);
    make("box/cpu.max", "max 100000\\n");
    CU_ASSERT(isinf(quota("0::/box\\n")));
    end();
}

static void a_group_above_limits_those_below(void)
{
    begin();
    make("outer/cpu.max", "200000 100000\\n");
    make("outer/inner/cpu.max", "800000 100000\\n");
    CU_ASSERT_EQUAL(quota("0::/outer/inner\\n"), 2.0);
    make("cpu.max", "50000 100000\\n"); /* a container sees its own group as the root */
    CU_ASSERT_EQUAL(quota("0::/not/visible/here\\n"), 0.5);
    end();
}

static void a_quota_of_version_1_counts_processors(void)
{
    begin();
    make("cpu/box/cpu.cfs_quota_us", "300000\\n");
    make("cpu/box/cpu.cfs_period_us", "100000\\n");
    CU_ASSERT_EQUAL(quota("5:memory:/box\\n4:cpu,cpuacct:/box\\n0::/\\n"), 3.0);
    CU_ASSERT(isinf(quota("3:cpuset:/box\\n2:cpuacct:/box\\n")));
    make("cpu/box/cpu.cfs_quota_us", "-1\\n");
    CU_ASSERT(isinf(quota("4:cpu,cpuacct:/box\\n")));
    end();
}

static void a_quota_that_is_not_understood_is_ignored(void)
{
    static const char *const odd[] = {"", "0", "0:", "0::", "0::/", "0::/../../..", "::::", "4:cpu",
                                      "\\n\\n", "0::/box"};
    begin();
    make("box/cpu.max", "150000\\n");
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) CU_ASSERT(isinf(quota(odd[i])));
    make("box/cpu.max", "0 0\\n");
    CU_ASSERT(isinf(quota("0::/box\\n")));
    CU_ASSERT(isinf(esp_cgroup_quota("/nowhere", "/nowhere")));
    CU_ASSERT(esp_processor_quota() > 0);
    end();
}

static CU_TestInfo tests[] = {
    {"a quota of version 2 counts processors", a_quota_of_version_2_counts_processors},
    {"a group above limits those below", a_group_above_limits_those_below},
    {"a quota of version 1 counts processors", a_quota_of_version_1_counts_processors},
    {"a quota that is not understood is ignored", a_quota_that_is_not_understood_is_ignored},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("cgroup", tests)
