/* The panel at the left of the window: MuJoCo's own widgets for the session's controls. */
#include <stdio.h>
#include <string.h>

#include "viewer/panel.h"

enum { RUN, NETWORK, SHOW };               /* sections */
enum { PAUSE, SPEED, STEP, RESTART, NEXT };  /* items of RUN */

/* Newer versions of MuJoCo have more members. */
#define WIDGET(kind, label, pointer, more) \
    {.type = mjITEM_##kind, .name = label, .state = 1, .pdata = pointer, .other = more}

/* Length of a name without the suffix that all checkpoints have. */
static int stem(const char *name)
{
    static const char suffix[] = ".safetensors";
    size_t length = strlen(name), end = strlen(suffix);
    if (length > end && strcmp(name + length - end, suffix) == 0) length -= end;
    return length < mjMAXUINAME - 2 ? (int)length : mjMAXUINAME - 2;
}

/* One line per checkpoint, as many as fit in MuJoCo's text. */
static void list_names(const esp_session *session, char out[mjMAXUITEXT])
{
    size_t used = 0;
    for (int i = 0; i < session->player->count; i++) {
        const char *name = session->player->actor[i].role.name;
        used += (size_t)snprintf(out + used, mjMAXUITEXT - used, "%s%.*s", i ? "\n" : "", stem(name), name);
    }
}

/* One line per controller of the application. */
static void list_controllers(const esp_session *session, char out[mjMAXUITEXT])
{
    snprintf(out, mjMAXUITEXT, "%s", session->player->actor[0].role.acting->controllers);
    for (char *c = out; *c; c++)
        if (*c == '|') *c = '\n';
}

void esp_panel_make(mjUI *panel, esp_session *session)
{
    esp_controls *c = &session->controls;
    mjuiDef definitions[] = {
        WIDGET(SECTION, "Run", NULL, ""),
        WIDGET(CHECKINT, "Pause", &c->pause, ""),
        WIDGET(RADIO, "Speed", &c->speed, "1\n1/2\n1/4\n1/10"),
        WIDGET(BUTTON, "Step", NULL, ""),
        WIDGET(BUTTON, "Restart", NULL, ""),
        WIDGET(BUTTON, "Next episode", NULL, ""),
        WIDGET(SECTION, "Network", NULL, ""),
        WIDGET(RADIO, "Checkpoint", &c->selected, ""),
        WIDGET(RADIO, "Controller", &c->controller, ""),
        WIDGET(SLIDERNUM, "Sparsity", &c->sparsity, "0 0.95"),
        WIDGET(SECTION, "Show", NULL, ""),
        WIDGET(CHECKINT, "Captions", &c->caption, ""),
        WIDGET(CHECKINT, "Figures", &c->figures, ""),
        WIDGET(CHECKINT, "Network's view", &c->inset, ""),
        WIDGET(CHECKINT, "Shadows", &c->shadows, ""),
        {.type = mjITEM_END},
    };
    list_names(session, definitions[7].other);
    list_controllers(session, definitions[8].other);
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
    if (item->sectionid == RUN && item->itemid == RESTART) return esp_session_key(session, mjKEY_BACKSPACE);
    if (item->sectionid == RUN && item->itemid == NEXT) return esp_session_key(session, 'N');
    return esp_session_apply(session);
}

esp_status esp_panel_event(mjUI *panel, mjuiState *state, esp_session *session, const mjrContext *context)
{
    const mjuiItem *item = mjui_event(panel, state, context);
    return item ? item_changed(item, session) : ESP_OK;
}
