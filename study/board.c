/* Event files for TensorBoard: the lines of a training run as they are written, the cells of a sweep at its end. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report/report.h"
#include "study/study.h"

/* ---- events in memory ---- */

typedef struct {
    FILE  *out;
    char  *text; /* owned */
    size_t size;
} buffer;

static esp_status buffer_open(buffer *b, const char *path)
{
    *b = (buffer){NULL, NULL, 0};
    b->out = open_memstream(&b->text, &b->size);
    return b->out ? ESP_OK : esp_fail(ESP_ERR_MACHINE, "no memory for %s", path);
}

/* Writes what is in the buffer with esp_file_write or esp_file_append, and frees it. */
static esp_status buffer_write(buffer *b, const char *path, esp_status (*write)(const char *, const void *, size_t))
{
    fclose(b->out);
    esp_status status = b->size > 0 ? write(path, b->text, b->size) : ESP_OK;
    free(b->text);
    return status;
}

/* ---- a training run ---- */

struct esp_board {
    char *folder, *metrics; /* owned */
    char *path;             /* of the event file, owned; NULL: not begun */
    FILE *out;              /* while old lines are read */
};

esp_board *esp_board_new(const char *folder, const char *run_dir)
{
    esp_board *board = esp_alloc(1, sizeof *board);
    *board = (esp_board){.folder = esp_strdup(folder), .metrics = esp_path_join(run_dir, "metrics.jsonl")};
    return board;
}

void esp_board_free(esp_board *board)
{
    if (!board) return;
    free(board->folder);
    free(board->metrics);
    free(board->path);
    free(board);
}

/* The first key of a line is the counter of the run: it becomes the step. Events have their own time; and several lines
 * of one step would give it several values. */
static void write_line(FILE *out, const cJSON *line)
{
    cJSON *scalars = cJSON_Duplicate(line, true);
    double step = scalars->child ? scalars->child->valuedouble : 0;
    cJSON_DeleteItemFromArray(scalars, 0);
    cJSON_DeleteItemFromObjectCaseSensitive(scalars, "wall_s");
    esp_events_scalars(out, (double)time(NULL), (int64_t)step, scalars);
    cJSON_Delete(scalars);
}

static esp_status take_known(void *context, int number, cJSON *line)
{
    (void)number;
    esp_board *board = context;
    write_line(board->out, line);
    cJSON_Delete(line);
    return ESP_OK;
}

/* Begins an event file with `line`. In a folder without event files it begins with the first line of the run, so that
 * the option may be given when a run is resumed. */
static esp_status begin(esp_board *board, const cJSON *line)
{
    buffer b;
    bool continues = esp_events_latest(board->folder) > 0;
    double now = (double)time(NULL);
    esp_status status = esp_folder_make(board->folder);
    if (status == ESP_OK) status = buffer_open(&b, board->folder);
    if (status != ESP_OK) return status;
    board->path = esp_events_path(board->folder);
    board->out = b.out;
    if (continues) {
        esp_events_begin(b.out, now, (int64_t)line->child->valuedouble);
        write_line(b.out, line);
    } else {
        esp_events_begin(b.out, now, 0);
        status = esp_json_lines_read(board->metrics, take_known, board);
    }
    esp_status written = buffer_write(&b, board->path, esp_file_append);
    return status == ESP_OK ? written : status;
}

esp_status esp_board_take(void *context, const cJSON *line)
{
    esp_board *board = context;
    buffer b;
    if (!board->path) return begin(board, line);
    esp_status status = buffer_open(&b, board->path);
    if (status != ESP_OK) return status;
    write_line(b.out, line);
    return buffer_write(&b, board->path, esp_file_append);
}

esp_status esp_board_finish(esp_board *board)
{
    return board->path || esp_events_latest(board->folder) > 0 ? ESP_OK : begin(board, NULL);
}

/* ---- a sweep ---- */

/* The points of one way with one seed; steps are thousandths of sparsity. */
static int write_points(FILE *out, const esp_sweep *sweep, const char *way, double seed)
{
    static const char *const labels[] = {"target_sparsity", "seed"};
    const cJSON *cell;
    int count = 0;
    cJSON_ArrayForEach(cell, sweep->results) {
        if (strcmp(esp_json_text(cell, "way"), way) != 0 || esp_json_number(cell, "seed") != seed) continue;
        if (esp_json_text(cell, "error")) continue;
        cJSON *row = esp_sweep_row(sweep, cell);
        int64_t step = llround(1000 * esp_json_number(row, "target_sparsity"));
        for (int i = 0; i < 2; i++) cJSON_DeleteItemFromObjectCaseSensitive(row, labels[i]);
        esp_events_scalars(out, (double)time(NULL), step, row);
        cJSON_Delete(row);
        count++;
    }
    return count;
}

static esp_status write_curve(const esp_sweep *sweep, const char *folder, const char *way, uint64_t seed)
{
    char name[128];
    buffer b;
    snprintf(name, sizeof name, "%s/seed%ju", way, (uintmax_t)seed);
    char *run = esp_path_join(folder, name), *path = esp_path_join(run, "events.out.tfevents.0000000000.sweep");
    esp_status status = buffer_open(&b, path);
    if (status == ESP_OK) {
        esp_events_begin(b.out, (double)time(NULL), 0);
        bool any = write_points(b.out, sweep, way, (double)seed) > 0;
        if (any) status = esp_folder_make(run);
        if (any && status == ESP_OK) status = buffer_write(&b, path, esp_file_write);
        else                         fclose(b.out), free(b.text);
    }
    free(run);
    free(path);
    return status;
}

esp_status esp_sweep_write_events(const esp_sweep *sweep, const char *folder)
{
    esp_status status = ESP_OK;
    for (int s = 0; s < sweep->num_seeds && status == ESP_OK; s++) {
        status = write_curve(sweep, folder, "dense", sweep->seed + (uint64_t)s);
        for (int w = 0; w < sweep->num_ways && status == ESP_OK; w++)
            status = write_curve(sweep, folder, sweep->way[w].name, sweep->seed + (uint64_t)s);
    }
    return status;
}
