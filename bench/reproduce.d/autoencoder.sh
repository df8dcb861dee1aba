# Use case I: the MNIST autoencoder. Tables I, II and VI, Figures 1 to 3, and what goes beyond them.
# shellcheck shell=bash

# Beyond the paper, structural groups: method, importance, compensation, gradient steps, and the mean squared error that
# a PyTorch implementation of the same idea adds to a network trained the ordinary way at 20, 50 and 80 % ("-": not
# measured).
beyond_rows() {
    cat <<ROWS
magnitude   l2         none 0          0.0334  0.0749 0.0808
magnitude   random     none 0          -       -      -
magnitude   activation mean 0          0.0162  0.0602 0.0758
magnitude   l2         lsq  0          0.0009  0.0033 0.0153
magnitude   obs        lsq  0          -       -      -
gd          obs        lsq  0          -       -      -
sensitivity obs        lsq  $one_epoch 0.00067 0.0021 0.0096
evolve      obs        lsq  $one_epoch -       -      -
ROWS
}
peer_finetuned=(0.0003 0.0010 0.0044)

reconstruct() { # reconstruct NAME: of a pruned autoencoder
    run "$1.sheet" eval "$out/$1.safetensors" "${data[@]}" --picture "$out/$1.sheet.png"
}

run_autoencoder() {
    local method
    local paper=("$autoencoder" "${data[@]}" --groups paper --sparsity 0.2)
    run ae inspect "$autoencoder"
    run ae.dense eval "$autoencoder" "${data[@]}" --picture "$out/ae.dense.png"
    cut_down ae-random "${paper[@]}" --method magnitude --importance random
    cut_down ae-l2 "${paper[@]}" --method magnitude --importance l2
    cut_down ae-grid "${paper[@]}" --method grid --set search.finalists=1 "${grid_limits[@]}"
    cut_down ae-gd "${paper[@]}" --method gd "${gd_limits[@]}"
    cut_down ae-gd-lsq "${paper[@]}" --method gd --compensate lsq --budget "$compensated_budget"
    for method in random l2 grid gd gd-lsq; do reconstruct "ae-$method"; done
    run ae-coefficients sweep "$autoencoder" "${data[@]}" --groups paper --methods gd,global,lamp,random \
        --sparsities 0.2 "${gd_limits[@]}" -o "$out/ae-coefficients.sweep"
    cut_beyond ae "$autoencoder"
    train_ordinary
    run ordinary.dense eval "$ordinary" "${data[@]}"
    cut_beyond ordinary "$ordinary"
}

cut_beyond() { # cut_beyond PREFIX CHECKPOINT
    local method importance compensation steps percent
    while read -r method importance compensation steps _; do
        for percent in "${autoencoder_percents[@]}"; do
            cut_down "$1-$method-$importance-$compensation-$percent" "$2" "${data[@]}" --method "$method" \
                --importance "$importance" --compensate "$compensation" --finetune "$steps" --sparsity "0.$percent" \
                --budget "$compensated_budget"
        done
    done < <(beyond_rows)
}

# The network trained the ordinary way ships with the project; where it was deleted it is trained again.
train_ordinary() {
    [ ! -s "$ordinary" ] || return 0
    ordinary=$out/ordinary-training.run/checkpoint.safetensors
    run ordinary-training train "$ordinary_config" "${data[@]}" -o "$out/ordinary-training.run"
}

table_1() {
    cat <<TEXT
### Table I: the baseline

TEXT
    head_row "" paper ours
    row "input size" "28 x 28" "$(get ae '.axes[] | select(.name == "pixels") | .size') pixels"
    row "components" "encoder and decoder" "$(get ae '.components | keys_unsorted | join(" and ")')"
    row "latent dimensions" 256 "$(get ae '.axes[] | select(.name == "latent") | .size')"
    row parameters 2,312,992 "$(count ae .params)"
    row "model size" "8.84 MB" "$(num '%.2f MiB' ae '.size_bytes / 1048576')"
    row "mean squared error" 0.002238 "$(num %.6f ae.dense .mse)"
    row "PSNR of the mean error" "22.34 dB (\"peak PSNR\")" "$(num '%.2f dB' ae.dense .psnr_of_mean_mse_db)"
    row "mean over images of their PSNR" "" "$(num '%.2f dB' ae.dense .mean_psnr_db)"
    cat <<TEXT

Ours is measured on the $(count ae.dense .images) test images. The paper's PSNR and error can't be of the same
reconstructions: 0.002238 is 10 log10(1 / 0.002238) = 26.50 dB, and 22.34 dB is an error of 0.005834. The paper's
"Layers/Component: 2" may count the pruned ones: 2,312,992 parameters are four dense layers per component,
784-652-520-388-256 and back, with BatchNorm after the hidden ones. Table I's MB are 2^20 bytes: 2,312,992 parameters
and 6,240 running statistics of 4 bytes are 8.85.
TEXT
    made_by ae ae.dense
}

