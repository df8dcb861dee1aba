/* The panel at the left of the window. */
#ifndef ESP_VIEWER_PANEL_H
#define ESP_VIEWER_PANEL_H

#include "viewer/session.h"

/* Call with the context current, under esp_guard. The panel becomes rectangle 1 of state. */
void esp_panel_make(mjUI *panel, esp_session *session);
/* Call once its size is known, and after it changed. */
void esp_panel_fit(mjUI *panel, mjuiState *state, mjrContext *context);
/* Passes the event in state to the panel, and the changes that it makes to the session. */
esp_status esp_panel_event(mjUI *panel, mjuiState *state, esp_session *session, const mjrContext *context);

#endif
