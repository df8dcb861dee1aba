/* docs/json.md names every top-level key of every command's JSON and every column of results.csv, and no other.
 * Commands that need an autoencoder use the shipped one with the digits that the program draws. */
#include <ctype.h>

#include "cli_run.h"
#include "doc_section.h"

#define PLAIN "--importance l2 --compensate none --finetune 0 "
#define AUTOENCODER ESP_SOURCE "/models/mnist/autoencoder.safetensors"

/* The names in the first cells of sections' tables, and which of them were seen. */
typedef struct {
    char name[100][64];
    bool seen[100];
    int  count;
} table;

/* `given`: the names belong to another section and need not be seen. */
static void take_section(table *t, const char *heading, bool given)
{
    char *text = section_of("docs/json.md", heading);
    for (const char *row = text; (row = strstr(row, "\n| `")); row++) {
        const char *at = row, *end = strstr(row + 2, " |");
        while ((at = memchr(at, '`', (size_t)(end - at))) != NULL) {
            const char *close = strchr(at + 1, '`');
            CU_ASSERT_FATAL(close != NULL && close - at < 64 && t->count < 100);
            t->seen[t->count] = given;
            snprintf(t->name[t->count++], 64, "%.*s", (int)(close - at - 1), at + 1);
            at = close + 1;
        }
    }
    free(text);
}

static table table_of(const char *heading)
{
    table t = {.count = 0};
    take_section(&t, heading, false);
    return t;
}

static bool is_in_word(char c)
{
    return islower((unsigned char)c) || isdigit((unsigned char)c) || c == '.';
}

/* Whether a key fits a name in which "<...>" stands for a word. */
static bool fits(const char *name, const char *key)
{
    for (; *name && *name != '<'; name++, key++)
        if (*name != *key) return false;
    if (!*name) return !*key;
    if (!is_in_word(*key)) return false;
    while (is_in_word(*key)) key++;
    return fits(strchr(name, '>') + 1, key);
}

static void see(table *t, const char *key)
{
    bool known = false;
    for (int i = 0; i < t->count; i++) {
        bool same = fits(t->name[i], key);
        t->seen[i] = t->seen[i] || same;
        known = known || same;
    }
    if (!known) printf("\n    docs/json.md lacks '%s' ", key);
    CU_ASSERT(known);
}

static void see_keys(table *t, const cJSON *json)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, json) see(t, item->string);
}

/* The keys of what a command prints. */
static void see_output(table *t, const char *command)
{
    CLI_OK("%s", command);
    cJSON *json = cli_json();
    see_keys(t, json);
    cJSON_Delete(json);
}

/* The keys of every line of a file. */
static esp_status see_line(void *context, int number, cJSON *line)
{
    (void)number;
    see_keys(context, line);
    cJSON_Delete(line);
    return ESP_OK;
}

static void end(const table *t)
{
    for (int i = 0; i < t->count; i++) {
        if (!t->seen[i]) printf("\n    docs/json.md has '%s', which nothing printed ", t->name[i]);
        CU_ASSERT(t->seen[i]);
    }
}

static void every_key_of_eval_is_documented(void)
{
    cli_begin();
    CLI_OK("cp " AUTOENCODER " ae.st");
    table t = table_of("\n## eval\n");
    see_output(&t, "$E eval agent.safetensors --episodes 2 --json --set env.scene=" ESP_SOURCE
                   "/models/pendulum/scene.xml");
    see_output(&t, "$E eval ae.st --json");
    see_output(&t, "$E eval " ESP_SOURCE "/models/gymnasium/inverted_pendulum/task.json --json");
    end(&t);
}

static void every_key_of_prune_is_documented(void)
{
    table t = table_of("\n## prune\n");
    see_output(&t, "$E prune agent.safetensors --controller policy --method magnitude --sparsity 0.3 --tolerance 0.05 "
                   "--compensate lsq --finetune 2 --episodes 1 --report-episodes 2 --keep 1% -o a.safetensors --json");
    see_output(&t, "$E prune ae.st --groups paper --method grid --budget 4 --tolerance 0.03 --sparsity 0.2 --images 50 "
                   PLAIN "-o b.safetensors --json");
    end(&t);
}

static void every_key_of_compare_is_documented(void)
{
    table t = table_of("\n## compare\n");
    int status = cli("$E compare agent.safetensors a.safetensors --controller policy --start random --episodes 4 "
                     "--json");
    CU_ASSERT(status == 0 || status == 3);
    cJSON *json = cli_json();
    see_keys(&t, json);
    cJSON_Delete(json);
    end(&t);
}

