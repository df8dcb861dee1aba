/* espalier export --to c: the shipped policy as source code, and what is refused. */
#include "cli_run.h"

static const char agent[] = ESP_SOURCE "/models/pendulum/agent.safetensors";

static void the_shipped_policy_replays_its_episode(void)
{
    cli_open();
    int status = cli("$E export %s --controller policy --to c -o policy --json", agent);
    if (status != 0 && strstr(cli_err, "EGL")) {
        puts("skipped: this machine cannot draw the example episode");
        exit(77);
    }
    if (status != 0) cli_say();
    CU_ASSERT_EQUAL_FATAL(status, 0);
    cJSON *json = cli_json();
    cli_check_keys(json, "checkpoint to folder name inputs history outputs flash_bytes ram_bytes stack_bytes macs "
                         "example_steps hash version");
    CU_ASSERT_EQUAL(cli_number(json, "inputs"), 784);
    CU_ASSERT_EQUAL(cli_number(json, "history"), 9);
    CU_ASSERT_EQUAL(cli_number(json, "flash_bytes"), 4 * 362003);
    cJSON_Delete(json);
    CLI_OK("cd policy && cc -std=c99 -O1 controller.c test_controller.c -lm -o ../replay && ../replay");
    CLI_OK("$E export %s --controller policy --to c -o policy --seed 1", agent);
    CU_ASSERT_PTR_NOT_NULL(strstr(cli_out, "1,448,012 bytes of constants"));
}

/* Plans build on each other, so ten equal actions mean ten equal plans. */
static void the_planner_replays_the_plans_of_an_episode(void)
{
    CLI_OK("$E export %s --controller mppi --to c --name planner -o planner", agent);
    CLI_OK("cc -std=c99 -O1 planner/planner.c planner/test_planner.c -lm -o replay && ./replay");
    for (int i = 0; i < 2; i++) {
        const char *compiler = i ? "clang" : "gcc", *more = i ? "clang++" : "g++";
        const char *warnings = "-Wall -Wextra -Wpedantic -Wconversion -Wdouble-promotion -Werror -fsyntax-only";
        if (cli("command -v %s && command -v %s", compiler, more) != 0) continue;
        CLI_OK("%s -std=c99 %s planner/planner.c planner/planner_library.c", compiler, warnings);
        CLI_OK("%s -std=c++17 %s -x c++ planner/planner.c planner/planner_library.c", more, warnings);
    }
}

static void an_autoencoder_is_exported_with_both_components(void)
{
    CLI_OK("$E export " ESP_SOURCE "/models/mnist/autoencoder.safetensors --to c --name digits -o digits");
    CLI_OK("cd digits && cc -std=c99 -O1 digits.c test_digits.c -lm -o test && ./test");
}

static void the_cmake_project_builds_and_passes(void)
{
    CLI_OK("$E export %s --controller policy --to c --name pendulum -o project", agent);
    CLI_OK("cmake -S project -B built && cmake --build built && cd built && ctest && ls libpendulum_shared.so");
}

static double return_of(const char *controller)
{
    CLI_OK("$E eval %s --episodes 2 --controller %s --json", agent, controller);
    cJSON *json = cli_json();
    double mean = cli_number(json, "return_mean");
    cJSON_Delete(json);
    return mean;
}

/* Rounding differs, so single steps may; the returns of two episodes hardly do. */
static void the_compiled_library_plays_like_the_policy(void)
{
    char library[128];
    snprintf(library, sizeof library, "lib:built/libpendulum_shared.so");
    CU_ASSERT_DOUBLE_EQUAL(return_of(library), return_of("policy"), 20);
    CLI_OK("sed -i 's/_HASH \".*\"/_HASH \"0123456789abcdef\"/' project/pendulum.h && cmake --build built");
    char command[512];
    snprintf(command, sizeof command, "eval %s --controller %s", agent, library);
    cli_check_refusal(2, command, "was exported from another controller (hash 0123456789abcdef)");
    snprintf(command, sizeof command, "eval %s --controller lib:nothing.so", agent);
    cli_check_refusal(1, command, "nothing.so: cannot be loaded");
    snprintf(command, sizeof command, "eval %s --controller lib:libm.so.6", agent);
    cli_check_refusal(1, command, "libm.so.6: cannot be loaded"); /* names without a slash are files here */
    CLI_OK("cc -shared -fPIC -x c - -o other.so < /dev/null");
    snprintf(command, sizeof command, "eval %s --controller lib:other.so", agent);
    cli_check_refusal(1, command, "is not a controller of `espalier export`");
    snprintf(command, sizeof command, "prune %s --controller lib:other.so -o x.safetensors", agent);
    cli_check_refusal(2, command, "mppi|policy");
}

static void wrong_requests_are_refused(void)
{
    char command[512];
    cli_check_refusal(2, "export", "CHECKPOINT");
    cli_check_refusal(2, "export a.safetensors -o x", "--to");
    cli_check_refusal(2, "export a.safetensors --to c", "-o DIR");
    cli_check_refusal(2, "export a.safetensors --to rust -o x", "rust");
    cli_check_refusal(1, "export nothing.safetensors --to c -o x", "nothing.safetensors");
    snprintf(command, sizeof command, "export %s --controller policy --to c --name 'my policy' -o x", agent);
    cli_check_refusal(2, command, "my policy");
    CLI_OK("mkdir full && touch full/thesis.tex");
    snprintf(command, sizeof command, "export %s --controller policy --to c -o full", agent);
    cli_check_refusal(2, command, "thesis.tex");
    CU_ASSERT_NOT_EQUAL(cli("test -e x"), 0);
}

static CU_TestInfo tests[] = {
    {"the shipped policy replays its episode", the_shipped_policy_replays_its_episode},
    {"the planner replays the plans of an episode", the_planner_replays_the_plans_of_an_episode},
    {"an autoencoder is exported with both components", an_autoencoder_is_exported_with_both_components},
    {"the CMake project builds and passes", the_cmake_project_builds_and_passes},
    {"the compiled library plays like the policy", the_compiled_library_plays_like_the_policy},
    {"wrong requests are refused", wrong_requests_are_refused},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("espalier export", tests)
