/* One update of the agent against recorded updates of the reference (case 3): latents, targets,
 * losses, gradients, and every changed weight. */
#include "reference_agent.h"

typedef struct {
    esp_safetensors *file;
    esp_agent_config config;
    esp_network *net;
    esp_updater *updater;
} update_case;

static const char *join(const char *prefix, const char *name)
{
    static char out[4 * ESP_NAME];
    snprintf(out, sizeof out, "%s%s", prefix, name);
    return out;
}

static update_case open_case(const char *name)
{
    update_case c = {.file = reference_open(name)};
    c.config = reference_config(c.file);
    c.net = reference_agent(c.file, &c.config);
    c.updater = esp_updater_create(c.net, &c.config.loss, reference_int(c.file, "batch"),
                                   reference_int(c.file, "horizon"));
    /* The full-size case starts with a target equal to the model, as the clone is. */
    if (esp_safetensors_find(c.file, "in.target._encoder.1.weight"))
        CHECK_OK(esp_network_load(c.updater->target, c.file, "in.target."));
    return c;
}

static void close_case(update_case *c)
{
    esp_updater_free(c->updater);
    esp_network_free(c->net);
    esp_safetensors_free(c->file);
}

/* Updates with the batch whose tensors start with `prefix`. */
static void update(update_case *c, const char *prefix, int64_t step)
{
    const esp_safetensors *file = c->file;
    esp_batch batch = {.batch = reference_int(file, "batch"), .horizon = reference_int(file, "horizon"),
                       .obs = reference_tensor(file, join(prefix, "in.obs"))->data,
                       .next_obs = reference_tensor(file, join(prefix, "in.next_obs"))->data,
                       .actions = reference_floats(file, join(prefix, "in.action")),
                       .rewards = reference_floats(file, join(prefix, "in.reward")),
                       .weights = reference_floats(file, join(prefix, "in.weights")),
                       .td_noise = reference_floats(file, join(prefix, "in.td_noise")),
                       .pi_noise = reference_floats(file, join(prefix, "in.pi_noise"))};
    CHECK_OK(esp_updater_step(c->updater, &batch, step, c->config.loss.learning_rate));
}

static update_case updated_case(const char *name)
{
    update_case c = open_case(name);
    update(&c, "", reference_int(c.file, "step"));
    return c;
}

/* A second update with another batch, at an odd step: the target rests, both Adam optimisers keep
 * their moments. */
static update_case twice_updated_case(const char *name)
{
    update_case c = updated_case(name);
    update(&c, "second.", reference_int(c.file, "step") + 1);
    return c;
}

static void check_record(const update_case *c, const char *prefix, double atol, double rtol)
{
    const esp_update_record *r = &c->updater->record;
    size_t B = (size_t)reference_int(c->file, "batch"), T = (size_t)reference_int(c->file, "horizon");
    size_t L = (size_t)c->config.network.latent;
    float scalars[] = {(float)r->weighted_loss, (float)r->grad_norm, (float)r->pi_loss, (float)r->pi_grad_norm};
    const struct { const char *name; size_t count; const float *got; } outputs[] = {
        {"out.zs", (T + 1) * B * L, r->zs},
        {"out.z_pred", T * B * L, r->zs + B * L},
        {"out.next_z_target", T * B * L, r->next_z_target},
        {"out.reward_pred", T * B, r->reward_pred},
        {"out.Q1", T * B, r->q1},
        {"out.Q2", T * B, r->q2},
        {"out.td_target", T * B, r->td_target},
        {"out.consistency_loss", B, r->consistency_loss},
        {"out.reward_loss", B, r->reward_loss},
        {"out.value_loss", B, r->value_loss},
        {"out.total_loss", B, r->total_loss},
        {"out.priorities", B, r->priorities},
        {"out.weighted_loss", 1, &scalars[0]},
        {"out.grad_norm", 1, &scalars[1]},
        {"out.pi_loss", 1, &scalars[2]},
        {"out.pi_grad_norm", 1, &scalars[3]},
    };
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
        reference_check(c->file, join(prefix, outputs[i].name), outputs[i].count, outputs[i].got, atol, rtol);
}

/* ---- gradients ---- */

static bool of_policy(const esp_tensor *tensor)
{
    return tensor->component == ESP_TOLD_POLICY;
}

