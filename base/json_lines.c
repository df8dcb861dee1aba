/* Files with one JSON value per line, appended to by a program that may be killed at any time.
 *
 * A last line without a newline was left by a killed writer: it counts if it is valid JSON, since then only the
 * newline is missing; otherwise readers skip it.
 *
 * Files are read line by line, so memory is bounded by what a reader keeps. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_internal.h"

enum { CHUNK = 1 << 16 };

/* ---- lines of text ---- */

typedef struct {
    int         fd;
    const char *path;
    off_t       offset;          /* of the next read */
    char       *text;            /* [room], owned */
    size_t      begin, end, room; /* part of the text that was not handed out yet */
} line_source;

static void make_room(line_source *s)
{
    if (s->begin > 0) memmove(s->text, s->text + s->begin, s->end - s->begin);
    s->end -= s->begin;
    s->begin = 0;
    if (s->room - s->end >= CHUNK) return;
    char *larger = esp_alloc(2 * s->room + CHUNK, 1);
    if (s->text) memcpy(larger, s->text, s->end);
    free(s->text);
    s->text = larger;
    s->room = 2 * s->room + CHUNK;
}

static esp_status read_more(line_source *s, bool *ended)
{
    make_room(s);
    ssize_t n;
    do n = pread(s->fd, s->text + s->end, s->room - s->end, s->offset);
    while (n < 0 && errno == EINTR);
    if (n < 0) return esp_io_failure("read", s->path, errno);
    s->end += (size_t)n;
    s->offset += n;
    *ended = n == 0;
    return ESP_OK;
}

/* The next line without its newline; *whole says whether it had one. NULL after the last. Valid until the next
 * call. */
static esp_status next_line(line_source *s, const char **line, size_t *length, bool *whole)
{
    bool ended = false;
    size_t seen = 0;
    *line = NULL;
    for (;;) {
        const char *start = s->text + s->begin;
        const char *end = s->end > s->begin + seen ? memchr(start + seen, '\n', s->end - s->begin - seen) : NULL;
        *whole = end != NULL;
        if (end || (ended && s->end > s->begin)) {
            *line = start;
            *length = end ? (size_t)(end - start) : s->end - s->begin;
            s->begin += *length + *whole;
            return ESP_OK;
        }
        if (ended) return ESP_OK;
        seen = s->end - s->begin;
        if (seen > ESP_JSON_LIMIT)
            return esp_fail(ESP_ERR_FORMAT, "%s: a line of more than %d bytes", s->path, ESP_JSON_LIMIT);
        esp_status status = read_more(s, &ended);
        if (status != ESP_OK) return status;
    }
}

/* ---- lines of JSON ---- */

/* The end of a file, as found by reading it. */
typedef struct {
    int   lines;       /* lines that count */
    off_t size;        /* bytes of the file without a last line that does not count */
    bool  unfinished;  /* the last line that counts has no newline */
} extent;

static esp_status take_lines(line_source *source, esp_json_line_fn take, void *context, extent *found)
{
    const char *text;
    size_t length = 0;
    bool whole = true;
    *found = (extent){0};
    esp_status status = next_line(source, &text, &length, &whole);
    while (status == ESP_OK && text) {
        cJSON *line = NULL;
        status = esp_json_parse(text, length, "not JSON", &line);
        if (status == ESP_ERR_FORMAT && !whole) return ESP_OK;
        if (status != ESP_OK) return esp_fail_in(status, "%s: line %d", source->path, found->lines + 1);
        *found = (extent){found->lines + 1, found->size + (off_t)length + whole, !whole};
        if (take) status = take(context, found->lines, line);
        else      cJSON_Delete(line);
        if (status == ESP_OK) status = next_line(source, &text, &length, &whole);
    }
    return status;
}

static esp_status read_lines(int fd, const char *path, esp_json_line_fn take, void *context, extent *found)
{
    line_source source = {.fd = fd, .path = path};
    esp_status status = take_lines(&source, take, context, found);
    free(source.text);
    return status;
}

esp_status esp_json_lines_read(const char *path, esp_json_line_fn take, void *context)
{
    int fd = -1;
    size_t size;
    extent found;
    esp_status status = esp_file_open(path, ESP_JSON_LINES_LIMIT, &fd, &size);
    if (status == ESP_OK) status = read_lines(fd, path, take, context, &found);
    if (fd >= 0) close(fd);
    return status;
}

/* ---- a file that is open for its one writer ---- */

struct esp_json_log {
    char *path;   /* owned */
    int   fd;
    extent found; /* result of the last reading */
};

esp_status esp_json_log_open(const char *path, esp_json_log **out)
{
    int fd = -1;
    esp_status status = esp_file_open_to_append(path, ESP_JSON_LINES_LIMIT, &fd);
    if (status != ESP_OK) return status;
    *out = esp_alloc(1, sizeof **out);
    **out = (esp_json_log){.path = esp_strdup(path), .fd = fd};
    return ESP_OK;
}

void esp_json_log_close(esp_json_log *log)
{
    if (!log) return;
    close(log->fd);
    free(log->path);
    free(log);
}

esp_status esp_json_log_read(esp_json_log *log, esp_json_line_fn take, void *context)
{
    return read_lines(log->fd, log->path, take, context, &log->found);
}

bool esp_json_log_begins(const esp_json_log *log, const char *text)
{
    size_t size = strlen(text) + 1;
    char *found = esp_alloc(size, 1);
    ssize_t n = pread(log->fd, found, size, 0);
    bool begins = n >= 0 && (size_t)n < size && memcmp(found, text, (size_t)n) == 0;
    free(found);
    return begins;
}

esp_status esp_json_log_mend(esp_json_log *log)
{
    if (ftruncate(log->fd, log->found.size) != 0) return esp_io_failure("write", log->path, errno);
    if (!log->found.unfinished) return ESP_OK;
    log->found.unfinished = false;
    return esp_file_append_to(log->fd, log->path, "\n", 1);
}

esp_status esp_json_log_append(esp_json_log *log, const cJSON *line)
{
    char *text = esp_json_line(line);
    if (!text) return esp_fail(ESP_ERR_MACHINE, "cannot write '%s': no memory for its JSON text", log->path);
    size_t length = strlen(text);
    text[length] = '\n'; /* replaces the final 0 */
    esp_status status = esp_file_append_to(log->fd, log->path, text, length + 1);
    free(text);
    return status;
}
