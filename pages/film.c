/* A network in action, as a picture on the page: a film strip of an episode, or digits above their
 * reconstructions. A missing picture never makes a report fail. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pages/pages_internal.h"
#include "viewer/viewer.h"

enum { FRAMES = 10, FRAME_PX = 112, LEAST_ROW_PX = 80 };

/* ---- a picture by way of a temporary file ---- */

/* Creates an empty file for others to write to; *path is its name, owned. */
static esp_status make_file(char **path)
{
    const char *folder = getenv("TMPDIR");
    *path = esp_path_join(folder && *folder ? folder : "/tmp", "espalier-report-XXXXXX.png");
    int fd = mkstemps(*path, (int)strlen(".png"));
    if (fd < 0) return esp_fail(ESP_ERR_IO, "cannot write '%s': %s", *path, strerror(errno));
    close(fd);
    return ESP_OK;
}

typedef esp_status (*draw_fn)(esp_report *report, const esp_film_request *request, const char *path);

/* The picture that `draw` writes, in new memory. */
static esp_status picture_of(draw_fn draw, esp_report *report, const esp_film_request *request, char **png,
                             size_t *size)
{
    char *path = NULL;
    esp_status status = make_file(&path);
    if (status == ESP_OK) {
        status = draw(report, request, path);
        if (status == ESP_OK) status = esp_file_read(path, (size_t)1 << 26, png, size);
        unlink(path);
    }
    free(path);
    return status;
}

/* Opens a network of the request with options that suit a film; refuses it when it belongs to
 * another application. */
static esp_status open_network(const esp_report *report, const esp_film_request *request, int which,
                               esp_subject *subject)
{
    esp_judging judging = {.count = 0};
    request->application->film(request->asked, request->quick, &judging);
    esp_status status = esp_subject_open(request->path[which], report->settings, &judging, NULL, subject);
    if (status != ESP_OK || subject->application == request->application) return status;
    status = esp_fail(ESP_ERR_FORMAT, "%s: belongs to application '%s', expected '%s'", request->path[which],
                      subject->application->name, request->application->name);
    esp_subject_close(subject);
    return status;
}

/* ---- an episode ---- */

static esp_status play(esp_player *player, esp_canvas *canvas, esp_film *film, uint8_t *pixels)
{
    double seconds = esp_player_task(player)->about.show_seconds;
    int steps = (int)fmin(esp_player_length(player), seconds / esp_player_timestep(player));
    esp_status status = ESP_OK;
    for (int i = 0; i < FRAMES && status == ESP_OK; i++) {
        int at = (int)lround((double)i * steps / (FRAMES - 1));
        while (status == ESP_OK && esp_player_steps(player) < at && !esp_player_ended(player))
            status = esp_player_step(player);
        if (status == ESP_OK) status = esp_canvas_frame(canvas, pixels);
        if (status == ESP_OK) status = esp_film_add(film, at * esp_player_timestep(player), pixels);
        if (status == ESP_OK) status = esp_check_interrupt();
    }
    return status;
}

static int start_of(const esp_player *player, const esp_role *role)
{
    return esp_names_index(esp_player_task(player)->about.starts, role->env->start);
}

static esp_status film_players(const esp_film_request *request, const esp_role *roles, const char *path)
{
    int count = request->count;
    esp_film_config config = {.kind = ESP_FILM_STRIP, .path = path, .roles = count, .names = request->name,
                              .width = FRAME_PX, .height = FRAME_PX, .frames = FRAMES};
    esp_episode episode;
    esp_player *player = NULL;
    esp_canvas *canvas = NULL;
    esp_film *film = NULL;
    uint8_t *pixels = esp_alloc((size_t)count * FRAME_PX, 3 * FRAME_PX);
    esp_status status = esp_player_create(count, roles, &player);
    if (status == ESP_OK)
        esp_episodes_name(request->seed, ESP_EPISODES_REPORT, start_of(player, &roles[0]), 1, &episode);
    if (status == ESP_OK)
        status = esp_canvas_create(player, FRAME_PX, FRAME_PX, (esp_overlays){.caption = false}, &canvas);
    if (status == ESP_OK) status = esp_film_create(&config, &film);
    if (status == ESP_OK) status = esp_player_begin(player, &episode);
    if (status == ESP_OK) *request->seconds = esp_player_task(player)->about.show_seconds;
    if (status == ESP_OK) status = play(player, canvas, film, pixels);
    if (status == ESP_OK) status = esp_film_finish(film);
    else                  esp_film_cancel(film);
    esp_canvas_free(canvas);
    esp_player_free(player);
    free(pixels);
    return status;
}

