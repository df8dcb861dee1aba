/* The panel at the left of the window. */
#ifndef ESP_VIEWER_PANEL_H
#define ESP_VIEWER_PANEL_H

#include "viewer/session.h"

/* With the context current, under esp_guard. state has the panel as rectangle 1. */
void esp_panel_make(mjUI *panel, esp_session *session);
/* After its size was first known or changed. */
void esp_panel_fit(mjUI *panel, mjuiState *state, mjrContext *context);
/* Hands an event in state over to the panel, and what it changed to the session. */
esp_status esp_panel_event(mjUI *panel, mjuiState *state, esp_session *session, const mjrContext *context);

#endif
