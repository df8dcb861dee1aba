/* @title@
 *
 * Made by espalier @version@ from @origin@.
@about@ *
 * C99 and C++17; allocates nothing, opens nothing, needs no library but libm. Everything that changes is in the
 * caller's state, so any number of controllers may run side by side.
 *
 *   @weight_bytes@ bytes of constants   @state_bytes@ bytes of state   @macs@ multiply-adds per step
 */
#ifndef @NAME@_H
#define @NAME@_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Identifies the network: results measured with it name the same hash. */
#define @NAME@_HASH "@hash@"

#define @NAME@_INPUTS @inputs@ /* @input_unit@ per step */
@if history@
#define @NAME@_HISTORY @history@ /* inputs that the network reads at once: the newest and those before it */
@end@
#define @NAME@_OUTPUTS @outputs@ /* numbers per step */

@if planner@
/* A stream of random numbers: key, number of the stream, position in it. */
typedef struct {
    uint32_t key[2], stream[2], block[2], word[4];
    int32_t  left;
} @name@_random;

@end@
/* One controller. @name@_reset prepares it; its members are of no use to anybody else. */
typedef struct {
@members@} @name@_state;

/* Call before the first step, and whenever the controlled system starts anew. */
@if planner@
/* seed and episode name the random numbers of the planner: equal names give equal plans. */
void @name@_reset(@name@_state *state, uint64_t seed, uint64_t episode);
@else@
void @name@_reset(@name@_state *state);
@end@

/* One control step.
 *
@input_note@@output_note@ *
 * Returns 0; 1 when an output is not a finite number, because an input was not: do not apply it. */
int @name@_step(@name@_state *state, const @type@ *input, float *output);

#ifdef __cplusplus
}
#endif
#endif
