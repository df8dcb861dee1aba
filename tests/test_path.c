/* Paths inside files are relative to the file. */
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static char folder[] = "/tmp/espalier-path-XXXXXX";

__attribute__((constructor)) static void make_folder(void)
{
    if (!mkdtemp(folder) || chdir(folder) != 0) abort();
    if (mkdir("out", 0777) || mkdir("models", 0777) || mkdir("models/pole", 0777)) abort();
    if (esp_file_write("models/pole/scene.xml", "<a/>", 4) != ESP_OK) abort();
}

__attribute__((destructor)) static void remove_folder(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    if (system(command) != 0) abort();
}

static void check(char *(*move)(const char *file, const char *path), const char *file, const char *path,
                  const char *expected)
{
    char *moved = move(file, path);
    CU_ASSERT_STRING_EQUAL(moved, expected);
    free(moved);
}

static void resolved_path_starts_at_the_folder_of_its_file(void)
{
    check(esp_path_resolve, "out/net.safetensors", "scene.xml", "out/scene.xml");
    check(esp_path_resolve, "out/net.safetensors", "../models/pole/scene.xml", "out/../models/pole/scene.xml");
    check(esp_path_resolve, "net.safetensors", "scene.xml", "scene.xml");
    check(esp_path_resolve, "/net.safetensors", "scene.xml", "/scene.xml");
    check(esp_path_resolve, "out/net.safetensors", "/tmp/scene.xml", "/tmp/scene.xml");
    check(esp_path_resolve, "out/net.safetensors", "", "");
}

static void relative_path_leads_from_the_file_to_what_it_names(void)
{
    check(esp_path_relative, "models/pole/net.safetensors", "models/pole/scene.xml", "scene.xml");
    check(esp_path_relative, "out/net.safetensors", "models/pole/scene.xml", "../models/pole/scene.xml");
    check(esp_path_relative, "net.safetensors", "./models/../models/pole/scene.xml", "models/pole/scene.xml");
    check(esp_path_relative, "out/net.safetensors", "", "");
}

/* Neither the working folder nor the spelling of the path matters. */
static void path_of_one_file_is_the_same_from_everywhere(void)
{
    char *absolute = realpath("models/pole/scene.xml", NULL);
    check(esp_path_relative, "out/net.safetensors", absolute, "../models/pole/scene.xml");
    CU_ASSERT_EQUAL_FATAL(chdir("out"), 0);
    check(esp_path_relative, "net.safetensors", "../models/pole/scene.xml", "../models/pole/scene.xml");
    CU_ASSERT_EQUAL_FATAL(chdir(".."), 0);
    free(absolute);
}

static void a_path_that_does_not_exist_stays_as_it_was_written(void)
{
    check(esp_path_relative, "out/net.safetensors", "nowhere/scene.xml", "nowhere/scene.xml");
    check(esp_path_relative, "nowhere/net.safetensors", "models/pole/scene.xml", "models/pole/scene.xml");
}

static CU_TestInfo tests[] = {
    {"resolved path starts at the folder of its file", resolved_path_starts_at_the_folder_of_its_file},
    {"relative path leads from the file to what it names", relative_path_leads_from_the_file_to_what_it_names},
    {"path of one file is the same from everywhere", path_of_one_file_is_the_same_from_everywhere},
    {"a path that does not exist stays as it was written", a_path_that_does_not_exist_stays_as_it_was_written},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("path", tests)
