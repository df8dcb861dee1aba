/* The panel at the left of the window: MuJoCo's own widgets on the session's controls. */
#include <stdio.h>
#include <string.h>

#include "viewer/panel.h"

enum { RUN, CONTROLLER, SHOW };            /* sections */
enum { PAUSE, SPEED, STEP, AGAIN, NEXT };  /* items of RUN */

/* A line for every checkpoint, as far as MuJoCo's text goes. */
static void list_names(const esp_session *session, char out[mjMAXUITEXT])
{
    size_t used = 0;
    for (int i = 0; i < session->player->count; i++)
        used += (size_t)snprintf(out + used, mjMAXUITEXT - used, "%s%.*s", i ? "\n" : "", mjMAXUINAME - 2,
                                 session->player->actor[i].role.name);
}

void esp_panel_make(mjUI *panel, esp_session *session)
{
    esp_controls *c = &session->controls;
    mjuiDef definitions[] = {
        {mjITEM_SECTION, "Run", 1, NULL, ""},
        {mjITEM_CHECKINT, "Pause", 1, &c->pause, ""},
        {mjITEM_RADIO, "Speed", 1, &c->speed, "1\n1/2\n1/4\n1/10"},
        {mjITEM_BUTTON, "Step", 1, NULL, ""},
        {mjITEM_BUTTON, "Again", 1, NULL, ""},
        {mjITEM_BUTTON, "Next episode", 1, NULL, ""},
        {mjITEM_SECTION, "Controller", 1, NULL, ""},
        {mjITEM_RADIO, "Of", 1, &c->selected, ""},
        {mjITEM_RADIO, "Acts by", 1, &c->controller, "planner\npolicy"},
        {mjITEM_SLIDERNUM, "Sparsity", 1, &c->sparsity, "0 0.95"},
        {mjITEM_SECTION, "Show", 1, NULL, ""},
        {mjITEM_CHECKINT, "Captions", 1, &c->caption, ""},
        {mjITEM_CHECKINT, "Figures", 1, &c->figures, ""},
        {mjITEM_CHECKINT, "Network's view", 1, &c->inset, ""},
        {mjITEM_CHECKINT, "Shadows", 1, &c->shadows, ""},
        {.type = mjITEM_END},
    };
    list_names(session, definitions[7].other);
    memset(panel, 0, sizeof *panel);
    panel->spacing = mjui_themeSpacing(1);
    panel->spacing.samples = 0;
    panel->color = mjui_themeColor(1);
    panel->rectid = 1;
    panel->radiocol = 1;
    mjui_add(panel, definitions);
}

void esp_panel_fit(mjUI *panel, mjuiState *state, mjrContext *context)
{
    mjui_resize(panel, context);
    mjr_addAux(panel->auxid, panel->width, panel->maxheight, panel->spacing.samples, context);
    mjui_update(-1, -1, panel, state, context);
}

static esp_status item_changed(const mjuiItem *item, esp_session *session)
{
    if (item->sectionid == RUN && item->itemid == STEP) return esp_session_key(session, mjKEY_RIGHT);
    if (item->sectionid == RUN && item->itemid == AGAIN) return esp_session_key(session, mjKEY_BACKSPACE);
    if (item->sectionid == RUN && item->itemid == NEXT) return esp_session_key(session, 'N');
    return esp_session_apply(session);
}

esp_status esp_panel_event(mjUI *panel, mjuiState *state, esp_session *session, const mjrContext *context)
{
    const mjuiItem *item = mjui_event(panel, state, context);
    return item ? item_changed(item, session) : ESP_OK;
}
