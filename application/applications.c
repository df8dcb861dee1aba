/* All applications. A new one is a row here, and a file application_<name>.c. */
#include "application/application.h"

const esp_application *const esp_applications[] = {&esp_application_agent, &esp_application_autoencoder,
                                                   &esp_application_controller, &esp_application_network,
                                                   &esp_application_task, NULL};
