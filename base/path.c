/* Paths inside files: relative to the folder of the file that holds them, so that a folder can be
 * moved as a whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

char *esp_path_resolve(const char *file, const char *path)
{
    char *folder = esp_path_folder(file);
    bool as_it_is = path[0] == '/' || path[0] == 0 || strcmp(folder, ".") == 0;
    char *resolved = as_it_is ? esp_strdup(path) : esp_path_join(folder, path);
    free(folder);
    return resolved;
}

/* Length in bytes of the leading folders that two absolute paths (without links) share. */
static size_t shared_folders(const char *a, const char *b)
{
    size_t shared = 0;
    for (size_t i = 0; a[i] && a[i] == b[i]; i++)
        if (a[i] == '/') shared = i + 1;
    return shared;
}

/* The relative path from the folder of `from` to `to`; both are absolute paths without links. */
static char *way_between(const char *from, const char *to)
{
    size_t shared = shared_folders(from, to), up = 0;
    for (const char *c = from + shared; *c; c++) up += *c == '/';
    size_t size = 3 * up + strlen(to + shared) + 1, used = 0;
    char *way = esp_alloc(size, 1);
    for (size_t i = 0; i < up; i++) used += (size_t)snprintf(way + used, size - used, "../");
    snprintf(way + used, size - used, "%s", to + shared);
    return way;
}

char *esp_path_relative(const char *file, const char *path)
{
    char *folder = esp_path_folder(file);
    char *from = realpath(folder, NULL), *to = path[0] ? realpath(path, NULL) : NULL, *relative;
    if (from && to) {
        char *inside = esp_path_join(from, "file");
        relative = way_between(inside, to);
        free(inside);
    } else {
        relative = esp_strdup(path);
    }
    free(folder);
    free(from);
    free(to);
    return relative;
}
