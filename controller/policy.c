/* A network with one component that reads a task's observation as a row of numbers and writes its actions. */
#include <stdlib.h>
#include <string.h>

#include "controller/controller.h"

/* ---- whether a network fits ---- */

/* "position 8, velocity 9", cut off when there are many. */
static void list_items(const esp_world *world, char *out, size_t size)
{
    size_t used = 0;
    *out = 0;
    for (int k = 0; k < world->num_items && used < size - 1; k++) {
        const esp_obs_item *item = &world->item[k];
        size_t numbers = esp_obs_item_size(item) * (size_t)item->history;
        if (item->kind == ESP_ITEM_PIXELS)
            snprintf(out + used, size - used, "%s%.60s: pixels", k ? ", " : "", item->name);
        else
            snprintf(out + used, size - used, "%s%.60s %zu", k ? ", " : "", item->name, numbers);
        used = strlen(out);
    }
}

/* "torso_1, torso_2 ..." */
static void list_actuators(const esp_world *world, char *out, size_t size)
{
    size_t used = 0;
    *out = 0;
    for (int k = 0; k < world->num_actions && used < size - 1; k++) {
        const char *name = mj_id2name(world->model, mjOBJ_ACTUATOR, k);
        snprintf(out + used, size - used, "%s%.60s", k ? ", " : "", name ? name : "unnamed");
        used = strlen(out);
    }
}

/* "obs 48, goal 3" */
static void list_ports(const esp_network *net, int count, const esp_port *ports, char *out, size_t size)
{
    size_t used = 0;
    *out = 0;
    for (int i = 0; i < count && used < size - 1; i++) {
        snprintf(out + used, size - used, "%s%s %d", i ? ", " : "", ports[i].name, esp_port_size(net, &ports[i]));
        used = strlen(out);
    }
}

esp_status esp_policy_check(const esp_world *world, const esp_network *net)
{
    const esp_component *c = &net->component[0];
    const char *task = world->task->about.name;
    char items[512], ports[512];
    int numbers = esp_observation_numbers(world);
    if (net->num_components != 1)
        return esp_fail(ESP_ERR_SHAPE, "the network has %d components, a controller has one", net->num_components);
    if (esp_component_reads_bytes(net, 0))
        return esp_fail(ESP_ERR_SHAPE, "the network reads images of bytes, but a controller reads numbers");
    list_items(world, items, sizeof items);
    if (numbers != c->in_size) {
        list_ports(net, c->num_inputs, c->input, ports, sizeof ports);
        return esp_fail(ESP_ERR_SHAPE, "the network reads %d numbers (%s), but the observation of task '%s' has %d: %s",
                        c->in_size, ports, task, numbers, items);
    }
    if (world->num_actions == c->out_size) return ESP_OK;
    list_ports(net, c->num_outputs, c->output, ports, sizeof ports);
    list_actuators(world, items, sizeof items);
    return esp_fail(ESP_ERR_SHAPE, "the network writes %d numbers (%s), but task '%s' has %d actuators: %s",
                    c->out_size, ports, task, world->num_actions, items);
}

/* ---- acting ---- */

typedef struct {
    const esp_world *world;
    esp_packed      *packed;
    esp_runner      *runner;
    float           *rows;   /* [n, numbers] */
} actor;

static void *create(const void *context, const esp_network *net, const esp_episode *episodes, int n)
{
    (void)episodes; /* nothing is drawn, and nothing remembered */
    actor *a = esp_alloc(1, sizeof *a);
    a->world = context;
    a->packed = esp_packed_create(net, 1);
    a->runner = esp_runner_create(a->packed, 0, n);
    a->rows = esp_alloc((size_t)n * (size_t)esp_observation_numbers(a->world), sizeof *a->rows);
    return a;
}

static void free_actor(void *context)
{
    actor *a = context;
    if (!a) return;
    esp_runner_free(a->runner);
    esp_packed_free(a->packed);
    free(a->rows);
    free(a);
}

static esp_status act(void *context, int n, int step, const esp_observation *obs, float *actions)
{
    const actor *a = context;
    (void)step;
    esp_observation_rows(a->world, obs, n, a->rows);
    const float *y = esp_runner_forward(a->runner, a->rows, n);
    memcpy(actions, y, (size_t)n * (size_t)a->world->num_actions * sizeof *actions);
    return ESP_OK;
}

esp_actors esp_policy_actors(const esp_world *world)
{
    return (esp_actors){.create = create, .free = free_actor, .act = act, .context = world,
                        .block = ESP_POLICY_BLOCK};
}
