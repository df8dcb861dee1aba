/* A training run learns, and a run that was stopped resumes as if nothing had happened. */
#include "small_autoencoder.h"
#include "training_runs.h"

enum { IMAGES = 40, TEST_IMAGES = 20, BATCH = 12, EPOCHS = 5, STEPS_PER_EPOCH = 3 };

/* A run with all features: averaged weights, shifts, and statistics that are frozen in the middle. */
static esp_autoencoder_config run_config(void)
{
    esp_autoencoder_config config = esp_autoencoder_config_default();
    config.train.epochs = EPOCHS;
    config.train.batch = BATCH;
    config.train.learning_rate = 1e-4;
    config.train.warmup = 5;
    config.train.batch_statistics = 0.5;
    config.train.average = 0.9;
    config.train.shift = 1;
    config.train.eval_every = 2;
    return config;
}

static esp_status train_as(const esp_autoencoder_config *config, const char *run, bool resume)
{
    esp_images train = rectangles(IMAGES), test = rectangles(TEST_IMAGES);
    char *dir = run_dir(run);
    esp_run_request request = {.folder = dir, .resume = resume};
    esp_status status = esp_autoencoder_train(config, &train, &test, &request);
    free(dir);
    esp_images_free(&train);
    esp_images_free(&test);
    return status;
}

static esp_status train_here(const char *run, bool resume)
{
    esp_autoencoder_config config = run_config();
    return train_as(&config, run, resume);
}

static bool is_clock(const esp_st_tensor *tensor, size_t i)
{
    return strcmp(tensor->name, "counters") == 0 && i == 2;
}

static double metric(const cJSON *lines, int index, const char *key)
{
    return cJSON_GetNumberValue(cJSON_GetObjectItem(cJSON_GetArrayItem(lines, index), key));
}

/* ---- claims ---- */

static void a_run_lowers_the_error_and_leaves_an_autoencoder(void)
{
    whole_run();
    esp_autoencoder_checkpoint result = {0};
    cJSON *lines = read_metrics("whole");
    char *path = run_file("whole", "checkpoint.safetensors");
    CU_ASSERT(metric(lines, 3, "test_mse") < metric(lines, 0, "test_mse"));
    CHECK_OK(esp_autoencoder_checkpoint_read(path, NULL, &result));
    CU_ASSERT_EQUAL(result.config.train.epochs, EPOCHS);
    CU_ASSERT_EQUAL(steps_done("whole"), EPOCHS * STEPS_PER_EPOCH);
    esp_autoencoder_checkpoint_free(&result);
    cJSON_Delete(lines);
    free(path);
}

/* Before the first step, after every second epoch, and at the end. */
static void metrics_list_every_evaluation_once(void)
{
    static const int expected[] = {0, 2, 4, 5};
    whole_run();
    cJSON *lines = read_metrics("whole");
    CU_ASSERT_EQUAL_FATAL(cJSON_GetArraySize(lines), 4);
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(metric(lines, i, "epoch"), expected[i]);
        CU_ASSERT(metric(lines, i, "test_mse") > 0.0);
        CU_ASSERT(i == 0 || metric(lines, i, "train_mse") > 0.0);
    }
    cJSON_Delete(lines);
}

static void one_thread_gives_the_same_bytes(void)
{
    whole_run();
    CU_ASSERT_EQUAL(train("none", false, (stop){NEVER, 0}, 1), ESP_OK);
    check_same_run("none");
}

/* Asked to stop by Ctrl-C in the third epoch: the state is that of the second. */
static void a_run_asked_to_stop_and_resumed_ends_with_the_same_bytes(void)
{
    whole_run();
    CU_ASSERT_EQUAL(train("asked", false, (stop){ASKED, 8}, 2), ESP_ERR_INTERRUPTED);
    CU_ASSERT_EQUAL(steps_done("asked"), 2 * STEPS_PER_EPOCH);
    CU_ASSERT_EQUAL(train("asked", true, (stop){NEVER, 0}, 2), ESP_OK);
    check_same_run("asked");
}

