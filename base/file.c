/* Whole files: read one, replace one so that no crash or full disk loses the old content, append
 * one line. */
#include "base/base_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- paths -------------------------------------------------------------------------------- */

char *esp_path_join(const char *folder, const char *name)
{
    size_t length = strlen(folder);
    const char *slash = length == 0 || folder[length - 1] == '/' ? "" : "/";
    size_t bytes = length + strlen(name) + 2;
    char *path = esp_alloc(bytes, 1);
    snprintf(path, bytes, "%s%s%s", folder, slash, name);
    return path;
}

char *esp_path_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return esp_strdup(".");
    while (slash > path && slash[-1] == '/') slash--;
    size_t length = slash == path ? 1 : (size_t)(slash - path);
    return memcpy(esp_alloc(length + 1, 1), path, length);
}

const char *esp_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

esp_status esp_file_bytes(const char *path, size_t *bytes)
{
    struct stat info;
    if (stat(path, &info) != 0) return esp_fail(ESP_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    *bytes = (size_t)info.st_size;
    return ESP_OK;
}

bool esp_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* ---- what went wrong, and what to do ------------------------------------------------------- */

static const char *advice(int code)
{
    switch (code) {
    case ENOSPC:
    case EDQUOT: return " (free some space or write to another disk)";
    case EFBIG:  return " (the limit of `ulimit -f` or of the file system is too low)";
    case EACCES:
    case EPERM:
    case EROFS:  return " (check its permissions or choose another path)";
    case EMFILE:
    case ENFILE: return " (raise `ulimit -n`)";
    default:     return "";
    }
}

esp_status esp_io_failure(const char *verb, const char *path, int code)
{
    return esp_fail(ESP_ERR_IO, "cannot %s '%s': %s%s", verb, path, strerror(code), advice(code));
}

/* ENOENT on creation does not say which part of the path is missing; it is always the folder. */
static esp_status create_failure(const char *path, int code)
{
    char *folder = esp_path_folder(path);
    esp_status status;
    if (*path && code == ENOENT && !esp_is_folder(folder))
        status = esp_fail(ESP_ERR_IO, "cannot write '%s': folder '%s' does not exist (create it first)", path, folder);
    else
        status = esp_io_failure("write", path, code);
    free(folder);
    return status;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* Stops early at the end of a file that became shorter meanwhile. */
static esp_status read_all(int fd, const char *path, char *data, size_t size, size_t *got)
{
    *got = 0;
    while (*got < size) {
        ssize_t n = read(fd, data + *got, size - *got);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return esp_io_failure("read", path, errno);
        if (n == 0) break;
        *got += (size_t)n;
    }
    return ESP_OK;
}

static esp_status check_readable(int fd, const char *path, size_t limit, size_t *size)
{
    struct stat info;
    if (fstat(fd, &info) != 0) return esp_io_failure("read", path, errno);
    if (S_ISDIR(info.st_mode)) return esp_fail(ESP_ERR_IO, "cannot read '%s': it is a folder, not a file", path);
    if (!S_ISREG(info.st_mode)) return esp_fail(ESP_ERR_IO, "cannot read '%s': it is not a regular file", path);
    if ((uintmax_t)info.st_size > limit)
        return esp_fail(ESP_ERR_FORMAT, "'%s' has %jd bytes, at most %zu were expected", path,
                        (intmax_t)info.st_size, limit);
    *size = (size_t)info.st_size;
    return ESP_OK;
}

esp_status esp_file_open(const char *path, size_t limit, int *fd, size_t *size)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must be refused, not waited for */
    if (*fd < 0) return esp_io_failure("open", path, errno);
    return check_readable(*fd, path, limit, size);
}

esp_status esp_file_read(const char *path, size_t limit, char **data, size_t *size)
{
    int fd = -1;
    char *content = NULL;
    size_t length = 0;
    esp_status status = esp_file_open(path, limit, &fd, &length);
    if (status == ESP_OK) {
        content = esp_alloc(length + 1, 1);
        status = read_all(fd, path, content, length, &length);
    }
    if (fd >= 0) close(fd);
    if (status == ESP_OK) {
        content[length] = 0;
        *data = content;
        *size = length;
    } else {
        free(content);
    }
    return status;
}

/* ---- writing ------------------------------------------------------------------------------- */

static esp_status write_all(int fd, const char *path, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return esp_io_failure("write", path, errno);
        data += n;
        size -= (size_t)n;
    }
    return ESP_OK;
}

/* Where the bytes will really go. A link is followed, so that it stays a link; an existing target
 * must be a writable regular file, since rename would replace a device or a protected file without
 * asking. *mode becomes the permissions of the existing file, or 0 if there is none. */
static esp_status find_target(const char *path, char **target, mode_t *mode)
{
    struct stat info;
    *mode = 0;
    if (lstat(path, &info) != 0) {
        *target = esp_strdup(path);
        return ESP_OK;
    }
    if (stat(path, &info) != 0) return esp_io_failure("write", path, errno);
    if (S_ISDIR(info.st_mode)) return esp_fail(ESP_ERR_IO, "cannot write '%s': it is a folder", path);
    if (!S_ISREG(info.st_mode))
        return esp_fail(ESP_ERR_IO, "cannot write '%s': it is not a regular file (choose a file name)", path);
    if (access(path, W_OK) != 0) return esp_io_failure("write", path, errno);

    char *resolved = realpath(path, NULL);
    if (!resolved) return esp_io_failure("write", path, errno);
    *target = resolved;
    *mode = info.st_mode & 07777;
    return ESP_OK;
}

