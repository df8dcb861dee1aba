/* `espalier doctor` says what is there and what to do, whatever is missing, and never crashes. */
#include "tests/cli_run.h"

#include "tests/display.h"
#include "tests/sanitized.h"

/* The doctor's JSON, in an environment that hides a part of the machine. */
static cJSON *doctor(const char *environment, int status)
{
    int found = cli("%s $E doctor --json", environment);
    if (found != status) cli_say();
    CU_ASSERT_EQUAL_FATAL(found, status);
    return cli_json();
}

static bool well(const cJSON *json, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItem(cJSON_GetObjectItem(json, key), "ok"));
}

static const char *said(const cJSON *json, const char *key)
{
    const char *text = esp_json_text(cJSON_GetObjectItem(json, key), "text");
    return text ? text : "";
}

static void check_said(const cJSON *json, const char *key, const char *word)
{
    if (!strstr(said(json, key), word)) printf("\n    %s: %s ", key, said(json, key));
    CU_ASSERT_FALSE(well(json, key));
    CU_ASSERT(strstr(said(json, key), word) != NULL);
}

/* Skipped on a machine that lacks what the tests hide. */
static void a_complete_machine_evaluates(void)
{
    cli_open();
    unsetenv("DISPLAY");
    if (cli("$E doctor") == 0) return;
    fputs(cli_out, stdout);
    exit(77);
}

static void the_json_has_the_keys_that_scripts_rely_on(void)
{
    cJSON *json = doctor("", 0);
    cli_check_keys(json, "mujoco egl display blas isa mpi ffmpeg models threads memory pictures evaluates version");
    const cJSON *mujoco = cJSON_GetObjectItem(json, "mujoco");
    cli_check_keys(mujoco, "version source plugin_api ok text");
    CU_ASSERT_STRING_EQUAL(esp_json_text(mujoco, "version"), esp_json_text(mujoco, "headers"));
    CU_ASSERT_EQUAL(access(esp_json_text(mujoco, "source"), R_OK), 0);
    CU_ASSERT(strlen(esp_json_text(cJSON_GetObjectItem(json, "blas"), "kernel")) > 0);
    cli_check_keys(cJSON_GetObjectItem(json, "isa"), "processor compiled used ok text");
    CU_ASSERT(cJSON_IsTrue(cJSON_GetObjectItem(json, "evaluates")));
    cJSON_Delete(json);
}

static void a_kernel_can_be_chosen_by_name(void)
{
    cJSON *json = doctor("ESPALIER_KERNEL=baseline", 0);
    CU_ASSERT_STRING_EQUAL(esp_json_text(cJSON_GetObjectItem(json, "isa"), "used"), "baseline");
    cJSON_Delete(json);
    CU_ASSERT_EQUAL(cli("ESPALIER_KERNEL=avx3 $E doctor"), 2);
    CU_ASSERT_EQUAL(cli_lines(cli_err), 1);
    CU_ASSERT(strstr(cli_err, "ESPALIER_KERNEL: expected avx512, avx2 or baseline, found 'avx3'") != NULL);
}

static void every_check_is_one_line(void)
{
    CLI_OK("$E doctor");
    CU_ASSERT_EQUAL(cli_lines(cli_out), 13);
    CU_ASSERT(strstr(cli_out, "ok   MuJoCo") && strstr(cli_out, "ok   BLAS"));
}

static void without_egl_the_package_is_named_and_the_status_is_1(void)
{
    cJSON *json = doctor("LIBGL_DRIVERS_PATH=/nowhere", 1);
    check_said(json, "egl", "libgl1-mesa-dri");
    CU_ASSERT_EQUAL(cli_lines(cli_err), 1);
    CU_ASSERT(strstr(cli_err, "EGL") != NULL);
    cJSON_Delete(json);
    json = doctor("__EGL_VENDOR_LIBRARY_DIRS=/nowhere", 1);
    check_said(json, "egl", "libegl-mesa0");
    CU_ASSERT(well(json, "mujoco") && well(json, "models"));
    cJSON_Delete(json);
}

static void a_memory_limit_is_named_instead_of_a_missing_package(void)
{
    if (SANITIZED) return; /* sanitizers reserve terabytes of addresses */
    cJSON *json = doctor("ulimit -v 400000;", 1);
    check_said(json, "egl", "ulimit -v");
    check_said(json, "memory", "ulimit -v");
    if (!well(json, "ffmpeg")) CU_ASSERT_PTR_NULL(strstr(said(json, "ffmpeg"), "install the package"));
    cJSON_Delete(json);
    CU_ASSERT_EQUAL(cli("ulimit -v 100000; $E --version"), 1); /* must not hang: OpenBLAS used to wait for memory */
    CU_ASSERT(strstr(cli_err, "ulimit -v") != NULL);
}

