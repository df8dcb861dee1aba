/* The command line: espalier record. */
#include "cli_run.h"
#include "read_png.h"

static void machine_has_ffmpeg(void)
{
    cli_begin();
    if (cli("command -v ffmpeg && command -v ffprobe") == 0) return;
    printf("skipped: no ffmpeg (Debian: apt install ffmpeg) ");
    exit(77);
}

/* 96 physics steps of 0.02 s: 1.92 s, 48 frames at the default rate. */
static void video_has_the_size_and_length_of_the_episode(void)
{
    CLI_OK("$E record agent.safetensors agent.safetensors --size 161x120 -o e.mp4 --json");
    cJSON *json = cli_json();
    cli_check_keys(json, "output frames width height controller seed checkpoints version");
    CU_ASSERT_EQUAL(cli_number(json, "frames"), 48);
    CU_ASSERT_EQUAL(cli_number(json, "width"), 322);
    cJSON_Delete(json);
    CLI_OK("ffprobe -v error -show_entries stream=codec_name,width,height,nb_frames,duration -of csv=p=0 e.mp4");
    CU_ASSERT_STRING_EQUAL(cli_out, "h264,322,120,1.920000,48\n");
    CLI_OK("ls -A | grep tmp || true");
    CU_ASSERT_STRING_EQUAL(cli_out, "");
}

static void recorded_return_is_that_of_eval(void)
{
    CLI_OK("$E eval agent.safetensors --episodes 1 --controller policy --start hanging --seed 9 --json");
    cJSON *evaluated = cli_json();
    CLI_OK("$E record agent.safetensors --controller policy --start hanging --seed 9 --fps 1 -o d/ --json");
    cJSON *recorded = cli_json();
    const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItem(recorded, "checkpoints"), 0);
    CU_ASSERT(cJSON_Compare(cJSON_GetObjectItem(first, "returns"), cJSON_GetObjectItem(evaluated, "returns"), true));
    cJSON_Delete(evaluated);
    cJSON_Delete(recorded);
}

static void film_strip_has_frames_in_columns_and_checkpoints_in_rows(void)
{
    CLI_OK("$E record agent.safetensors agent.safetensors --frames 5 --size 80x64 -o strip.png");
    picture strip = read_png("strip.png");
    enum { LABEL = 19, ROW = LABEL + 64 }; /* a name above each row, the times below the last one */
    CU_ASSERT(strip.width == 400 && strip.height == 2 * ROW + LABEL && strip.channels == 3);
    /* Almost equal: where an edge crosses a pixel, Mesa's rounding depends on the tile's place in
     * the buffer. */
    int differing = 0;
    for (int i = 0; i < 3 * 400 * ROW; i++) differing += strip.pixels[i] != strip.pixels[3 * 400 * ROW + i];
    CU_ASSERT(differing <= 3 * 4);
    for (int frame = 0; frame < 5; frame++) { /* a time stands below each frame */
        int ink = 0;
        for (int y = 2 * ROW; y < strip.height; y++)
            for (int x = 80 * frame; x < 80 * (frame + 1); x++) ink += strip.pixels[3 * (y * 400 + x)] > 100;
        CU_ASSERT(ink > 20);
    }
    free(strip.pixels);
}

static void folder_gets_one_picture_per_frame(void)
{
    CLI_OK("mkdir there && $E record agent.safetensors --fps 10 --seconds 1 --size 100x90 -o there");
    CLI_OK("ls there");
    CU_ASSERT_EQUAL(cli_lines(cli_out), 10);
    picture frame = read_png("there/frame-00009.png");
    CU_ASSERT(frame.width == 100 && frame.height == 90 && frame.channels == 3);
    free(frame.pixels);
}

