/* Options about how a checkpoint is judged, the same for every command that judges. */
#include "study/application.h"

enum { KEY_CONTROLLER = 0x3000, KEY_START, KEY_DATA };

static const struct argp_option table[] = {
    {"data", KEY_DATA, "DIR", 0, "Autoencoder: folder with the files of MNIST (default: generated digits)", 0},
    {"controller", KEY_CONTROLLER, ESP_CONTROLLER_CHOICES, 0,
     "Agent: the planner, or the policy alone (default mppi)", 0},
    {"start", KEY_START, "random|hanging", 0, "Agent: short for --set env.start=...", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    esp_judging *judging = state->input;
    esp_status status = ESP_OK;
    switch (key) {
    case KEY_CONTROLLER:
        judging->for_agent = "--controller";
        status = esp_parse_choice("--controller", argument, ESP_CONTROLLER_CHOICES, &judging->controller);
        break;
    case KEY_START:
        judging->for_agent = "--start";
        status = esp_parse_choice("--start", argument, "random|hanging", &judging->start);
        break;
    case KEY_DATA:
        judging->for_autoencoder = "--data";
        judging->data = argument;
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return esp_parse_error(status);
}

const struct argp esp_judging_argp = {.options = table, .parser = parse};
const struct argp esp_playing_argp = {.options = table + 1, .parser = parse}; /* without --data */
