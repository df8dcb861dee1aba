/* A file is the old one or the whole new one, nothing else is left behind, and every failure says
 * which path, why and what to do. */
#include "tests/check.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[] = "/tmp/espalier-file-XXXXXX";

/* One of four buffers in turn, so that a call may name several paths. */
static const char *in_folder(const char *name)
{
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static bool holds(const char *path, const char *expected)
{
    char *data = NULL;
    size_t size = 0;
    bool equal = esp_file_read(path, 1 << 20, &data, &size) == ESP_OK && size == strlen(expected)
                 && strcmp(data, expected) == 0;
    free(data);
    return equal;
}

static int count_entries(const char *path)
{
    int count = 0;
    DIR *entries = opendir(path);
    for (struct dirent *entry; entries && (entry = readdir(entries));) count += entry->d_name[0] != '.';
    if (entries) closedir(entries);
    return count;
}

/* Runs a check that changes the rights of its process, in a child. */
static bool true_in_child(bool (*check)(void))
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) _exit(check() ? 0 : 1);
    int status = 1;
    waitpid(child, &status, 0);
    return status == 0;
}

static bool fails_with(esp_status status, const char *word)
{
    bool expected = status == ESP_ERR_IO && strstr(esp_error_text(), word) != NULL;
    if (!expected) fprintf(stderr, "\n    status %d, error text: %s\n", status, esp_error_text());
    return expected;
}

static void a_written_file_is_read_back_with_a_final_zero(void)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    static const char bytes[] = {'a', 0, '\n', (char)0xff};
    char *data = NULL;
    size_t size = 0;
    CHECK_OK(esp_file_write(in_folder("x"), bytes, sizeof bytes));
    CHECK_OK(esp_file_read(in_folder("x"), sizeof bytes, &data, &size));
    CU_ASSERT(size == sizeof bytes && memcmp(data, bytes, size) == 0 && data[size] == 0);
    free(data);
    CHECK_OK(esp_file_write(in_folder("x"), NULL, 0));
    CU_ASSERT(holds(in_folder("x"), ""));
    CU_ASSERT_EQUAL(count_entries(folder), 1);
}

static void reading_refuses_anything_but_a_file_of_the_expected_size(void)
{
    char *data = NULL;
    size_t size = 0;
    CHECK_OK(esp_file_write(in_folder("x"), "12345", 5));
    CHECK_FAILS(ESP_ERR_FORMAT, esp_file_read(in_folder("x"), 4, &data, &size), "has 5 bytes, at most 4");
    CHECK_FAILS(ESP_ERR_IO, esp_file_read(in_folder("none"), 9, &data, &size), "No such file");
    CHECK_FAILS(ESP_ERR_IO, esp_file_read(folder, 9, &data, &size), "is a folder");
    CHECK_FAILS(ESP_ERR_IO, esp_file_read("/dev/zero", 9, &data, &size), "not a regular file");
    CU_ASSERT_EQUAL(mkfifo(in_folder("pipe"), 0600), 0);
    CHECK_FAILS(ESP_ERR_IO, esp_file_read(in_folder("pipe"), 9, &data, &size), "not a regular file");
    unlink(in_folder("pipe"));
    CU_ASSERT_PTR_NULL(data);
}

static void replacing_keeps_permissions_and_follows_links(void)
{
    struct stat info;
    CHECK_OK(esp_file_write(in_folder("x"), "old", 3));
    CU_ASSERT_EQUAL(chmod(in_folder("x"), 0640), 0);
    CU_ASSERT_EQUAL(symlink("x", in_folder("link")), 0);
    CHECK_OK(esp_file_write(in_folder("link"), "new", 3));
    CU_ASSERT(lstat(in_folder("link"), &info) == 0 && S_ISLNK(info.st_mode));
    CU_ASSERT(stat(in_folder("x"), &info) == 0 && (info.st_mode & 07777) == 0640);
    CU_ASSERT(holds(in_folder("x"), "new"));
    unlink(in_folder("link"));
}

static void a_new_file_obeys_the_umask(void)
{
    struct stat info;
    mode_t old = umask(027);
    CHECK_OK(esp_file_write(in_folder("fresh"), "", 0));
    umask(old);
    CU_ASSERT(stat(in_folder("fresh"), &info) == 0 && (info.st_mode & 07777) == 0640);
    unlink(in_folder("fresh"));
}

