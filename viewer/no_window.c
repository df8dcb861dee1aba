/* In place of window.c in a build without GLFW. */
#include "viewer/viewer.h"

esp_status esp_view(int count, const esp_role *roles, const esp_view_options *options, esp_view_result *out)
{
    (void)count, (void)roles, (void)options, (void)out;
    return esp_fail(ESP_ERR_MACHINE, "espalier was built without a window (ESP_WITH_VIEWER; Debian: apt install "
                    "libglfw3-dev and build again); `espalier record` makes a video or pictures without one");
}
