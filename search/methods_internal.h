/* The functions in the rows of esp_search_methods. */
#ifndef ESP_METHODS_INTERNAL_H
#define ESP_METHODS_INTERNAL_H

#include "search/search.h"

esp_status esp_search_gd(esp_search_run *run);
esp_status esp_search_grid(esp_search_run *run);
esp_status esp_search_global(esp_search_run *run);
esp_status esp_search_lamp(esp_search_run *run);
esp_status esp_search_sensitivity(esp_search_run *run);
esp_status esp_search_evolve(esp_search_run *run);
esp_status esp_search_nlopt(esp_search_run *run);
esp_status esp_search_magnitude(esp_search_run *run);
esp_status esp_search_random(esp_search_run *run);

#endif
