/* What a network does, as a picture in the page: a film strip of an episode, or digits above their
 * reconstructions. A report does not fail for want of it. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pages/pages.h"
#include "cli/shown.h"

enum { FRAMES = 10, FRAME_PX = 112, LEAST_ROW_PX = 80 };
#define FILM_S 9.0 /* the pendulum is up after 5 to 7 s */

/* ---- a picture by way of a file ---- */

/* Its name, owned; empty for those who write to it. */
static esp_status make_file(char **path)
{
    const char *folder = getenv("TMPDIR");
    *path = esp_path_join(folder && *folder ? folder : "/tmp", "espalier-report-XXXXXX.png");
    int fd = mkstemps(*path, (int)strlen(".png"));
    if (fd < 0) return esp_fail(ESP_ERR_IO, "cannot write '%s': %s", *path, strerror(errno));
    close(fd);
    return ESP_OK;
}

typedef esp_status (*draw_fn)(const esp_film_request *request, esp_options *options, const char *path);

/* What `draw` draws, in new memory. */
static esp_status picture_of(draw_fn draw, const esp_film_request *request, esp_options *options, char **png,
                             size_t *size)
{
    char *path = NULL;
    esp_status status = make_file(&path);
    if (status == ESP_OK) {
        status = draw(request, options, path);
        if (status == ESP_OK) status = esp_file_read(path, (size_t)1 << 26, png, size);
        unlink(path);
    }
    free(path);
    return status;
}

/* ---- an episode ---- */

static esp_status play(esp_player *player, esp_canvas *canvas, esp_film *film, uint8_t *pixels)
{
    int steps = (int)fmin(esp_player_length(player), FILM_S / esp_player_timestep(player));
    esp_status status = ESP_OK;
    for (int i = 0; i < FRAMES && status == ESP_OK; i++) {
        int at = (int)lround((double)i * steps / (FRAMES - 1));
        while (status == ESP_OK && esp_player_steps(player) < at) status = esp_player_step(player);
        if (status == ESP_OK) status = esp_canvas_frame(canvas, pixels);
        if (status == ESP_OK) status = esp_film_add(film, pixels);
        if (status == ESP_OK) status = esp_check_interrupt();
    }
    return status;
}

static esp_status film_players(const esp_shown *shown, uint64_t seed, const char *path)
{
    esp_film_config config = {.kind = ESP_FILM_STRIP, .path = path, .roles = shown->count, .width = FRAME_PX,
                              .height = FRAME_PX, .frames = FRAMES};
    esp_episode episode;
    esp_player *player = NULL;
    esp_canvas *canvas = NULL;
    esp_film *film = NULL;
    uint8_t *pixels = esp_alloc((size_t)shown->count * FRAME_PX, 3 * FRAME_PX);
    esp_episodes_name(seed, ESP_EPISODES_REPORT, esp_shown_start(shown), 1, &episode);
    esp_status status = esp_player_create(shown->count, shown->role, &player);
    if (status == ESP_OK)
        status = esp_canvas_create(player, FRAME_PX, FRAME_PX, (esp_overlays){.caption = false}, &canvas);
    if (status == ESP_OK) status = esp_film_create(&config, &film);
    if (status == ESP_OK) status = esp_player_begin(player, &episode);
    if (status == ESP_OK) status = play(player, canvas, film, pixels);
    if (status == ESP_OK) status = esp_film_finish(film);
    else                  esp_film_cancel(film);
    esp_canvas_free(canvas);
    esp_player_free(player);
    free(pixels);
    return status;
}

static esp_status film_agents(const esp_film_request *request, esp_options *options, const char *path)
{
    esp_shown shown = esp_shown_of(options);
    shown.judging.controller = request->controller;
    shown.judging.start = ESP_START_HANGING;
    for (int i = 0; i < request->count; i++) shown.path[shown.count++] = request->path[i];
    esp_status status = esp_shown_open(&shown);
    if (status == ESP_OK) status = film_players(&shown, request->seed, path);
    esp_shown_close(&shown);
    return status;
}

static void add_strip(esp_report *report, const esp_film_request *request)
{
    char *png = NULL, controller[ESP_CONFIG_TEXT], caption[512];
    size_t size = 0;
    if (picture_of(film_agents, request, report->options, &png, &size) != ESP_OK) {
        esp_page_note(report->page, "There is no film strip:");
        esp_page_code(report->page, esp_error_text());
        return;
    }
    esp_choice_word(ESP_CONTROLLER_CHOICES, request->controller, controller);
    bool two = request->count > 1;
    snprintf(caption, sizeof caption, "The first %g s of an episode from the hanging start, a picture a second, "
             "controller %s%s%s%s%s.",
             FILM_S, controller, two ? "; above " : ": ", request->name[0], two ? ", below " : "",
             two ? request->name[1] : "");
    esp_page_picture(report->page, png, size, request->count * LEAST_ROW_PX, "film strip of an episode", caption);
    free(png);
}

/* ---- digits ---- */

static esp_status draw_digits(const esp_film_request *request, esp_options *options, const char *path)
{
    esp_judging judging = esp_judging_default();
    esp_subject subject = {.net = NULL};
    esp_status status = esp_subject_open(request->path[0], options, &judging, NULL, &subject);
    if (status == ESP_OK && !subject.application->picture)
        status = esp_fail(ESP_ERR_FORMAT, "%s: application '%s' has no images", request->path[0],
                          subject.application->name);
    /* All that the picture takes of what judging takes; training images are many. */
    if (status == ESP_OK) status = esp_images_load(request->data, false, &subject.autoencoder.test);
    if (status == ESP_OK) status = subject.application->picture(&subject, path);
    esp_subject_close(&subject);
    return status;
}

static void add_digits(esp_report *report, const esp_film_request *request, int which)
{
    char *png = NULL, caption[512];
    size_t size = 0;
    esp_film_request one = *request;
    one.path[0] = request->path[which];
    if (picture_of(draw_digits, &one, report->options, &png, &size) != ESP_OK) {
        esp_page_note(report->page, "There is no picture of reconstructions:");
        esp_page_code(report->page, esp_error_text());
        return;
    }
    snprintf(caption, sizeof caption, "Test images (%s) above what %s makes of them.",
             esp_digits_name(request->data), request->name[which]);
    esp_page_picture(report->page, png, size, LEAST_ROW_PX, "test images above their reconstructions", caption);
    free(png);
}

void esp_report_film(esp_report *report, const esp_film_request *request)
{
    if (!report->film) return;
    bool agent = request->application == &esp_application_agent;
    esp_page_section(report->page, agent ? "An episode" : "Reconstructions");
    if (agent) add_strip(report, request);
    for (int i = 0; i < request->count && !agent; i++) add_digits(report, request, i);
}
