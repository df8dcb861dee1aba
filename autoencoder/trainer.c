/* Learning an autoencoder: epochs of gradient steps, evaluated and saved, so that a run can resume after any kill. */
#include <math.h>
#include <stdlib.h>

#include "autoencoder/trainer_internal.h"

double esp_autoencoder_trainer_seconds(const esp_autoencoder_trainer *trainer)
{
    return trainer->seconds + esp_clock() - trainer->started;
}

static int64_t epochs_done(const esp_autoencoder_trainer *t)
{
    return t->learner.step / t->learner.steps_per_epoch;
}

/* ---- evaluation ---- */

static esp_status write_metrics(const esp_autoencoder_trainer *t, double train_mse, const esp_reconstruction *test)
{
    cJSON *line = cJSON_CreateObject();
    cJSON_AddNumberToObject(line, "epoch", (double)epochs_done(t));
    cJSON_AddNumberToObject(line, "train_mse", train_mse);
    cJSON_AddNumberToObject(line, "test_mse", test->mse);
    cJSON_AddNumberToObject(line, "psnr_of_mean_mse_db", test->psnr_of_mean_mse_db);
    cJSON_AddNumberToObject(line, "mean_psnr_db", test->mean_psnr_db);
    cJSON_AddNumberToObject(line, "wall_s", esp_autoencoder_trainer_seconds(t));
    return esp_run_append(t->run, line);
}

/* The checkpoint is always the latest state, never the best on the test images: choosing by them would flatter the
 * result. */
static esp_status evaluate_and_save(esp_autoencoder_trainer *t, double train_mse)
{
    esp_reconstruction test;
    esp_learner_result(&t->learner, t->result);
    esp_status status = esp_reconstruct(t->result, t->test, NULL, &test);
    if (status == ESP_OK) status = write_metrics(t, train_mse, &test);
    if (status != ESP_OK) return status;
    if (isnan(train_mse)) /* before the first step */
        esp_log(ESP_LOG_INFO, "epoch %lld: test MSE %.5f", (long long)epochs_done(t), test.mse);
    else
        esp_log(ESP_LOG_INFO, "epoch %lld: training MSE %.5f, test MSE %.5f", (long long)epochs_done(t), train_mse,
                test.mse);
    char *path = esp_path_join(esp_run_folder(t->run), "checkpoint.safetensors");
    status = esp_autoencoder_checkpoint_write(path, t->config, t->result);
    free(path);
    return status == ESP_OK ? esp_autoencoder_trainer_save(t) : status;
}

/* ---- the run ---- */

static esp_status train_epoch(esp_autoencoder_trainer *t, double *mse)
{
    esp_learner *l = &t->learner;
    *mse = 0.0;
    for (int i = 1; i <= l->steps_per_epoch; i++) {
        double batch = 0.0;
        esp_status status = esp_check_interrupt();
        if (status == ESP_OK) status = esp_learner_step(l, &batch);
        if (status != ESP_OK) return status;
        *mse += batch / l->steps_per_epoch;
        esp_progress("train", (double)l->step, (double)l->steps, "batch MSE %.5f", batch);
    }
    return ESP_OK;
}

static esp_status train_loop(esp_autoencoder_trainer *t)
{
    const esp_learner *l = &t->learner;
    esp_status status = l->step == 0 ? evaluate_and_save(t, NAN) : ESP_OK;
    while (status == ESP_OK && l->step < l->steps) {
        double mse = 0.0;
        status = train_epoch(t, &mse);
        bool due = epochs_done(t) % t->config->train.eval_every == 0 || l->step == l->steps;
        if (status == ESP_OK && due) status = evaluate_and_save(t, mse);
    }
    return status;
}

/* The first weights of t->net. */
static void set_start(esp_autoencoder_trainer *t, const esp_images *images)
{
    const esp_autoencoder_train_config *config = &t->config->train;
    if (config->start == ESP_START_COMPONENTS) esp_autoencoder_start(t->net, images, config);
    else esp_network_init_default(t->net, config->seed);
}

esp_status esp_autoencoder_train(const esp_autoencoder_config *config, const esp_images *train, const esp_images *test,
                                 const esp_run_request *run)
{
    esp_autoencoder_trainer t = {.config = config, .test = test, .started = esp_clock(),
                                 .images_hash = esp_images_hash(train)};
    cJSON *json = esp_config_json(esp_autoencoder_fields, esp_autoencoder_num_fields, config);
    bool go_on = false;
    esp_status status = esp_run_claim(run, json, &t.run, &go_on);
    if (status == ESP_OK) status = esp_autoencoder_create(&t.net);
    if (status == ESP_OK) {
        set_start(&t, train);
        t.result = esp_network_clone(t.net);
        esp_learner_init(&t.learner, &config->train, t.net, train);
        if (go_on) status = esp_autoencoder_trainer_restore(&t);
        else if (config->train.start == ESP_START_COMPONENTS) esp_learner_centre(&t.learner);
        if (status == ESP_OK && go_on) status = esp_run_cut(t.run, "epoch", epochs_done(&t));
        if (status == ESP_OK) status = train_loop(&t);
        esp_learner_free(&t.learner);
    }
    esp_network_free(t.net);
    esp_network_free(t.result);
    esp_run_release(t.run);
    cJSON_Delete(json);
    return status;
}
