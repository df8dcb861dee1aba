/* Every configuration key of an agent: its place, its range, its meaning. docs/configuration.md
 * repeats this table. */
#include <limits.h>
#include <string.h>

#include "agent/agent_internal.h"

#define KEY_INT(path, member, low, high, help) \
    {path, ESP_INT, offsetof(esp_agent_config, member), low, high, NULL, help}
#define KEY_DOUBLE(path, member, low, high, help) \
    {path, ESP_DOUBLE, offsetof(esp_agent_config, member), low, high, NULL, help}
#define KEY_TEXT(path, member, help) {path, ESP_TEXT, offsetof(esp_agent_config, member), 0, 0, NULL, help}
#define KEY_PATH(path, member, help) {path, ESP_PATH, offsetof(esp_agent_config, member), 0, 0, NULL, help}
#define KEY_CHOICE(path, member, choices, help) \
    {path, ESP_CHOICE, offsetof(esp_agent_config, member), 0, 0, choices, help}

const esp_field esp_agent_fields[] = {
    KEY_CHOICE("application", application, "tdmpc", "the kind of checkpoint"),

    KEY_TEXT("env.task", env.task, "name or file of a task"),
    KEY_PATH("env.scene", env.scene, "MJCF file; empty: models/<task>/scene.xml"),
    KEY_TEXT("env.start", env.start, "start of episodes, one of the task's; empty: the first"),
    KEY_TEXT("env.reward", env.reward, "reward, one of the task's; empty: the first"),
    KEY_INT("env.action_repeat", env.action_repeat, 1, 1000, "time steps of the task per control step"),
    KEY_INT("env.physics_steps", env.physics_steps, 1, 1000000, "time steps of the task per episode"),
    KEY_INT("env.frame_stack", env.frame_stack, 1, ESP_FRAME_STACK_MAX, "gray frames that the network sees"),
    KEY_INT("env.image_size", env.image_size, ESP_IMAGE_SIZE_MIN, ESP_IMAGE_SIZE_MAX, "pixels per side"),
    KEY_INT("env.supersample", env.supersample, 1, 8, "rendered pixels per pixel seen, along each side"),

    KEY_INT("network.latent", network.latent, 1, 1024, "latent entries"),
    KEY_INT("network.hidden", network.hidden, 1, 4096, "hidden units of every head"),
    KEY_INT("network.channels", network.channels, 1, 512, "channels of every convolution"),

    KEY_INT("planner.horizon", planner.budget.horizon, 1, 100, "control steps looked ahead"),
    KEY_INT("planner.samples", planner.budget.samples, 1, 65536, "action sequences per iteration"),
    KEY_INT("planner.elites", planner.budget.elites, 1, 65536, "best sequences kept"),
    KEY_INT("planner.iterations", planner.budget.iterations, 1, 100, "refinements per plan"),
    KEY_INT("planner.search.horizon", planner.search.horizon, 1, 100, "the same during a search"),
    KEY_INT("planner.search.samples", planner.search.samples, 1, 65536, "the same during a search"),
    KEY_INT("planner.search.elites", planner.search.elites, 1, 65536, "the same during a search"),
    KEY_INT("planner.search.iterations", planner.search.iterations, 1, 100, "the same during a search"),
    KEY_DOUBLE("planner.policy_fraction", planner.policy_fraction, 0, 1, "policy trajectories per sample"),
    KEY_DOUBLE("planner.temperature", planner.temperature, 0, 1e6, "multiplies values; larger is greedier"),
    KEY_DOUBLE("planner.momentum", planner.momentum, 0, 1, "share of the old mean that is kept"),
    KEY_DOUBLE("planner.min_std", planner.min_std, 1e-6, 10, "least sampling deviation, action units"),
    KEY_DOUBLE("planner.max_std", planner.max_std, 1e-6, 10, "initial and largest sampling deviation"),
    KEY_CHOICE("planner.act_on", planner.act_on, "mean|elite", "act on the mean, or on a drawn elite (reference)"),

    KEY_DOUBLE("loss.consistency", loss.consistency, 0, 1e6, "weight of the latent consistency loss"),
    KEY_DOUBLE("loss.reward", loss.reward, 0, 1e6, "weight of the reward loss"),
    KEY_DOUBLE("loss.value", loss.value, 0, 1e6, "weight of the value loss"),
    KEY_DOUBLE("loss.rho", loss.rho, 0, 1, "step t of an unroll has weight rho^t"),
    KEY_DOUBLE("loss.discount", loss.discount, 0, 1, "discount per control step"),
    KEY_DOUBLE("loss.grad_clip", loss.grad_clip, 1e-9, 1e9, "largest 2-norm of a gradient"),
    KEY_DOUBLE("loss.learning_rate", loss.learning_rate, 0, 1, "learning rate of both Adam optimisers"),
    KEY_DOUBLE("loss.tau", loss.tau, 0, 1, "share of the model that enters the target"),
    KEY_INT("loss.target_every", loss.target_every, 1, 1000, "updates between target updates"),
    KEY_DOUBLE("loss.policy_std", loss.policy_std, 0, 1, "deviation of noise on policy actions in targets and plans"),
    KEY_DOUBLE("loss.pre_tanh", loss.pre_tanh, 0, 1e3, "penalty on the squared input of the policy's tanh"),

    {"train.seed", ESP_U64, offsetof(esp_agent_config, train.seed), 0, 9e15, NULL, "seed of all random numbers"},
    KEY_INT("train.updates", train.updates, 0, 100000000, "gradient steps"),
    KEY_INT("train.batch", train.batch, 1, 4096, "samples per gradient step"),
    KEY_INT("train.horizon", train.horizon, 1, 64, "control steps unrolled per sample"),
    KEY_TEXT("train.reward", train.reward, "reward to learn from at first, one of the task's; empty: its default"),
    KEY_INT("train.reward_updates", train.reward_updates, 0, 100000000, "updates after which env.reward replaces it"),
    KEY_DOUBLE("train.reward_scale", train.reward_scale, 1e-9, 1e9, "multiplies a control step's reward"),
    KEY_INT("train.buffer", train.buffer, 1, 1000000, "episodes kept"),
    KEY_INT("train.seed_episodes", train.seed_episodes, 1, 1000000, "initial episodes with sticky random actions"),
    KEY_DOUBLE("train.seed_extreme", train.seed_extreme, 0, 1, "probability that a sticky action is -1 or 1"),
    KEY_INT("train.seed_hold", train.seed_hold, 1, 1000, "most control steps that a sticky action lasts"),
    KEY_INT("train.pretrain", train.pretrain, 0, 100000000, "updates on the seed episodes alone"),
    KEY_INT("train.cycle_episodes", train.cycle_episodes, 1, 10000, "episodes collected per cycle"),
    KEY_INT("train.cycle_updates", train.cycle_updates, 1, 1000000, "updates per cycle"),
    KEY_DOUBLE("train.other_starts", train.other_starts, 0, 1, "share of episodes from the task's other starts"),
    KEY_DOUBLE("train.hanging_fraction", train.other_starts, 0, 1, NULL),
    KEY_DOUBLE("train.noise_start", train.noise_start, 0, 10, "initial deviation of the noise on collected actions"),
    KEY_DOUBLE("train.noise_end", train.noise_end, 0, 10, "final deviation of that noise"),
    KEY_INT("train.noise_updates", train.noise_updates, 1, 100000000, "updates over which it falls linearly"),
    KEY_DOUBLE("train.per_alpha", train.per_alpha, 0, 10, "exponent of priorities"),
    KEY_DOUBLE("train.per_beta", train.per_beta, 0, 10, "exponent of importance weights"),
    KEY_INT("train.augment", train.augment, 0, 16, "random shift of frame stacks, pixels"),
    KEY_DOUBLE("train.learning_rate_end", train.learning_rate_end, 0, 1, "share of the learning rate left at the end"),
    KEY_DOUBLE("train.average", train.average, 0, 0.999999, "decay per update of averaged weights; 0: no averaging"),
    KEY_INT("train.eval_every", train.eval_every, 1, 100000000, "updates between evaluations and checkpoints"),
    KEY_INT("train.eval_episodes", train.eval_episodes, 1, 10000,
            "episodes per evaluation, for each start and controller"),
};
const int esp_agent_num_fields = sizeof esp_agent_fields / sizeof *esp_agent_fields;