static void every_key_of_inspect_is_documented(void)
{
    table t = table_of("\n## inspect\n");
    see_output(&t, "$E inspect agent.safetensors --json");
    see_output(&t, "$E inspect b.safetensors --json");
    see_output(&t, "$E inspect " ESP_SOURCE "/tests/onnx/pytorch_actor_17.onnx --json");
    end(&t);
}

static void every_key_of_inspect_of_a_task_is_documented(void)
{
    table t = table_of("\n## inspect of a task\n");
    see_output(&t, "$E inspect " ESP_SOURCE "/models/pendulum/task.json --json");
    see_output(&t, "$E inspect " ESP_SOURCE "/models/gymnasium/hopper/task.json --json");
    CLI_OK("sed -e 's/\"version\": 1,/\"version\": 1, \"commands\": {\"speed\": [0, 1]},/' "
           "-e 's/scene.xml/hopper.xml/' " ESP_SOURCE "/models/gymnasium/hopper/task.json >commanded.json && "
           "cp " ESP_SOURCE "/models/gymnasium/hopper/scene.xml hopper.xml");
    see_output(&t, "$E inspect commanded.json --json");
    end(&t);
}

static void every_key_of_a_sweep_and_of_its_cells_is_documented(void)
{
    table t = table_of("\n## sweep\n");
    see_output(&t, "$E sweep agent.safetensors --controller policy --episodes 1 --report-episodes 2 --methods "
                   "magnitude --sparsities 0.3,0.9 --tolerance 0.05 --pin '*.hidden*=0' --pin latent=0 " PLAIN
                   "-o s --json");
    CLI_OK("$E sweep ae.st --methods magnitude --sparsities 0.3 --images 50 " PLAIN "-o sa --quiet");
    take_section(&t, "\n## prune\n", true);
    CHECK_OK(esp_json_lines_read("s/results.jsonl", see_line, &t));
    CHECK_OK(esp_json_lines_read("sa/results.jsonl", see_line, &t));
    end(&t);
}

static void see_columns(table *t, const char *path)
{
    char *csv = cli_file(path), *rest = NULL;
    for (char *c = csv; *c; c++)
        if (*c == '\n') *c = 0; /* ends the header */
    for (char *column = strtok_r(csv, ",", &rest); column; column = strtok_r(NULL, ",", &rest)) see(t, column);
    free(csv);
}

static void every_column_of_a_sweep_is_documented(void)
{
    table t = table_of("\n## results.csv\n");
    see_columns(&t, "s/results.csv");
    see_columns(&t, "sa/results.csv");
    end(&t);
}

static void every_key_of_train_and_of_its_metrics_is_documented(void)
{
    table t = table_of("\n## train\n");
    CLI_OK("echo '{\"application\": \"autoencoder\", \"train\": {\"epochs\": 1}}' >ae.json");
    see_output(&t, "$E train tiny.json -o again --set train.updates=105 --json --quiet");
    see_output(&t, "$E train ae.json -o ae --json --quiet");
    CHECK_OK(esp_json_lines_read("again/metrics.jsonl", see_line, &t));
    CHECK_OK(esp_json_lines_read("ae/metrics.jsonl", see_line, &t));
    end(&t);
}

static void every_key_of_report_is_documented(void)
{
    table t = table_of("\n## report\n");
    see_output(&t, "$E report run --no-film --json");
    see_output(&t, "$E report s --no-film --json");
    see_output(&t, "$E report a.safetensors --no-film --json");
    end(&t);
}

static void every_key_of_record_bench_and_doctor_is_documented(void)
{
    table record = table_of("\n## record\n"), bench = table_of("\n## bench\n"), doctor = table_of("\n## doctor\n");
    see_output(&record, "$E record agent.safetensors --controller policy -o strip.png --json");
    end(&record);
    see_output(&bench, "$E bench --only policy.1 --json");
    end(&bench);
    see_output(&doctor, "$E doctor --json");
    end(&doctor);
}

static CU_TestInfo tests[] = {
    {"every key of eval is documented", every_key_of_eval_is_documented},
    {"every key of prune is documented", every_key_of_prune_is_documented},
    {"every key of compare is documented", every_key_of_compare_is_documented},
    {"every key of inspect is documented", every_key_of_inspect_is_documented},
    {"every key of inspect of a task is documented", every_key_of_inspect_of_a_task_is_documented},
    {"every key of a sweep and of its cells is documented", every_key_of_a_sweep_and_of_its_cells_is_documented},
    {"every column of a sweep is documented", every_column_of_a_sweep_is_documented},
    {"every key of train and of its metrics is documented", every_key_of_train_and_of_its_metrics_is_documented},
    {"every key of report is documented", every_key_of_report_is_documented},
    {"every key of record, bench and doctor is documented", every_key_of_record_bench_and_doctor_is_documented},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("cli json", tests)
