/* A folder of files that appears complete or not at all: it is filled under another name, then renamed. */
#define _GNU_SOURCE /* renameat2 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/deploy_internal.h"

/* Whether the path of a file is `path`, or begins with `path` as a folder. */
static bool is_ours(const char *path, int count, const esp_c_file *files)
{
    size_t length = strlen(path);
    for (int i = 0; i < count; i++)
        if (strncmp(files[i].path, path, length) == 0 && (files[i].path[length] == '/' || !files[i].path[length]))
            return true;
    return false;
}

/* The path of the first entry below `folder` that is none of the files; NULL: there is none. In new memory. */
static char *find_stranger(const char *folder, const char *below, int count, const esp_c_file *files)
{
    char *path = *below ? esp_path_join(folder, below) : esp_strdup(folder), *stranger = NULL;
    DIR *list = opendir(path);
    for (struct dirent *entry; list && !stranger && (entry = readdir(list));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char *name = *below ? esp_path_join(below, entry->d_name) : esp_strdup(entry->d_name);
        char *whole = esp_path_join(folder, name);
        struct stat info;
        bool is_folder = lstat(whole, &info) == 0 && S_ISDIR(info.st_mode);
        if (!is_ours(name, count, files)) stranger = esp_strdup(name);
        else if (is_folder) stranger = find_stranger(folder, name, count, files);
        free(whole);
        free(name);
    }
    if (list) closedir(list);
    free(path);
    return stranger;
}

static esp_status check_target(const char *folder, int count, const esp_c_file *files, bool *exists)
{
    struct stat info;
    *exists = lstat(folder, &info) == 0;
    if (!*exists) return ESP_OK;
    if (!S_ISDIR(info.st_mode)) return esp_fail(ESP_ERR_USAGE, "%s: is not a folder; name a new one", folder);
    char *stranger = find_stranger(folder, "", count, files);
    if (!stranger) return ESP_OK;
    esp_status status = esp_fail(ESP_ERR_USAGE, "%s: holds '%s', which is not of an export; name a new folder", folder,
                                 stranger);
    free(stranger);
    return status;
}

/* ---- the draft ---- */

static esp_status write_file(const char *folder, const esp_c_file *file)
{
    char *path = esp_path_join(folder, file->path), *parent = esp_path_folder(path);
    esp_status status = esp_folder_make(parent);
    if (status == ESP_OK) status = esp_file_write(path, file->text, file->size);
    free(parent);
    free(path);
    return status;
}

/* Removes the files and the folders that they were in. */
static void remove_files(const char *folder, int count, const esp_c_file *files)
{
    for (int i = 0; i < count; i++) {
        char *path = esp_path_join(folder, files[i].path);
        unlink(path);
        for (char *slash = strrchr(path, '/'); slash && slash > path + strlen(folder); slash = strrchr(path, '/')) {
            *slash = '\0';
            rmdir(path);
        }
        free(path);
    }
    rmdir(folder);
}

/* The draft takes the folder's place; what was there is left under the draft's name. */
static esp_status swap(const char *draft, const char *folder, bool exists)
{
    int failed = exists ? renameat2(AT_FDCWD, draft, AT_FDCWD, folder, RENAME_EXCHANGE) : rename(draft, folder);
    return failed ? esp_fail(ESP_ERR_IO, "%s: cannot be written: %s", folder, strerror(errno)) : ESP_OK;
}

esp_status esp_c_folder_write(const char *folder, int count, const esp_c_file *files)
{
    bool exists;
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/') length--; /* "out/" is out */
    char *target = esp_alloc(length + 1, 1), *draft = esp_alloc(length + 32, 1);
    memcpy(target, folder, length);
    snprintf(draft, length + 32, "%s.%ld.tmp", target, (long)getpid());
    esp_status status = check_target(target, count, files, &exists);
    if (status == ESP_OK) status = esp_folder_make(draft);
    for (int i = 0; i < count && status == ESP_OK; i++) status = write_file(draft, &files[i]);
    if (status == ESP_OK) status = swap(draft, target, exists);
    remove_files(draft, count, files);
    free(draft);
    free(target);
    return status;
}
