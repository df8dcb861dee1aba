/* What the sparsity slider cuts. */
#include <unistd.h>

#include "viewer/viewer_internal.h"

#include "tiny_role.h"

static char folder[] = "/tmp/espalier-cutter-XXXXXX";
static esp_agent_config config;
static esp_network *net;
static esp_role role;

static void write_results(const char *text)
{
    char *path = esp_path_join(folder, "results.jsonl");
    CHECK_OK(esp_file_write(path, text, strlen(text)));
    free(path);
}

/* A cell that keeps this many units of every hidden layer. */
static int add_cell(char *out, const char *controller, double target, double performance, int kept, const char *rest)
{
    int length = sprintf(out, "{\"way\":\"gd\",\"controller\":\"%s\",\"seed\":1,\"target_sparsity\":%g,"
                         "\"performance_after\":%g,\"kept\":{", controller, target, performance);
    const char *comma = "";
    for (int i = 0; i < net->num_axes; i++) {
        if (!net->axis[i].prunable) continue;
        int size = net->axis[i].size, left = strstr(net->axis[i].name, "hidden") ? kept : size;
        length += sprintf(out + length, "%s\"%s\":[%d,%d]", comma, net->axis[i].name, left, size);
        comma = ",";
    }
    return length + sprintf(out + length, "},%s}\n", rest);
}

#define BY_WEIGHTS "\"importance\":\"l2\",\"compensation\":\"none\",\"finetune_steps\":0"

static int hidden_after(const esp_cutter *cutter, esp_controller_kind kind, double sparsity)
{
    esp_network *smaller = NULL;
    CHECK_OK(esp_cutter_cut(cutter, kind, sparsity, &smaller));
    int size = smaller->axis[esp_network_find_axis(smaller, "pi.hidden1")].size;
    esp_network_free(smaller);
    return size;
}

static void even_cuts_have_the_sparsity_of_what_the_controller_uses(void)
{
    config = tiny_config();
    net = tiny_network(&config, 1, 3);
    role = tiny_role(&config, net, ESP_CONTROLLER_POLICY);
    esp_cutter *cutter = NULL;
    CHECK_OK(esp_cutter_create(&role, NULL, &cutter));
    for (int kind = 0; kind < 2; kind++)
        for (double wish = 0.1; wish < 0.8; wish += 0.1) {
            unsigned used = esp_controller_components((esp_controller_kind)kind);
            esp_network *smaller = NULL;
            CHECK_OK(esp_cutter_cut(cutter, kind, wish, &smaller));
            double left = (double)esp_network_params(smaller, used) / (double)esp_network_params(net, used);
            CU_ASSERT(fabs(1.0 - left - wish) <= 0.02 + 1e-9);
            esp_network_free(smaller);
        }
    esp_cutter_free(cutter);
}

static void slider_picks_the_best_cell_nearest_to_it(void)
{
    char text[8192];
    int length = sprintf(text, "{\"way\":\"dense\",\"seed\":1,\"performance_before\":900}\n");
    length += add_cell(text + length, "policy", 0.2, 100, 7, BY_WEIGHTS);
    length += add_cell(text + length, "policy", 0.2, 800, 6, BY_WEIGHTS);
    length += add_cell(text + length, "policy", 0.6, 700, 3, BY_WEIGHTS);
    length += add_cell(text + length, "policy", 0.6, 900, 2, "\"importance\":\"obs\",\"compensation\":\"lsq\"");
    length += sprintf(text + length, "{\"way\":\"gd\",\"seed\":1,\"target_sparsity\":0.9,\"error\":\"no\"}\n");
    CU_ASSERT_FATAL(mkdtemp(folder) != NULL);
    write_results(text);
    esp_cutter *cutter = NULL;
    CHECK_OK(esp_cutter_create(&role, folder, &cutter));
    CU_ASSERT_EQUAL(hidden_after(cutter, ESP_CONTROLLER_POLICY, 0.05), 8); /* the uncut network is the closest */
    CU_ASSERT_EQUAL(hidden_after(cutter, ESP_CONTROLLER_POLICY, 0.15), 6);
    CU_ASSERT_EQUAL(hidden_after(cutter, ESP_CONTROLLER_POLICY, 0.38), 6);
    CU_ASSERT_EQUAL(hidden_after(cutter, ESP_CONTROLLER_POLICY, 0.95), 3);
    esp_network *smaller = NULL;
    CHECK_FAILS(ESP_ERR_USAGE, esp_cutter_cut(cutter, ESP_CONTROLLER_MPPI, 0.2, &smaller), "no cut for this");
    esp_cutter_free(cutter);
}

