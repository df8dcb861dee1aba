/* The output of frames: a video, a strip of frames side by side, or one picture per frame. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/colors.h"

struct esp_film {
    esp_film_config config; /* borrows the path */
    esp_lock  *lock;        /* lock of the output, owned */
    int        count;       /* frames so far */
    esp_movie *movie;       /* owned; NULL: no video */
    esp_sketch strip;       /* its pixels are owned; NULL: no strip */
};

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

esp_status esp_film_kind_of(const char *path, esp_film_kind *out)
{
    bool folder = ends_with(path, "/") || esp_is_folder(path);
    if (folder)                        *out = ESP_FILM_FOLDER;
    else if (ends_with(path, ".mp4"))  *out = ESP_FILM_MOVIE;
    else if (ends_with(path, ".png"))  *out = ESP_FILM_STRIP;
    else
        return esp_fail(ESP_ERR_USAGE, "'%s' is neither a .mp4 file, a .png file nor a folder; end the name of a new "
                        "folder with /", path);
    return ESP_OK;
}

/* ---- strips ---- */

static esp_text_size text_size(const esp_film_config *config)
{
    return config->width < 100 ? ESP_TEXT_SMALL : config->width < 320 ? ESP_TEXT_NORMAL : ESP_TEXT_LARGE;
}

/* Height of a line of names or times, px. */
static int line_height(const esp_film_config *config)
{
    return esp_text_height(text_size(config)) + 4;
}

/* Upper edge of the frames of a role: below its name. */
static int row_top(const esp_film_config *config, int role)
{
    int name = config->names ? line_height(config) : 0;
    return role * (name + config->height) + name;
}

/* Rows of frames below their names, and at last the times. */
static void make_strip(const esp_film_config *config, esp_sketch *strip)
{
    strip->width = config->frames * config->width;
    strip->height = row_top(config, config->roles - 1) + config->height + line_height(config);
    strip->pixels = esp_alloc((size_t)strip->width * (size_t)strip->height, 3);
    esp_sketch_fill(strip, (esp_area){0, 0, strip->width, strip->height}, esp_color_panel);
    for (int i = 0; i < config->roles && config->names; i++)
        esp_sketch_text_within(strip, text_size(config), 6, row_top(config, i) - line_height(config) + 2,
                               strip->width - 12, config->names[i], esp_color_text);
}

static void write_time(const esp_film_config *config, esp_sketch *strip, int frame, double seconds)
{
    char text[32];
    esp_format(text, sizeof text, "%.2f s", seconds);
    esp_text_size size = text_size(config);
    int left = frame * config->width + (config->width - esp_sketch_text_width(size, text)) / 2;
    esp_sketch_text(strip, size, left, strip->height - line_height(config) + 2, text, esp_color_soft);
}

/* ---- create and fill ---- */

static esp_status start(const esp_film_config *config, esp_film *film)
{
    esp_status status = ESP_OK;
    if (config->kind == ESP_FILM_FOLDER) status = esp_folder_make(config->path);
    if (status == ESP_OK) status = esp_lock_take(config->path, &film->lock);
    if (status == ESP_OK && config->kind == ESP_FILM_MOVIE)
        status = esp_movie_create(config->path, config->roles * config->width, config->height, config->fps,
                                  &film->movie);
    if (status == ESP_OK && config->kind == ESP_FILM_STRIP) make_strip(config, &film->strip);
    return status;
}

esp_status esp_film_create(const esp_film_config *config, esp_film **out)
{
    esp_film *film = esp_alloc(1, sizeof *film);
    film->config = *config;
    esp_status status = start(config, film);
    if (status == ESP_OK) *out = film;
    else                  esp_film_cancel(film);
    return status;
}

/* Roles are side by side in a frame and below each other in a strip. */
static void paste(esp_film *film, double seconds, const uint8_t *pixels)
{
    const esp_film_config *c = &film->config;
    size_t tile = 3 * (size_t)c->width, row = tile * (size_t)c->frames;
    for (int role = 0; role < c->roles; role++)
        for (int y = 0; y < c->height; y++)
            memcpy(film->strip.pixels + (size_t)(row_top(c, role) + y) * row + (size_t)film->count * tile,
                   pixels + (size_t)(y * c->roles + role) * tile, tile);
    write_time(c, &film->strip, film->count, seconds);
}

static esp_status write_picture(const esp_film *film, const uint8_t *pixels)
{
    const esp_film_config *c = &film->config;
    char name[32];
    snprintf(name, sizeof name, "frame-%05d.png", film->count);
    char *path = esp_path_join(c->path, name);
    esp_status status = esp_png_write(path, c->roles * c->width, c->height, 3, pixels);
    free(path);
    return status;
}

esp_status esp_film_add(esp_film *film, double seconds, const uint8_t *pixels)
{
    esp_status status = ESP_OK;
    if (film->movie)                                 status = esp_movie_add(film->movie, pixels);
    else if (film->config.kind == ESP_FILM_FOLDER)   status = write_picture(film, pixels);
    else if (film->count < film->config.frames)      paste(film, seconds, pixels);
    film->count++;
    return status;
}

int esp_film_count(const esp_film *film)
{
    return film->count;
}

esp_status esp_film_finish(esp_film *film)
{
    const esp_film_config *c = &film->config;
    esp_status status = ESP_OK;
    if (film->movie) status = esp_movie_finish(film->movie);
    film->movie = NULL;
    if (film->strip.pixels)
        status = esp_png_write(c->path, film->strip.width, film->strip.height, 3, film->strip.pixels);
    esp_film_cancel(film);
    return status;
}

void esp_film_cancel(esp_film *film)
{
    if (!film) return;
    esp_movie_cancel(film->movie);
    esp_lock_release(film->lock);
    free(film->strip.pixels);
    free(film);
}