esp_agent_config esp_agent_config_default(void)
{
    return (esp_agent_config){
        .env = esp_env_config_default(),
        .network = {.latent = 50, .hidden = 512, .channels = 32},
        .planner = {.budget = {.horizon = 3, .samples = 64, .elites = 12, .iterations = 3},
                    .search = {.horizon = 3, .samples = 20, .elites = 6, .iterations = 1},
                    .policy_fraction = 0.05, .temperature = 2.0, .momentum = 0.1, .min_std = 0.05, .max_std = 2.0,
                    .act_on = ESP_ACT_ON_MEAN},
        .loss = {.consistency = 2.0, .reward = 0.5, .value = 0.1, .rho = 0.5, .discount = 0.99, .grad_clip = 10.0,
                 .learning_rate = 1e-3, .tau = 0.02, .target_every = 1, .policy_std = 0.05, .pre_tanh = 0.01},
        .train = {.seed = 1, .updates = 10000, .batch = 64, .horizon = 3,
                  .reward_updates = 4500, .reward_scale = 0.25, .buffer = 1200, .seed_episodes = 150,
                  .seed_extreme = 0.7, .seed_hold = 5, .pretrain = 1000, .cycle_episodes = 6, .cycle_updates = 100,
                  .other_starts = 0.4, .noise_start = 0.6, .noise_end = 0.1, .noise_updates = 8000,
                  .per_alpha = 0.6, .per_beta = 0.4, .augment = 0, .learning_rate_end = 0.1, .average = 0.995,
                  .eval_every = 500, .eval_episodes = 10},
    };
}

