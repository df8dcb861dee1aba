/* The pictures are sharp enough for control, complete, and the same from every context and thread. */
#include <omp.h>
#include <sys/wait.h>
#include <unistd.h>

#include "envs/envs.h"

#include "check.h"

enum { SIDE = 28, PIXELS = SIDE * SIDE, ANGLES = 3600 };

static esp_world *open_world(int image_size, int supersample)
{
    esp_env_config config = esp_env_config_default();
    config.image_size = image_size;
    config.supersample = supersample;
    esp_world *world = NULL;
    CHECK_OK(esp_world_create(&config, &world));
    return world;
}

/* Exit status 77 means skipped; any failure other than a machine without EGL fails the test. */
static esp_renderer *open_renderer(const esp_world *world)
{
    esp_renderer *renderer = NULL;
    esp_status status = esp_renderer_create(world, 0, &renderer);
    if (status == ESP_ERR_MACHINE) {
        printf("\nskipped: %s\n", esp_error_text());
        exit(77);
    }
    CHECK_OK(status);
    return renderer;
}

static void draw(const esp_world *world, esp_renderer *renderer, int count, const double *angles, uint8_t *frames)
{
    size_t pixels = (size_t)world->config.image_size * world->config.image_size;
    mjData *data = mj_makeData(world->model);
    for (int i = 0; i < count; i++) {
        data->qpos[0] = angles[i];
        CHECK_OK(esp_renderer_frame(renderer, data, frames + (size_t)i * pixels));
    }
    mj_deleteData(data);
}

/* `count` angles evenly from `from` to below `to`, in degrees, as frames that the caller frees. */
static uint8_t *sweep(int image_size, int supersample, int count, double from, double to)
{
    esp_world *world = open_world(image_size, supersample);
    esp_renderer *renderer = open_renderer(world);
    double *angles = esp_alloc((size_t)count, sizeof *angles);
    uint8_t *frames = esp_alloc((size_t)count, (size_t)image_size * image_size);
    for (int i = 0; i < count; i++) angles[i] = (from + (to - from) * i / count) * M_PI / 180.0;
    draw(world, renderer, count, angles, frames);
    free(angles);
    esp_renderer_free(renderer);
    esp_world_free(world);
    return frames;
}

static int compare_frames(const void *a, const void *b)
{
    return memcmp(a, b, PIXELS);
}

static int count_distinct(uint8_t *frames, int count)
{
    qsort(frames, (size_t)count, PIXELS, compare_frames);
    int distinct = 1;
    for (int i = 1; i < count; i++) distinct += compare_frames(frames + (i - 1) * PIXELS, frames + i * PIXELS) != 0;
    return distinct;
}

/* The error of a renderer in a child process where an environment variable hides a part of EGL; "" when it works all
 * the same. These run first, since the display is opened once. */
typedef struct { const char *name, *value; char said[ESP_ERROR_TEXT]; } hiding;

static esp_status try_renderer(void *argument)
{
    hiding *h = argument;
    esp_world *world = open_world(SIDE, 3);
    esp_renderer *renderer = NULL;
    setenv(h->name, h->value, 1);
    if (esp_renderer_create(world, 0, &renderer) != ESP_OK) snprintf(h->said, sizeof h->said, "%s", esp_error_text());
    return ESP_OK;
}

static void check_hiding(const char *name, const char *value, const char *package)
{
    hiding h = {.name = name, .value = value};
    char unset[64];
    snprintf(unset, sizeof unset, "unset %s", name);
    CHECK_OK(esp_isolate(try_renderer, &h, sizeof h, 60));
    if (!h.said[0]) return; /* this EGL ignores the variable */
    CU_ASSERT(strstr(h.said, package) != NULL);
    CU_ASSERT(strstr(h.said, unset) != NULL);
}

static void machine_without_egl_is_told_which_packages_to_install(void)
{
    check_hiding("__EGL_VENDOR_LIBRARY_FILENAMES", "/nowhere.json", "apt install libegl-mesa0");
    check_hiding("LIBGL_DRIVERS_PATH", "/nowhere", "apt install libgl1-mesa-dri");
}

