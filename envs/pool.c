/* One simulator per thread. */
#include <omp.h>
#include <stdlib.h>

#include "envs/envs.h"

/* A list, because the number of threads of later parallel regions is not known here. */
typedef struct slot {
    int            thread;
    esp_simulator *simulator;
    struct slot   *next;
} slot;

struct esp_pool {
    const esp_world *world; /* borrowed */
    int              capacity;
    bool             render;
    omp_lock_t       lock;
    slot            *slots;
};

esp_pool *esp_pool_create(const esp_world *world, int capacity, bool render)
{
    esp_pool *pool = esp_alloc(1, sizeof *pool);
    *pool = (esp_pool){.world = world, .capacity = capacity, .render = render};
    omp_init_lock(&pool->lock);
    return pool;
}

void esp_pool_free(esp_pool *pool)
{
    if (!pool) return;
    while (pool->slots) {
        slot *first = pool->slots;
        pool->slots = first->next;
        esp_simulator_free(first->simulator);
        free(first);
    }
    omp_destroy_lock(&pool->lock);
    free(pool);
}

const esp_world *esp_pool_world(const esp_pool *pool)
{
    return pool->world;
}

static esp_status find_or_create(esp_pool *pool, int thread, esp_simulator **out)
{
    for (const slot *s = pool->slots; s; s = s->next)
        if (s->thread == thread) {
            *out = s->simulator;
            return ESP_OK;
        }
    esp_status status = esp_simulator_create(pool->world, pool->capacity, pool->render, out);
    if (status != ESP_OK) return status;
    slot *added = esp_alloc(1, sizeof *added);
    *added = (slot){thread, *out, pool->slots};
    pool->slots = added;
    return ESP_OK;
}

esp_status esp_pool_simulator(esp_pool *pool, esp_simulator **out)
{
    omp_set_lock(&pool->lock);
    esp_status status = find_or_create(pool, omp_get_thread_num(), out);
    omp_unset_lock(&pool->lock);
    return status;
}
