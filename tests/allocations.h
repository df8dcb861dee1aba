/* Counts calls of the C library's allocator, from this program and from the libraries under it, by
 * wrapping it. Sanitizers bring their own allocator: with them nothing is counted. */
#ifndef ESP_TESTS_ALLOCATIONS_H
#define ESP_TESTS_ALLOCATIONS_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "sanitized.h"

#define COUNTS_ALLOCATIONS (!SANITIZED)

/* Calls while `counting`: all calls, and those made by code of this program rather than of a
 * library. */
static atomic_bool counting;
static atomic_long allocations, own_allocations;

static inline void start_counting(void)
{
    allocations = own_allocations = 0;
    counting = true;
}

/* Allocations in a part of the program with parallel regions. LLVM's OpenMP allocates in every
 * region, GCC's does not, so only the latter shows what libraries allocate. */
static inline long stop_counting(void)
{
    counting = false;
#ifdef __clang__
    return own_allocations;
#else
    return allocations;
#endif
}

#if COUNTS_ALLOCATIONS
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern char __executable_start, etext; /* where the linker put this program's code */

static inline void count_allocation(const void *caller)
{
    if (!counting) return;
    allocations++;
    if ((const char *)caller >= &__executable_start && (const char *)caller < &etext) own_allocations++;
}

void *malloc(size_t size)
{
    count_allocation(__builtin_return_address(0));
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    count_allocation(__builtin_return_address(0));
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    count_allocation(__builtin_return_address(0));
    return __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    count_allocation(__builtin_return_address(0));
    return __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size)
{
    count_allocation(__builtin_return_address(0));
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    count_allocation(__builtin_return_address(0));
    *block = __libc_memalign(alignment, size);
    return *block ? 0 : ENOMEM;
}
#endif

#endif