static esp_status film_episode(esp_report *report, const esp_film_request *request, const char *path)
{
    esp_subject subject[2] = {{.net = NULL}, {.net = NULL}};
    esp_role role[2];
    esp_status status = ESP_OK;
    for (int i = 0; i < request->count && status == ESP_OK; i++) {
        status = open_network(report, request, i, &subject[i]);
        if (status != ESP_OK) break;
        request->application->cast(&subject[i], &role[i]);
        role[i].name = esp_path_name(request->path[i]);
    }
    if (status == ESP_OK) status = film_players(request, role, path);
    for (int i = 0; i < request->count; i++) esp_subject_close(&subject[i]);
    return status;
}

/* "an episode from the hanging start, a picture per second, controller policy", from the options
 * for a film. */
static void describe_episode(const esp_film_request *request, char *out, size_t size)
{
    esp_judging judging = {.count = 0};
    request->application->film(request->asked, request->quick, &judging);
    const char *start = esp_judging_text(&judging, "start"), *controller = esp_judging_text(&judging, "controller");
    snprintf(out, size, "an episode%s%s%s, one picture per second%s%s", start ? " from the " : "", start ? start : "",
             start ? " start" : "", controller ? ", controller " : "", controller ? controller : "");
}

static void add_strip(esp_report *report, const esp_film_request *request)
{
    char *png = NULL, episode[256], caption[512];
    size_t size = 0;
    double seconds = 0.0;
    esp_film_request filmed = *request;
    filmed.seconds = &seconds;
    esp_page_section(report->page, "An episode");
    if (picture_of(film_episode, report, &filmed, &png, &size) != ESP_OK) {
        esp_page_note(report->page, "There is no film strip:");
        esp_page_code(report->page, esp_error_text());
        return;
    }
    bool two = request->count > 1;
    describe_episode(request, episode, sizeof episode);
    esp_format(caption, sizeof caption, "The first %g s of %s%s%s%s%s.", seconds, episode, two ? "; above " : ": ",
             request->name[0], two ? ", below " : "", two ? request->name[1] : "");
    esp_page_picture(report->page, png, size, request->count * LEAST_ROW_PX, "film strip of an episode", caption);
    free(png);
}

/* ---- pictures ---- */

static esp_status draw_picture(esp_report *report, const esp_film_request *request, const char *path)
{
    esp_subject subject = {.net = NULL};
    esp_status status = open_network(report, request, 0, &subject);
    if (status == ESP_OK) status = request->application->picture->draw(&subject, path);
    esp_subject_close(&subject);
    return status;
}

static void add_picture(esp_report *report, const esp_film_request *request, int which)
{
    const esp_picture *picture = request->application->picture;
    char *png = NULL, caption[512];
    size_t size = 0;
    esp_film_request one = *request;
    one.path[0] = request->path[which];
    if (picture_of(draw_picture, report, &one, &png, &size) != ESP_OK) {
        esp_page_note(report->page, picture->missing);
        esp_page_code(report->page, esp_error_text());
        return;
    }
    picture->caption(request->asked, request->name[which], caption, sizeof caption);
    esp_page_picture(report->page, png, size, LEAST_ROW_PX, picture->alternative, caption);
    free(png);
}

void esp_report_film(esp_report *report, const esp_film_request *request)
{
    const esp_application *application = request->application;
    if (!report->film || !application) return;
    if (application->cast) add_strip(report, request);
    if (!application->picture) return;
    esp_page_section(report->page, application->picture->title);
    for (int i = 0; i < request->count; i++) add_picture(report, request, i);
}
