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

/* ---- helper functions ---- */

@helpers@/* ---- components ---- */

@components@/* ---- public ---- */

void @name@_reset(@name@_state *state)
{
    assert(state != NULL);
    memset(state, 0, sizeof *state);
}

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
