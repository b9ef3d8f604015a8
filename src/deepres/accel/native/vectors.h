/* As many floats as this processor works on at once, wherever they lie. */
#include <stddef.h>
#include <stdlib.h>

#ifndef LANES
#ifdef __AVX512F__
#define LANES 16
#else
#define LANES 8
#endif
#endif

typedef float vec __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int lanes __attribute__((vector_size(4 * LANES), aligned(4)));
#define IN(place) (*(const vec *)(place))
#define OUT(place) (*(vec *)(place))
#define INLINE static inline __attribute__((always_inline))

INLINE float *space(size_t floats) {
    return aligned_alloc(64, (floats * sizeof(float) + 63) / 64 * 64);
}
