/* Whole numbers and a counted stream of random words, for kernel.c and meetings.c. */

#include <stdint.h>

typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;
typedef uint64_t u64;

/* The k-th word of the stream `seed`: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators",
   OOPSLA 2014. */
static inline u64 word(u64 seed, u64 k)
{
    u64 z = seed + (k + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline i32 below(u64 bits32, i32 n) { return (i32)((bits32 * (u64)n) >> 32); }
