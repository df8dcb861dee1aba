/* Debian's own MuJoCo programs, unmodified, with the controller preloaded: their behaviour is read from the log.
 * Programs that are not installed are skipped. */
#include <fcntl.h>
#include <mujoco/mujoco.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent.h"

#include "display.h"
#include "edited_scene.h"
#include "sanitized.h"
#include "starts.h"

#define AGENT ESP_SOURCE "/models/pendulum/agent.safetensors"

static char folder[] = "/tmp/espalier-hosts-XXXXXX";

/* ---- programs ------------------------------------------------------------------------------------ */

static bool is_installed(const char *program, const char *package)
{
    char command[128];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", program);
    bool found = system(command) == 0;
    if (!found) printf("\n    skipped: no %s (Debian: apt install %s) ", program, package);
    return found;
}

/* Starts a program with the controller preloaded; its output goes to the files out and err. */
static pid_t start_host(char *const argv[], const char *checkpoint)
{
    fflush(NULL);
    pid_t child = fork();
    CU_ASSERT_FATAL(child >= 0);
    if (child > 0) return child;
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* no program outlives a test that fails */
    if (!freopen("/dev/null", "r", stdin) || !freopen("out", "w", stdout) || !freopen("err", "w", stderr)) _exit(126);
    setenv("LD_PRELOAD", ESP_CONTROLLER, 1);
    setenv("ESPALIER_CONTROLLER", "policy", 1);
    setenv("ESPALIER_LOG", "log", 1);
    if (checkpoint) setenv("ESPALIER_CHECKPOINT", checkpoint, 1);
    execvp(argv[0], argv);
    _exit(127);
}

/* Waits for the program to end: its exit status, and its peak memory in KiB. */
static int finish_host(pid_t child, long *memory)
{
    struct rusage usage;
    int status = 0;
    CU_ASSERT_FATAL(wait4(child, &status, 0, &usage) == child);
    if (memory) *memory = usage.ru_maxrss;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run_testspeed(const char *scene, const char *steps, const char *threads, const char *checkpoint,
                         long *memory)
{
    char *argv[] = {"mujoco-testspeed", (char *)scene, (char *)steps, (char *)threads, NULL};
    remove("log");
    return finish_host(start_host(argv, checkpoint), memory);
}

static char *read_text(const char *name)
{
    char *text = NULL;
    size_t size = 0;
    if (access(name, F_OK) != 0) return esp_strdup("");
    CHECK_OK(esp_file_read(name, (size_t)1 << 26, &text, &size));
    return text;
}

/* ---- the log --------------------------------------------------------------------------------------- */

/* Number of whole lines in the log, and one of them (the last: -1), or NULL; the caller deletes it. */
static int log_lines(int wanted, cJSON **line)
{
    char *text = read_text("log"), *at = text;
    int count = 0;
    for (char *end; (end = strchr(at, '\n')); at = end + 1, count++) {
        if (!line || (wanted >= 0 && count != wanted) || (wanted < 0 && strchr(end + 1, '\n'))) continue;
        CHECK_OK(esp_json_parse(at, (size_t)(end - at), "log", line));
    }
    free(text);
    return count;
}

static double number(const cJSON *json, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    if (cJSON_IsArray(item)) item = cJSON_GetArrayItem(item, 0);
    CU_ASSERT_FATAL(cJSON_IsNumber(item));
    return item->valuedouble;
}

/* ---- first of all ---------------------------------------------------------------------------------- */

static void remove_folder(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0) perror(folder);
}

static void skip(const char *reason)
{
    printf("skipped: %s\n", reason);
    exit(77);
}

static void machine_has_programs_to_preload_into(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    if (SANITIZED) skip("a program without sanitizers cannot preload a library with them");
    if (mjVERSION_HEADER != 222) skip("Debian's programs are linked to MuJoCo 2.2.2, this build is not");
    if (!is_installed("mujoco-testspeed", "libmujoco-samples")) exit(77);
    CU_ASSERT_FATAL(mkdtemp(folder) != NULL && chdir(folder) == 0);
    atexit(remove_folder);
    esp_world *world = NULL;
    esp_renderer *renderer = NULL;
    esp_env_config config = esp_env_config_default();
    CHECK_OK(esp_world_create(&config, &world));
    if (esp_renderer_create(world, 0, &renderer) == ESP_ERR_MACHINE) skip(esp_error_text());
    esp_renderer_free(renderer);
    esp_world_free(world);
}

/* ---- mujoco-testspeed -------------------------------------------------------------------------------- */

/* The keyframe at which it starts, without the noise of episodes. */
static esp_status hang(const esp_task *task, const mjModel *model, esp_play *play, esp_rng *rng)
{
    (void)task, (void)rng;
    play->data->qpos[0] = model->key_qpos[mj_name2id(model, mjOBJ_KEY, "test")];
    return ESP_OK;
}

/* The return of eval's episode from there. */
static double return_of_eval(void)
{
    esp_agent_checkpoint agent;
    CHECK_OK(esp_agent_checkpoint_read(AGENT, NULL, &agent));
    esp_world *world = NULL;
    CHECK_OK(esp_world_create(&agent.config.env, &world));
    esp_task hanging = *world->task;
    hanging.reset = hang;
    world->task = &hanging;
    esp_pool *pool = esp_pool_create(world, ESP_EPISODE_BLOCK, true);
    esp_episode name;
    esp_trajectory out = {.rewards = NULL};
    esp_episodes_name(1, ESP_EPISODES_REPORT, START_HANGING, 1, &name);
    esp_evaluation evaluation = {.net = agent.net, .config = &agent.config, .kind = ESP_CONTROLLER_POLICY,
                                 .budget = &agent.config.planner.budget, .episodes = &name, .count = 1};
    CHECK_OK(esp_evaluate(pool, &evaluation, NULL, &out));
    esp_pool_free(pool);
    esp_world_free(world);
    esp_agent_checkpoint_free(&agent);
    return out.episode_return;
}