static void writing_into_a_missing_folder_names_the_folder(void)
{
    CHECK_FAILS(ESP_ERR_IO, esp_file_write("no-such-folder/x", "", 0), "folder 'no-such-folder' does not exist");
    CHECK_FAILS(ESP_ERR_IO, esp_file_writable("no-such-folder/x"), "folder 'no-such-folder' does not exist");
    CHECK_FAILS(ESP_ERR_IO, esp_file_append("no-such-folder/x", "", 0), "folder 'no-such-folder' does not exist");
    CHECK_FAILS(ESP_ERR_IO, esp_file_write("", "", 0), "cannot write ''");
    CHECK_OK(esp_file_write(in_folder("x"), "", 0));
    CHECK_FAILS(ESP_ERR_IO, esp_file_write(in_folder("x/y"), "", 0), "Not a directory");
}

static void asking_whether_a_file_is_writable_writes_nothing(void)
{
    CHECK_OK(esp_file_writable(in_folder("not-yet")));
    CU_ASSERT(access(in_folder("not-yet"), F_OK) != 0);
    CHECK_OK(esp_file_write(in_folder("x"), "old", 3));
    CHECK_OK(esp_file_writable(in_folder("x")));
    char *data = NULL;
    size_t size = 0;
    CHECK_OK(esp_file_read(in_folder("x"), 10, &data, &size));
    CU_ASSERT(size == 3 && memcmp(data, "old", 3) == 0);
    free(data);
    CHECK_FAILS(ESP_ERR_IO, esp_file_writable("/dev/full"), "not a regular file");
    CHECK_FAILS(ESP_ERR_IO, esp_file_writable(folder), "is a folder");
}

static void devices_pipes_folders_and_dead_links_are_not_replaced(void)
{
    CHECK_FAILS(ESP_ERR_IO, esp_file_write("/dev/full", "", 0), "not a regular file");
    CHECK_FAILS(ESP_ERR_IO, esp_file_write(folder, "", 0), "is a folder");
    CU_ASSERT_EQUAL(mkfifo(in_folder("pipe"), 0600), 0);
    CHECK_FAILS(ESP_ERR_IO, esp_file_write(in_folder("pipe"), "", 0), "not a regular file");
    CU_ASSERT_EQUAL(symlink("nothing", in_folder("dead")), 0);
    CHECK_FAILS(ESP_ERR_IO, esp_file_write(in_folder("dead"), "", 0), "No such file");
    unlink(in_folder("pipe"));
    unlink(in_folder("dead"));
}

/* Root may write everywhere, so the child changes to the user nobody. */
static bool write_without_permission(void)
{
    if (getuid() == 0 && setuid(65534) != 0) return false;
    return fails_with(esp_file_write(in_folder("locked/x"), "new", 3), "Permission denied (check its permissions")
        && fails_with(esp_file_write(in_folder("locked/new"), "new", 3), "Permission denied")
        && fails_with(esp_file_append(in_folder("locked/new"), "new", 3), "Permission denied")
        && fails_with(esp_folder_make(in_folder("locked/a/b")), "cannot create folder");
}

static void an_unwritable_folder_is_a_clear_error(void)
{
    CHECK_OK(esp_folder_make(in_folder("locked")));
    CHECK_OK(esp_file_write(in_folder("locked/x"), "old", 3));
    CU_ASSERT_EQUAL(chmod(folder, 0755), 0);
    CU_ASSERT_EQUAL(chmod(in_folder("locked"), 0555), 0);
    CU_ASSERT(true_in_child(write_without_permission));
    CU_ASSERT(holds(in_folder("locked/x"), "old"));
    CU_ASSERT_EQUAL(chmod(in_folder("locked"), 0755), 0);
    CU_ASSERT_EQUAL(count_entries(in_folder("locked")), 1);
    unlink(in_folder("locked/x"));
    rmdir(in_folder("locked"));
}

static bool write_protected_file(void)
{
    if (getuid() == 0 && setuid(65534) != 0) return false;
    return fails_with(esp_file_write(in_folder("open/x"), "new", 3), "Permission denied");
}

static void a_write_protected_file_is_kept(void)
{
    CHECK_OK(esp_folder_make(in_folder("open")));
    CHECK_OK(esp_file_write(in_folder("open/x"), "old", 3));
    CU_ASSERT_EQUAL(chmod(in_folder("open/x"), 0444), 0);
    CU_ASSERT_EQUAL(chmod(in_folder("open"), 0777), 0);
    CU_ASSERT(true_in_child(write_protected_file));
    CU_ASSERT(holds(in_folder("open/x"), "old"));
    unlink(in_folder("open/x"));
    rmdir(in_folder("open"));
}

