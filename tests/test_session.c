/* What a person does while looking on, without a window. */
#include "viewer/session.h"

#include "tiny_role.h"

#define STEP 0.02 /* s, one physics step */

static esp_agent_config config;
static esp_network *net;

static esp_session *open_session(int count)
{
    esp_role roles[2];
    for (int i = 0; i < 2; i++)
        roles[i] = tiny_role(&config, net, ESP_CONTROLLER_POLICY);
    esp_session *session = NULL;
    esp_status status = esp_session_create(count, roles, 4, NULL, &session);
    if (status == ESP_ERR_MACHINE) {
        printf("skipped: %s\n", esp_error_text());
        exit(77);
    }
    CHECK_OK(status);
    return session;
}

static void machine_can_draw(void)
{
    config = tiny_config();
    net = tiny_network(&config, 1, 3);
    esp_session_free(open_session(1));
}

static int steps(const esp_session *session)
{
    return esp_player_steps(session->player);
}

static void press(esp_session *session, int key)
{
    CHECK_OK(esp_session_key(session, key));
}

/* ---- time --------------------------------------------------------------------------------------------- */

static void clock_drives_the_physics_and_time_lost_by_a_slow_frame_is_not_caught_up(void)
{
    esp_session *session = open_session(1);
    for (int i = 0; i < 10; i++) CHECK_OK(esp_session_advance(session, STEP / 2));
    CU_ASSERT_EQUAL(steps(session), 5);
    CHECK_OK(esp_session_advance(session, 10.0));
    CU_ASSERT_EQUAL(steps(session), 10);
    esp_session_free(session);
}

static void slow_motion_plays_half_and_full_speed_returns(void)
{
    esp_session *session = open_session(1);
    press(session, mjKEY_DOWN);
    CHECK_OK(esp_session_advance(session, 4 * STEP));
    CU_ASSERT_EQUAL(steps(session), 2);
    press(session, mjKEY_UP);
    CHECK_OK(esp_session_advance(session, 4 * STEP));
    CU_ASSERT_EQUAL(steps(session), 6);
    esp_session_free(session);
}

static void pause_holds_and_a_single_step_is_one_decision(void)
{
    esp_session *session = open_session(1);
    press(session, ' ');
    CHECK_OK(esp_session_advance(session, 0.05));
    CU_ASSERT_EQUAL(steps(session), 0);
    press(session, mjKEY_RIGHT);
    CHECK_OK(esp_session_advance(session, 0.05));
    CHECK_OK(esp_session_advance(session, 0.05));
    CU_ASSERT_EQUAL(steps(session), config.env.action_repeat);
    press(session, ' ');
    CHECK_OK(esp_session_advance(session, STEP));
    CU_ASSERT_EQUAL(steps(session), config.env.action_repeat + 1);
    esp_session_free(session);
}

static void reset_repeats_the_episode_and_the_next_is_another(void)
{
    esp_session *session = open_session(1);
    const mjtNum *angle = esp_player_state(session->player, 0)->qpos;
    double start = angle[0], end;
    CHECK_OK(esp_session_advance(session, 0.1));
    end = angle[0];
    press(session, mjKEY_BACKSPACE);
    CU_ASSERT_EQUAL(angle[0], start);
    CHECK_OK(esp_session_advance(session, 0.1));
    CU_ASSERT_EQUAL(angle[0], end);
    press(session, 'N');
    CU_ASSERT_NOT_EQUAL(angle[0], start);
    esp_session_free(session);
}

static void episodes_follow_each_other(void)
{
    esp_session *session = open_session(1);
    for (int i = 0; i <= esp_player_length(session->player); i++) CHECK_OK(esp_session_advance(session, STEP));
    CU_ASSERT_EQUAL(steps(session), 1);
    CU_ASSERT_EQUAL(session->episode, 1);
    esp_session_free(session);
}

/* ---- controllers ---------------------------------------------------------------------------------------- */

static const esp_network *playing(const esp_session *session, int actor)
{
    return session->player->actor[actor].role.net;
}

static void slider_prunes_the_running_controller_and_gives_it_back(void)
{
    esp_session *session = open_session(2);
    unsigned used = esp_controller_components(ESP_CONTROLLER_POLICY);
    double all = (double)esp_network_params(net, used);
    CHECK_OK(esp_session_advance(session, 0.1));
    for (double wish = 0.2; wish < 0.7; wish += 0.2) {
        session->controls.sparsity = wish;
        CHECK_OK(esp_session_apply(session));
        double sparsity = 1.0 - (double)esp_network_params(playing(session, 0), used) / all;
        CU_ASSERT(fabs(sparsity - wish) < 0.03);
        CU_ASSERT_EQUAL(session->player->actor[0].sparsity, sparsity);
    }
    CU_ASSERT_PTR_EQUAL(playing(session, 1), net);
    CU_ASSERT_EQUAL(steps(session), 5);
    CHECK_OK(esp_session_advance(session, 0.1));
    CU_ASSERT_EQUAL(steps(session), 10);
    session->controls.sparsity = 0.0;
    CHECK_OK(esp_session_apply(session));
    CU_ASSERT_PTR_EQUAL(playing(session, 0), net);
    esp_session_free(session);
}

static void sparsity_out_of_reach_is_reported_and_changes_nothing(void)
{
    esp_session *session = open_session(1);
    session->controls.sparsity = 0.999;
    CHECK_OK(esp_session_apply(session));
    CU_ASSERT(strstr(session->message, "sparsity") != NULL);
    CU_ASSERT_EQUAL(session->controls.sparsity, 0.0);
    CU_ASSERT_PTR_EQUAL(playing(session, 0), net);
    esp_session_free(session);
}

