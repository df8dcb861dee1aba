/* The task-oriented latent dynamics model as a network with named axes (paper, Tables III, IV). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"

/* With 84-pixel images all four convolutions have stride 2, with 28-pixel images only the first:
 * both leave 3 x 3 (as in the reference, and for the paper's 28 x 28). */
static int later_stride(int image_size)
{
    return image_size < 64 ? 1 : 2;
}

static void add_encoder(esp_network *net, const esp_agent_config *config, int latent)
{
    int size = config->env.image_size, channels = config->network.channels;
    int pixels = esp_network_axis(net, "pixels", config->env.frame_stack, false);
    int conv[4];
    char name[ESP_NAME];
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "encoder.conv%d", i + 1);
        conv[i] = esp_network_axis(net, name, channels, true);
    }
    int stride = later_stride(size);
    esp_network_component(net, "_encoder");
    esp_network_image(net, pixels, size);
    esp_network_conv2d(net, "_encoder.1", pixels, conv[0], 7, 2, ESP_ACT_RELU);
    esp_network_conv2d(net, "_encoder.3", conv[0], conv[1], 5, stride, ESP_ACT_RELU);
    esp_network_conv2d(net, "_encoder.5", conv[1], conv[2], 3, stride, ESP_ACT_RELU);
    esp_network_conv2d(net, "_encoder.7", conv[2], conv[3], 3, stride, ESP_ACT_RELU);
    esp_network_flatten(net);
    esp_network_dense(net, "_encoder.10", esp_dim_of(conv[3]), esp_dim_of(latent), ESP_ACT_NONE);
}

static int hidden_axis(esp_network *net, const char *head, int number, int size)
{
    char name[ESP_NAME];
    snprintf(name, sizeof name, "%s.hidden%d", head, number);
    return esp_network_axis(net, name, size, true);
}

static const char *module_name(const char *head, int index, char out[ESP_NAME])
{
    snprintf(out, ESP_NAME, "_%s.%d", head, index);
    return out;
}

/* Linear ELU Linear ELU Linear; in a value head LayerNorm Tanh replace the first ELU. */
static void add_layers(esp_network *net, const char *head, esp_dim in, int out, int hidden, bool value)
{
    char name[ESP_NAME];
    int h1 = hidden_axis(net, head, 1, hidden), h2 = hidden_axis(net, head, 2, hidden);
    int second = value ? 3 : 2, third = value ? 5 : 4;
    esp_network_dense(net, module_name(head, 0, name), in, esp_dim_of(h1), value ? ESP_ACT_NONE : ESP_ACT_ELU);
    if (value) esp_network_norm(net, ESP_LAYER_LAYERNORM, module_name(head, 1, name), h1, ESP_ACT_TANH);
    esp_network_dense(net, module_name(head, second, name), esp_dim_of(h1), esp_dim_of(h2), ESP_ACT_ELU);
    esp_network_dense(net, module_name(head, third, name), esp_dim_of(h2), esp_dim_of(out), ESP_ACT_NONE);
}

const char *const esp_told_names[ESP_TOLD_COMPONENTS] = {"encoder", "dynamics", "reward", "Q1", "Q2", "pi"};

/* A head that is left out keeps its slot, so that the others keep their numbers. */
static void add_head(esp_network *net, esp_told_component head, esp_dim in, int out, int hidden, unsigned components)
{
    char name[ESP_NAME];
    snprintf(name, sizeof name, "_%s", esp_told_names[head]);
    esp_network_component(net, name);
    bool value = head == ESP_TOLD_Q1 || head == ESP_TOLD_Q2;
    if (components >> head & 1u) add_layers(net, esp_told_names[head], in, out, hidden, value);
}

esp_status esp_told_create_part(const esp_agent_config *config, int num_actions, unsigned components,
                                esp_network **out)
{
    const unsigned scalars = 1u << ESP_TOLD_REWARD | 1u << ESP_TOLD_Q1 | 1u << ESP_TOLD_Q2;
    esp_network *net = esp_network_new();
    int hidden = config->network.hidden;
    int latent = esp_network_axis(net, "latent", config->network.latent, true);
    int action = esp_network_axis(net, "action", num_actions, false);
    int scalar = components & scalars ? esp_network_axis(net, "scalar", 1, false) : -1;
    esp_dim input = esp_dim_concat(latent, action);
    add_encoder(net, config, latent);
    add_head(net, ESP_TOLD_DYNAMICS, input, latent, hidden, components);
    add_head(net, ESP_TOLD_REWARD, input, scalar, hidden, components);
    add_head(net, ESP_TOLD_Q1, input, scalar, hidden, components);
    add_head(net, ESP_TOLD_Q2, input, scalar, hidden, components);
    add_head(net, ESP_TOLD_POLICY, esp_dim_of(latent), action, hidden, components | 1u << ESP_TOLD_POLICY);
    esp_status status = esp_network_finish(net);
    if (status == ESP_OK) *out = net;
    else esp_network_free(net);
    return status;
}