/* A rename survives a power cut only once its folder is on disk. When the folder cannot be opened
 * for reading, or the file system cannot sync folders, nothing more can be done. */
static esp_status sync_folder(const char *target, const char *path)
{
    char *folder = esp_path_folder(target);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    esp_status status = ESP_OK;
    if (fd >= 0 && fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP && errno != EROFS)
        status = esp_io_failure("sync the folder of", path, errno);
    if (fd >= 0) close(fd);
    free(folder);
    return status;
}

struct esp_draft {
    char  *path, *target, *name; /* path as given, target with links followed, name of the temporary file; owned */
    mode_t mode;                 /* permissions of the old file; 0: there is none */
    int    fd;                   /* -1: not open; its lock says that the name is in use */
};

esp_status esp_draft_open(const char *path, esp_draft **out)
{
    esp_draft *draft = esp_alloc(1, sizeof *draft);
    *draft = (esp_draft){.path = esp_strdup(path), .fd = -1};
    esp_status status = find_target(path, &draft->target, &draft->mode);
    if (status == ESP_OK) {
        esp_temporary_sweep(draft->target);
        draft->fd = esp_temporary_open(draft->target, &draft->name);
        if (draft->fd < 0) status = create_failure(path, errno);
    }
    if (status == ESP_OK) *out = draft;
    else                  esp_draft_discard(draft);
    return status;
}

const char *esp_draft_name(const esp_draft *draft)
{
    return draft->name;
}

static void close_draft(esp_draft *draft)
{
    if (draft->fd >= 0) close(draft->fd);
    free(draft->path);
    free(draft->target);
    free(draft->name);
    free(draft);
}

esp_status esp_draft_keep(esp_draft *draft)
{
    esp_status status = ESP_OK;
    if (draft->mode && fchmod(draft->fd, draft->mode) != 0) status = esp_io_failure("write", draft->path, errno);
    if (status == ESP_OK && fsync(draft->fd) != 0) status = esp_io_failure("write", draft->path, errno);
    if (status == ESP_OK && rename(draft->name, draft->target) != 0)
        status = esp_io_failure("write", draft->path, errno);
    if (status != ESP_OK) {
        esp_draft_discard(draft);
        return status;
    }
    status = sync_folder(draft->target, draft->path);
    close_draft(draft);
    return status;
}

void esp_draft_discard(esp_draft *draft)
{
    if (!draft) return;
    if (draft->fd >= 0) unlink(draft->name);
    close_draft(draft);
}

esp_status esp_file_writable(const char *path)
{
    esp_draft *draft = NULL;
    esp_status status = esp_draft_open(path, &draft);
    esp_draft_discard(draft);
    return status;
}

esp_status esp_file_write(const char *path, const void *data, size_t size)
{
    esp_draft *draft = NULL;
    esp_status status = esp_draft_open(path, &draft);
    if (status != ESP_OK) return status;
    status = write_all(draft->fd, path, data, size);
    if (status == ESP_OK) return esp_draft_keep(draft);
    esp_draft_discard(draft);
    return status;
}

/* Half a line would spoil the next one as well: take it back, unless another process has appended
 * since. */
static void take_back(int fd, off_t before, size_t written)
{
    struct stat info;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size == before + (off_t)written
        && ftruncate(fd, before) != 0)
        return; /* the short write is reported either way */
}

esp_status esp_file_append_to(int fd, const char *path, const void *data, size_t size)
{
    off_t before = lseek(fd, 0, SEEK_END);
    ssize_t n;
    do n = write(fd, data, size);
    while (n < 0 && errno == EINTR);

    if (n < 0) return esp_io_failure("append to", path, errno);
    if ((size_t)n == size) return ESP_OK;
    take_back(fd, before, (size_t)n);
    return esp_io_failure("append to", path, ENOSPC);
}

esp_status esp_file_open_to_append(const char *path, size_t limit, int *out)
{
    size_t size;
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
    if (fd < 0) return create_failure(path, errno);
    esp_status status = check_readable(fd, path, limit, &size);
    if (status == ESP_OK) *out = fd;
    else                  close(fd);
    return status;
}

esp_status esp_file_append(const char *path, const void *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return create_failure(path, errno);
    esp_status status = esp_file_append_to(fd, path, data, size);
    if (close(fd) != 0 && status == ESP_OK) status = esp_io_failure("append to", path, errno);
    return status;
}

/* ---- folders ------------------------------------------------------------------------------- */

static esp_status make_one(const char *path)
{
    if (mkdir(path, 0777) == 0) return ESP_OK;
    int code = errno;
    if (esp_is_folder(path)) return ESP_OK;
    if (code == EEXIST)
        return esp_fail(ESP_ERR_IO, "cannot create folder '%s': a file of that name exists", path);
    return esp_io_failure("create folder", path, code);
}

esp_status esp_folder_make(const char *path)
{
    char *prefix = esp_strdup(path);
    esp_status status = ESP_OK;
    for (char *at = prefix + (*prefix != 0); *at && status == ESP_OK; at++) {
        if (*at != '/') continue;
        *at = 0;
        status = make_one(prefix);
        *at = '/';
    }
    if (status == ESP_OK) status = make_one(prefix);
    free(prefix);
    return status;
}
