/* PNG files of SVG pictures: the program rsvg-convert draws them as a browser would. Input and
 * output are files in memory, so neither process waits for the other. */
#define _GNU_SOURCE /* memfd_create */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report/report_internal.h"

static const char program[] = "rsvg-convert";
static const char package[] = "librsvg2-bin";

extern char **environ;

/* The three standard streams of the program. */
typedef struct { int in, out, err; } streams;

static int memory_file(void)
{
    return memfd_create("espalier-chart", MFD_CLOEXEC);
}

static bool fill(int fd, const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        ssize_t n = write(fd, text, left);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        text += n;
        left -= (size_t)n;
    }
    return lseek(fd, 0, SEEK_SET) == 0;
}

/* The whole content followed by a 0; NULL when it cannot be read. */
static char *content(int fd, size_t *size)
{
    struct stat info;
    if (fstat(fd, &info) != 0) return NULL;
    char *data = esp_alloc((size_t)info.st_size + 1, 1);
    for (*size = 0; *size < (size_t)info.st_size;) {
        ssize_t n = pread(fd, data + *size, (size_t)info.st_size - *size, (off_t)*size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        *size += (size_t)n;
    }
    return data;
}

/* Starts the program and waits for it. Returns 0 when it succeeded, -1 when it failed, else the
 * errno of the start. */
static int run(streams s, double zoom)
{
    char zoom_option[64];
    esp_format(zoom_option, sizeof zoom_option, "--zoom=%g", zoom);
    char *arguments[] = {(char *)program, "--format=png", zoom_option, NULL};

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, s.in, 0);
    posix_spawn_file_actions_adddup2(&actions, s.out, 1);
    posix_spawn_file_actions_adddup2(&actions, s.err, 2);
    pid_t child;
    int code = posix_spawnp(&child, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (code != 0) return code;

    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static esp_status start_failure(const char *path, int code)
{
    if (code == ENOENT || code == EACCES)
        return esp_fail(ESP_ERR_MACHINE, "cannot draw '%s': the program %s is missing (install the package %s)", path,
                        program, package);
    return esp_fail(ESP_ERR_MACHINE, "cannot draw '%s': %s does not start: %s", path, program, strerror(code));
}

/* Uses the first line that the program printed. */
static esp_status program_failure(const char *path, int err)
{
    size_t size = 0;
    char *said = content(err, &size);
    if (said) said[strcspn(said, "\n")] = 0;
    esp_status status = esp_fail(ESP_ERR_MACHINE, "cannot draw '%s': %s failed: %.300s", path, program,
                                 said && *said ? said : "it gave no reason");
    free(said);
    return status;
}

/* Runs the program on the picture; its output is in new memory. */
static esp_status photograph(streams s, const char *svg, double zoom, const char *path, char **png, size_t *size)
{
    static const char signature[] = "\x89PNG\r\n\x1a\n";
    if (s.in < 0 || s.out < 0 || s.err < 0 || !fill(s.in, svg))
        return esp_fail(ESP_ERR_MACHINE, "cannot draw '%s': no file in memory: %s", path, strerror(errno));
    int code = run(s, zoom);
    if (code > 0) return start_failure(path, code);
    if (code < 0) return program_failure(path, s.err);

    *png = content(s.out, size);
    if (*png && *size > 8 && memcmp(*png, signature, 8) == 0) return ESP_OK;
    free(*png);
    return program_failure(path, s.err);
}

/* `path` is used in messages only. */
static esp_status make_png(const char *svg, double zoom, const char *path, char **png, size_t *size)
{
    streams s = {memory_file(), memory_file(), memory_file()};
    esp_status status = photograph(s, svg, zoom, path, png, size);
    if (s.in >= 0) close(s.in);
    if (s.out >= 0) close(s.out);
    if (s.err >= 0) close(s.err);
    return status;
}

esp_status esp_svg_draw(const char *svg, double zoom, const char *path)
{
    char *png = NULL;
    size_t size = 0;
    esp_status status = make_png(svg, zoom, path, &png, &size);
    if (status != ESP_OK) return status;
    status = esp_file_write(path, png, size);
    free(png);
    return status;
}

/* ---- is the program there? ----------------------------------------------------------------------- */

static esp_status draw_letter(char letter, char **png, size_t *size)
{
    char svg[256];
    snprintf(svg, sizeof svg,
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"32\" height=\"32\"><text x=\"4\" y=\"24\" "
             "font-family=\"" ESP_FONTS "\" font-size=\"20\">%c</text></svg>",
             letter);
    return make_png(svg, 1.0, "a letter", png, size);
}

/* Without a font every letter is drawn as the same empty box, or not at all. */
static esp_status check_font(void)
{
    char *png[2] = {NULL, NULL};
    size_t size[2] = {0, 0};
    esp_status status = draw_letter('I', &png[0], &size[0]);
    if (status == ESP_OK) status = draw_letter('W', &png[1], &size[1]);
    if (status == ESP_OK && size[0] == size[1] && memcmp(png[0], png[1], size[0]) == 0)
        status = esp_fail(ESP_ERR_MACHINE, "%s finds no font, so charts as PNG have no text (install the package "
                          "fonts-dejavu-core)", program);
    free(png[0]);
    free(png[1]);
    return status;
}

esp_status esp_svg_program(char *version, size_t size)
{
    esp_status status = esp_program_version(program, "--version", package, version, size);
    return status == ESP_OK ? check_font() : esp_fail_in(status, "charts are only SVG");
}