static void write_journal(const char *name, const char *text)
{
    char *path = esp_path_join(folder, name);
    CHECK_OK(esp_file_write(path, text, strlen(text)));
    free(path);
}

#define HEADER(compensation)                                                                                      \
    "{\"format\":\"espalier search journal 1\",\"identity\":{\"controller\":\"policy\",\"seed\":1,"                  \
    "\"importance\":\"l2\",\"compensation\":\"" compensation "\"},\"groups\":[\"pi.hidden1\"]}\n"
#define TRIED(kept, scale, performance) \
    "{\"kept\":{\"pi.hidden1\":" #kept "},\"scale\":" #scale ",\"performance\":" #performance "}\n"

static void slider_follows_a_search_and_trusts_its_longer_evaluations(void)
{
    const double none = 0.0, all = 0.9;
    char *path = esp_path_join(folder, "journal.jsonl");
    esp_cutter *cutter = NULL;
    write_journal("journal.jsonl", HEADER("none") TRIED(8, 1, 800) TRIED(2, 1, 500) TRIED(1, 1, 900)
                  TRIED(1, 16, 300) "{\"kept\":{\"pi.hid");
    CHECK_OK(esp_cutter_create(&role, path, &cutter));
    CU_ASSERT_EQUAL(hidden_after(cutter, ESP_CONTROLLER_POLICY, none), 8);
    CU_ASSERT_EQUAL(hidden_after(cutter, ESP_CONTROLLER_POLICY, all), 1);
    for (int kept = 1; kept <= 2; kept++) {
        esp_widths widths = esp_widths_full(net);
        widths.kept[esp_network_find_axis(net, "pi.hidden1")] = kept;
        double sparsity = esp_structural_sparsity(net, &widths, esp_controller_components(ESP_CONTROLLER_POLICY));
        esp_trail trail;
        CHECK_OK(esp_trail_read(&role, path, &trail));
        CU_ASSERT_EQUAL(trail.count, 4);
        CU_ASSERT_DOUBLE_EQUAL(trail.cut[kept == 1 ? 3 : 1].sparsity, sparsity, 0.0);
        CU_ASSERT_EQUAL(trail.cut[3].scale, 16);
        esp_trail_free(&trail);
    }
    esp_cutter_free(cutter);
    cutter = NULL;
    write_journal("journal.jsonl", HEADER("lsq") TRIED(2, 1, 500));
    CHECK_FAILS(ESP_ERR_FORMAT, esp_cutter_create(&role, path, &cutter), "weights alone");
    write_journal("journal.jsonl", "{\"epoch\":1}\n");
    CHECK_FAILS(ESP_ERR_FORMAT, esp_cutter_create(&role, path, &cutter), "neither the folder of a sweep");
    write_journal("journal.jsonl", HEADER("none") TRIED(9, 1, 500)); /* of 8 */
    CHECK_FAILS(ESP_ERR_SHAPE, esp_cutter_create(&role, path, &cutter), "other sizes");
    CU_ASSERT(unlink(path) == 0);
    free(path);
}

static void sweeps_that_do_not_fit_are_refused(void)
{
    char text[4096];
    esp_cutter *cutter = NULL;
    CHECK_FAILS(ESP_ERR_IO, esp_cutter_create(&role, "/nowhere", &cutter), "/nowhere");
    write_results("{\"way\":\"dense\"}\nno json\n");
    CHECK_FAILS(ESP_ERR_FORMAT, esp_cutter_create(&role, folder, &cutter), "line 2");
    write_results("{\"way\":\"dense\"}\n");
    CHECK_FAILS(ESP_ERR_FORMAT, esp_cutter_create(&role, folder, &cutter), "weights alone");
    add_cell(text, "policy", 0.2, 100, 9, BY_WEIGHTS); /* of 8 */
    write_results(text);
    CHECK_FAILS(ESP_ERR_SHAPE, esp_cutter_create(&role, folder, &cutter), "other sizes");
    CU_ASSERT_PTR_NULL(cutter);
    char *path = esp_path_join(folder, "results.jsonl");
    CU_ASSERT(unlink(path) == 0 && rmdir(folder) == 0);
    free(path);
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"even cuts have the sparsity of what the controller uses",
     even_cuts_have_the_sparsity_of_what_the_controller_uses},
    {"slider picks the best cell nearest to it", slider_picks_the_best_cell_nearest_to_it},
    {"slider follows a search and trusts its longer evaluations",
     slider_follows_a_search_and_trusts_its_longer_evaluations},
    {"sweeps that do not fit are refused", sweeps_that_do_not_fit_are_refused},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("cutter", tests)
