/* The command line: espalier view, in an X server without a screen. The effects of keys and panel are read from the
 * pictures that it saves. */
#include "cli_run.h"
#include "display.h"
#include "read_png.h"

static void skip(const char *reason)
{
    printf("skipped: %s ", reason);
    exit(77);
}

static void machine_without_display_is_told_to_record(void)
{
    cli_begin();
    CU_ASSERT_EQUAL(cli("$E view agent.safetensors --size 1x1"), 2);
    CU_ASSERT_EQUAL(cli("env -u DISPLAY -u WAYLAND_DISPLAY $E view agent.safetensors"), 1);
    if (strstr(cli_err, "built without")) skip("built without a window");
    CU_ASSERT(strstr(cli_err, "DISPLAY") != NULL && strstr(cli_err, "espalier record") != NULL);
    CU_ASSERT_EQUAL(cli_lines(cli_err), 1);
}

/* The result of a window that is open for so many seconds, or longer on a machine too busy to simulate in them. */
static cJSON *play(double seconds)
{
    CLI_OK("$E view agent.safetensors agent.safetensors --controller policy --seconds %g --json", seconds);
    cJSON *json = cli_json();
    if (cli_number(json, "simulated_seconds") > 0.1 || seconds > 20) return json;
    cJSON_Delete(json);
    return play(4 * seconds);
}

static void window_plays_and_closes_by_itself(void)
{
    if (cli("command -v Xvfb && command -v xdotool") != 0) skip("no Xvfb, xdotool (Debian: apt install xvfb xdotool)");
    start_display("1000x700x24");
    cJSON *json = play(1.5);
    cli_check_keys(json, "checkpoints seconds simulated_seconds frames frame_ms version");
    CU_ASSERT(cli_number(json, "frames") >= 2);
    CU_ASSERT(cli_number(json, "simulated_seconds") > 0.1);
    CU_ASSERT(cli_number(json, "simulated_seconds") <= cli_number(json, "seconds"));
    cJSON_Delete(json);
}

/* Share of a rectangle's pixels that differ between two pictures by more than a shade. */
static double differing(const picture *a, const picture *b, int left, int top, int width, int height)
{
    int count = 0;
    CU_ASSERT_FATAL(a->width == b->width && a->height == b->height);
    for (int y = top; y < top + height; y++)
        for (int x = left; x < left + width; x++) {
            const uint8_t *p = a->pixels + 3 * (y * a->width + x), *q = b->pixels + 3 * (y * b->width + x);
            count += abs(p[0] - q[0]) + abs(p[1] - q[1]) + abs(p[2] - q[2]) > 24;
        }
    return (double)count / (width * height);
}

static void wait_for_file(const char *name)
{
    for (int i = 0; i < 600 && access(name, F_OK) != 0; i++) usleep(50000);
    CU_ASSERT_FATAL(access(name, F_OK) == 0);
}

static void key(const char *names)
{
    CLI_OK("xdotool mousemove 600 300 key --delay 100 %s", names);
}

/* Waits until it answers: on a busy machine a window may take long to open. */
static void wait_for_window(void)
{
    for (int i = 0; i < 60 && access("espalier-view-1.png", F_OK) != 0; i++) {
        key("p");
        usleep(500000);
    }
    wait_for_file("espalier-view-1.png");
    sleep(1);
    CLI_OK("rm espalier-view-*.png");
}

static void keys_slider_and_interrupt_reach_the_window(void)
{
    char *argv[] = {"espalier", "view", "agent.safetensors", "--controller", "policy", "--size", "960x600", NULL};
    pid_t child = cli_start(argv);
    wait_for_window();
    key("space p"); /* paused, so that pictures are alike */
    wait_for_file("espalier-view-1.png");
    key("F1 p");
    wait_for_file("espalier-view-2.png");
    key("F1");
    CLI_OK("xdotool mousemove 180 426 mousedown 1 sleep .3 mousemove 207 426 sleep .3 mouseup 1");
    key("p");
    wait_for_file("espalier-view-3.png");
    kill(child, SIGINT);
    int status = -1;
    CU_ASSERT_FATAL(waitpid(child, &status, 0) == child);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);

    picture plain = read_png("espalier-view-1.png"), help = read_png("espalier-view-2.png");
    picture slid = read_png("espalier-view-3.png");
    CU_ASSERT(plain.width == 960 && plain.height == 600);
    CU_ASSERT(differing(&plain, &help, 500, 20, 240, 370) > 0.3);    /* the list of keys */
    CU_ASSERT(differing(&plain, &slid, 137, 412, 140, 28) > 0.2);    /* the slider's bar */
    CU_ASSERT(differing(&plain, &slid, 318, 20, 300, 20) > 0.01);    /* the caption's parameters and share removed */
    CU_ASSERT(differing(&plain, &slid, 590, 150, 100, 250) < 0.01);  /* the pole stands still */
    free(plain.pixels);
    free(help.pixels);
    free(slid.pixels);
}

static CU_TestInfo tests[] = {
    {"machine without display is told to record", machine_without_display_is_told_to_record},
    {"window plays and closes by itself", window_plays_and_closes_by_itself},
    {"keys, slider and interrupt reach the window", keys_slider_and_interrupt_reach_the_window},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("cli view", tests)
