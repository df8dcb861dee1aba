/* Video by the ffmpeg program, which reads raw frames from its standard input. */
#define _GNU_SOURCE /* memfd_create */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "viewer/viewer_internal.h"

extern char **environ;

struct esp_movie {
    char      *path;         /* owned */
    esp_draft *draft;        /* the file that ffmpeg writes; owned */
    size_t     frame;        /* bytes of a frame */
    pid_t      child;        /* 0: not running */
    int        feed, said;   /* ffmpeg's standard input and error; -1: not open */
};

/* ---- start ------------------------------------------------------------------------------------------ */

static esp_status start_failure(const char *path, int code)
{
    if (code == ENOENT || code == EACCES)
        return esp_fail(ESP_ERR_MACHINE, "cannot write '%s': the program ffmpeg is missing (install the package "
                        "ffmpeg, or name a .png file or a folder)", path);
    return esp_fail(ESP_ERR_MACHINE, "cannot write '%s': ffmpeg does not start: %s", path, strerror(code));
}

/* Starts ffmpeg in its own process group, so that Ctrl-C reaches only us, and we clean up. */
static int spawn(char *const arguments[], int in, int err, pid_t *child)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    int code = posix_spawnp(child, arguments[0], &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

/* H.264 in 4:2:0, which every player knows, needs even sides: an odd side gets one black line
 * more. */
static int start(esp_movie *movie, int width, int height, double fps, int in)
{
    char size[32], rate[32], file[4096];
    snprintf(size, sizeof size, "%dx%d", width, height);
    esp_format(rate, sizeof rate, "%g", fps);
    /* "file:", so that a ':' in a name is not taken for a protocol. */
    snprintf(file, sizeof file, "file:%s", esp_draft_name(movie->draft));
    char *arguments[] = {"ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-f", "rawvideo",
                         "-pixel_format", "rgb24", "-video_size", size, "-framerate", rate, "-i", "pipe:0",
                         "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-c:v", "libx264", "-preset", "veryfast",
                         "-crf", "20", "-pix_fmt", "yuv420p", "-movflags", "+faststart", "-f", "mp4", file, NULL};
    return spawn(arguments, in, movie->said, &movie->child);
}

esp_status esp_movie_create(const char *path, int width, int height, double fps, esp_movie **out)
{
    esp_movie *movie = esp_alloc(1, sizeof *movie);
    *movie = (esp_movie){.path = esp_strdup(path), .frame = 3 * (size_t)width * (size_t)height, .feed = -1};
    int ends[2] = {-1, -1};
    movie->said = memfd_create("espalier-ffmpeg", MFD_CLOEXEC);
    /* First of all, so that a wrong name is reported before anything is drawn. */
    esp_status status = esp_draft_open(path, &movie->draft);
    /* A socket, not a pipe: writing to a program that died is then an error, not a signal. */
    if (status == ESP_OK && (movie->said < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0))
        status = esp_fail(ESP_ERR_MACHINE, "cannot write '%s': no channel to ffmpeg: %s", path, strerror(errno));
    if (status == ESP_OK) {
        int code = start(movie, width, height, fps, ends[0]);
        movie->feed = ends[1];
        close(ends[0]);
        if (code != 0) {
            movie->child = 0;
            status = start_failure(path, code);
        }
    }
    if (status == ESP_OK) *out = movie;
    else                  esp_movie_cancel(movie);
    return status;
}

/* ---- feed -------------------------------------------------------------------------------------------- */

/* Reports the last line that ffmpeg wrote, with our name of the file. */
static esp_status program_failure(esp_movie *movie)
{
    char said[300] = "";
    ssize_t size = pread(movie->said, said, sizeof said - 1, 0);
    said[size > 0 ? size : 0] = 0;
    said[strcspn(said, "\n")] = 0;
    /* a full disk does not mean that the machine lacks something */
    esp_status status = strstr(said, strerror(ENOSPC)) ? ESP_ERR_IO : ESP_ERR_MACHINE;
    return esp_fail(status, "cannot write '%s': ffmpeg failed: %s", movie->path,
                    *said ? said : "it gave no reason");
}

/* Closes ffmpeg's input and waits; true when it succeeded. */
static bool finished_well(esp_movie *movie)
{
    int status = -1;
    close(movie->feed);
    movie->feed = -1;
    while (waitpid(movie->child, &status, 0) < 0 && errno == EINTR) continue;
    movie->child = 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

esp_status esp_movie_add(esp_movie *movie, const uint8_t *pixels)
{
    for (size_t left = movie->frame; left > 0;) {
        ssize_t n = send(movie->feed, pixels, left, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            finished_well(movie);
            return program_failure(movie);
        }
        pixels += n;
        left -= (size_t)n;
    }
    return ESP_OK;
}

static void destroy(esp_movie *movie)
{
    if (movie->said >= 0) close(movie->said);
    free(movie->path);
    esp_draft_discard(movie->draft);
    free(movie);
}

esp_status esp_movie_finish(esp_movie *movie)
{
    esp_status status = finished_well(movie) ? ESP_OK : program_failure(movie);
    if (status == ESP_OK) {
        status = esp_draft_keep(movie->draft);
        movie->draft = NULL;
    }
    esp_movie_cancel(movie);
    return status;
}

void esp_movie_cancel(esp_movie *movie)
{
    if (!movie) return;
    if (movie->child > 0) kill(movie->child, SIGKILL);
    if (movie->child > 0) finished_well(movie);
    else if (movie->feed >= 0) close(movie->feed);
    destroy(movie);
}

/* ---- is the program there? ----------------------------------------------------------------------- */

esp_status esp_movie_program(char *version, size_t size)
{
    char encoder[256];
    esp_status status = esp_program_version("ffmpeg", "-version", "ffmpeg", version, size);
    if (status != ESP_OK) return esp_fail_in(status, "`espalier record` makes pictures but no videos");
    if (!esp_program_line("ffmpeg -v quiet -h encoder=libx264 2>/dev/null", encoder, sizeof encoder) ||
        strncmp(encoder, "Encoder ", strlen("Encoder ")) != 0)
        return esp_fail(ESP_ERR_MACHINE,
                        "ffmpeg %s was built without libx264, which videos need (install Debian's package "
                        "ffmpeg)",
                        version);
    return ESP_OK;
}