/* The limit stops the write halfway, as a full disk does. */
static bool write_beyond_the_limit(void)
{
    static char big[100000];
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){5000, 5000}) != 0) return false;
    return fails_with(esp_file_write(in_folder("x"), big, sizeof big), "File too large (the limit of `ulimit -f`")
        && fails_with(esp_file_write(in_folder("absent"), big, sizeof big), "/absent': File too large");
}

static void a_failed_write_leaves_the_old_file_and_no_temporary(void)
{
    CHECK_OK(esp_file_write(in_folder("x"), "old", 3));
    CU_ASSERT(true_in_child(write_beyond_the_limit));
    CU_ASSERT(holds(in_folder("x"), "old"));
    CU_ASSERT_EQUAL(count_entries(folder), 1);
}

/* SIGXFSZ kills a process that does not ignore it, here in the middle of the temporary file. */
static bool die_beyond_the_limit(void)
{
    static char big[100000];
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){5000, 5000});
    return esp_file_write(in_folder("x"), big, sizeof big) == ESP_OK;
}

static void a_write_removes_temporaries_of_a_killed_one(void)
{
    CHECK_OK(esp_file_write(in_folder("x"), "old", 3));
    CU_ASSERT(!true_in_child(die_beyond_the_limit));
    CU_ASSERT(holds(in_folder("x"), "old"));
    CU_ASSERT_EQUAL(count_entries(folder), 2);
    CHECK_OK(esp_file_write(in_folder("x"), "new", 3));
    CU_ASSERT(holds(in_folder("x"), "new"));
    CU_ASSERT_EQUAL(count_entries(folder), 1);
}

static void create(const char *name)
{
    int fd = open(in_folder(name), O_WRONLY | O_CREAT, 0666);
    CU_ASSERT_FATAL(fd >= 0);
    close(fd);
}

static void a_write_keeps_temporaries_in_use_and_those_of_other_files(void)
{
    static const char *const others[] = {"xx.1.2.tmp", "x.1.tmp", "x.1.2.tmp.1", "x.1a.2.tmp", "x.1..tmp", "x.1.2"};
    for (int i = 0; i < 6; i++) create(others[i]);
    create("x.1.2.tmp");
    int fd = open(in_folder("x.1.2.tmp"), O_RDONLY);
    CU_ASSERT_EQUAL(flock(fd, LOCK_EX), 0);
    CHECK_OK(esp_file_write(in_folder("x"), "", 0));
    CU_ASSERT_EQUAL(count_entries(folder), 8);
    close(fd);
    CHECK_OK(esp_file_write(in_folder("x"), "", 0));
    CU_ASSERT_EQUAL(count_entries(folder), 7);
    for (int i = 0; i < 6; i++) CU_ASSERT_EQUAL(unlink(in_folder(others[i])), 0);
}

static void a_film_that_an_earlier_version_left_is_removed_after_a_day(void)
{
    create("v.mp4.988.tmp");
    CHECK_OK(esp_file_write(in_folder("v.mp4"), "", 0));
    CU_ASSERT_EQUAL(access(in_folder("v.mp4.988.tmp"), F_OK), 0); /* somebody may be writing it */
    struct timespec times[2] = {{.tv_sec = time(NULL) - 25 * 3600}, {.tv_sec = time(NULL) - 25 * 3600}};
    CU_ASSERT_EQUAL(utimensat(AT_FDCWD, in_folder("v.mp4.988.tmp"), times, 0), 0);
    CHECK_OK(esp_file_write(in_folder("v.mp4"), "", 0));
    CU_ASSERT_NOT_EQUAL(access(in_folder("v.mp4.988.tmp"), F_OK), 0);
    unlink(in_folder("v.mp4"));
}

static bool append_beyond_the_limit(void)
{
    static char big[100000];
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){5000, 5000}) != 0) return false;
    return fails_with(esp_file_append(in_folder("log"), big, sizeof big), "cannot append to");
}

static void appending_keeps_whole_lines_even_when_it_fails(void)
{
    CHECK_OK(esp_file_append(in_folder("log"), "one\n", 4));
    CHECK_OK(esp_file_append(in_folder("log"), "two\n", 4));
    CU_ASSERT(true_in_child(append_beyond_the_limit));
    CU_ASSERT(holds(in_folder("log"), "one\ntwo\n"));
    unlink(in_folder("log"));
}

static void a_full_disk_says_what_to_do(void)
{
    CHECK_FAILS(ESP_ERR_IO, esp_file_append("/dev/full", "x", 1), "No space left on device (free some space");
}