static esp_status check_budget(const char *name, const esp_planner_config *planner, const esp_plan_budget *budget)
{
    int available = budget->samples + esp_policy_trajectories(planner, budget->samples);
    if (budget->elites > available)
        return esp_fail(ESP_ERR_RANGE, "%s.elites is %d, but a plan has only %d sequences", name, budget->elites,
                        available);
    return ESP_OK;
}

/* The encoder sees the first item of an observation, in the size of the configuration. */
static esp_status check_pixels(const esp_task *task, const esp_env_config *env)
{
    esp_obs_item item = esp_task_item(task, env, 0);
    if (item.kind != ESP_ITEM_PIXELS)
        return esp_fail(ESP_ERR_USAGE, "task '%s': a TD-MPC agent learns from pixels, but the first item of the "
                        "observation, '%s', has none", task->about.name, item.name);
    if (item.width == env->image_size && item.history == env->frame_stack) return ESP_OK;
    return esp_fail(ESP_ERR_USAGE, "task '%s' shows %d frames of %d pixels per side: set env.frame_stack and "
                    "env.image_size to these (now %d and %d)", task->about.name, item.history, item.width,
                    env->frame_stack, env->image_size);
}

esp_status esp_agent_config_settle(esp_agent_config *config)
{
    esp_status status = esp_env_config_settle(&config->env);
    if (status != ESP_OK) return status;
    const esp_task *task = esp_task_find(config->env.task);
    status = check_pixels(task, &config->env);
    if (status != ESP_OK) return status;
    if (!config->train.reward || !config->train.reward[0]) config->train.reward = task->about.training_reward;
    status = esp_task_settle(task, "train.reward", task->about.rewards, &config->train.reward);
    if (status != ESP_OK) return status;
    if (config->planner.min_std > config->planner.max_std)
        return esp_fail(ESP_ERR_RANGE, "planner.min_std (%g) is above planner.max_std (%g)", config->planner.min_std,
                        config->planner.max_std);
    status = check_budget("planner", &config->planner, &config->planner.budget);
    if (status == ESP_OK) status = check_budget("planner.search", &config->planner, &config->planner.search);
    return status;
}

esp_status esp_agent_config_check_unroll(const esp_agent_config *config)
{
    if (config->train.horizon < esp_env_steps(&config->env)) return ESP_OK;
    return esp_fail(ESP_ERR_RANGE, "train.horizon (%d) must be shorter than an episode (%d control steps)",
                    config->train.horizon, esp_env_steps(&config->env));
}

esp_status esp_agent_check_task(const esp_task *task)
{
    if (!task->done) return ESP_OK;
    return esp_fail(ESP_ERR_USAGE,
                    "task '%s' can end episodes early; a TD-MPC agent learns from episodes of one length",
                    task->about.name);
}

int esp_policy_trajectories(const esp_planner_config *planner, int samples)
{
    return (int)(planner->policy_fraction * samples);
}
