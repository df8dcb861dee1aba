/* The output of frames: a video, a strip of frames side by side, or one picture per frame. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "viewer/viewer_internal.h"

struct esp_film {
    esp_film_config config; /* borrows the path */
    esp_lock  *lock;        /* lock of the output, owned */
    int        count;       /* frames so far */
    esp_movie *movie;       /* owned; NULL: no video */
    uint8_t   *strip;       /* [roles * height, frames * width, 3], owned; NULL: no strip */
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

static esp_status start(const esp_film_config *config, esp_film *film)
{
    esp_status status = ESP_OK;
    if (config->kind == ESP_FILM_FOLDER) status = esp_folder_make(config->path);
    if (status == ESP_OK) status = esp_lock_take(config->path, &film->lock);
    if (status == ESP_OK && config->kind == ESP_FILM_MOVIE)
        status = esp_movie_create(config->path, config->roles * config->width, config->height, config->fps,
                                  &film->movie);
    if (status == ESP_OK && config->kind == ESP_FILM_STRIP)
        film->strip = esp_alloc((size_t)config->frames * config->width, 3 * (size_t)config->roles * config->height);
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
static void paste(esp_film *film, const uint8_t *pixels)
{
    const esp_film_config *c = &film->config;
    size_t tile = 3 * (size_t)c->width, row = tile * (size_t)c->frames;
    for (int role = 0; role < c->roles; role++)
        for (int y = 0; y < c->height; y++)
            memcpy(film->strip + (size_t)(role * c->height + y) * row + (size_t)film->count * tile,
                   pixels + (size_t)(y * c->roles + role) * tile, tile);
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

esp_status esp_film_add(esp_film *film, const uint8_t *pixels)
{
    esp_status status = ESP_OK;
    if (film->movie)                                 status = esp_movie_add(film->movie, pixels);
    else if (film->config.kind == ESP_FILM_FOLDER)   status = write_picture(film, pixels);
    else if (film->count < film->config.frames)      paste(film, pixels);
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
    if (film->strip) status = esp_png_write(c->path, c->frames * c->width, c->roles * c->height, 3, film->strip);
    esp_film_cancel(film);
    return status;
}

void esp_film_cancel(esp_film *film)
{
    if (!film) return;
    esp_movie_cancel(film->movie);
    esp_lock_release(film->lock);
    free(film->strip);
    free(film);
}
