/* Replaces window.c in a build without GLFW. */
#include "viewer/viewer.h"

static esp_status no_window(void)
{
    return esp_fail(ESP_ERR_MACHINE, "espalier was built without a window (ESP_WITH_VIEWER; Debian: apt install "
                    "libglfw3-dev and build again); `espalier record` makes a video or pictures without one");
}

esp_status esp_view(int count, const esp_role *roles, const esp_view_options *options, esp_view_result *out)
{
    (void)count, (void)roles, (void)options, (void)out;
    return no_window();
}

esp_status esp_window_try(esp_window_facts *out)
{
    *out = (esp_window_facts){.glfw = ""};
    return no_window();
}