esp_status esp_told_create(const esp_agent_config *config, int num_actions, esp_network **out)
{
    return esp_told_create_part(config, num_actions, ESP_ALL_COMPONENTS, out);
}

static void zero_tensor(esp_network *net, const char *name)
{
    int tensor = esp_network_find_tensor(net, name);
    memset(esp_network_weights(net, tensor), 0, net->tensor[tensor].count * sizeof(float));
}

void esp_told_init(esp_network *net, uint64_t seed)
{
    static const char *const last[] = {"_reward.4", "_Q1.5", "_Q2.5"};
    char name[2 * ESP_NAME];
    esp_network_init_orthogonal(net, seed);
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s.weight", last[i]);
        zero_tensor(net, name);
        snprintf(name, sizeof name, "%s.bias", last[i]);
        zero_tensor(net, name);
    }
}

int esp_told_latent(const esp_network *net)
{
    return net->component[ESP_TOLD_ENCODER].out_size;
}

unsigned esp_controller_components(esp_controller_kind kind)
{
    unsigned policy = 1u << ESP_TOLD_ENCODER | 1u << ESP_TOLD_POLICY;
    return kind == ESP_CONTROLLER_POLICY ? policy : (1u << ESP_TOLD_COMPONENTS) - 1;
}

esp_status esp_controller_check(const esp_network *net, esp_controller_kind kind)
{
    unsigned missing = esp_controller_components(kind) & ~esp_network_components(net);
    char names[ESP_TOLD_COMPONENTS * ESP_NAME] = "", word[ESP_CONFIG_TEXT];
    if (!missing) return ESP_OK;
    for (int c = 0; c < ESP_TOLD_COMPONENTS; c++) {
        if (!(missing >> c & 1u)) continue;
        if (names[0]) strcat(names, ", ");
        strcat(names, esp_told_names[c]);
    }
    esp_choice_word(ESP_CONTROLLER_CHOICES, (int)kind, word);
    return esp_fail(ESP_ERR_USAGE,
                    "controller '%s' also runs %s, which the file does not hold; use controller 'policy'", word, names);
}

const esp_group_spec esp_told_paper_groups[] = {
    {"encoder.1", false, {"encoder.conv2"}, {"_encoder.3"}},
    {"encoder.2", false, {"encoder.conv3"}, {"_encoder.5"}},
    {"encoder.3", false, {"encoder.conv4"}, {"_encoder.7"}},
    {"dynamics", false, {"dynamics.hidden2"}, {"_dynamics.2"}},
    {"reward", false, {"reward.hidden2"}, {"_reward.2"}},
    {"pi", false, {"pi.hidden2"}, {"_pi.2"}},
    {"Q1", false, {"Q1.hidden2"}, {"_Q1.3"}},
    {"Q2", false, {"Q2.hidden2"}, {"_Q2.3"}},
    {"encoder-pi", true, {"pi.hidden1"}, {"_encoder.10", "_pi.0"}},
    {"encoder-model", true,
     {"dynamics.hidden1", "reward.hidden1", "Q1.hidden1", "Q2.hidden1"},
     {"_encoder.10", "_dynamics.0", "_reward.0", "_Q1.0", "_Q2.0"}},
};
const int esp_told_num_paper_groups = sizeof esp_told_paper_groups / sizeof *esp_told_paper_groups;

double esp_action_flops(const esp_network *net, const esp_planner_config *planner, const esp_plan_budget *budget,
                        esp_controller_kind kind)
{
    double macs[ESP_TOLD_COMPONENTS];
    for (int i = 0; i < ESP_TOLD_COMPONENTS; i++) macs[i] = esp_component_macs(net, i);
    double encode = macs[ESP_TOLD_ENCODER], policy = macs[ESP_TOLD_POLICY];
    if (kind == ESP_CONTROLLER_POLICY) return 2.0 * (encode + policy);

    /* As the planner does: policy trajectories are unrolled once, and only their end is valued
     * again in every iteration. */
    double H = budget->horizon, I = budget->iterations, N = budget->samples;
    double P = esp_policy_trajectories(planner, budget->samples);
    double step = macs[ESP_TOLD_DYNAMICS] + macs[ESP_TOLD_REWARD];
    double value = macs[ESP_TOLD_Q1] + macs[ESP_TOLD_Q2];
    return 2.0 * (encode + P * (H * (policy + step) + policy + I * value) + I * N * (H * step + policy + value));
}

void esp_concat(int n, int latent, const float *z, int actions, const float *a, float *x)
{
    for (int i = 0; i < n; i++, x += latent + actions) {
        memcpy(x, z + (size_t)i * latent, (size_t)latent * sizeof(float));
        memcpy(x + latent, a + (size_t)i * actions, (size_t)actions * sizeof(float));
    }
}

static float clampf(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

void esp_noisy_action(size_t count, const float *mu, const float *noise, float std, float *a)
{
    for (size_t i = 0; i < count; i++)
        a[i] = clampf(tanhf(mu[i]) + clampf(noise[i] * std, -0.3f, 0.3f), -1.0f + 1e-6f, 1.0f - 1e-6f);
}
