/* The network of @name@.h: helper functions, one function per component, and the public functions at the end. */
#include "@name@.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "@name@_weights.h"

#if defined(__cplusplus)
#define RESTRICT __restrict
#else
#define RESTRICT restrict
#endif

@if planner@

typedef @name@_random random_stream;

/* Sequences that the planner computes at once. */
#define BATCH @batch@
@end@

/* ---- helper functions ---- */

@helpers@/* ---- components ---- */

@components@@planner_code@/* ---- public ---- */

@if planner@
void @name@_reset(@name@_state *state, uint64_t seed, uint64_t episode)
{
    /* As espalier names streams: seed and the purpose of planning give the key, the episode is the stream. */
    const uint32_t name[4] = {(uint32_t)seed, (uint32_t)(seed >> 32), @purpose@u, 0u}, key[2] = {0x65737061u, 0u};
    uint32_t mixed[4];
    assert(state != NULL);
    memset(state, 0, sizeof *state);
    philox(name, key, mixed);
    state->random.key[0] = mixed[0];
    state->random.key[1] = mixed[1];
    state->random.stream[0] = (uint32_t)episode;
    state->random.stream[1] = (uint32_t)(episode >> 32);
}
@else@
void @name@_reset(@name@_state *state)
{
    assert(state != NULL);
    memset(state, 0, sizeof *state);
}
@end@

int @name@_step(@name@_state *state, const @type@ *input, float *output)
{
    assert(state != NULL && input != NULL && output != NULL);
@if history@
    /* The first input stands for those before it as well. */
    const int kept = state->begun != 0 ? @NAME@_HISTORY - 1 : 0;
    memmove(state->seen, state->seen + @NAME@_INPUTS,
            (@NAME@_HISTORY - 1) * @NAME@_INPUTS * sizeof *state->seen);
    for (int i = kept; i < @NAME@_HISTORY; i++)
        memcpy(state->seen + i * @NAME@_INPUTS, input, @NAME@_INPUTS * sizeof *input);
    state->begun = 1;

@end@
@calls@
    for (int i = 0; i < @NAME@_OUTPUTS; i++)
        if (!(fabsf(output[i]) <= FLT_MAX)) return 1;
    return 0;
}
