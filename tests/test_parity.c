/* The shipped tasks agree with the packages that define them: in every recorded state, observation, reward and
 * termination to 1e-9; and the state that follows, when the recording's MuJoCo is ours. tests/record/record.py made the
 * recordings and describes their format; the environment variable ESPALIER_PARITY names a folder with others. */
#include <dirent.h>
#include <unistd.h>

#include "envs/envs.h"
#include "nn/nn.h"

#include "check.h"

#define TOLERANCE 1e-9 /* relative to 1 or the larger value: sums in another order, another build of the C library */

/* An opened recording. */
typedef struct {
    esp_safetensors *file;
    int              rows, starts, nq, nv;
    bool             ours; /* recorded with this MuJoCo */
} recording;

/* Row `row` of a tensor, and its width; NULL when there is no such tensor. */
static const double *row_of(const recording *r, const char *name, int row, int *width)
{
    const esp_st_tensor *tensor = esp_safetensors_find(r->file, name);
    if (width) *width = tensor ? (int)tensor->shape[1] : 0;
    return tensor ? (const double *)tensor->data + (size_t)row * (size_t)tensor->shape[1] : NULL;
}

static void set_state(const recording *r, const char *prefix, int row, const mjModel *m, mjData *d)
{
    const struct { const char *name; mjtNum *at; int count; } parts[] = {
        {"qpos", d->qpos, r->nq}, {"qvel", d->qvel, r->nv}, {"warm", d->qacc_warmstart, r->nv}};
    (void)m;
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s%s", prefix, parts[i].name);
        const double *values = row_of(r, name, row, NULL);
        CU_ASSERT_FATAL(values != NULL);
        memcpy(parts[i].at, values, (size_t)parts[i].count * sizeof *values);
    }
}

static bool near(const char *what, const char *task, int row, double got, double expected, double tolerance)
{
    double size = fmax(1.0, fabs(expected));
    if (fabs(got - expected) <= tolerance * size) return true;
    printf("\n    %s, row %d: %s is %.17g, recorded %.17g ", task, row, what, got, expected);
    return false;
}

/* Compares every item of the observation; false at the first difference. */
static bool same_observation(const recording *r, const esp_world *w, const esp_play *play, int row)
{
    static double numbers[4096];
    char what[64];
    int width, at = 0;
    const double *expected = row_of(r, "obs", row, &width);
    for (int k = 0; k < w->num_items; k++) {
        w->task->observe(w->task, w->model, play, k, numbers);
        for (int i = 0; i < w->item[k].width; i++, at++) {
            snprintf(what, sizeof what, "%s[%d]", w->item[k].name, i);
            if (at >= width || !near(what, w->task->about.name, row, numbers[i], expected[at], TOLERANCE)) return false;
        }
    }
    return at == width;
}

static bool same_judgement(const recording *r, const esp_world *w, const esp_play *play, int row)
{
    double reward = w->task->reward(w->task, w->model, play, 0);
    bool ended = w->task->done && w->task->done(w->task, w->model, play);
    /* Positions inside a step, which Gymnasium's Ant is rewarded by, are those of one MuJoCo's contacts. */
    double tolerance = r->ours || w->task->about.refresh ? TOLERANCE : INFINITY;
    return near("reward", w->task->about.name, row, reward, *row_of(r, "reward", row, NULL), tolerance) &&
           near("terminated", w->task->about.name, row, ended, *row_of(r, "terminated", row, NULL), 0.0);
}

/* Index of the start that begins at a row, or -1. */
static int start_at(const recording *r, int row)
{
    for (int s = 0; s < r->starts; s++)
        if (*row_of(r, "start_row", s, NULL) == row) return s;
    return -1;
}

static void begin(const recording *r, int start, const esp_world *w, esp_simulator *simulator)
{
    esp_play *play = esp_simulator_play(simulator, 0);
    int width;
    const double *mocap = row_of(r, "start_mocap", start, &width);
    mj_resetData(w->model, play->data);
    set_state(r, "start_", start, w->model, play->data);
    if (mocap) memcpy(play->data->mocap_pos, mocap, (size_t)width * sizeof *mocap);
    mj_forward(w->model, play->data);
    esp_simulator_join(simulator, &(esp_episode){.seed = 1});
}

/* Leaves the data as the package's last physics step did: what MuJoCo derives belongs to the state before that step
 * (with Runge-Kutta to its last stage), unless the task asks for what belongs to the present state. */
static void set_step(const recording *r, int row, const esp_world *w, esp_play *play)
{
    const double *ctrl = row_of(r, "ctrl", row, NULL);
    memcpy(play->data->ctrl, ctrl, (size_t)w->model->nu * sizeof *ctrl);
    set_state(r, "last_", row, w->model, play->data);
    mj_step(w->model, play->data);
    set_state(r, "", row, w->model, play->data);
    if (w->task->about.refresh) mj_step1(w->model, play->data);
}

