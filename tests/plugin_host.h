/* A host's simulation and the episode of `eval` that it should equal, with agents small enough to play it in a
 * moment. */
#ifndef ESP_TESTS_PLUGIN_HOST_H
#define ESP_TESTS_PLUGIN_HOST_H

#include <fcntl.h>
#include <unistd.h>

#include "plugin/plugin_internal.h"

#include "edited_scene.h"
#include "tiny_agent.h"
#include "starts.h"

static char folder[] = "/tmp/espalier-plugin-XXXXXX";
static char agent_path[64], other_path[64], log_path[64], other_log[64];

enum { STATES = TINY_STEPS + 1, SEED = 5 };

/* ---- agents in a separate folder --------------------------------------------------------------- */

static inline void remove_folder(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0) perror(folder);
}

static inline void write_agent(const char *path, uint64_t seed)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, 1, seed);
    CHECK_OK(esp_agent_checkpoint_write(path, &config, net));
    esp_network_free(net);
}

/* Agent 1 for the policy; of its components only those in the set are in the file. */
static inline void write_policy(const char *path, unsigned components)
{
    esp_agent_config config = tiny_config();
    esp_network *net = tiny_network(&config, 1, 1);
    esp_metadata metadata = {.contract = esp_agent_contract(path, &config, NULL, ESP_CONTROLLER_POLICY)};
    CHECK_OK(esp_agent_checkpoint_save(path, &config, net, components, &metadata));
    esp_metadata_free(&metadata);
    esp_network_free(net);
}

static inline esp_world *tiny_world(void)
{
    esp_world *world = NULL;
    esp_agent_config config = tiny_config();
    CHECK_OK(esp_world_create(&config.env, &world));
    return world;
}

static char warned[128];

static inline void keep_warning(const char *text)
{
    snprintf(warned, sizeof warned, "%s", text);
}

/* Comes first; exit status 77 (skipped) on a machine that cannot draw. */
static inline void machine_draws_what_agents_see(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    mju_user_warning = keep_warning; /* the host's own */
    CU_ASSERT_FATAL(mkdtemp(folder) != NULL && setenv("ESPALIER_MODELS", ESP_SOURCE "/models", 1) == 0);
    atexit(remove_folder);
    esp_world *world = tiny_world();
    esp_renderer *renderer = NULL;
    esp_status status = esp_renderer_create(world, 0, &renderer);
    esp_renderer_free(renderer);
    esp_world_free(world);
    if (status == ESP_ERR_MACHINE) {
        printf("skipped: %s\n", esp_error_text());
        exit(77);
    }
    CU_ASSERT_EQUAL_FATAL(status, ESP_OK);
    snprintf(agent_path, sizeof agent_path, "%s/agent.safetensors", folder);
    snprintf(other_path, sizeof other_path, "%s/other.safetensors", folder);
    snprintf(log_path, sizeof log_path, "%s/log.jsonl", folder);
    snprintf(other_log, sizeof other_log, "%s/other.jsonl", folder);
    write_agent(agent_path, 1);
    write_agent(other_path, 2);
}

/* ---- an episode of the closed loop, and the same in a host program ------------------------------ */

typedef struct {
    double start;             /* rad */
    double states[STATES][2]; /* at every control step */
    float  actions[TINY_STEPS];
    double episode_return;
} episode;

/* The episode `index` of SEED as `eval` plays it. */
static inline episode evaluate(const char *path, esp_controller_kind kind, int index, int integrator)
{
    episode e = {0};
    esp_agent_checkpoint agent;
    esp_simulator *simulator = NULL;
    esp_episode names[4];
    CHECK_OK(esp_agent_checkpoint_read(path, NULL, &agent));
    esp_world *world = tiny_world();
    world->model->opt.integrator = integrator;
    CHECK_OK(esp_simulator_create(world, 1, true, &simulator));
    esp_controller *controller =
        esp_controller_create(agent.net, &agent.config, kind, &agent.config.planner.budget, 1);
    esp_episodes_name(SEED, ESP_EPISODES_REPORT, START_HANGING, 4, names);
    esp_controller_begin(controller, &names[index], 1);
    esp_trajectory out = {.states = e.states[0], .actions = e.actions};
    CHECK_OK(esp_rollout(simulator, &names[index], 1, esp_controller_act, controller, &out));
    e.start = e.states[0][0];
    e.episode_return = out.episode_return;
    esp_controller_free(controller);
    esp_simulator_free(simulator);
    esp_world_free(world);
    esp_agent_checkpoint_free(&agent);
    return e;
}

/* A host's simulation. */
typedef struct {
    mjModel *model;
    mjData  *data;
} host;

static inline host make_host(const char *scene)
{
    char error[512] = "";
    host h = {.model = mj_loadXML(scene, NULL, error, sizeof error)};
    if (!h.model) printf("\n    %s ", error);
    CU_ASSERT_FATAL(h.model != NULL);
    h.data = mj_makeData(h.model);
    return h;
}

static inline host pendulum(void)
{
    return make_host(ESP_SOURCE "/models/pendulum/scene.xml");
}

static inline void free_host(host *h)
{
    esp_plugin_detach(h->data);
    mj_deleteData(h->data);
    mj_deleteModel(h->model);
}

/* Steps through an episode; true if it equals `expected` to the last bit. `disturb` may be NULL. */
static inline bool follows(host *h, const episode *expected, void (*disturb)(host *h))
{
    bool equal = true;
    for (int step = 0; step < TINY_STEPS; step++) {
        equal = equal && h->data->qpos[0] == expected->states[step][0] && h->data->qvel[0] == expected->states[step][1];
        for (int repeat = 0; repeat < 8; repeat++) {
            if (disturb) disturb(h);
            h->data->ctrl[0] = 0.01 * repeat; /* a host's noise, which the controller overrules */
            mj_step(h->model, h->data);
            equal = equal && h->data->ctrl[0] == (double)expected->actions[step];
        }
    }
    return equal && h->data->qpos[0] == expected->states[TINY_STEPS][0];
}

static inline char *in_folder(const char *name)
{
    static char path[96];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* ---- what is said on stderr ---------------------------------------------------------------------- */

typedef struct {
    int before, file;
} hearing;

static inline hearing hear(void)
{
    fflush(stderr);
    hearing ear = {dup(2), open(in_folder("said"), O_CREAT | O_TRUNC | O_RDWR, 0600)};
    CU_ASSERT_FATAL(ear.before >= 0 && ear.file >= 0 && dup2(ear.file, 2) == 2);
    return ear;
}

/* Ends it; in a static buffer. */
static inline const char *heard(const hearing *ear)
{
    static char text[2048];
    fflush(stderr);
    dup2(ear->before, 2);
    close(ear->before);
    ssize_t size = pread(ear->file, text, sizeof text - 1, 0);
    close(ear->file);
    CU_ASSERT_FATAL(size >= 0);
    text[size] = 0;
    return text;
}

#endif