static void impossible_recordings_are_refused_in_one_line(void)
{
    const struct { const char *command, *word; int status; } cases[] = {
        {"$E record agent.safetensors -o e.gif", "'e.gif' is neither a .mp4", 2},
        {"$E record agent.safetensors", "-o FILE", 2},
        {"$E record -o e.mp4", "CHECKPOINT", 2},
        {"$E record agent.safetensors -o e.mp4 --size 0x10", "--size", 2},
        {"$E record agent.safetensors -o e.mp4 --fps 0", "--fps", 2},
        {"$E record agent.safetensors -o s.png --episodes 2", "--episodes", 2},
        {"$E record nothing.safetensors -o e.mp4", "nothing.safetensors", 1},
        {"$E record agent.safetensors -o nowhere/f.mp4", "nowhere/f.mp4", 1},
        {"PATH=/nowhere; $E record agent.safetensors -o f.mp4", "package ffmpeg", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status = cli("%s", cases[i].command);
        if (status != cases[i].status || !strstr(cli_err, cases[i].word)) cli_say();
        CU_ASSERT_EQUAL(status, cases[i].status);
        CU_ASSERT(strstr(cli_err, cases[i].word) != NULL);
        CU_ASSERT_EQUAL(cli_lines(cli_err), 1);
    }
    CLI_OK("ls -A | grep -e tmp -e f.mp4 || true");
    CU_ASSERT_STRING_EQUAL(cli_out, "");
}

/* A program named ffmpeg that reads a little and gives up. */
static void failing_ffmpeg_gives_one_line_and_leaves_nothing(void)
{
    CLI_OK("mkdir bin && printf '#!/bin/sh\\nhead -c 1000 >/dev/null\\necho no such codec >&2\\nexit 1\\n' "
           ">bin/ffmpeg && chmod +x bin/ffmpeg");
    CU_ASSERT_EQUAL(cli("PATH=$PWD/bin:$PATH $E record agent.safetensors -o g.mp4"), 1);
    CU_ASSERT(strstr(cli_err, "ffmpeg failed: no such codec") != NULL);
    CU_ASSERT_EQUAL(cli_lines(cli_err), 1);
    CLI_OK("ls -A | grep g.mp4 || true");
    CU_ASSERT_STRING_EQUAL(cli_out, "");
}

/* A recording that would take long; a signal ends it once it has begun to write. */
static int record_until(int signal)
{
    char *argv[] = {"espalier", "record", "agent.safetensors", "--episodes", "1000", "-o", "long.mp4", NULL};
    pid_t child = cli_start(argv);
    int status = 0;
    for (int i = 0; i < 600 && system("ls long.mp4.*.tmp >/dev/null 2>&1") != 0; i++) usleep(50000);
    CLI_OK("ls long.mp4.*.tmp long.mp4.lock");
    kill(child, signal);
    CU_ASSERT_FATAL(waitpid(child, &status, 0) == child);
    return status;
}

static void interrupted_recording_leaves_nothing(void)
{
    int status = record_until(SIGINT);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 75);
    status = record_until(SIGHUP);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 75);
    CU_ASSERT_NOT_EQUAL(cli("ls long.mp4*"), 0);
}

static void leftovers_of_a_killed_recording_are_removed_by_the_next_one(void)
{
    CU_ASSERT(WIFSIGNALED(record_until(SIGKILL)));
    CLI_OK("ls long.mp4.*.tmp");
    CLI_OK("$E record agent.safetensors --seconds 0.5 -o long.mp4");
    CLI_OK("ls long.mp4*");
    CU_ASSERT_STRING_EQUAL(cli_out, "long.mp4\n");
}

static CU_TestInfo tests[] = {
    {"machine has ffmpeg", machine_has_ffmpeg},
    {"video has the size and length of the episode", video_has_the_size_and_length_of_the_episode},
    {"recorded return is that of eval", recorded_return_is_that_of_eval},
    {"film strip has frames in columns and checkpoints in rows",
     film_strip_has_frames_in_columns_and_checkpoints_in_rows},
    {"folder gets one picture per frame", folder_gets_one_picture_per_frame},
    {"impossible recordings are refused in one line", impossible_recordings_are_refused_in_one_line},
    {"failing ffmpeg gives one line and leaves nothing", failing_ffmpeg_gives_one_line_and_leaves_nothing},
    {"interrupted recording leaves nothing", interrupted_recording_leaves_nothing},
    {"leftovers of a killed recording are removed by the next one",
     leftovers_of_a_killed_recording_are_removed_by_the_next_one},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("cli record", tests)