/* Killed after the statistics were frozen, in the middle of writing a line; then resumed with another number of
 * threads. */
static void a_run_killed_and_resumed_ends_with_the_same_bytes(void)
{
    whole_run();
    CU_ASSERT_EQUAL(train("killed", false, (stop){KILLED, 13}, 2), ESP_OK);
    CU_ASSERT_EQUAL(steps_done("killed"), 4 * STEPS_PER_EPOCH);
    append_metrics("killed", "{\"epoch\":5,\"train_mse\":1}\n{\"epoch\":5");
    CU_ASSERT_EQUAL(train("killed", true, (stop){NEVER, 0}, 1), ESP_OK);
    check_same_run("killed");
}

static void an_ended_run_resumed_stays_as_it_is(void)
{
    whole_run();
    CU_ASSERT_EQUAL(train("whole", true, (stop){NEVER, 0}, 2), ESP_OK);
    CU_ASSERT_EQUAL(steps_done("whole"), EPOCHS * STEPS_PER_EPOCH);
}

static void a_folder_with_a_run_is_refused_without_resume(void)
{
    whole_run();
    esp_autoencoder_config config = run_config();
    CHECK_FAILS(ESP_ERR_USAGE, train_here("whole", false), "--resume");
    config.train.shift = 2;
    CHECK_FAILS(ESP_ERR_USAGE, train_as(&config, "whole", true), "another configuration");
}

static void a_state_of_another_run_is_refused_by_name(void)
{
    whole_run();
    size_t size = 0;
    char *path = run_file("whole", "state.safetensors"), *state = read_file("whole", "state.safetensors", &size);
    CHECK_OK(esp_file_write(path, state, size / 2));
    CHECK_FAILS(ESP_ERR_FORMAT, train_here("whole", true), "state.safetensors");
    int64_t counters[4] = {7, 7, 0, 0};
    esp_state_item item = {"counters", ESP_I64, 4, counters, 0, 0};
    CHECK_OK(esp_state_write(path, &item, 1));
    CHECK_FAILS(ESP_ERR_FORMAT, train_here("whole", true), "'model' is missing");
    CHECK_OK(esp_file_write(path, state, size));
    free(state);
    free(path);
}

static void every_number_of_a_state_is_checked_before_it_is_used(void)
{
    whole_run();
    esp_network *net = NULL;
    CHECK_OK(esp_autoencoder_create(&net));
    size_t variance = net->tensor[esp_network_find_tensor(net, "decoder.1.running_var")].offset;
    const state_mistake mistakes[] = {
        {"counters", 0, 0, 1, ESP_ERR_RANGE, "1 gradient steps do not fit"},
        {"counters", 1, 0, INT64_MAX, ESP_ERR_RANGE, "gradient steps do not fit"},
        {"counters", 2, 0, 0x7ff8000000000000, ESP_ERR_NUMERIC, "the time spent is nan"},
        {"model", 3, NAN, 0, ESP_ERR_NUMERIC, "tensor 'model' is nan at index 3"},
        {"model", variance, -0.5f, 0, ESP_ERR_NUMERIC, "'decoder.1.running_var' is -0.5 at index 0"},
        {"average", variance + 1, -1, 0, ESP_ERR_NUMERIC, "'decoder.1.running_var' is -1 at index 1"},
        {"average", 0, -3e38f, 0, ESP_ERR_NUMERIC, "tensor 'average' is -3e+38"},
        {"adam.m", 1, INFINITY, 0, ESP_ERR_NUMERIC, "tensor 'adam.m' is inf"},
        {"adam.v", 1, NAN, 0, ESP_ERR_NUMERIC, "tensor 'adam.v' is nan"},
        {"centres", 0, NAN, 0, ESP_ERR_NUMERIC, "tensor 'centres' is nan"},
    };
    check_state_mistakes("whole", mistakes, sizeof mistakes / sizeof *mistakes);
    esp_network_free(net);
}

