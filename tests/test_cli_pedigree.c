/* The command line: files that know their purpose and their origin. */
#include "cli_run.h"

#define PRUNE                                                                                                          \
    BARE "agent.safetensors --controller policy --sparsity 0.4 --tolerance 0.1 --report-episodes 2 --quiet "
#define CHEAP "--method magnitude --episodes 2 "

static cJSON *inspected(const char *path)
{
    CLI_OK("$E inspect %s --json", path);
    return cli_json();
}

static cJSON *evaluated(const char *path, const char *options)
{
    CLI_OK("$E eval %s %s --episodes 2 --json", path, options);
    return cli_json();
}

static const char *text_of(const cJSON *json, const char *object, const char *key)
{
    const char *text = esp_json_text(object ? cJSON_GetObjectItem(json, object) : json, key);
    return text ? text : "";
}

static void pruned_file_is_played_by_the_controller_it_was_pruned_for(void)
{
    cli_begin();
    CLI_OK(PRUNE CHEAP "-o p.st");
    cJSON *told = evaluated("p.st", "--controller policy"), *untold = evaluated("p.st", "");
    CU_ASSERT_STRING_EQUAL(text_of(untold, NULL, "controller"), "policy");
    CU_ASSERT(cJSON_Compare(cJSON_GetObjectItem(told, "returns"), cJSON_GetObjectItem(untold, "returns"), true));
    cJSON_Delete(told);
    cJSON_Delete(untold);
    CLI_OK("$E record p.st agent.safetensors --seconds 0.5 --frames 2 --size 64x64 -o strip.png --json");
    cJSON *json = cli_json(), *list = cJSON_GetObjectItem(json, "checkpoints");
    CU_ASSERT_STRING_EQUAL(text_of(cJSON_GetArrayItem(list, 0), NULL, "controller"), "policy");
    CU_ASSERT_STRING_EQUAL(text_of(cJSON_GetArrayItem(list, 1), NULL, "controller"), "mppi");
    cJSON_Delete(json);
}

/* Metadata apart, a file is as large as the parameters that the controller uses. */
static void only_what_the_controller_uses_is_written(void)
{
    cJSON *json = inspected("p.st"), *components = cJSON_GetObjectItem(json, "components");
    CU_ASSERT_EQUAL(cJSON_GetArraySize(components), 2);
    CU_ASSERT(cJSON_HasObjectItem(components, "encoder") && cJSON_HasObjectItem(components, "pi"));
    double metadata = cli_number(json, "size_bytes") - 4 * cli_number(json, "params");
    CU_ASSERT(metadata > 0 && metadata < 5000);
    CU_ASSERT_STRING_EQUAL(text_of(json, "contract", "controller"), "policy");
    CU_ASSERT_STRING_EQUAL(text_of(json, "contract", "application"), "tdmpc");
    CU_ASSERT_EQUAL(strlen(text_of(json, "contract", "scene_hash")), 16);
    cJSON_Delete(json);
    CU_ASSERT_EQUAL(cli("$E eval p.st --controller mppi"), 2);
    CU_ASSERT_EQUAL(cli_lines(cli_err), 1);
    CU_ASSERT(strstr(cli_err, "p.st: controller 'mppi' also runs dynamics, reward, Q1, Q2") != NULL);
}

static void all_components_are_kept_when_asked_for(void)
{
    CLI_OK(PRUNE CHEAP "--all-components -o all.st");
    cJSON *json = inspected("all.st");
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(json, "components")), 6);
    CU_ASSERT_STRING_EQUAL(text_of(json, "contract", "controller"), "policy");
    cJSON_Delete(json);
    cJSON *untold = evaluated("all.st", ""), *planned = evaluated("all.st", "--controller mppi");
    cJSON *without = evaluated("p.st", "");
    CU_ASSERT(cJSON_Compare(cJSON_GetObjectItem(untold, "returns"), cJSON_GetObjectItem(without, "returns"), true));
    CU_ASSERT_STRING_EQUAL(text_of(planned, NULL, "controller"), "mppi");
    cJSON_Delete(untold);
    cJSON_Delete(planned);
    cJSON_Delete(without);
}

static void equal_work_gives_equal_files(void)
{
    CLI_OK("mkdir -p there && cp agent.safetensors there/ && " PRUNE CHEAP
           "--set planner.samples=20 --set search.levels=3 --threads 2 -o there/one.st");
    CLI_OK("cd there && " BARE "--set search.levels=3 --set planner.samples=9 --set planner.samples=20 "
           "--episodes 2 agent.safetensors --threads 1 --method magnitude --tolerance 0.1 --sparsity 0.4 "
           "--controller policy -o other.st --json");
    CLI_OK("cmp there/one.st there/other.st");
    CLI_OK(PRUNE CHEAP "--seed 2 -o seed.st");
    CU_ASSERT_EQUAL(cli("cmp -s p.st seed.st"), 1);
}