/* Compares `grads` times `scale`, of the policy's tensors or of all others. */
static void check_gradients(const update_case *c, const char *prefix, bool policy, float scale, double atol,
                            double rtol)
{
    float *scaled = esp_alloc(c->net->num_weights, sizeof *scaled);
    for (size_t i = 0; i < c->net->num_weights; i++) scaled[i] = scale * c->updater->record.grads[i];
    for (int t = 0; t < c->net->num_tensors; t++) {
        const esp_tensor *tensor = &c->net->tensor[t];
        if (of_policy(tensor) != policy) continue;
        reference_check(c->file, join(prefix, tensor->name), tensor->count, scaled + tensor->offset, atol, rtol);
    }
    free(scaled);
}

/* The norm of every tensor's gradient, and at most 64 evenly spaced entries of it. */
static void check_sampled_gradients(const update_case *c, const char *norm, const char *sample, bool policy)
{
    for (int t = 0; t < c->net->num_tensors; t++) {
        const esp_tensor *tensor = &c->net->tensor[t];
        if (of_policy(tensor) != policy) continue;
        const float *grad = c->updater->record.grads + tensor->offset;
        float got[64], l2 = (float)esp_norm2(tensor->count, grad);
        size_t stride = tensor->count / 64 ? tensor->count / 64 : 1, count = 0;
        for (size_t i = 0; i < tensor->count && count < 64; i += stride) got[count++] = grad[i];
        reference_check(c->file, join(norm, tensor->name), 1, &l2, 2e-4, 1e-4);
        reference_check(c->file, join(sample, tensor->name), count, got, 2e-6, 1e-3);
    }
}

/* ---- weights ---- */

/* Adam's first steps divide a gradient by its own size: below `small` its rounding decides where
 * the weight goes, by the learning rate in either direction. */
static double undecided_by(const update_case *c)
{
    return 2.0 * c->config.loss.learning_rate;
}

static void check_weights(const update_case *c, const esp_network *net, const char *prefix, unsigned components,
                          const char *clipped, double small, double share, double atol)
{
    for (int t = 0; t < net->num_tensors; t++) {
        const esp_tensor *tensor = &net->tensor[t];
        if (!(components >> tensor->component & 1)) continue;
        const float *grad = NULL;
        if (clipped && !of_policy(tensor)) grad = reference_floats(c->file, join(clipped, tensor->name));
        const float *expected = reference_floats(c->file, join(prefix, tensor->name));
        const float *got = esp_network_weights(net, t);
        for (size_t i = 0; i < tensor->count; i++) {
            bool undecided = grad && fabs((double)grad[i]) < small && grad[i] != 0.0f;
            CHECK_CLOSE(tensor->name, 1, got + i, expected + i, undecided ? share * undecided_by(c) : atol, 0.0);
        }
    }
}

#define POLICY (1u << ESP_TOLD_POLICY)
#define MODEL  (POLICY - 1)

/* ---- claims ---- */

static void small_update_has_the_latents_targets_and_losses(void)
{
    update_case c = updated_case("update_small.safetensors");
    check_record(&c, "", 5e-5, 1e-4);
    close_case(&c);
}

static void small_update_has_the_gradients(void)
{
    update_case c = updated_case("update_small.safetensors");
    const esp_update_record *r = &c.updater->record;
    check_gradients(&c, "grad.", false, 1.0f, 2e-6, 1e-3);
    check_gradients(&c, "clipped.", false, esp_clip_scale(r->grad_norm, c.config.loss.grad_clip), 2e-6, 1e-3);
    check_gradients(&c, "pi_grad.", true, 1.0f, 2e-5, 1e-3);
    check_gradients(&c, "pi_clipped.", true, esp_clip_scale(r->pi_grad_norm, c.config.loss.grad_clip), 2e-5, 1e-3);
    close_case(&c);
}

static void small_update_moves_model_policy_and_target(void)
{
    update_case c = updated_case("update_small.safetensors");
    check_weights(&c, c.net, "after_model.", MODEL, "clipped.", 1e-6, 1.0, 1e-5);
    check_weights(&c, c.net, "after_pi.", POLICY, NULL, 0.0, 0.0, 1e-5);
    check_weights(&c, c.updater->target, "after_target.", ESP_ALL_COMPONENTS, "clipped.", 1e-6, c.config.loss.tau,
                  1e-5);
    close_case(&c);
}

static void second_small_update_has_the_latents_targets_and_losses(void)
{
    update_case c = twice_updated_case("update_small.safetensors");
    check_record(&c, "second.", 2e-4, 1e-3);
    close_case(&c);
}

