/* Replays the example and compares with what espalier computed: exit status 1 when an output differs by more than
 * 1e-5 (relative to outputs above 1). */
#include <math.h>
#include <stdio.h>

#include "@name@.h"
#include "@name@_example.h"

#define TOLERANCE @tolerance@f

static @name@_state state;

int main(void)
{
    float most = 0.0f;
    int finite = 1;
    @name@_reset(&state@example_name@);
    for (int step = 0; step < @NAME@_EXAMPLE_STEPS; step++) {
        float output[@NAME@_OUTPUTS];
        if (@name@_step(&state, @name@_example_input[step], output) != 0) finite = 0;
        for (int i = 0; i < @NAME@_OUTPUTS; i++) {
            const float expected = @name@_example_output[step][i];
            const float difference = fabsf(output[i] - expected) / fmaxf(1.0f, fabsf(expected));
            if (!(difference <= most)) most = difference;
        }
    }
    const int good = finite && most <= TOLERANCE;
    printf("@name@: %d steps, largest difference %g: %s\n", @NAME@_EXAMPLE_STEPS, (double)most,
           good ? "passed" : "FAILED");
    return good ? 0 : 1;
}