static void *write_many(void *letter)
{
    static char text[4][50000];
    char *mine = text[*(char *)letter - 'a'], *path = esp_path_join(folder, "x");
    memset(mine, *(char *)letter, sizeof text[0]);
    esp_status status = ESP_OK;
    for (int i = 0; i < 20 && status == ESP_OK; i++) status = esp_file_write(path, mine, sizeof text[0]);
    free(path);
    return status == ESP_OK ? letter : NULL;
}

static void threads_writing_one_file_leave_one_whole_version(void)
{
    static char letters[4] = "abcd";
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, write_many, &letters[i]), 0);
    for (int i = 0; i < 4; i++) {
        void *done = NULL;
        pthread_join(threads[i], &done);
        CU_ASSERT_PTR_NOT_NULL(done);
    }
    char *data = NULL;
    size_t size = 0;
    CHECK_OK(esp_file_read(in_folder("x"), 50000, &data, &size));
    CU_ASSERT_EQUAL(size, 50000);
    for (size_t i = 1; i < size; i++)
        if (data[i] != data[0]) CU_FAIL_FATAL("the file mixes two versions");
    free(data);
    CU_ASSERT_EQUAL(count_entries(folder), 1);
}

static void a_folder_is_made_with_its_parents(void)
{
    struct stat info;
    CHECK_OK(esp_folder_make(in_folder("a//b/c/")));
    CHECK_OK(esp_folder_make(in_folder("a/b/c")));
    CHECK_OK(esp_folder_make("/"));
    CU_ASSERT(stat(in_folder("a/b/c"), &info) == 0 && S_ISDIR(info.st_mode));
    CHECK_FAILS(ESP_ERR_IO, esp_folder_make(in_folder("x")), "a file of that name exists");
    CHECK_FAILS(ESP_ERR_IO, esp_folder_make(in_folder("x/y")), "a file of that name exists");
    CHECK_FAILS(ESP_ERR_IO, esp_folder_make(""), "cannot create folder ''");
    rmdir(in_folder("a/b/c"));
    rmdir(in_folder("a/b"));
    rmdir(in_folder("a"));
}

static void check_path(char *got, const char *expected)
{
    CU_ASSERT_STRING_EQUAL(got, expected);
    free(got);
}

static void paths_are_joined_and_taken_apart(void)
{
    check_path(esp_path_join("run", "config.json"), "run/config.json");
    check_path(esp_path_join("run/", "config.json"), "run/config.json");
    check_path(esp_path_join("/", "x"), "/x");
    check_path(esp_path_join("", "x"), "x");
    check_path(esp_path_folder("out/x"), "out");
    check_path(esp_path_folder("a//x"), "a");
    check_path(esp_path_folder("/x"), "/");
    check_path(esp_path_folder("x"), ".");
}

static void nothing_is_left_behind(void)
{
    CU_ASSERT_EQUAL(unlink(in_folder("x")), 0);
    CU_ASSERT_EQUAL(rmdir(folder), 0);
}

static CU_TestInfo tests[] = {
    {"a written file is read back with a final zero", a_written_file_is_read_back_with_a_final_zero},
    {"reading refuses anything but a file of the expected size",
     reading_refuses_anything_but_a_file_of_the_expected_size},
    {"replacing keeps permissions and follows links", replacing_keeps_permissions_and_follows_links},
    {"a new file obeys the umask", a_new_file_obeys_the_umask},
    {"writing into a missing folder names the folder", writing_into_a_missing_folder_names_the_folder},
    {"devices, pipes, folders and dead links are not replaced", devices_pipes_folders_and_dead_links_are_not_replaced},
    {"an unwritable folder is a clear error", an_unwritable_folder_is_a_clear_error},
    {"a write-protected file is kept", a_write_protected_file_is_kept},
    {"a failed write leaves the old file and no temporary", a_failed_write_leaves_the_old_file_and_no_temporary},
    {"a write removes temporaries of a killed one", a_write_removes_temporaries_of_a_killed_one},
    {"a write keeps temporaries in use and those of other files",
     a_write_keeps_temporaries_in_use_and_those_of_other_files},
    {"a film that an earlier version left is removed after a day",
     a_film_that_an_earlier_version_left_is_removed_after_a_day},
    {"appending keeps whole lines even when it fails", appending_keeps_whole_lines_even_when_it_fails},
    {"a full disk says what to do", a_full_disk_says_what_to_do},
    {"threads writing one file leave one whole version", threads_writing_one_file_leave_one_whole_version},
    {"a folder is made with its parents", a_folder_is_made_with_its_parents},
    {"paths are joined and taken apart", paths_are_joined_and_taken_apart},
    {"asking whether a file is writable writes nothing", asking_whether_a_file_is_writable_writes_nothing},
    {"nothing is left behind", nothing_is_left_behind},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("file", tests)