static void second_small_update_remembers_moments_and_rests_the_target(void)
{
    update_case c = twice_updated_case("update_small.safetensors");
    check_weights(&c, c.net, "second.after_model.", MODEL, NULL, 0.0, 0.0, 2e-5);
    check_weights(&c, c.net, "second.after_pi.", POLICY, NULL, 0.0, 0.0, 2e-5);
    check_weights(&c, c.updater->target, "second.after_target.", ESP_ALL_COMPONENTS, NULL, 0.0, 0.0, 2e-5);
    close_case(&c);
}

static void clipped_update_has_the_latents_targets_and_losses(void)
{
    update_case c = updated_case("update_small_clip.safetensors");
    check_record(&c, "", 2e-4, 1e-4);
    close_case(&c);
}

/* Samples whose reward and value loss are both beyond the clamp at 1e4, and so add nothing to the gradient. */
static int clamped_samples(const update_case *c)
{
    const esp_update_record *r = &c->updater->record;
    int count = 0;
    for (int b = 0; b < reference_int(c->file, "batch"); b++)
        count += r->reward_loss[b] > 1e4f && r->value_loss[b] > 1e4f;
    return count;
}

static void clipped_update_has_the_gradients(void)
{
    update_case c = updated_case("update_small_clip.safetensors");
    const esp_update_record *r = &c.updater->record;
    CU_ASSERT(clamped_samples(&c) > 0); /* otherwise this recording does not show what it was made for */
    CU_ASSERT(r->grad_norm > c.config.loss.grad_clip);
    check_gradients(&c, "grad.", false, 1.0f, 1e-4, 1e-4);
    check_gradients(&c, "clipped.", false, esp_clip_scale(r->grad_norm, c.config.loss.grad_clip), 2e-5, 1e-4);
    check_gradients(&c, "pi_grad.", true, 1.0f, 2e-5, 1e-3);
    check_gradients(&c, "pi_clipped.", true, esp_clip_scale(r->pi_grad_norm, c.config.loss.grad_clip), 2e-5, 1e-3);
    close_case(&c);
}

static void clipped_update_moves_model_policy_and_target(void)
{
    update_case c = updated_case("update_small_clip.safetensors");
    check_weights(&c, c.net, "after_model.", MODEL, "clipped.", 1e-5, 1.0, 1e-5);
    check_weights(&c, c.net, "after_pi.", POLICY, NULL, 0.0, 0.0, 1e-5);
    check_weights(&c, c.updater->target, "after_target.", ESP_ALL_COMPONENTS, "clipped.", 1e-5, c.config.loss.tau,
                  1e-5);
    close_case(&c);
}

static void full_update_has_the_latents_targets_and_losses(void)
{
    update_case c = updated_case("update_full.safetensors");
    check_record(&c, "", 1e-4, 2e-4);
    close_case(&c);
}

static void full_update_has_the_norms_and_samples_of_the_gradients(void)
{
    update_case c = updated_case("update_full.safetensors");
    check_sampled_gradients(&c, "grad_l2.", "grad_sample.", false);
    check_sampled_gradients(&c, "pi_grad_l2.", "pi_grad_sample.", true);
    close_case(&c);
}

static CU_TestInfo tests[] = {
    {"small_update_has_the_latents_targets_and_losses", small_update_has_the_latents_targets_and_losses},
    {"small_update_has_the_gradients", small_update_has_the_gradients},
    {"small_update_moves_model_policy_and_target", small_update_moves_model_policy_and_target},
    {"second_small_update_has_the_latents_targets_and_losses", second_small_update_has_the_latents_targets_and_losses},
    {"second_small_update_remembers_moments_and_rests_the_target",
     second_small_update_remembers_moments_and_rests_the_target},
    {"clipped_update_has_the_latents_targets_and_losses", clipped_update_has_the_latents_targets_and_losses},
    {"clipped_update_has_the_gradients", clipped_update_has_the_gradients},
    {"clipped_update_moves_model_policy_and_target", clipped_update_moves_model_policy_and_target},
    {"full_update_has_the_latents_targets_and_losses", full_update_has_the_latents_targets_and_losses},
    {"full_update_has_the_norms_and_samples_of_the_gradients", full_update_has_the_norms_and_samples_of_the_gradients},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("reference_update", tests)
