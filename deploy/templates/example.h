/* @example_title@ */
#ifndef @NAME@_EXAMPLE_H
#define @NAME@_EXAMPLE_H

#include "@name@.h"

#define @NAME@_EXAMPLE_STEPS @steps@

static const @type@ @name@_example_input[@NAME@_EXAMPLE_STEPS][@NAME@_INPUTS] = {
@example_inputs@};

static const float @name@_example_output[@NAME@_EXAMPLE_STEPS][@NAME@_OUTPUTS] = {
@example_outputs@};

#endif
