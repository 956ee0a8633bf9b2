/* Where two people change seats, in plain C.

   Whole numbers only, and a counted stream of random words: kernel.py does the same steps in the same order, so
   that an answer does not depend on whether there was a compiler, nor on how wide the machine's registers are.
   No allocation, no global state, no libm.

   A table's numbers are 32 bits wide, or 16 where all sums fit: then a register holds twice as many. */

#include "words.h"

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && defined(__GNUC__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#define WIDEST __attribute__((target("avx512f")))
#define NARROW __attribute__((target("avx512f,avx512bw")))
#include <immintrin.h>
#else
#define WIDE
#endif

enum { STRIP = 32, LIMITS = 4096, LINE = 16 };

/* What one person looks along: prices of leaving and joining by place, rows by chair, and a limit for each. */
typedef struct {
    const i32 *column, *place, *la, *own, *pull, *limits;
    i32 first, strips, start, turn, from;
} Row;

/* The first fit, counted from strip `start` on and around, and within each strip from `turn` on and around; as many as
   there are when nobody fits. */
WIDE static i32 any_first_fit(const Row *r)
{
    for (i32 j = 0, s = r->start; j < r->strips; j++, s = s + 1 < r->strips ? s + 1 : 0) {
        i32 over[STRIP], fits = 0, at = r->first + s * STRIP;
        const i32 *limit = r->limits + ((r->from + j * STRIP) & (LIMITS - 1));
        for (i32 k = 0; k < STRIP; k++) {
            over[k] = r->column[r->place[at + k]] + r->la[at + k] - r->own[at + k] - 2 * r->pull[at + k] - limit[k];
            fits |= over[k] <= 0;
        }
        for (i32 q = 0; fits && q < STRIP; q++)
            if (over[(r->turn + q) % STRIP] <= 0) return j * STRIP + q;
    }
    return r->strips * STRIP;
}

#ifdef WIDEST
/* The same where `column` has at most 32 numbers and two registers hold them. */
WIDEST static i32 widest_first_fit(const Row *r)
{
    const __m512i low = _mm512_loadu_si512(r->column), high = _mm512_loadu_si512(r->column + 16);
    for (i32 j = 0, s = r->start; j < r->strips; j++, s = s + 1 < r->strips ? s + 1 : 0) {
        const i32 *limit = r->limits + ((r->from + j * STRIP) & (LIMITS - 1));
        uint32_t fits = 0;
        for (i32 k = 0; k < STRIP; k += 16) {
            i32 at = r->first + s * STRIP + k;
            __m512i pull = _mm512_loadu_si512(r->pull + at);
            __m512i price = _mm512_permutex2var_epi32(low, _mm512_loadu_si512(r->place + at), high);
            price = _mm512_add_epi32(price, _mm512_loadu_si512(r->la + at));
            price = _mm512_sub_epi32(price, _mm512_loadu_si512(r->own + at));
            price = _mm512_sub_epi32(price, _mm512_add_epi32(pull, pull));
            fits |= (uint32_t)_mm512_cmple_epi32_mask(price, _mm512_loadu_si512(limit + k)) << k;
        }
        if (fits) return j * STRIP + __builtin_ctz(fits >> r->turn | fits << (-r->turn & 31));
    }
    return r->strips * STRIP;
}
#endif

static i32 first_fit(const Row *r, i32 columns)
{
#ifdef WIDEST
    if (columns <= 32 && __builtin_cpu_supports("avx512f")) return widest_first_fit(r);
#endif
    return any_first_fit(r);
}

#define CELL i32
#define NAME(x) x
#define QUICK WIDE
#include "seats.h"
#undef CELL
#undef NAME
#undef QUICK

#ifdef NARROW
typedef struct {
    const i16 *column, *place, *la, *own, *pull, *limits;
    i32 first, strips, start, turn, from;
} narrow_Row;

/* `column` has at most 64 numbers. Sums may pass 16 bits on the way; prices do not. */
NARROW static i32 narrow_first_fit(const narrow_Row *r, i32 columns)
{
    const __m512i low = _mm512_loadu_si512(r->column), high = _mm512_loadu_si512(r->column + 32);
    (void)columns;
    for (i32 j = 0, s = r->start; j < r->strips; j++, s = s + 1 < r->strips ? s + 1 : 0) {
        i32 at = r->first + s * STRIP;
        __m512i pull = _mm512_loadu_si512(r->pull + at);
        __m512i price = _mm512_permutex2var_epi16(low, _mm512_loadu_si512(r->place + at), high);
        price = _mm512_add_epi16(price, _mm512_loadu_si512(r->la + at));
        price = _mm512_sub_epi16(price, _mm512_loadu_si512(r->own + at));
        price = _mm512_sub_epi16(price, _mm512_add_epi16(pull, pull));
        uint32_t fits = _mm512_cmple_epi16_mask(price, _mm512_loadu_si512(r->limits + ((r->from + j * STRIP) & (LIMITS - 1))));
        if (fits) return j * STRIP + __builtin_ctz(fits >> r->turn | fits << (-r->turn & 31));
    }
    return r->strips * STRIP;
}

#define CELL i16
#define NAME(x) narrow_##x
#define QUICK NARROW
#include "seats.h"

/* Whether this processor walks tables of narrow numbers. */
i32 has_narrow(void) { return __builtin_cpu_supports("avx512bw") != 0; }
#else
i32 has_narrow(void) { return 0; }
#endif
