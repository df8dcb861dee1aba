/* One writer at a time, in real processes: the second is refused with the id of the first, and a
 * killed one locks nothing. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static char folder[] = "/tmp/espalier-lock-XXXXXX";
static char output[64], lock_file[80];

__attribute__((constructor)) static void make_folder(void)
{
    if (!mkdtemp(folder)) abort();
    snprintf(output, sizeof output, "%s/out", folder);
    snprintf(lock_file, sizeof lock_file, "%s.lock", output);
}

__attribute__((destructor)) static void remove_folder(void)
{
    unlink(lock_file);
    if (rmdir(folder) != 0) perror(folder);
}

/* A process that holds the lock of a path until it is killed. */
static pid_t start_holder(const char *path)
{
    int ready[2];
    char byte = 0;
    CU_ASSERT_FATAL(pipe(ready) == 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        esp_lock *lock = NULL;
        byte = esp_lock_take(path, &lock) == ESP_OK;
        if (write(ready[1], &byte, 1) != 1) _exit(1);
        for (;;) pause();
    }
    CU_ASSERT_FATAL(read(ready[0], &byte, 1) == 1 && byte == 1);
    close(ready[0]);
    close(ready[1]);
    return child;
}

static void end_holder(pid_t child)
{
    kill(child, SIGKILL);
    CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);
}

static void the_second_process_is_refused_with_the_id_of_the_first(void)
{
    char expected[160];
    esp_lock *lock = NULL;
    pid_t child = start_holder(output);
    snprintf(expected, sizeof expected, "'%s' is being written by process %ld (", output, (long)child);
    CHECK_FAILS(ESP_ERR_IO, esp_lock_take(output, &lock), expected);
    CU_ASSERT_PTR_NULL(lock);
    CU_ASSERT_PTR_NULL(strchr(esp_error_text(), '\n'));
    end_holder(child);
}

static void a_lock_file_of_a_killed_process_is_taken_over_and_removed(void)
{
    esp_lock *lock = NULL;
    end_holder(start_holder(output));
    CU_ASSERT_EQUAL(access(lock_file, F_OK), 0);
    CHECK_OK(esp_lock_take(output, &lock));
    pid_t child = fork(); /* the refusal names this process, not the killed one */
    if (child == 0) {
        char expected[64];
        esp_lock *mine = NULL;
        snprintf(expected, sizeof expected, "process %ld ", (long)getppid());
        _exit(esp_lock_take(output, &mine) == ESP_ERR_IO && strstr(esp_error_text(), expected) ? 0 : 1);
    }
    int status = -1;
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_EQUAL(status, 0);
    esp_lock_release(lock);
    CU_ASSERT_NOT_EQUAL(access(lock_file, F_OK), 0);
}

static void two_names_of_one_file_share_a_lock(void)
{
    char alias[64];
    esp_lock *lock = NULL, *second = NULL;
    snprintf(alias, sizeof alias, "%s/alias", folder);
    CHECK_OK(esp_file_write(output, "x", 1));
    CU_ASSERT_FATAL(symlink(output, alias) == 0);
    CHECK_OK(esp_lock_take(alias, &lock));
    CHECK_FAILS(ESP_ERR_IO, esp_lock_take(output, &second), "being written");
    esp_lock_release(lock);
    unlink(alias);
    unlink(output);
}

static void a_folder_is_locked_from_within(void)
{
    esp_lock *lock = NULL, *second = NULL;
    char inside[80];
    snprintf(inside, sizeof inside, "%s/.lock", folder);
    CHECK_OK(esp_lock_take(folder, &lock));
    CU_ASSERT_EQUAL(access(inside, F_OK), 0);
    CHECK_FAILS(ESP_ERR_IO, esp_lock_take(folder, &second), "being written");
    esp_lock_release(lock);
    CU_ASSERT_NOT_EQUAL(access(inside, F_OK), 0);
}

/* Where nothing can be written, the writer's own message is the better one. */
static void where_nothing_can_be_written_nothing_is_locked(void)
{
    esp_lock *lock = NULL;
    CHECK_OK(esp_lock_take("/tmp/espalier-no-such-folder/out", &lock));
    esp_lock_release(lock);
    esp_lock_release(NULL);
}

static void a_lock_file_that_cannot_be_opened_is_an_error(void)
{
    esp_lock *lock = NULL;
    CU_ASSERT_FATAL(mkdir(lock_file, 0777) == 0);
    CHECK_FAILS(ESP_ERR_IO, esp_lock_take(output, &lock), "cannot lock");
    CU_ASSERT_EQUAL(rmdir(lock_file), 0);
}

/* Processes that take and release the lock as fast as they can: never two inside, and every one
 * gets in. */
static void two_processes_never_hold_a_lock_at_once(void)
{
    enum { PROCESSES = 6, TURNS = 300 };
    int *shared = mmap(NULL, 2 * sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CU_ASSERT_FATAL(shared != MAP_FAILED);
    fflush(NULL);
    for (int p = 0; p < PROCESSES; p++) {
        if (fork() != 0) continue;
        bool alone = true;
        for (int turns = 0; turns < TURNS;) {
            esp_lock *lock = NULL;
            if (esp_lock_take(output, &lock) != ESP_OK) continue;
            alone = alone && __atomic_add_fetch(&shared[0], 1, __ATOMIC_SEQ_CST) == 1;
            shared[1]++; /* not atomic: only the lock keeps it in order */
            __atomic_sub_fetch(&shared[0], 1, __ATOMIC_SEQ_CST);
            esp_lock_release(lock);
            turns++;
        }
        _exit(alone ? 0 : 1);
    }
    for (int p = 0, status; p < PROCESSES; p++) CU_ASSERT(wait(&status) > 0 && status == 0);
    CU_ASSERT_EQUAL(shared[1], PROCESSES * TURNS);
    munmap(shared, 2 * sizeof *shared);
}

static CU_TestInfo tests[] = {
    {"the second process is refused with the id of the first", the_second_process_is_refused_with_the_id_of_the_first},
    {"a lock file of a killed process is taken over and removed",
     a_lock_file_of_a_killed_process_is_taken_over_and_removed},
    {"two names of one file share a lock", two_names_of_one_file_share_a_lock},
    {"a folder is locked from within", a_folder_is_locked_from_within},
    {"where nothing can be written nothing is locked", where_nothing_can_be_written_nothing_is_locked},
    {"a lock file that cannot be opened is an error", a_lock_file_that_cannot_be_opened_is_an_error},
    {"two processes never hold a lock at once", two_processes_never_hold_a_lock_at_once},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("lock", tests)
