/* Temporary files, TARGET.PID.NUMBER.tmp; earlier versions wrote films to TARGET.PID.tmp. A killed process leaves its
 * file behind; the next write to the same target removes it. A process id alone would not tell whether a file is in
 * use - containers and machines that share a disk have ids of their own - so its writer holds a lock on it (flock),
 * which the kernel releases when the process ends. Where files cannot be locked nothing is removed. Earlier versions
 * held no lock: their files are removed when nothing was written to them for a day. */
#include "base/base_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DAY = 24 * 60 * 60 }; /* s */

/* Between our open and our lock another process may have swept the file away as a leftover. */
static bool lock(int fd)
{
    struct stat info;
    while (flock(fd, LOCK_EX) != 0 && errno == EINTR);
    return fstat(fd, &info) == 0 && info.st_nlink > 0;
}

/* The process id keeps programs apart, the counter threads; a name that a killed process with our id left behind is
 * skipped. */
int esp_temporary_open(const char *target, char **name)
{
    static atomic_uint counter;
    size_t bytes = strlen(target) + 64;
    *name = esp_alloc(bytes, 1);
    for (int attempt = 0; attempt < 100; attempt++) {
        snprintf(*name, bytes, "%s.%ld.%u.tmp", target, (long)getpid(), atomic_fetch_add(&counter, 1));
        int fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 && lock(fd)) return fd;
        if (fd >= 0) close(fd);
        else if (errno != EEXIST) return -1;
    }
    errno = EEXIST;
    return -1;
}

/* ".12345" */
static bool skip_number(const char **at)
{
    size_t digits = **at == '.' ? strspn(*at + 1, "0123456789") : 0;
    *at += digits + 1;
    return digits > 0;
}

/* Numbers in the name of a temporary of the target: 2, or 1 by an earlier version; 0: it is something else. */
static int numbers_of(const char *name, const char *target_name)
{
    size_t length = strlen(target_name);
    int numbers = 0;
    if (strncmp(name, target_name, length) != 0) return 0;
    for (name += length; numbers < 2 && strcmp(name, ".tmp") != 0; numbers++)
        if (!skip_number(&name)) return 0;
    return strcmp(name, ".tmp") == 0 ? numbers : 0;
}

static void remove_leftover(int folder, const char *name, bool earlier_version)
{
    struct stat info;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return;
    bool left = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (left && (!earlier_version || time(NULL) - info.st_mtime > DAY)) unlinkat(folder, name, 0);
    close(fd);
}

void esp_temporary_sweep(const char *target)
{
    const char *slash = strrchr(target, '/');
    char *folder = esp_path_folder(target);
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        int numbers = numbers_of(entry->d_name, slash ? slash + 1 : target);
        if (numbers > 0) remove_leftover(dirfd(entries), entry->d_name, numbers == 1);
    }
    if (entries) closedir(entries);
    free(folder);
}
