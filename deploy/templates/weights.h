/* Constants of @name@.c, in the order in which its loops read them. */
#ifndef @NAME@_WEIGHTS_H
#define @NAME@_WEIGHTS_H

@weights@#endif
