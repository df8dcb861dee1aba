/* The scripts in docs/pytorch.md, as they stand there: the same actions in PyTorch, and back. Skipped where no Python
 * with PyTorch is installed; ESPALIER_PYTHON names one. */
#include "agent/agent.h"

#include "cli_run.h"

enum { FRAMES = 9 * 28 * 28, OBSERVATIONS = 6 };

/* Writes the code blocks of the page that begin with a file's name: "# policy.py". */
static void extract_scripts(void)
{
    char *page = NULL, name[64];
    size_t size = 0;
    int count = 0;
    CHECK_OK(esp_file_read(ESP_SOURCE "/docs/pytorch.md", (size_t)1 << 20, &page, &size));
    for (char *block = page; (block = strstr(block, "```python\n")) != NULL;) {
        char *code = block + strlen("```python\n"), *end = strstr(code, "\n```");
        CU_ASSERT_FATAL(end != NULL);
        if (sscanf(code, "# %63[a-z.]\n", name) == 1 && strchr(name, '.')) {
            CHECK_OK(esp_file_write(name, code, (size_t)(end + 1 - code)));
            count++;
        }
        block = end;
    }
    CU_ASSERT_EQUAL(count, 2);
    free(page);
}

/* The actions that espalier's policy takes for some observations: frames.bin [n, FRAMES] uint8, actions.bin [n]. */
static void write_actions(const char *checkpoint)
{
    static uint8_t frames[OBSERVATIONS][FRAMES];
    float actions[OBSERVATIONS];
    esp_agent_checkpoint agent;
    CHECK_OK(esp_agent_checkpoint_read(checkpoint, NULL, &agent));
    esp_controller *controller =
        esp_controller_create(agent.net, &agent.config, ESP_CONTROLLER_POLICY, &agent.config.planner.budget, 1);
    esp_rng rng = esp_rng_make(1, ESP_RNG_TEST, 0);
    for (int i = 0; i < OBSERVATIONS; i++) { /* bright and dark, smooth and rough */
        for (int k = 0; k < FRAMES; k++)
            frames[i][k] = (uint8_t)(i < 2 ? 255 * i : i < 4 ? (k * i) % 256 : 255 * esp_rng_uniform(&rng));
        esp_observation obs = {.num_items = 1, .item = (const void *const[]){frames[i]}};
        esp_controller_begin(controller, &(esp_episode){.seed = 0}, 1);
        CHECK_OK(esp_controller_act(controller, 1, 0, &obs, &actions[i]));
    }
    CHECK_OK(esp_file_write("frames.bin", frames, sizeof frames));
    CHECK_OK(esp_file_write("actions.bin", actions, sizeof actions));
    esp_controller_free(controller);
    esp_agent_checkpoint_free(&agent);
}

static void find_python(void)
{
    cli_open();
    int found = cli("for p in $ESPALIER_PYTHON python3 /usr/bin/python3; do $p -c 'import torch, numpy' && echo $p && "
                    "exit; done; exit 1");
    if (found != 0) {
        printf("skipped: no Python with PyTorch and NumPy (Debian: apt install python3-torch)\n");
        exit(77);
    }
    cli_out[strcspn(cli_out, "\n")] = 0;
    setenv("P", cli_out, 1);
    setenv("OMP_NUM_THREADS", "1", 1); /* a busy machine: PyTorch's threads wait for each other */
}

/* 2e-5: both compute in float32 and add in other orders. */
static void check_actions(const char *checkpoint)
{
    write_actions(checkpoint);
    CLI_OK("$P -c 'import numpy, torch, policy\n"
           "frames = torch.from_numpy(numpy.fromfile(\"frames.bin\", \"u1\").reshape(-1, 9, 28, 28).astype(\"f4\"))\n"
           "espalier = torch.from_numpy(numpy.fromfile(\"actions.bin\", \"<f4\"))\n"
           "with torch.no_grad(): actions = policy.load(\"%s\")(frames)[:, 0]\n"
           "error = float((actions - espalier).abs().max())\n"
           "spread = float(espalier.max() - espalier.min())\n"
           "assert error < 2e-5 < 1e-2 < spread, (error, spread)'", checkpoint);
}

static void a_trained_file_gives_the_same_actions_in_pytorch(void)
{
    find_python();
    extract_scripts();
    CLI_OK("cp " ESP_SOURCE "/models/pendulum/agent.safetensors agent.safetensors");
    check_actions("agent.safetensors");
}

static void a_pruned_file_gives_the_same_actions_in_pytorch(void)
{
    CLI_OK("$E prune agent.safetensors --controller policy --method magnitude --sparsity 0.5 --episodes 1 "
           "--importance l2 --compensate none --finetune 0 --report-episodes 1 -o small.safetensors --quiet");
    check_actions("small.safetensors");
}

static void a_module_from_pytorch_plays_in_espalier(void)
{
    CLI_OK("$P -c 'import policy, bring\n"
           "bring.bring(policy.load(\"small.safetensors\"), \"mine\")'");
    CLI_OK("$E eval small.safetensors --controller policy --episodes 2 --json");
    cJSON *first = cli_json();
    CLI_OK("$E eval mine.safetensors --config mine.json --controller policy --episodes 2 --json");
    cJSON *second = cli_json();
    CU_ASSERT(cJSON_Compare(cJSON_GetObjectItem(first, "returns"), cJSON_GetObjectItem(second, "returns"), true));
    cJSON_Delete(first);
    cJSON_Delete(second);
}

static CU_TestInfo tests[] = {
    {"a trained file gives the same actions in PyTorch", a_trained_file_gives_the_same_actions_in_pytorch},
    {"a pruned file gives the same actions in PyTorch", a_pruned_file_gives_the_same_actions_in_pytorch},
    {"a module from PyTorch plays in espalier", a_module_from_pytorch_plays_in_espalier},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("pytorch", tests)