/* A frame kept at every control step would be 8.4 MiB. */
#define GROWTH_KIB (6 * 1024)

static void testspeed_returns_what_eval_does_and_does_not_grow(void)
{
    long early = 0, late = 0;
    cJSON *line = NULL;
    CU_ASSERT_EQUAL(run_testspeed(PENDULUM_SCENE, "10000", "1", AGENT, &early), 0);
    /* A leak grows every time; the memory of renderer and allocator varies between runs, once by more than the
     * limit. */
    for (int i = 0; i < 3 && (i == 0 || late >= early + GROWTH_KIB); i++)
        CU_ASSERT_EQUAL(run_testspeed(PENDULUM_SCENE, "100000", "1", AGENT, &late), 0);
    CU_ASSERT_EQUAL(log_lines(125, &line), 12500);
    CU_ASSERT_FATAL(line != NULL);
    CU_ASSERT_EQUAL(number(line, "return"), return_of_eval());
    CU_ASSERT(number(line, "return") > 600.0);
    cJSON_Delete(line);
    printf("\n    memory after 10,000 steps: %ld KiB, after 100,000: %ld KiB ", early, late);
    CU_ASSERT(late < early + GROWTH_KIB);
}

static void check_lives_with_one_line(const char *scene, const char *checkpoint, const char *word)
{
    CU_ASSERT_EQUAL(run_testspeed(scene, "50", "3", checkpoint, NULL), 0);
    char *text = read_text("err"), *end = strchr(text, '\n');
    if (!end || end[1] || !strstr(text, word)) printf("\n    stderr: %s ", text);
    CU_ASSERT(end && !end[1] && strstr(text, word) && strstr(text, "espalier: model '") == text);
    free(text);
}

static void host_continues_without_a_controller(void)
{
    char *humanoid = "/usr/share/mujoco/model/humanoid/humanoid.xml";
    check_lives_with_one_line(PENDULUM_SCENE, "/nix/agent.safetensors", "/nix/agent.safetensors");
    check_lives_with_one_line(PENDULUM_SCENE, PENDULUM_SCENE, "safetensors");
    check_lives_with_one_line(PENDULUM_SCENE, NULL, "ESPALIER_CHECKPOINT");
    if (access(humanoid, F_OK) == 0) check_lives_with_one_line(humanoid, AGENT, "joint");
}

/* ---- programs with a window ---------------------------------------------------------------------------- */

/* The shipped scene, changed for programs that know no keyframes: its pole hangs at the start. The angles are the
 * same (upright is 0); the pole is drawn at its hanging position. The scene names its controller itself. */
static void write_hanging_scene(const char *path)
{
    write_scene(path, (scene_edit[]){
        {"<body name=\"pole\"", "<body name=\"pole\" quat=\"0 0 1 0\""},
        {"<joint name=\"hinge\"", "<joint name=\"hinge\" ref=\"3.141592653589793\""},
        {"<asset>", "<custom><text name=\"espalier.checkpoint\" data=\"" AGENT "\"/></custom><asset>"},
        {NULL, NULL}});
}

/* Runs a program with a window until the log shows a control step with this `reward`, for at most a minute; true if
 * it came. */
static bool earns(const char *program, const char *scene, double reward)
{
    char *argv[] = {(char *)program, (char *)scene, NULL};
    bool earned = false, alive = true;
    remove("log");
    pid_t host = start_host(argv, NULL);
    for (int i = 0; i < 600 && alive && !earned; i++) {
        usleep(100000);
        cJSON *line = NULL;
        log_lines(-1, &line);
        if (line) earned = number(line, "reward") >= reward;
        cJSON_Delete(line);
        alive = waitpid(host, NULL, WNOHANG) == 0;
    }
    if (alive) kill(host, SIGTERM);
    if (alive) waitpid(host, NULL, 0);
    char *text = read_text("err");
    if (!earned) printf("\n    %s%s stderr: %s ", program, alive ? "" : " ended;", text);
    CU_ASSERT_STRING_EQUAL(text, "");
    free(text);
    return earned;
}

static void programs_with_a_window_swing_the_pendulum_up(void)
{
    if (!is_installed("Xvfb", "xvfb")) return;
    start_display("640x480x24");
    write_hanging_scene("hanging.xml");
    /* All 8 steps of a control step within 8 degrees: the pole is up, and slow. */
    if (is_installed("mujoco-simulate", "libmujoco-samples"))
        CU_ASSERT(earns("mujoco-simulate", "hanging.xml", 8.0));
    if (is_installed("mujoco-basic", "libmujoco-samples"))
        CU_ASSERT(earns("mujoco-basic", "hanging.xml", 8.0));
}

static CU_TestInfo tests[] = {
    {"machine has programs to preload into", machine_has_programs_to_preload_into},
    {"testspeed returns what eval does and does not grow", testspeed_returns_what_eval_does_and_does_not_grow},
    {"host continues without a controller", host_continues_without_a_controller},
    {"programs with a window swing the pendulum up", programs_with_a_window_swing_the_pendulum_up},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("plugin hosts", tests)
