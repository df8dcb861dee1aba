/* Pictures drawn by commands: reconstructions of an autoencoder, coefficients of a sweep. */
#include "autoencoder/autoencoder.h"

#include "cli_run.h"
#include "read_png.h"

enum { COLUMNS = 16, ZOOM = 2, GAP = 4, STEP = ZOOM * ESP_IMAGE_SIDE + GAP };

/* Writes an untrained autoencoder as a checkpoint; returns its reconstructions of the first test
 * images. */
static void write_autoencoder(uint8_t *reconstructions)
{
    esp_autoencoder_config config = esp_autoencoder_config_default();
    esp_network *net = NULL;
    esp_images test;
    CHECK_OK(esp_autoencoder_create(&net));
    esp_network_init_default(net, 1);
    CHECK_OK(esp_autoencoder_checkpoint_write("autoencoder.safetensors", &config, net));
    CHECK_OK(esp_images_load(NULL, false, &test));
    esp_reconstruct_pixels(net, &test, 0, COLUMNS, reconstructions);
    esp_images_free(&test);
    esp_network_free(net);
}

/* Every pixel of one row of the sheet, dark where there is ink. */
static bool row_shows(const picture *sheet, int row, const uint8_t *images)
{
    for (int i = 0; i < COLUMNS; i++)
        for (int y = 0; y < ZOOM * ESP_IMAGE_SIDE; y++)
            for (int x = 0; x < ZOOM * ESP_IMAGE_SIDE; x++) {
                int ink = images[i * ESP_IMAGE_PIXELS + y / ZOOM * ESP_IMAGE_SIDE + x / ZOOM];
                int at = (GAP + row * STEP + y) * sheet->width + GAP + i * STEP + x;
                if (sheet->pixels[at] != 255 - ink) return false;
            }
    return true;
}

static void eval_draws_test_images_above_their_reconstructions(void)
{
    static uint8_t reconstructions[COLUMNS * ESP_IMAGE_PIXELS];
    esp_images test;
    cli_begin();
    write_autoencoder(reconstructions);
    CLI_OK("$E eval autoencoder.safetensors --picture sheet.png --quiet --json");
    picture sheet = read_png("sheet.png");
    CHECK_OK(esp_images_load(NULL, false, &test));
    CU_ASSERT_FATAL(sheet.width == GAP + COLUMNS * STEP && sheet.height == GAP + 2 * STEP && sheet.channels == 1);
    CU_ASSERT(row_shows(&sheet, 0, test.pixels));
    CU_ASSERT(row_shows(&sheet, 1, reconstructions));
    esp_images_free(&test);
    free(sheet.pixels);
}

static void eval_refuses_to_draw_an_agent(void)
{
    CU_ASSERT_EQUAL(cli("$E eval agent.safetensors --picture agent.png"), 2);
    CU_ASSERT_STRING_EQUAL(cli_err,
                           "espalier: --picture: not for agent.safetensors, which belongs to application 'tdmpc'\n");
    CLI_OK("! test -e agent.png");
}

static void a_picture_that_cannot_be_written_is_a_failure(void)
{
    CU_ASSERT_EQUAL(cli("$E eval autoencoder.safetensors --quiet --picture nowhere/sheet.png"), 1);
    CU_ASSERT(strstr(cli_err, "nowhere/sheet.png") != NULL && cli_lines(cli_err) == 1);
    CU_ASSERT_STRING_EQUAL(cli_out, "");
}

static const char sweep[] = "$E sweep agent.safetensors --controller policy --sparsities 0.5,0.25 --tolerance 0.02 "
                            "--set search.iterations=2 --set search.draws=2 --report-episodes 2 -o swept --methods ";

static void a_sweep_draws_the_coefficients_that_methods_found(void)
{
    CLI_OK("%s magnitude/l1,random,gd --budget 20", sweep);
    static const char *const names[] = {"swept/coefficients-25.svg", "swept/coefficients-50.svg"};
    for (int i = 0; i < 2; i++) {
        char *svg = cli_file(names[i]);
        CU_ASSERT(strstr(svg, i ? "at 50\u00a0% sparsity" : "at 25\u00a0% sparsity") != NULL);
        CU_ASSERT(strstr(svg, ">random<") && strstr(svg, ">gd<") && strstr(svg, ">encoder.conv1<"));
        CU_ASSERT(strstr(svg, "magnitude") == NULL);
        free(svg);
    }
}

static void a_finished_sweep_is_drawn_again_without_an_evaluation(void)
{
    CLI_OK("cp swept/results.jsonl kept && %s magnitude/l1,random,gd --budget 20 && cmp swept/results.jsonl kept",
           sweep);
    CU_ASSERT_STRING_EQUAL(cli_err, "");
}

static CU_TestInfo tests[] = {
    {"eval draws test images above their reconstructions", eval_draws_test_images_above_their_reconstructions},
    {"eval refuses to draw an agent", eval_refuses_to_draw_an_agent},
    {"a picture that cannot be written is a failure", a_picture_that_cannot_be_written_is_a_failure},
    {"a sweep draws the coefficients that methods found", a_sweep_draws_the_coefficients_that_methods_found},
    {"a finished sweep is drawn again without an evaluation", a_finished_sweep_is_drawn_again_without_an_evaluation},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("cli_picture", tests)