static bool judge_rows(const recording *r, const esp_world *w, esp_simulator *simulator)
{
    esp_play *play = esp_simulator_play(simulator, 0);
    bool same = true;
    for (int row = 0; row < r->rows && same; row++) {
        int start = start_at(r, row);
        if (start >= 0) begin(r, start, w, simulator);
        else if (w->task->note) w->task->note(w->task, w->model, play);
        set_step(r, row, w, play);
        same = same_observation(r, w, play, row) && same_judgement(r, w, play, row);
    }
    return same;
}

/* An esp_act_fn: nothing to choose, the controls are set afterwards. */
static esp_status act_nothing(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    (void)step, (void)obs;
    memset(actions, 0, (size_t)n * (size_t)((const esp_world *)context)->num_actions * sizeof *actions);
    return ESP_OK;
}

/* Plays every step from the recorded state before it. */
static bool follow_rows(const recording *r, esp_world *w, esp_simulator *simulator)
{
    esp_play *play = esp_simulator_play(simulator, 0);
    bool same = true;
    for (int row = 0; row < r->rows && same; row++) {
        int start = start_at(r, row);
        begin(r, start < 0 ? 0 : start, w, simulator);
        if (start < 0) set_state(r, "", row - 1, w->model, play->data);
        const double *ctrl = row_of(r, "ctrl", row, NULL), *qpos = row_of(r, "qpos", row, NULL);
        CHECK_OK(esp_simulator_act(simulator, act_nothing, w));
        memcpy(play->data->ctrl, ctrl, (size_t)w->model->nu * sizeof *ctrl);
        CHECK_OK(esp_simulator_step(simulator, w->repeat));
        for (int i = 0; i < r->nq && same; i++)
            same = near("qpos of the state that follows", w->task->about.name, row, play->data->qpos[i], qpos[i], 1e-9);
    }
    return same;
}

static void check_recording(const char *path)
{
    recording r = {.file = NULL};
    esp_world *world = NULL;
    esp_simulator *simulator = NULL;
    CHECK_OK(esp_safetensors_read(path, &r.file));
    const char *task = esp_safetensors_metadata(r.file, "task"), *version = esp_safetensors_metadata(r.file, "mujoco");
    CU_ASSERT_FATAL(task && version);
    const esp_st_tensor *reward = esp_safetensors_find(r.file, "reward"), *qpos = esp_safetensors_find(r.file, "qpos");
    CU_ASSERT_FATAL(reward && qpos);
    r.rows = (int)reward->shape[0];
    r.starts = (int)esp_safetensors_find(r.file, "start_row")->shape[0];
    r.nq = (int)qpos->shape[1];
    r.nv = (int)esp_safetensors_find(r.file, "qvel")->shape[1];
    r.ours = strcmp(version, mj_versionString()) == 0;
    esp_env_config config = esp_env_config_of(task);
    CHECK_OK(esp_world_create(&config, &world));
    CU_ASSERT_FATAL((int)world->model->nq == r.nq && (int)world->model->nv == r.nv);
    CHECK_OK(esp_simulator_create(world, 1, false, &simulator));
    CU_ASSERT(judge_rows(&r, world, simulator));
    if (r.ours) CU_ASSERT(follow_rows(&r, world, simulator));
    printf("\n    %s: %d steps%s ", task, r.rows, r.ours ? ", and the states that follow" : "");
    esp_simulator_free(simulator);
    esp_world_free(world);
    esp_safetensors_free(r.file);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void tasks_agree_with_the_packages_that_define_them(void)
{
    const char *chosen = getenv("ESPALIER_PARITY"), *folder = chosen ? chosen : ESP_SOURCE "/tests/data/parity";
    struct dirent **entry = NULL;
    int count = scandir(folder, &entry, NULL, by_name), recordings = 0;
    for (int i = 0; i < count; i++) {
        const char *suffix = strrchr(entry[i]->d_name, '.');
        if (suffix && strcmp(suffix, ".safetensors") == 0) {
            char *path = esp_path_join(folder, entry[i]->d_name);
            check_recording(path);
            free(path);
            recordings++;
        }
        free(entry[i]);
    }
    free(entry);
    CU_ASSERT(recordings > 0);
}

static CU_TestInfo tests[] = {
    {"tasks agree with the packages that define them", tasks_agree_with_the_packages_that_define_them},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = {{"parity", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    setenv("ESPALIER_MODELS", ESP_SOURCE "/models", 1);
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS) return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures != 0;
}