static void other_images_are_refused(void)
{
    whole_run();
    esp_autoencoder_config config = run_config();
    esp_images train = rectangles(IMAGES);
    char *dir = run_dir("none");
    esp_run_request request = {.folder = dir, .resume = true};
    train.pixels[5] ^= 1;
    CHECK_FAILS(ESP_ERR_USAGE, esp_autoencoder_train(&config, &train, &train, &request), "other training images");
    free(dir);
    esp_images_free(&train);
}

static void finetuning_lowers_the_error_of_a_network_of_any_size(void)
{
    esp_images images = rectangles(IMAGES);
    esp_network *net = small_autoencoder(ESP_IMAGE_PIXELS, 30, 8, 1);
    esp_autoencoder_train_config config = run_config().train;
    esp_reconstruction before, after;
    CHECK_OK(esp_reconstruct(net, &images, NULL, &before));
    config.learning_rate = 5e-3;
    CHECK_OK(esp_autoencoder_finetune(net, &images, 10, &config, 50));
    CHECK_OK(esp_reconstruct(net, &images, NULL, &after));
    CU_ASSERT(after.mse < 0.5 * before.mse);
    esp_images_free(&images);
    esp_network_free(net);
}

/* Steps so large that they only do harm. */
static void finetuning_that_only_harms_returns_what_it_got(void)
{
    esp_images images = rectangles(IMAGES), judges = {.count = 10, .pixels = images.pixels};
    esp_network *net = small_autoencoder(ESP_IMAGE_PIXELS, 30, 8, 1);
    esp_autoencoder_train_config config = run_config().train;
    esp_reconstruction before, after;
    config.learning_rate = 5e-3;
    CHECK_OK(esp_autoencoder_finetune(net, &images, judges.count, &config, 200));
    esp_network *good = esp_network_clone(net);
    config.learning_rate = 1.0;
    config.warmup = 0;
    CHECK_OK(esp_reconstruct(net, &judges, NULL, &before));
    CHECK_OK(esp_autoencoder_finetune(net, &images, judges.count, &config, 10));
    CHECK_OK(esp_reconstruct(net, &judges, NULL, &after));
    CU_ASSERT_EQUAL(after.mse, before.mse);
    CU_ASSERT_EQUAL(memcmp(net->weights, good->weights, net->num_weights * sizeof *net->weights), 0);
    esp_images_free(&images);
    esp_network_free(good);
    esp_network_free(net);
}

static CU_TestInfo tests[] = {
    {"a_run_lowers_the_error_and_leaves_an_autoencoder", a_run_lowers_the_error_and_leaves_an_autoencoder},
    {"metrics_list_every_evaluation_once", metrics_list_every_evaluation_once},
    {"one_thread_gives_the_same_bytes", one_thread_gives_the_same_bytes},
    {"a_run_asked_to_stop_and_resumed_ends_with_the_same_bytes",
     a_run_asked_to_stop_and_resumed_ends_with_the_same_bytes},
    {"a_run_killed_and_resumed_ends_with_the_same_bytes", a_run_killed_and_resumed_ends_with_the_same_bytes},
    {"an_ended_run_resumed_stays_as_it_is", an_ended_run_resumed_stays_as_it_is},
    {"a_folder_with_a_run_is_refused_without_resume", a_folder_with_a_run_is_refused_without_resume},
    {"a_state_of_another_run_is_refused_by_name", a_state_of_another_run_is_refused_by_name},
    {"every_number_of_a_state_is_checked_before_it_is_used", every_number_of_a_state_is_checked_before_it_is_used},
    {"other_images_are_refused", other_images_are_refused},
    {"finetuning_lowers_the_error_of_a_network_of_any_size", finetuning_lowers_the_error_of_a_network_of_any_size},
    {"finetuning_that_only_harms_returns_what_it_got", finetuning_that_only_harms_returns_what_it_got},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("autoencoder_train", tests)
