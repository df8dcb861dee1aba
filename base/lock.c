/* One writer at a time: whoever writes a file or fills a folder holds a lock (flock) on a file beside it, which
 * contains its process id for others to name. The kernel releases the lock when the process ends, however it ends, so
 * a file that a killed process left behind locks nothing and is reused.
 *
 * The file is removed before the lock is released. A process that opened it just before gets a lock on a file without
 * a name; therefore a lock counts only while the path still names the locked file. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

enum { HOST = 65, OWNER = HOST + 24 };

struct esp_lock {
    char *path; /* path of the locked file, owned */
    int   fd;   /* -1: no lock, because nothing can be written there */
};

/* Inside a folder, or beside a file. A link is followed, so that two names of one file share a lock. */
static char *lock_path(const char *path)
{
    if (esp_is_folder(path)) return esp_path_join(path, ".lock");
    char *target = realpath(path, NULL);
    size_t bytes = strlen(target ? target : path) + sizeof ".lock";
    char *name = esp_alloc(bytes, 1);
    snprintf(name, bytes, "%s.lock", target ? target : path);
    free(target);
    return name;
}

static bool is_named(int fd, const char *path)
{
    struct stat held, named;
    return fstat(fd, &held) == 0 && lstat(path, &named) == 0 && held.st_dev == named.st_dev &&
           held.st_ino == named.st_ino;
}

/* ---- who holds it ---- */

static void host_name(char out[HOST])
{
    out[0] = 0;
    gethostname(out, HOST);
    out[HOST - 1] = 0;
    if (!*out) snprintf(out, HOST, "?");
}

/* Writes "1234 host". On a full disk the file stays empty; the lock holds all the same. */
static void sign(int fd)
{
    char host[HOST], text[OWNER];
    host_name(host);
    int length = snprintf(text, sizeof text, "%ld %s\n", (long)getpid(), host);
    if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)length, 0) < length) (void)!ftruncate(fd, 0);
}

/* False while the holder has not written its text yet, or when the text is that of a killed process. */
static bool read_owner(int fd, uint64_t *process, char host[HOST])
{
    char text[OWNER] = "", here[HOST];
    ssize_t size = pread(fd, text, sizeof text - 1, 0);
    size_t digits = size > 0 ? esp_digits_parse(text, process) : 0;
    if (digits == 0 || text[digits] != ' ' || *process > INT32_MAX) return false;
    snprintf(host, HOST, "%.*s", (int)strcspn(text + digits + 1, "\n"), text + digits + 1);
    host_name(here);
    if (strcmp(host, here) != 0) return true;
    host[0] = 0; /* on this machine: needs no name */
    return kill((pid_t)*process, 0) == 0 || errno != ESRCH;
}

static esp_status refuse(const char *path, int fd)
{
    uint64_t process;
    char host[HOST], owner[OWNER + 32] = "another process";
    for (int i = 0; i < 50; i++) {
        if (read_owner(fd, &process, host)) {
            snprintf(owner, sizeof owner, "process %ju%s%s", (uintmax_t)process, *host ? " on " : "", host);
            break;
        }
        usleep(2000);
    }
    return esp_fail(ESP_ERR_IO, "'%s' is being written by %s (wait until it ends or name another output)", path, owner);
}

/* ---- take and release ---- */

/* ESP_OK if the folder cannot be written: the error message of whoever writes the output is more precise. */
static esp_status open_failure(const char *name, int code)
{
    char *folder = esp_path_folder(name);
    bool writable = access(folder, W_OK) == 0;
    free(folder);
    return writable ? esp_fail(ESP_ERR_IO, "cannot lock '%s': %s", name, strerror(code)) : ESP_OK;
}

/* 0, or why it failed: EWOULDBLOCK when another process holds the lock. */
static int lock_now(int fd)
{
    int code;
    do code = flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    while (code == EINTR);
    return code;
}

/* Some network file systems have no locks. */
static void warn(const char *path, int code)
{
    esp_log(ESP_LOG_WARNING, "'%s' cannot be locked (%s): make sure that no other process writes it", path,
            strerror(code));
}

static esp_status take(const char *path, const char *name, int *out)
{
    for (;;) {
        int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
        if (fd < 0) return open_failure(name, errno);
        int code = lock_now(fd);
        esp_status status = code == EWOULDBLOCK ? refuse(path, fd) : ESP_OK;
        if (code == 0 && is_named(fd, name)) {
            sign(fd);
            *out = fd;
            return ESP_OK;
        }
        close(fd);
        if (code == 0) continue; /* its holder has just removed it */
        if (status == ESP_OK) warn(path, code);
        return status;
    }
}

esp_status esp_lock_take(const char *path, esp_lock **out)
{
    char *name = lock_path(path);
    int fd = -1;
    esp_status status = take(path, name, &fd);
    if (status != ESP_OK) {
        free(name);
        return status;
    }
    *out = esp_alloc(1, sizeof **out);
    **out = (esp_lock){.path = name, .fd = fd};
    return ESP_OK;
}

void esp_lock_release(esp_lock *lock)
{
    if (!lock) return;
    if (lock->fd >= 0 && is_named(lock->fd, lock->path)) unlink(lock->path);
    if (lock->fd >= 0) close(lock->fd);
    free(lock->path);
    free(lock);
}
