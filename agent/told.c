/* The task-oriented latent dynamics model as a network with named axes (paper, Tables III, IV). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "graph/graph.h"

/* With 84-pixel images all four convolutions have stride 2, with 28-pixel images only the first:
 * both leave 3 x 3 (as in the reference, and for the paper's 28 x 28). */
static int later_stride(int image_size)
{
    return image_size < 64 ? 1 : 2;
}

/* What becomes of one component: the values whose axes are shared or named. */
typedef struct {
    int in, out;    /* what it reads and writes */
    int hidden[4];  /* encoder: the convolutions; a head: its two hidden layers */
} part;

static int dense(esp_graph *graph, int x, const char *module, int outputs)
{
    return esp_graph_dense(graph, x, &(esp_dense_spec){.module = module, .outputs = outputs});
}

static part add_encoder(esp_graph *graph, const esp_agent_config *config)
{
    static const int kernel[4] = {7, 5, 3, 3};
    int size = config->env.image_size, stride = 2;
    char name[ESP_NAME];
    part p;
    esp_graph_component(graph, "_encoder");
    int x = p.in = esp_graph_input_bytes(graph, "pixels", config->env.frame_stack, size, size);
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "_encoder.%d", 2 * i + 1);
        p.hidden[i] = esp_graph_conv(graph, x, &(esp_conv_spec){
            .module = name, .kernels = config->network.channels,
            .window = {.rows = kernel[i], .cols = kernel[i], .row_stride = stride, .col_stride = stride}});
        x = esp_graph_act(graph, p.hidden[i], ESP_ACT_RELU);
        stride = later_stride(size);
    }
    p.out = dense(graph, esp_graph_flatten(graph, x), "_encoder.10", config->network.latent);
    esp_graph_output(graph, "latent", p.out);
    return p;
}

static const char *module_name(const char *head, int index, char out[ESP_NAME])
{
    snprintf(out, ESP_NAME, "_%s.%d", head, index);
    return out;
}

/* Linear ELU Linear ELU Linear; in a value head LayerNorm Tanh replace the first ELU. */
static part add_layers(esp_graph *graph, const char *head, int in, int out, int hidden, bool value)
{
    char name[ESP_NAME];
    part p = {.in = esp_graph_input(graph, "input", in)};
    int x = p.hidden[0] = dense(graph, p.in, module_name(head, 0, name), hidden);
    if (value)
        x = esp_graph_act(graph, esp_graph_layernorm(graph, x, &(esp_norm_spec){.module = module_name(head, 1, name)}),
                          ESP_ACT_TANH);
    else
        x = esp_graph_act(graph, x, ESP_ACT_ELU);
    p.hidden[1] = dense(graph, x, module_name(head, value ? 3 : 2, name), hidden);
    x = esp_graph_act(graph, p.hidden[1], ESP_ACT_ELU);
    p.out = dense(graph, x, module_name(head, value ? 5 : 4, name), out);
    esp_graph_output(graph, "output", p.out);
    return p;
}

const char *const esp_told_names[ESP_TOLD_COMPONENTS] = {"encoder", "dynamics", "reward", "Q1", "Q2", "pi"};

/* A head that is left out keeps its slot, so that the others keep their numbers. */
static void add_heads(esp_graph *graph, const esp_agent_config *config, int num_actions, unsigned components,
                      part parts[ESP_TOLD_COMPONENTS])
{
    int latent = config->network.latent, both = latent + num_actions, hidden = config->network.hidden;
    const int in[ESP_TOLD_COMPONENTS] = {0, both, both, both, both, latent};
    const int out[ESP_TOLD_COMPONENTS] = {0, latent, 1, 1, 1, num_actions};
    char name[ESP_NAME];
    for (int c = ESP_TOLD_ENCODER + 1; c < ESP_TOLD_COMPONENTS; c++) {
        snprintf(name, sizeof name, "_%s", esp_told_names[c]);
        esp_graph_component(graph, name);
        bool value = c == ESP_TOLD_Q1 || c == ESP_TOLD_Q2;
        if (components >> c & 1u) parts[c] = add_layers(graph, esp_told_names[c], in[c], out[c], hidden, value);
    }
}

/* All heads read the encoder's latent state; the model and the values also read the policy's action; dynamics give the
 * next latent state; reward and values are scalars. */
static void connect(esp_graph *graph, int latent, int num_actions, unsigned components, const part *parts)
{
    const part *encoder = &parts[ESP_TOLD_ENCODER], *policy = &parts[ESP_TOLD_POLICY], *scalar = NULL;
    for (int c = ESP_TOLD_DYNAMICS; c < ESP_TOLD_COMPONENTS; c++) {
        if (!(components >> c & 1u)) continue;
        esp_graph_wire(graph, encoder->out, 0, parts[c].in, 0, latent);
        if (c != ESP_TOLD_POLICY) esp_graph_tie(graph, policy->out, 0, parts[c].in, latent, num_actions);
        if (c < ESP_TOLD_REWARD || c > ESP_TOLD_Q2) continue;
        if (scalar) esp_graph_tie(graph, scalar->out, 0, parts[c].out, 0, 1);
        else        scalar = &parts[c];
    }
    if (components >> ESP_TOLD_DYNAMICS & 1u)
        esp_graph_wire(graph, encoder->out, 0, parts[ESP_TOLD_DYNAMICS].out, 0, latent);
}

/* Axes in the order in which searches number them. */
static void name_axes(esp_graph *graph, unsigned components, const part *parts)
{
    char name[ESP_NAME];
    esp_graph_name(graph, parts[ESP_TOLD_ENCODER].out, 0, "latent");
    esp_graph_name(graph, parts[ESP_TOLD_POLICY].out, 0, "action");
    for (int c = ESP_TOLD_REWARD; c <= ESP_TOLD_Q2; c++)
        if (components >> c & 1u) esp_graph_name(graph, parts[c].out, 0, "scalar");
    esp_graph_name(graph, parts[ESP_TOLD_ENCODER].in, 0, "pixels");
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "encoder.conv%d", i + 1);
        esp_graph_name(graph, parts[ESP_TOLD_ENCODER].hidden[i], 0, name);
    }
    for (int c = ESP_TOLD_DYNAMICS; c < ESP_TOLD_COMPONENTS; c++)
        for (int i = 0; i < 2 && (components >> c & 1u); i++) {
            snprintf(name, sizeof name, "%s.hidden%d", esp_told_names[c], i + 1);
            esp_graph_name(graph, parts[c].hidden[i], 0, name);
        }
}

esp_status esp_told_create_part(const esp_agent_config *config, int num_actions, unsigned components,
                                esp_network **out)
{
    esp_graph *graph = esp_graph_new();
    part parts[ESP_TOLD_COMPONENTS] = {0};
    components |= 1u << ESP_TOLD_POLICY;
    parts[ESP_TOLD_ENCODER] = add_encoder(graph, config);
    add_heads(graph, config, num_actions, components, parts);
    connect(graph, config->network.latent, num_actions, components, parts);
    name_axes(graph, components, parts);
    esp_status status = esp_graph_finish(graph, out);
    esp_graph_free(graph);
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