static void command_of_the_pedigree_reproduces_the_file(void)
{
    CLI_OK("command=$($E inspect p.st --json | sed -n 's/.*\"command\":[[:space:]]*\"espalier \\(.*\\)\".*/\\1/p') && "
           "$E $command --report-episodes 1 --quiet -o again.st");
    CLI_OK("cmp p.st again.st");
}

static void file_pruned_twice_names_both_prunings_and_its_sparsity_of_the_original(void)
{
    CLI_OK(
        BARE "p.st --sparsity 0.6 --tolerance 0.1 --report-episodes 2 --method magnitude --importance l1 -o q.st "
        "--json");
    cJSON *pruned = cli_json(), *first = inspected("p.st"), *json = inspected("q.st");
    cJSON *pedigree = cJSON_GetObjectItem(json, "pedigree"), *source = inspected("agent.safetensors");
    cJSON *before = cJSON_GetObjectItem(source, "components");
    CU_ASSERT_EQUAL_FATAL(cJSON_GetArraySize(pedigree), 2);
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(source, "pedigree")), 0);
    CU_ASSERT(cJSON_Compare(cJSON_GetArrayItem(pedigree, 0),
                            cJSON_GetArrayItem(cJSON_GetObjectItem(first, "pedigree"), 0), true));
    CU_ASSERT_STRING_EQUAL(text_of(cJSON_GetArrayItem(pedigree, 1), NULL, "importance"), "l1");
    CU_ASSERT_STRING_EQUAL(text_of(cJSON_GetArrayItem(pedigree, 1), NULL, "controller"), "policy");
    double original = cli_number(before, "encoder") + cli_number(before, "pi");
    CU_ASSERT_EQUAL(cli_number(json, "params_original"), original);
    CU_ASSERT_EQUAL(cli_number(json, "sparsity_of_original"), 1 - cli_number(json, "params") / original);
    CU_ASSERT_EQUAL(cli_number(pruned, "params_original"), original);
    CU_ASSERT_EQUAL(cli_number(pruned, "params_input"), cli_number(first, "params"));
    CLI_OK("$E inspect q.st");
    CU_ASSERT(strstr(cli_out, "\npedigree\n1  ") && strstr(cli_out, "\n2  "));
    CU_ASSERT(strstr(cli_out, "that the controller used originally") != NULL);
    cJSON_Delete(pruned);
    cJSON_Delete(first);
    cJSON_Delete(json);
    cJSON_Delete(source);
}

static void file_with_the_policy_alone_works_everywhere(void)
{
    CLI_OK(
        BARE "p.st --groups paper --sparsity 0.2 --tolerance 0.2 --method magnitude --report-episodes 1 -o g.st");
    CLI_OK(BARE "p.st --importance obs --compensate lsq --finetune 2 --sparsity 0.55 --tolerance 0.1 --episodes 2 "
           "--method magnitude --report-episodes 1 -o f.st");
    CLI_OK("$E sweep p.st --methods magnitude,random --sparsities 0.2 --tolerance 0.1 --budget 3 --episodes 2 "
           "--report-episodes 1 -o sweep --quiet");
    CLI_OK("$E report sweep -o sweep.html --quiet");
    CLI_OK("$E report f.st -o search.html --quiet");
    CLI_OK("grep -q 'data:image/png' search.html");
    CU_ASSERT_EQUAL(cli("$E bench p.st --only policy"), 1 + 1);
    CU_ASSERT(strstr(cli_err, "also runs") != NULL);
}

/* A scene given by --set belongs to the pruned file, wherever both are moved. */
static void scene_travels_with_the_file(void)
{
    CLI_OK("mkdir -p box/scenes && cp " ESP_SOURCE "/models/pendulum/*.xml box/scenes/ && "
           "sed -i 's/fovy=\"29\"/fovy=\"31\"/' box/scenes/scene.xml");
    CLI_OK(PRUNE CHEAP "--set env.scene=box/scenes/scene.xml -o box/net.st");
    cJSON *json = inspected("box/net.st"), *plain = inspected("p.st");
    CU_ASSERT_STRING_EQUAL(text_of(json, "contract", "scene"), "scenes/scene.xml");
    CU_ASSERT_STRING_NOT_EQUAL(text_of(json, "contract", "scene_hash"), text_of(plain, "contract", "scene_hash"));
    cJSON_Delete(json);
    cJSON_Delete(plain);
    cJSON *here = evaluated("box/net.st", "");
    CLI_OK("mv box moved");
    cJSON *there = evaluated("moved/net.st", "");
    CU_ASSERT(cJSON_Compare(cJSON_GetObjectItem(here, "returns"), cJSON_GetObjectItem(there, "returns"), true));
    cJSON_Delete(here);
    cJSON_Delete(there);
    CLI_OK("mv moved/scenes moved/gone");
    CU_ASSERT_EQUAL(cli("$E eval moved/net.st"), 1);
    CU_ASSERT(strstr(cli_err, "moved/scenes/scene.xml") != NULL);
}