static void tenths_of_a_degree_give_more_than_3000_distinct_frames(void)
{
    uint8_t *frames = sweep(SIDE, 3, ANGLES, 0.0, 360.0);
    CU_ASSERT(count_distinct(frames, ANGLES) > 3000);
    free(frames);
}

static void near_upright_frames_resolve_a_tenth_of_a_degree(void)
{
    uint8_t *frames = sweep(SIDE, 3, 160, -8.0, 8.0);
    CU_ASSERT(count_distinct(frames, 160) > 145);
    free(frames);
}

/* Checked at the rendered resolution, where the bob's edge is not blurred over the border. */
static void pole_and_bob_are_inside_the_frame_at_all_angles(void)
{
    enum { LARGE = 3 * SIDE, COUNT = 360 };
    uint8_t *frames = sweep(LARGE, 1, COUNT, 0.0, 360.0);
    int border = 0, dark = 0;
    for (int i = 0; i < COUNT; i++) {
        const uint8_t *frame = frames + (size_t)i * LARGE * LARGE;
        int white = 0, gray = 0;
        for (int k = 0; k < LARGE; k++)
            border += frame[k] + frame[(LARGE - 1) * LARGE + k] + frame[k * LARGE] + frame[k * LARGE + LARGE - 1];
        for (int k = 0; k < LARGE * LARGE; k++) {
            white += frame[k] > 240;
            gray += frame[k] > 100 && frame[k] <= 240;
        }
        dark += white < 100 || gray < 100;
    }
    CU_ASSERT_EQUAL(border, 0);
    CU_ASSERT_EQUAL(dark, 0);
    free(frames);
}

static int brightness(const uint8_t *frame, int first_row, int last_row, int first_column, int last_column)
{
    int sum = 0;
    for (int row = first_row; row < last_row; row++)
        for (int column = first_column; column < last_column; column++) sum += frame[row * SIDE + column];
    return sum;
}

static void row_zero_is_the_top_and_positive_angles_lean_right(void)
{
    uint8_t *frames = sweep(SIDE, 3, 4, 0.0, 360.0);
    for (int i = 0; i < 4; i++) {
        const uint8_t *frame = frames + i * PIXELS;
        const int beyond_pivot[4] = {brightness(frame, 0, 12, 0, SIDE),     /* above */
                                     brightness(frame, 0, SIDE, 16, SIDE),  /* right */
                                     brightness(frame, 16, SIDE, 0, SIDE),  /* below */
                                     brightness(frame, 0, SIDE, 0, 12)};    /* left */
        CU_ASSERT(beyond_pivot[i] > 1000);
        CU_ASSERT_EQUAL(beyond_pivot[(i + 2) % 4], 0);
    }
    free(frames);
}

/* The scene is gray, so the large picture already has its final values and only the mean remains; both round to the
 * nearest level, hence a tolerance of one. */
static void box_filter_equals_the_mean_of_the_large_picture(void)
{
    uint8_t *small = sweep(SIDE, 3, 16, 5.0, 365.0), *large = sweep(3 * SIDE, 1, 16, 5.0, 365.0);
    int worst = 0;
    for (int i = 0; i < 16; i++)
        for (int row = 0; row < SIDE; row++)
            for (int column = 0; column < SIDE; column++) {
                int sum = 0;
                for (int k = 0; k < 9; k++)
                    sum += large[((size_t)i * 3 * SIDE + 3 * row + k / 3) * 3 * SIDE + 3 * column + k % 3];
                int difference = abs((sum + 4) / 9 - small[(size_t)i * PIXELS + row * SIDE + column]);
                if (difference > worst) worst = difference;
            }
    CU_ASSERT(worst <= 1);
    free(small);
    free(large);
}

