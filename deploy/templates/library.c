/* The controller as a shared library for `espalier eval --controller lib:FILE.so`: functions with fixed names, so that
 * a program that loads the file needs no header of it. */
#include <stddef.h>
#include <stdint.h>

#include "@name@.h"

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

EXPORT extern const char espalier_export_hash[];
const char espalier_export_hash[] = @NAME@_HASH;

/* Inputs per step, outputs, and bytes of a state. */
EXPORT extern const int32_t espalier_export_sizes[3];
const int32_t espalier_export_sizes[3] = {
    @NAME@_INPUTS, @NAME@_OUTPUTS, (int32_t)sizeof(@name@_state)
};

EXPORT void espalier_export_reset(void *state, uint64_t seed, uint64_t episode);
EXPORT int espalier_export_step(void *state, const void *input, float *output);

void espalier_export_reset(void *state, uint64_t seed, uint64_t episode)
{
@if planner@
    @name@_reset((@name@_state *)state, seed, episode);
@else@
    (void)seed;
    (void)episode;
    @name@_reset((@name@_state *)state);
@end@
}

int espalier_export_step(void *state, const void *input, float *output)
{
    return @name@_step((@name@_state *)state, (const @type@ *)input, output);
}

#ifdef __cplusplus
}
#endif