static void check_scene_warning(const char *command, bool expected)
{
    CLI_OK("%s", command);
    const char *said = strstr(cli_err, "p.st: was made with another scene than ");
    CU_ASSERT_EQUAL(said != NULL, expected);
    CU_ASSERT(!said || (strstr(said, "pendulum/scene.xml") && !strstr(said + 1, "p.st: made in")));
}

/* The scene is found, and it is no longer what it was. */
static void changed_scene_is_warned_about_in_one_line(void)
{
    check_scene_warning("$E eval p.st --episodes 1 --quiet", false);
    CLI_OK("mkdir -p changed/pendulum && cp " ESP_SOURCE "/models/pendulum/*.xml changed/pendulum/ && "
           "sed -i 's/fovy=\"29\"/fovy=\"31\"/' changed/pendulum/scene.xml");
    check_scene_warning("ESPALIER_MODELS=changed $E eval p.st --episodes 1 --quiet", true);
    check_scene_warning(
        "ESPALIER_MODELS=changed " BARE "p.st --sparsity 0.6 --tolerance 0.1 --report-episodes 1 " CHEAP
        "--quiet -o elsewhere.st",
        true);
    check_scene_warning("ESPALIER_MODELS=changed $E record p.st --seconds 0.5 --frames 2 --size 64x64 -o strip.png "
                        "--quiet", true);
    CLI_OK("ESPALIER_MODELS=changed $E eval elsewhere.st --episodes 1 --quiet"); /* which was made in it */
    CU_ASSERT_STRING_EQUAL(cli_err, "");
}

/* The shipped networks are older than contracts. */
static void inspect_prints_the_contract_of_shipped_files(void)
{
    static const char *const files[][3] = {{"pendulum/agent.safetensors", "tdmpc", "pendulum"},
                                           {"mnist/autoencoder.safetensors", "autoencoder", "reconstruction"}};
    for (int i = 0; i < 2; i++) {
        CLI_OK("$E inspect " ESP_SOURCE "/models/%s --json", files[i][0]);
        cJSON *json = cli_json(), *pedigree = cJSON_GetObjectItem(json, "pedigree");
        CU_ASSERT_STRING_EQUAL(text_of(json, "contract", "application"), files[i][1]);
        CU_ASSERT_STRING_EQUAL(text_of(json, "contract", "task"), files[i][2]);
        CU_ASSERT(cJSON_IsArray(pedigree) && cJSON_GetArraySize(pedigree) == 0);
        cJSON_Delete(json);
        CLI_OK("$E inspect " ESP_SOURCE "/models/%s", files[i][0]);
        CU_ASSERT(strstr(cli_out, "\ncontract") != NULL);
    }
}

static void trained_file_has_a_contract_and_no_pedigree(void)
{
    cJSON *json = inspected("agent.safetensors"), *contract = cJSON_GetObjectItem(json, "contract");
    cli_check_keys(contract,
                   "version application task scene scene_hash observation action control_period_s controller");
    CU_ASSERT_FALSE(cJSON_HasObjectItem(contract, "derived"));
    CU_ASSERT_STRING_EQUAL(text_of(contract, NULL, "controller"), "mppi");
    CU_ASSERT_EQUAL(cli_number(json, "sparsity_of_original"), 0.0);
    cJSON_Delete(json);
}

static CU_TestInfo tests[] = {
    {"pruned file is played by the controller it was pruned for",
     pruned_file_is_played_by_the_controller_it_was_pruned_for},
    {"only what the controller uses is written", only_what_the_controller_uses_is_written},
    {"all components are kept when asked for", all_components_are_kept_when_asked_for},
    {"equal work gives equal files", equal_work_gives_equal_files},
    {"command of the pedigree reproduces the file", command_of_the_pedigree_reproduces_the_file},
    {"file pruned twice names both prunings and its sparsity of the original",
     file_pruned_twice_names_both_prunings_and_its_sparsity_of_the_original},
    {"file with the policy alone works everywhere", file_with_the_policy_alone_works_everywhere},
    {"scene travels with the file", scene_travels_with_the_file},
    {"changed scene is warned about in one line", changed_scene_is_warned_about_in_one_line},
    {"inspect prints the contract of shipped files", inspect_prints_the_contract_of_shipped_files},
    {"trained file has a contract and no pedigree", trained_file_has_a_contract_and_no_pedigree},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("cli_pedigree", tests)
