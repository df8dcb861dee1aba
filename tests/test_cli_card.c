/* eval --card: a model card whose YAML parses, whose figures are those that were measured, and in which no text of a
 * file can pass for markup. */
#include <ctype.h>

#include "cli_run.h"

/* The lines of the front matter are "key: value" behind indentation and dashes; a value is empty, a plain word, or a
 * JSON scalar, which YAML reads alike. Returns what follows the front matter. */
static const char *check_front_matter(const char *card)
{
    CU_ASSERT_FATAL(strncmp(card, "---\n", 4) == 0);
    const char *line = card + 4;
    for (const char *end; strncmp(line, "---\n", 4) != 0; line = end + 1) {
        end = strchr(line, '\n');
        CU_ASSERT_FATAL(end != NULL);
        const char *value = line + strspn(line, " -"), *colon = value;
        while (islower((unsigned char)*colon) || *colon == '_' || *colon == '-') colon++;
        if (*colon == ':') value = colon + 1 + (colon[1] == ' ');
        bool plain = true;
        for (const char *c = value; c < end; c++) plain = plain && (islower((unsigned char)*c) || *c == '-');
        cJSON *scalar = NULL;
        if (!plain) CHECK_OK(esp_json_parse(value, (size_t)(end - value), "front matter", &scalar));
        CU_ASSERT(plain || cJSON_IsString(scalar) || cJSON_IsNumber(scalar));
        cJSON_Delete(scalar);
    }
    return line + 4;
}

/* With Python's yaml, where it is installed: the values at a few places. */
static void check_yaml(const char *card, const char *expressions)
{
    int status = cli("python3 -c 'import yaml' || exit 77; python3 -c 'import yaml\n"
                     "card = open(\"%s\", encoding=\"utf-8\").read().split(\"---\\n\")[1]\n"
                     "index = yaml.safe_load(card)[\"model-index\"][0]\n"
                     "result = index[\"results\"][0]\n"
                     "metric = {m[\"type\"]: m[\"value\"] for m in result[\"metrics\"]}\n"
                     "assert %s, index'", card, expressions);
    if (status == 77) printf("(no Python with yaml) ");
    else if (status != 0) cli_say();
    CU_ASSERT(status == 0 || status == 77);
}

static void an_agent_gets_a_card_with_the_measured_figures(void)
{
    cli_begin();
    CLI_OK("$E eval agent.safetensors --controller policy --episodes 2 --json --card CARD.md");
    cJSON *json = cli_json();
    char *card = cli_file("CARD.md"), expected[512];
    const char *body = check_front_matter(card);
    snprintf(expected, sizeof expected,
             "metric[\"mean_reward\"] == %.10g and metric[\"success_rate\"] == %.10g and "
             "index[\"name\"] == \"agent\" and "
             "result[\"task\"] == {\"type\": \"reinforcement-learning\", \"name\": \"pendulum\"} and "
             "\"2 held-out episodes\" in result[\"dataset\"][\"name\"]",
             cli_number(json, "return_mean"), cli_number(json, "success_rate"));
    check_yaml("CARD.md", expected);
    CU_ASSERT(strstr(body, "\n# agent\n") != NULL && strstr(body, "## Contract\n") != NULL);
    CU_ASSERT(strstr(body, "\n    espalier eval agent.safetensors --controller policy") != NULL);
    CU_ASSERT(strstr(body, "## Pedigree") == NULL); /* it was never pruned */
    free(card);
    cJSON_Delete(json);
}

static void a_pruned_agent_s_card_has_its_pedigree(void)
{
    CLI_OK("$E prune agent.safetensors --controller policy --method magnitude --sparsity 0.3 --tolerance 0.05 "
           "--importance l2 --compensate none --finetune 0 --episodes 1 --report-episodes 1 -o small.safetensors "
           "--quiet");
    CLI_OK("$E eval small.safetensors --episodes 1 --card small.md --quiet");
    char *card = cli_file("small.md");
    const char *body = check_front_matter(card);
    CU_ASSERT(strstr(body, "pruned from") != NULL);
    CU_ASSERT(strstr(body, "## Pedigree\n") != NULL && strstr(body, "\n    espalier prune agent.safetensors") != NULL);
    free(card);
}

static void an_autoencoder_gets_a_card(void)
{
    CLI_OK("$E eval " ESP_SOURCE "/models/mnist/autoencoder.safetensors --card digits.md --json");
    cJSON *json = cli_json();
    char *card = cli_file("digits.md"), expected[256];
    const char *body = check_front_matter(card);
    snprintf(expected, sizeof expected, "abs(metric[\"psnr\"] - %.10g) < 1e-6 and abs(metric[\"mse\"] - %.10g) < 1e-9",
             cli_number(json, "psnr_of_mean_mse_db"), cli_number(json, "mse"));
    check_yaml("digits.md", expected);
    CU_ASSERT(strstr(body, "generated digits") != NULL);
    free(card);
    cJSON_Delete(json);
}

/* The name is quoted in YAML and escaped in Markdown; a broken byte becomes U+FFFD. */
static void no_text_of_a_file_passes_for_markup(void)
{
    CLI_OK("cp agent.safetensors \"$(printf 'a\": #[x](y)|<b>*\\n\\303\\244\\200`.safetensors')\" && "
           "$E eval a\\\"*.safetensors --controller policy --episodes 1 --card odd.md --quiet");
    char *card = cli_file("odd.md");
    const char *body = check_front_matter(card);
    check_yaml("odd.md", "index[\"name\"] == \"a\\\": #[x](y)|<b>* \\u00e4\\ufffd`\"");
    CU_ASSERT(strstr(body, "<b>") == NULL || strstr(body, "\n    espalier eval") < strstr(body, "<b>"));
    CU_ASSERT(strstr(body, "\n# a\": \\#\\[x\\](y)\\|\\<b\\>\\* \303\244\357\277\275\\`\n") != NULL);
    free(card);
}

static void a_card_that_cannot_be_written_is_refused_before_the_evaluation(void)
{
    cli_check_refusal(1, "eval agent.safetensors --episodes 100000 --card none/CARD.md", "none");
    cli_check_refusal(2, "eval agent.safetensors --card CARD.txt", "--card: 'CARD.txt' does not end with .md");
}

static CU_TestInfo tests[] = {
    {"an agent gets a card with the measured figures", an_agent_gets_a_card_with_the_measured_figures},
    {"a pruned agent's card has its pedigree", a_pruned_agent_s_card_has_its_pedigree},
    {"an autoencoder gets a card", an_autoencoder_gets_a_card},
    {"no text of a file passes for markup", no_text_of_a_file_passes_for_markup},
    {"a card that cannot be written is refused before the evaluation",
     a_card_that_cannot_be_written_is_refused_before_the_evaluation},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("cli card", tests)
