/* Prunes a fifth of the parameters that an agent's policy uses, the same fraction everywhere, repaired but not
 * finetuned, and prints its mean return before and after.
 *
 *   export PKG_CONFIG_PATH=PREFIX/lib/pkgconfig ESPALIER_MODELS=PREFIX/share/espalier/models
 *   cc prune.c $(pkg-config --cflags --libs espalier) -o prune
 *   ./prune agent.safetensors pruned.safetensors */
#include <stdio.h>

#include <study/study.h>

int main(int argc, char **argv)
{
    esp_settings settings = esp_settings_default();
    esp_prune_request request = esp_prune_request_default();
    esp_subject subject = {.net = NULL};
    esp_pruning pruning = {.subject = NULL};
    if (argc != 3) return fprintf(stderr, "usage: prune CHECKPOINT OUT.safetensors\n"), 2;

    request.method = esp_search_find("magnitude"); /* without these two lines: the best known recipe */
    request.finetune = 0;
    request.search.target.sparsity = 0.2;
    esp_status status = esp_judging_give(&request.judging, ESP_FOR_PRUNE, "controller", "policy");
    if (status == ESP_OK)
        status = esp_subject_open(argv[1], &settings, &request.judging, &request.search, &subject);
    if (status == ESP_OK) status = esp_subject_prepare(&subject);
    if (status == ESP_OK) status = esp_pruning_search(&subject, &request, NULL, ESP_JOURNAL_OWN, &pruning);
    if (status == ESP_OK) status = esp_pruning_write(&pruning, argv[2]);
    if (status == ESP_OK) status = esp_pruning_measure(&pruning, ESP_BEFORE);
    if (status == ESP_OK) status = esp_pruning_measure(&pruning, esp_pruning_last(&pruning));
    if (status == ESP_OK)
        printf("%.1f %% of the parameters removed; mean return before %.1f, after %.1f\n",
               100 * pruning.result.structural, pruning.measured[ESP_BEFORE].performance,
               pruning.measured[esp_pruning_last(&pruning)].performance);
    else
        fprintf(stderr, "prune: %s\n", esp_error_text());
    esp_pruning_free(&pruning);
    esp_subject_close(&subject);
    return status != ESP_OK;
}