/* The frame shows the state, whatever derived positions mjData holds from the step before. */
static void frame_shows_the_state_and_leaves_it(void)
{
    esp_world *world = open_world(SIDE, 3);
    esp_renderer *renderer = open_renderer(world);
    mjData *stepped = mj_makeData(world->model), *plain = mj_makeData(world->model);
    uint8_t seen[PIXELS], expected[PIXELS];
    stepped->qpos[0] = plain->qpos[0] = 1.0;
    int differing = 0;
    for (int i = 0; i < 100; i++) {
        mj_step(world->model, stepped);
        mj_step(world->model, plain);
        CHECK_OK(esp_renderer_frame(renderer, stepped, seen));
        draw(world, renderer, 1, plain->qpos, expected);
        differing += memcmp(seen, expected, PIXELS) != 0;
    }
    CU_ASSERT_EQUAL(differing, 0);
    CU_ASSERT_EQUAL(stepped->qpos[0], plain->qpos[0]);
    CU_ASSERT_EQUAL(stepped->qvel[0], plain->qvel[0]);
    mj_deleteData(stepped);
    mj_deleteData(plain);
    esp_renderer_free(renderer);
    esp_world_free(world);
}

/* Done twice, the second time with the renderers exchanged between the threads. */
static void frames_are_identical_across_contexts_and_threads(void)
{
    enum { COUNT = 400, THREADS = 2, REGIONS = 4 };
    static uint8_t expected[COUNT * PIXELS], seen[REGIONS][THREADS][COUNT * PIXELS];
    double angles[COUNT];
    for (int i = 0; i < COUNT; i++) angles[i] = 0.0157 * i;
    esp_world *world = open_world(SIDE, 3);
    esp_renderer *renderers[THREADS + 1];
    for (int i = 0; i <= THREADS; i++) renderers[i] = open_renderer(world);
    draw(world, renderers[THREADS], COUNT, angles, expected);

    for (int region = 0; region < REGIONS; region++) {
#pragma omp parallel num_threads(THREADS)
        {
            int thread = omp_get_thread_num();
            draw(world, renderers[(thread + region) % THREADS], COUNT, angles, seen[region][thread]);
        }
        CU_ASSERT(memcmp(seen[region][0], expected, sizeof expected) == 0);
        if (omp_get_max_threads() > 1) CU_ASSERT(memcmp(seen[region][1], expected, sizeof expected) == 0);
    }
    for (int i = 0; i <= THREADS; i++) esp_renderer_free(renderers[i]);
    esp_world_free(world);
}

static void renderers_may_be_created_by_two_threads_at_once(void)
{
    enum { COUNT = 8 };
    esp_world *world = open_world(SIDE, 3);
    uint8_t seen[COUNT][PIXELS];
    const double angle = 2.0;
#pragma omp parallel for num_threads(2) schedule(dynamic)
    for (int i = 0; i < COUNT; i++) {
        esp_renderer *renderer = open_renderer(world);
        draw(world, renderer, 1, &angle, seen[i]);
        esp_renderer_free(renderer);
    }
    for (int i = 1; i < COUNT; i++) CU_ASSERT(memcmp(seen[i], seen[0], PIXELS) == 0);
    esp_world_free(world);
}

static CU_TestInfo tests[] = {
    {"machine without egl is told which packages to install", machine_without_egl_is_told_which_packages_to_install},
    {"tenths of a degree give more than 3000 distinct frames", tenths_of_a_degree_give_more_than_3000_distinct_frames},
    {"near upright frames resolve a tenth of a degree", near_upright_frames_resolve_a_tenth_of_a_degree},
    {"pole and bob are inside the frame at all angles", pole_and_bob_are_inside_the_frame_at_all_angles},
    {"row zero is the top and positive angles lean right", row_zero_is_the_top_and_positive_angles_lean_right},
    {"box filter equals the mean of the large picture", box_filter_equals_the_mean_of_the_large_picture},
    {"frame shows the state and leaves it", frame_shows_the_state_and_leaves_it},
    {"frames are identical across contexts and threads", frames_are_identical_across_contexts_and_threads},
    {"renderers may be created by two threads at once", renderers_may_be_created_by_two_threads_at_once},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("renderer", tests)
