/* The trained autoencoder in models/: it is the paper's network, and as good as its card says. */
#include "autoencoder/autoencoder.h"

#include "check.h"

static esp_autoencoder_checkpoint load(void)
{
    esp_autoencoder_checkpoint result = {0};
    CHECK_OK(esp_autoencoder_checkpoint_read(ESP_SOURCE "/models/mnist/autoencoder.safetensors", NULL, &result));
    return result;
}

/* The images MNIST's name stands for are no part of the project: in the folder that ESPALIER_MNIST names,
 * or beside it. */
static bool load_mnist(esp_images *test)
{
    const char *folder = getenv("ESPALIER_MNIST");
    if (!folder) folder = ESP_SOURCE "/../shared/data/mnist";
    if (esp_images_load(folder, false, test) == ESP_OK) return true;
    printf("\n    skipped: %s; set ESPALIER_MNIST ", esp_error_text());
    return false;
}

static void shipped_autoencoder_has_the_parameters_of_table_i(void)
{
    esp_autoencoder_checkpoint shipped = load();
    CU_ASSERT_EQUAL(esp_network_params(shipped.net, ESP_ALL_COMPONENTS), 2312992);
    esp_autoencoder_checkpoint_free(&shipped);
}

static void shipped_configuration_is_that_of_the_checkpoint(void)
{
    esp_autoencoder_checkpoint shipped = load();
    cJSON *file = NULL, *inside = esp_config_json(esp_autoencoder_fields, esp_autoencoder_num_fields, &shipped.config);
    CHECK_OK(esp_json_read(ESP_SOURCE "/models/mnist/config.json", &file));
    CU_ASSERT(cJSON_Compare(file, inside, true));
    cJSON_Delete(file);
    cJSON_Delete(inside);
    esp_autoencoder_checkpoint_free(&shipped);
}

static double mse_of_the_card(void)
{
    char *card = NULL;
    size_t size = 0;
    double mse = NAN;
    CHECK_OK(esp_file_read(ESP_SOURCE "/models/mnist/CARD.md", (size_t)1 << 20, &card, &size));
    const char *row = strstr(card, "| test MSE | ");
    CU_ASSERT_FATAL(row && sscanf(row, "| test MSE | %lf", &mse) == 1);
    free(card);
    return mse;
}

static void shipped_autoencoder_reconstructs_mnist_as_its_card_says(void)
{
    esp_autoencoder_checkpoint shipped = load();
    esp_images test = {0};
    esp_reconstruction result;
    if (load_mnist(&test)) {
        CHECK_OK(esp_reconstruct(shipped.net, &test, NULL, &result));
        CU_ASSERT_EQUAL(result.images, 10000);
        CU_ASSERT_DOUBLE_EQUAL(result.mse, mse_of_the_card(), 2e-6); /* six digits, another processor */
    }
    esp_images_free(&test);
    esp_autoencoder_checkpoint_free(&shipped);
}

static CU_TestInfo tests[] = {
    {"shipped_autoencoder_has_the_parameters_of_table_i", shipped_autoencoder_has_the_parameters_of_table_i},
    {"shipped_configuration_is_that_of_the_checkpoint", shipped_configuration_is_that_of_the_checkpoint},
    {"shipped_autoencoder_reconstructs_mnist_as_its_card_says",
     shipped_autoencoder_reconstructs_mnist_as_its_card_says},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("shipped autoencoder", tests)
