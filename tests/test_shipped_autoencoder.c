/* The trained autoencoders in models/ are the paper's network and as good as their card says. */
#include "autoencoder/autoencoder.h"

#include "check.h"

/* Each with the configuration that it was trained with, and its section of the card. */
static const struct {
    const char *checkpoint, *config, *section;
} shipped[] = {
    {ESP_SOURCE "/models/mnist/autoencoder.safetensors", ESP_SOURCE "/models/mnist/config.json",
     "## autoencoder.safetensors"},
    {ESP_SOURCE "/models/mnist/ordinary.safetensors", ESP_SOURCE "/models/mnist/ordinary.json",
     "## ordinary.safetensors"},
};
enum { SHIPPED = sizeof shipped / sizeof *shipped };

static esp_autoencoder_checkpoint load(int which)
{
    esp_autoencoder_checkpoint result = {0};
    CHECK_OK(esp_autoencoder_checkpoint_read(shipped[which].checkpoint, NULL, &result));
    return result;
}

/* The images of MNIST are not part of the project: they are looked for in the folder that ESPALIER_MNIST names, and
 * beside the project. */
static bool load_mnist(esp_images *test)
{
    const char *folder = getenv("ESPALIER_MNIST");
    if (!folder) folder = ESP_SOURCE "/../shared/data/mnist";
    if (esp_images_load(folder, false, test) == ESP_OK) return true;
    printf("\n    skipped: %s; set ESPALIER_MNIST ", esp_error_text());
    return false;
}

static void shipped_autoencoders_have_the_parameters_of_table_i(void)
{
    for (int i = 0; i < SHIPPED; i++) {
        esp_autoencoder_checkpoint file = load(i);
        CU_ASSERT_EQUAL(esp_network_params(file.net, ESP_ALL_COMPONENTS), 2312992);
        esp_autoencoder_checkpoint_free(&file);
    }
}

/* Keys that a configuration file does not name have their default. */
static void shipped_configurations_are_those_of_the_checkpoints(void)
{
    for (int i = 0; i < SHIPPED; i++) {
        esp_autoencoder_checkpoint file = load(i);
        esp_autoencoder_config config = esp_autoencoder_config_default();
        cJSON *json = NULL;
        CHECK_OK(esp_json_read(shipped[i].config, &json));
        CHECK_OK(esp_config_read(esp_autoencoder_fields, esp_autoencoder_num_fields, json, shipped[i].config, &config));
        cJSON *expected = esp_config_json(esp_autoencoder_fields, esp_autoencoder_num_fields, &config);
        cJSON *inside = esp_config_json(esp_autoencoder_fields, esp_autoencoder_num_fields, &file.config);
        CU_ASSERT(cJSON_Compare(expected, inside, true));
        cJSON_Delete(json);
        cJSON_Delete(expected);
        cJSON_Delete(inside);
        esp_autoencoder_checkpoint_free(&file);
    }
}

static double mse_of_the_card(const char *section)
{
    static const char label[] = "| test MSE | ";
    char *card = NULL;
    size_t size = 0;
    CHECK_OK(esp_file_read(ESP_SOURCE "/models/mnist/CARD.md", (size_t)1 << 20, &card, &size));
    const char *start = strstr(card, section), *row = start ? strstr(start, label) : NULL;
    CU_ASSERT_FATAL(row != NULL);
    double mse = strtod(row + strlen(label), NULL);
    free(card);
    return mse;
}

static void shipped_autoencoders_reconstruct_mnist_as_their_card_says(void)
{
    esp_images test = {0};
    if (!load_mnist(&test)) return;
    for (int i = 0; i < SHIPPED; i++) {
        esp_autoencoder_checkpoint file = load(i);
        esp_reconstruction result;
        CHECK_OK(esp_reconstruct(file.net, &test, NULL, &result));
        CU_ASSERT_EQUAL(result.images, 10000);
        CU_ASSERT_DOUBLE_EQUAL(result.mse, mse_of_the_card(shipped[i].section),
                               2e-6); /* six digits, another processor */
        esp_autoencoder_checkpoint_free(&file);
    }
    esp_images_free(&test);
}

static CU_TestInfo tests[] = {
    {"shipped_autoencoders_have_the_parameters_of_table_i", shipped_autoencoders_have_the_parameters_of_table_i},
    {"shipped_configurations_are_those_of_the_checkpoints", shipped_configurations_are_those_of_the_checkpoints},
    {"shipped_autoencoders_reconstruct_mnist_as_their_card_says",
     shipped_autoencoders_reconstruct_mnist_as_their_card_says},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("shipped autoencoders", tests)
