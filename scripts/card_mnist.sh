#!/usr/bin/env bash
# Writes what models/mnist/CARD.md says about one trained autoencoder: where it comes from, its errors on the test
# images, its learning curve.
#   scripts/card_mnist.sh RUN_DIR CHECKPOINT CONFIG MNIST_FOLDER "PROCESSOR AND THREADS"
set -euo pipefail
cd "$(dirname "$0")/.."
espalier=build/release/espalier run=$1 checkpoint=$2 config=$3 data=$4 machine=$5

field() { tr -d '\n\t ' | grep -o "\"$1\":[^,}]*" | head -n 1 | cut -d: -f2; }

json=$($espalier eval "$checkpoint" --data "$data" --json --quiet)
wall=$(tail -n 1 "$run/metrics.jsonl" | field wall_s)
cat <<TEXT
## $(basename "$checkpoint")

The network of Table I, trained on the 60,000 training images of MNIST by

    espalier train $config --data MNIST_FOLDER -o RUN_DIR

and copied from RUN_DIR/checkpoint.safetensors, the state after the last epoch (test images choose nothing). The same
version gives bit-identical tensors again on the same kind of processor, with any number of threads.

| | |
|---|---|
| espalier | $($espalier --version | head -n 1) |
| trained on | $machine |
| time | $(awk "BEGIN { printf \"%.1f\", $wall / 60 }") minutes |
| seed | $(field seed <"$run/config.json") |
| file | $(stat -c %s "$checkpoint") bytes, sha256 $(sha256sum "$checkpoint" | cut -c1-16) |
| configuration | $config |
| parameters | 2,312,992 |
| test MSE | $(awk "BEGIN { printf \"%.6f\", $(field mse <<<"$json") }") over 10,000 test images |
| PSNR of the mean MSE | $(awk "BEGIN { printf \"%.2f\", $(field psnr_of_mean_mse_db <<<"$json") }") dB |
| mean PSNR of the images | $(awk "BEGIN { printf \"%.2f\", $(field mean_psnr_db <<<"$json") }") dB |

### Learning curve

Training MSE: mean over the epoch's batches, weights before averaging. Test MSE: weights as they are kept, images as they
are. Epoch 0 is the start.

| epoch | training MSE | test MSE | mean PSNR, dB | minutes |
|---|---|---|---|---|
TEXT
while read -r line; do
    train=$(field train_mse <<<"$line")
    [ "$train" = null ] && train="" || train=$(awk "BEGIN { printf \"%.6f\", $train }")
    printf '| %d | %s | %.6f | %.2f | %.1f |\n' "$(field epoch <<<"$line")" "$train" "$(field test_mse <<<"$line")" \
        "$(field mean_psnr_db <<<"$line")" "$(awk "BEGIN { print $(field wall_s <<<"$line") / 60 }")"
done <"$run/metrics.jsonl"
