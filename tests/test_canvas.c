/* Pictures of a player: the pole is where the physics has it, and the requested overlays are drawn beside it. */
#include "viewer/viewer.h"

#include "tiny_role.h"

enum { WIDTH = 240, HEIGHT = 180, BYTES = 3 * WIDTH * HEIGHT };

static esp_agent_config config;
static esp_network *net;
static const esp_overlays nothing = {.caption = false};

static esp_player *open_player(int count, esp_controller_kind kind)
{
    esp_role roles[2];
    for (int i = 0; i < 2; i++) roles[i] = tiny_role(&config, net, kind);
    esp_player *player = NULL;
    esp_status status = esp_player_create(count, roles, &player);
    if (status == ESP_ERR_MACHINE) {
        printf("skipped: %s\n", esp_error_text());
        exit(77);
    }
    CHECK_OK(status);
    CHECK_OK(esp_player_begin(player, &(esp_episode){.seed = 1}));
    return player;
}

static void draw(const esp_player *player, esp_overlays overlays, uint8_t *pixels)
{
    esp_canvas *canvas = NULL;
    CHECK_OK(esp_canvas_create(player, WIDTH, HEIGHT, overlays, &canvas));
    CHECK_OK(esp_canvas_frame(canvas, pixels));
    esp_canvas_free(canvas);
}

/* Mean position of the bob's orange pixels, 0 to 1 from the left and from the top; -1: there are
 * none. */
static void find_bob(const uint8_t *pixels, double *x, double *y)
{
    double count = 0;
    *x = *y = 0;
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        const uint8_t *p = pixels + 3 * i;
        if (p[0] < 120 || p[2] > p[0] / 2 || p[1] > p[0] * 2 / 3) continue; /* no curve */
        count++;
        *x += (i % WIDTH + 0.5) / WIDTH;
        *y += (i / WIDTH + 0.5) / HEIGHT;
    }
    *x = count > 20 ? *x / count : -1;
    *y = count > 20 ? *y / count : -1;
}

static void bob_is_drawn_where_the_physics_has_it(void)
{
    static uint8_t pixels[BYTES];
    config = tiny_config();
    net = tiny_network(&config, 1, 3);
    esp_player *player = open_player(1, ESP_CONTROLLER_POLICY);
    mjData *data = (mjData *)esp_player_state(player, 0);
    esp_canvas *canvas = NULL;
    CHECK_OK(esp_canvas_create(player, WIDTH, HEIGHT, nothing, &canvas));
    const double angles[] = {0.0, M_PI / 2, M_PI, -M_PI / 2};
    double x[4], y[4];
    for (int i = 0; i < 4; i++) {
        data->qpos[0] = angles[i];
        CHECK_OK(esp_canvas_frame(canvas, pixels));
        find_bob(pixels, &x[i], &y[i]);
        CU_ASSERT(x[i] > 0.05 && x[i] < 0.95 && y[i] > 0.05 && y[i] < 0.95);
    }
    CU_ASSERT(y[0] < 0.25 && y[2] > 0.55);            /* up, hanging */
    CU_ASSERT(fabs(x[0] - 0.5) < 0.05 && fabs(x[2] - 0.5) < 0.05);
    CU_ASSERT(x[1] > 0.6 && x[3] < 0.4);              /* positive angles lean right, as the agent sees them */
    CU_ASSERT(fabs(y[1] - y[3]) < 0.1);
    esp_canvas_free(canvas);
    esp_player_free(player);
}

/* Equal up to the rounding of edges, which depends on their place in the picture. */
static void equal_states_side_by_side_are_equal_pictures(void)
{
    static uint8_t pixels[2 * BYTES];
    esp_player *player = open_player(2, ESP_CONTROLLER_POLICY);
    draw(player, nothing, pixels);
    double difference = 0;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < 3 * WIDTH; x++)
            difference += abs(pixels[6 * y * WIDTH + x] - pixels[6 * y * WIDTH + 3 * WIDTH + x]);
    CU_ASSERT(difference / BYTES < 0.01); /* of 255; 3e-5 are usual */
    esp_player_free(player);
}

static bool differs(const uint8_t *a, const uint8_t *b, int x0, int y0, int x1, int y1)
{
    for (int y = y0; y < y1; y++)
        if (memcmp(a + 3 * (y * WIDTH + x0), b + 3 * (y * WIDTH + x0), 3 * (size_t)(x1 - x0)) != 0) return true;
    return false;
}

/* Whether the rows of a strip of the picture are one colour at their left edge, as a panel is and the sky is not. */
static bool is_panel(const uint8_t *pixels, int top, int bottom)
{
    for (int y = top; y < bottom; y++)
        if (pixels[3 * (y * WIDTH + 1)] > 40) return false;
    return true;
}

static void overlays_stand_beside_the_scene_when_asked_for(void)
{
    static uint8_t plain[BYTES], covered[BYTES];
    esp_player *player = open_player(1, ESP_CONTROLLER_MPPI);
    while (esp_player_steps(player) < 3 * config.env.action_repeat) CHECK_OK(esp_player_step(player));
    draw(player, nothing, plain);
    CU_ASSERT(!is_panel(plain, 0, 10));
    draw(player, (esp_overlays){.caption = true}, covered);
    CU_ASSERT(is_panel(covered, 0, 20) && !is_panel(covered, HEIGHT - 20, HEIGHT));
    draw(player, (esp_overlays){.figures = true}, covered);
    CU_ASSERT(is_panel(covered, HEIGHT - 40, HEIGHT) && !is_panel(covered, 0, 20));
    draw(player, (esp_overlays){.inset = true}, covered);
    CU_ASSERT(is_panel(covered, HEIGHT - 40, HEIGHT));
    CU_ASSERT(differs(plain, covered, 3 * WIDTH / 4, HEIGHT - 40, WIDTH, HEIGHT));
    esp_player_free(player);
}

/* The pole stands upright and its bob is as visible with everything around it as without. */
static void the_bob_is_never_covered(void)
{
    static uint8_t pixels[BYTES];
    esp_player *player = open_player(1, ESP_CONTROLLER_MPPI);
    mjData *data = (mjData *)esp_player_state(player, 0);
    esp_canvas *canvas = NULL;
    CHECK_OK(esp_canvas_create(player, WIDTH, HEIGHT, (esp_overlays){true, true, true}, &canvas));
    for (int i = 0; i < 12; i++) {
        double x, y;
        data->qpos[0] = i * M_PI / 6;
        CHECK_OK(esp_canvas_frame(canvas, pixels));
        find_bob(pixels, &x, &y);
        CU_ASSERT(x > 0.05 && x < 0.95 && y > 0.15 && y < 0.8);
    }
    esp_canvas_free(canvas);
    esp_player_free(player);
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"bob is drawn where the physics has it", bob_is_drawn_where_the_physics_has_it},
    {"equal states side by side are equal pictures", equal_states_side_by_side_are_equal_pictures},
    {"overlays stand beside the scene when asked for", overlays_stand_beside_the_scene_when_asked_for},
    {"the bob is never covered", the_bob_is_never_covered},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("canvas", tests)
