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

/* One controller. @name@_reset prepares it; its members are of no use to anybody else. */
typedef struct {
@members@} @name@_state;

/* Call before the first step, and whenever the controlled system starts anew. */
void @name@_reset(@name@_state *state);

/* One control step.
 *
@input_note@@output_note@ *
 * Returns 0; 1 when an output is not a finite number, because an input was not: do not apply it. */
int @name@_step(@name@_state *state, const @type@ *input, float *output);

#ifdef __cplusplus
}
#endif
#endif