static void planner_of_a_file_without_a_model_is_reported_and_changes_nothing(void)
{
    esp_network *whole = net, *part = NULL;
    CHECK_OK(esp_told_create_part(&config, 1, esp_controller_components(ESP_CONTROLLER_POLICY), &part));
    esp_network_init_orthogonal(part, 3);
    net = part;
    esp_session *session = open_session(1);
    press(session, 'C');
    CU_ASSERT(strstr(session->message, "'mppi' also runs dynamics") != NULL);
    CU_ASSERT_EQUAL(session->controls.controller, ESP_CONTROLLER_POLICY);
    session->controls.sparsity = 0.4;
    CHECK_OK(esp_session_apply(session));
    CU_ASSERT(fabs(session->player->actor[0].sparsity - 0.4) < 0.03);
    CHECK_OK(esp_session_advance(session, 0.1));
    esp_session_free(session);
    esp_network_free(part);
    net = whole;
}

static void keys_choose_checkpoint_controller_and_sparsity(void)
{
    esp_session *session = open_session(2);
    press(session, mjKEY_TAB);
    press(session, 'C');
    press(session, ']');
    press(session, ']');
    CU_ASSERT_EQUAL(session->player->actor[0].role.controller, ESP_CONTROLLER_POLICY);
    CU_ASSERT_EQUAL(session->player->actor[1].role.controller, ESP_CONTROLLER_MPPI);
    CU_ASSERT(fabs(session->player->actor[1].sparsity - 0.1) < 0.03);
    CHECK_OK(esp_session_advance(session, 0.1));
    press(session, mjKEY_TAB);
    CU_ASSERT_EQUAL(session->controls.selected, 0);
    CU_ASSERT_EQUAL(session->controls.controller, ESP_CONTROLLER_POLICY);
    CU_ASSERT_EQUAL(session->controls.sparsity, 0.0);
    esp_session_free(session);
}

/* ---- the mouse ------------------------------------------------------------------------------------------- */

/* From hanging at rest: the body that the mouse holds is pulled towards it, and is free again once
 * released. */
static void push_pulls_the_pole_towards_the_mouse(void)
{
    for (int side = -1; side <= 1; side += 2) {
        esp_session *session = open_session(2);
        mjData *data = session->player->actor[1].play->data;
        data->qpos[0] = M_PI;
        mj_forward(session->player->actor[1].world->model, data);
        esp_session_push_begin(session, 1, 0.5, 0.4, 4.0 / 3.0);
        esp_session_push_move(session, 0.2 * side, 0.0);
        CHECK_OK(esp_session_advance(session, 4 * STEP));
        double pushed = sin(data->qpos[0]);
        CU_ASSERT(mju_norm(data->xfrc_applied, 6 * 2) > 1.0);
        CU_ASSERT_EQUAL(mju_norm(session->player->actor[0].play->data->xfrc_applied, 6 * 2), 0.0);
        CU_ASSERT(pushed * side > 0.01);
        esp_session_push_end(session);
        CHECK_OK(esp_session_advance(session, STEP));
        CU_ASSERT_EQUAL(mju_norm(data->xfrc_applied, 6 * 2), 0.0);
        esp_session_free(session);
    }
}

/* ---- other keys ------------------------------------------------------------------------------------------ */

static void keys_show_and_hide_and_quit(void)
{
    esp_session *session = open_session(1);
    press(session, mjKEY_F1);
    press(session, mjKEY_F2);
    press(session, mjKEY_F5);
    press(session, 'P');
    press(session, '?');
    CU_ASSERT(session->help && !session->controls.caption && session->picture_wanted && !session->quit);
    CU_ASSERT_EQUAL(session->painter->scene.flags[mjRND_SHADOW], 0);
    press(session, mjKEY_ESCAPE);
    CU_ASSERT(session->quit);
    esp_session_free(session);
}

static void help_names_every_key(void)
{
    char names[1024], meanings[1024];
    esp_session_help(names, meanings, sizeof names);
    int lines[2] = {0, 0};
    for (const char *c = names; *c; c++) lines[0] += *c == '\n';
    for (const char *c = meanings; *c; c++) lines[1] += *c == '\n';
    CU_ASSERT(lines[0] > 15 && lines[0] == lines[1]);
    CU_ASSERT(strstr(names, "F1\nSpace\n") == names && strstr(meanings, "push a body") != NULL);
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"machine can draw", machine_can_draw},
    {"clock drives the physics and time lost by a slow frame is not caught up",
     clock_drives_the_physics_and_time_lost_by_a_slow_frame_is_not_caught_up},
    {"slow motion plays half and full speed returns", slow_motion_plays_half_and_full_speed_returns},
    {"pause holds and a single step is one decision", pause_holds_and_a_single_step_is_one_decision},
    {"reset repeats the episode and the next is another", reset_repeats_the_episode_and_the_next_is_another},
    {"episodes follow each other", episodes_follow_each_other},
    {"slider prunes the running controller and gives it back", slider_prunes_the_running_controller_and_gives_it_back},
    {"sparsity out of reach is reported and changes nothing", sparsity_out_of_reach_is_reported_and_changes_nothing},
    {"planner of a file without a model is reported and changes nothing",
     planner_of_a_file_without_a_model_is_reported_and_changes_nothing},
    {"keys choose checkpoint, controller and sparsity", keys_choose_checkpoint_controller_and_sparsity},
    {"push pulls the pole towards the mouse", push_pulls_the_pole_towards_the_mouse},
    {"keys show and hide and quit", keys_show_and_hide_and_quit},
    {"help names every key", help_names_every_key},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("session", tests)