table_2() {
    local i group names=("encoder 1" "encoder 2" "decoder 1" "decoder 2" encoder-decoder)
    local modules=(8 4 8 4 1) params=(202,148 339,560 339,692 202,280 99,584)
    local symbols=("c_1^ae" "c_2^ae" "c_3^ae" "c_4^ae" "c_1^ae, coupling")
    cat <<TEXT
### Tables II and V: the groups

TEXT
    head_row "paper's group" "coefficient" "its modules" "its parameters" "ours" type modules parameters
    for i in 0 1 2 3 4; do
        group=".groups.paper[$i]"
        row "${names[i]}" "${symbols[i]}" "${modules[i]}" "${params[i]}" "$(get ae "$group.name")" \
            "$(get ae "$group.type")" "$(get ae "$group.modules")" "$(count ae "$group.params")"
    done
    cat <<TEXT

Parameters agree to the last one. Module counts do not: the paper gives the first group of each component eight modules
and the second four, though both are one dense layer, its BatchNorm, its activation and the dense layer that reads it,
which we count as four; the latent has one in both.
\`--groups structural\`, the default everywhere else, has all seven axes between the pixels; the paper's five leave
encoder.hidden1 and decoder.hidden1 alone.
TEXT
}

figures_1_2() {
    cat <<TEXT
### Figures 1 and 2: reconstructions

Fig. 1, the unpruned network (test images above, reconstructions below):
TEXT
    picture ae.dense.png figure-1.png "test images and reconstructions of the unpruned autoencoder"
    cat <<TEXT

Fig. 2, the same fraction of every paper group removed, 20 % nominal: units chosen at random,
$(num %.6f ae-random .mse_after) mean squared error:
TEXT
    picture ae-random.sheet.png figure-2-random.png "units chosen at random"
    cat <<TEXT

and those with the smallest l2 norm, $(num %.6f ae-l2 .mse_after):
TEXT
    picture ae-l2.sheet.png figure-2-l2.png "units with the smallest norm"
    cat <<TEXT

The paper finds the norm far better than chance. Its baseline sets weights to zero; here units are removed together with
every weight that touches them, so that the network is smaller.
TEXT
    made_by ae-random ae-random.sheet ae-l2 ae-l2.sheet
}

coefficients() { get "$1" '[.coefficients[] | . * 1000 | round / 1000 | tostring] | join(", ")'; }

table_6_row() { # table_6_row LABEL PAPER_GRID PAPER_GD FORMAT FILTER
    row "$1" "$2" "$(num "$4" ae-grid "$5")" "$3" "$(num "$4" ae-gd "$5")" "$(num "$4" ae-gd-lsq "$5")"
}

table_6() {
    cat <<TEXT
### Table VI and Figure 3: grid search and gradient descent at 20 % nominal

TEXT
    head_row "" "grid, paper" "grid, ours" "gd, paper" "gd, ours" "gd, ours, \`--compensate lsq\`"
    table_6_row "PSNR of the mean error, dB" 22.13 25.34 %.2f .performance_after
    table_6_row "mean over images of their PSNR, dB" "" "" %.2f .mean_psnr_db_after
    table_6_row "achieved sparsity, nominal, %" 19.07 20.80 %.2f "100 * .nominal_sparsity"
    table_6_row "achieved sparsity, structural, %" "" "" %.2f "100 * .structural_sparsity"
    table_6_row "pruned, mean squared error" 0.0086 0.0085 %.6f .mse_after
    table_6_row "baseline, mean squared error" 0.0022 0.0022 %.6f .mse_before
    table_6_row "added" 0.0064 0.0063 %.6f ".mse_after - .mse_before"
    table_6_row "combinations at the target" 252 "" %d .survivors
    table_6_row "iterations" "" "" %d .iterations
    table_6_row "evaluations of 1,000 images" "" "" %d .evaluations
    table_6_row "runtime; ours: processor time, s" 408.85 16.73 %.2f .cpu_s
    row coefficients "0.527, 0.633, 0.633, 0.527, 0.316" "$(coefficients ae-grid)" \
        "0.569, 0.568, 0.655, 0.523, 0.495" "$(coefficients ae-gd)" "$(coefficients ae-gd-lsq)"
    cat <<TEXT

Searches see 1,000 training images, the errors are of the test images. The paper compensates and finetunes nothing, and
neither do the columns before the last one. What in the paper's columns cannot be true at the same time:

- Under Eq. (1b) with the sizes of Table II the printed coefficients remove
  674,569 (grid) and 685,476 (gd) of the groups' 1,183,264 parameters: 57.0 and 57.9 %, or 29.2 and 29.6 % of all
  2,312,992, not 19.07 and 20.80 %.
- Errors of 0.0086 and 0.0085 are 20.66 and 20.71 dB. The printed 22.13 and 25.34 dB are errors of 0.0061 and 0.0029:
  a factor of two where the errors differ by 1 %. Nor can 25.34 dB be more than the unpruned 22.34 dB at 3.8 times its
  error.
- 10 points from 0 to 0.95 for five groups are 100,000 combinations, of which 971 lie within 20 +- 1 % nominal, not
  252. (252 is the number of ways to choose 5 of 10 values without repetition; the printed optimum repeats two.)
- 408.85 s for 252 candidates are 1.62 s each; at that price the 16.73 s of gd pay for 10 evaluations, which is one
  gradient of five coefficients.

Fig. 3, grid:
TEXT
    picture ae-grid.sheet.png figure-3-grid.png "grid search"
    printf '\nand gradient descent:\n'
    picture ae-gd.sheet.png figure-3-gd.png "gradient descent"
    printf '\nand gradient descent with the least-squares repair:\n'
    picture ae-gd-lsq.sheet.png figure-3-gd-lsq.png "gradient descent, compensated"
    printf '\nCoefficients per group at 20 %%, by method:\n'
    picture ae-coefficients.sweep/coefficients.svg coefficients-autoencoder.svg "coefficients per group"
    made_by ae-grid ae-gd ae-gd-lsq ae-grid.sheet ae-gd.sheet ae-gd-lsq.sheet ae-coefficients
}

kept_units() { get "$1" '[.kept[] | first | tostring] | join(", ")'; }

# "0.000521 (peer 0.0009)"
added() { # added NAME STAGE PEER
    printf '%s%s' "$(num %.6f "$1" ".mse_$2 - .mse_before")" "$([ "$3" = - ] || echo " (peer $3)")"
}

beyond_row() { # beyond_row PREFIX METHOD IMPORTANCE COMPENSATION STAGE LABEL PEER...
    local cells=() i=0 percent peers=("${@:7}")
    for percent in 20 50 80; do
        cells+=("$(added "$1-$2-$3-$4-$percent" "$5" "${peers[i]}")")
        i=$((i + 1))
    done
    row "$2" "$3" "$6" "${cells[@]}"
}

beyond_table() { # beyond_table PREFIX [WITH_PEERS]
    local method importance compensation steps peers finetuned=(- - -)
    head_row method importance compensation "20 % structural" "50 %" "80 %"
    while read -r method importance compensation steps peers; do
        if [ "${2:-}" ]; then finetuned=("${peer_finetuned[@]}"); else peers="- - -"; fi
        # shellcheck disable=SC2086
        beyond_row "$1" "$method" "$importance" "$compensation" after "$compensation" $peers
        [ "$steps" -eq 0 ] || beyond_row "$1" "$method" "$importance" "$compensation" finetuned \
            "$compensation, then $steps gradient steps" "${finetuned[@]}"
    done < <(beyond_rows)
}

table_beyond() {
    cat <<TEXT
### Beyond the paper: repair and better searches, all seven axes

Mean squared error added on the test images. \`mean\` puts the mean output of a removed unit into the next bias, \`lsq\`
re-fits the layer that reads it by least squares on recorded activations; neither takes a gradient step. Each row is
made by

\`\`\`sh
$(folded "espalier prune --preset paper --groups structural CHECKPOINT --data DIR --method METHOD --importance IMPORTANCE --compensate COMPENSATION \
--finetune STEPS --sparsity S --budget $compensated_budget -o OUT")
\`\`\`

where 235 steps are one pass over the training images of MNIST in batches of 256. The shipped network,
\`$autoencoder\`, test error $(num %.6f ae.dense .mse):

$(beyond_table ae)

TEXT
    prose <<TEXT
Half of this network can go for nearly nothing, and norms rank its units, because training started from principal
components ([CARD.md](../models/mnist/CARD.md)): the code is 256 numbers wide and the hidden layers around it are wider
than they need be. Searched widths find that; of encoder.hidden1-3, latent, decoder.hidden1-3, \`sensitivity\` keeps
$(kept_units ae-sensitivity-obs-lsq-50) units at 50 %, while \`magnitude\` takes the same fraction of the latent as of
every layer.
TEXT
    echo
    prose <<TEXT
The same rows for a network of the same size that was trained the ordinary way (\`$ordinary_config\`: PyTorch's default
start, Adam, cosine schedule, 30 epochs), test error $(num %.6f ordinary.dense .mse). In brackets is what the same idea
added in PyTorch to such a network of test error 0.0036 to 0.0038:
TEXT
    cat <<TEXT

$(beyond_table ordinary with_peers)

\`sensitivity\` keeps $(kept_units ordinary-sensitivity-obs-lsq-50) units of this network at 50 %.
TEXT
}

write_autoencoder() {
    printf '## Use case I: the MNIST autoencoder\n\n'
    table_1
    table_2
    echo
    figures_1_2
    table_6
    table_beyond
}