static void without_models_the_status_is_1(void)
{
    CLI_OK("mkdir -p empty");
    int status = cli("ESPALIER_MODELS=empty $E doctor --json");
    cJSON *json = cli_json();
    /* Otherwise the installed models or those of the source tree are found. */
    if (status == 1) check_said(json, "models", "ESPALIER_MODELS");
    else CU_ASSERT(well(json, "models"));
    cJSON_Delete(json);
}

static void a_missing_display_leaves_status_0(void)
{
    cJSON *json = doctor("DISPLAY=:98765", 0);
    CU_ASSERT_FALSE(well(json, "display"));
    CU_ASSERT(strstr(said(json, "display"), "espalier record") != NULL);
    cJSON_Delete(json);
}

static void a_display_is_tried_with_a_window(void)
{
    start_display("320x240x24");
    cJSON *json = doctor("", 0);
    if (strstr(said(json, "display"), "built without a window")) return cJSON_Delete(json);
    CU_ASSERT(well(json, "display"));
    CU_ASSERT(strstr(said(json, "display"), "GLFW 3") != NULL);
    cJSON_Delete(json);
}

static void missing_programs_are_named_with_their_packages(void)
{
    cJSON *json = doctor("PATH=/nowhere", 0);
    check_said(json, "ffmpeg", "package ffmpeg");
    check_said(json, "pictures", "librsvg2-bin");
    cJSON_Delete(json);
}

static void missing_fonts_are_noticed_by_drawing_letters(void)
{
    CLI_OK("mkdir -p fonts && echo '<fontconfig><dir>'$PWD'/fonts</dir></fontconfig>' >fonts.conf");
    cJSON *json = doctor("FONTCONFIG_FILE=$PWD/fonts.conf", 0);
    check_said(json, "pictures", "fonts-dejavu-core");
    cJSON_Delete(json);
}

static void more_threads_than_processors_are_noticed(void)
{
    cJSON *json = doctor("OMP_NUM_THREADS=1000", 0);
    check_said(json, "threads", "OMP_NUM_THREADS");
    cJSON_Delete(json);
}

static void failures_that_the_doctor_can_explain_mention_it(void)
{
    int status = cli("LIBGL_DRIVERS_PATH=/nowhere $E eval $ESPALIER_MODELS/pendulum/agent.safetensors --episodes 1");
    CU_ASSERT_EQUAL(status, 1);
    CU_ASSERT(strstr(cli_err, "espalier doctor") != NULL);
    CU_ASSERT_EQUAL(cli_lines(cli_err), 1);
    status = cli("$E eval nothing.safetensors");
    CU_ASSERT_EQUAL(status, 1);
    CU_ASSERT(strstr(cli_err, "espalier doctor") == NULL);
}

static void help_has_examples(void)
{
    CLI_OK("$E doctor --help");
    CU_ASSERT(strstr(cli_out, "Examples:") != NULL);
}

static CU_TestInfo tests[] = {
    {"a complete machine evaluates", a_complete_machine_evaluates},
    {"the JSON has the keys that scripts rely on", the_json_has_the_keys_that_scripts_rely_on},
    {"a kernel can be chosen by name", a_kernel_can_be_chosen_by_name},
    {"every check is one line", every_check_is_one_line},
    {"without EGL the package is named and the status is 1", without_egl_the_package_is_named_and_the_status_is_1},
    {"a memory limit is named instead of a missing package", a_memory_limit_is_named_instead_of_a_missing_package},
    {"without models the status is 1", without_models_the_status_is_1},
    {"a missing display leaves status 0", a_missing_display_leaves_status_0},
    {"missing programs are named with their packages", missing_programs_are_named_with_their_packages},
    {"missing fonts are noticed by drawing letters", missing_fonts_are_noticed_by_drawing_letters},
    {"more threads than processors are noticed", more_threads_than_processors_are_noticed},
    {"failures that the doctor can explain mention it", failures_that_the_doctor_can_explain_mention_it},
    {"help has examples", help_has_examples},
    {"a display is tried with a window", a_display_is_tried_with_a_window},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("cli doctor", tests)
