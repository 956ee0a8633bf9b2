/* Where two people change seats, in plain C.

   Whole numbers only, and a counted stream of random words: kernel.py does the same steps in the same order, so
   that an answer does not depend on whether there was a compiler, nor on how wide the machine's registers are.
   No allocation, no global state, no libm. */

#include "words.h"

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && defined(__GNUC__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#define WIDEST __attribute__((target("avx512f")))
#include <immintrin.h>
#else
#define WIDE
#endif

enum { STRIP = 32, LIMITS = 4096, LINE = 16 };

static const i32 CLOSED = 1 << 30; /* dearer than any price can make good */

/* Everything of a table with one number for each pair. Chairs are people, then empty chairs from `people` on; those
   before `tied` never change, those before `free` only with all who are kept together with them. Rows are `stride`
   long: whole strips from `free` on, which begins a line of the cache. */
typedef struct {
    i32 chairs, stride, groups, people, tied, free, front_n, stay;
    const i32 *pull;   /* chairs x stride */
    const i32 *mate;   /* the next of those who sit together, in a ring; itself when alone */
    const double *expo;/* LIMITS quantiles of the exponential law */
    i32 *load;         /* groups x stride */
    i32 *own;          /* the load of each chair in the group it is in */
    i32 *seats;
    i32 *place;        /* the group of who may change; `groups` for others, 1 + groups + group for an empty chair */
    i32 *spare;
    i32 *best_seats;
    const i32 *home;   /* the published seat, -1 for none; NULL when nobody counts moves */
    i64 *front;        /* the lowest cost without stays at each number of moves, NULL as above */
    i32 *front_seats;  /* as many rows as front */
    i32 *limits;       /* LIMITS and a strip more: what each proposal in turn may cost at `heat` */
    double heat;
    i64 cost, best_cost, stop_at, changed, moved;
    u64 seed, drawn;
} Table;

static inline i64 price(const Table *t, i32 u, i32 v)
{
    const i32 *la = t->load + (i64)t->seats[u] * t->stride, *lb = t->load + (i64)t->seats[v] * t->stride;
    return (i64)lb[u] - la[u] + la[v] - lb[v] - 2 * (i64)t->pull[(i64)u * t->stride + v];
}

WIDE static void shift(i32 n, i32 a, i32 b, const i32 *restrict pu, const i32 *restrict pv, const i32 *restrict seats,
                       i32 *restrict la, i32 *restrict lb, i32 *restrict own)
{
    for (i32 i = 0; i < n; i++) {
        i32 step = pv[i] - pu[i];
        la[i] += step;
        lb[i] -= step;
        own[i] += (seats[i] == a ? step : 0) - (seats[i] == b ? step : 0);
    }
}

static void change(Table *t, i32 u, i32 v, i64 delta)
{
    i32 a = t->seats[u], b = t->seats[v], n = t->stride;
    i32 *la = t->load + (i64)a * n, *lb = t->load + (i64)b * n;
    shift(n, a, b, t->pull + (i64)u * n, t->pull + (i64)v * n, t->seats, la, lb, t->own);
    t->seats[u] = b;
    t->seats[v] = a;
    t->own[u] = lb[u];
    t->own[v] = la[v];
    if (u >= t->free) t->place[u] = b;
    t->place[v] = a;
    if (v >= t->people) {
        t->place[v] += t->groups + 1;
        t->spare[a]--;
        t->spare[b]++;
    }
    if (t->home) {
        i32 hu = t->home[u], hv = t->home[v];
        t->moved += (hu >= 0) * ((hu != b) - (hu != a)) + (hv >= 0) * ((hv != a) - (hv != b));
    }
    t->cost += delta;
}

static void look(Table *t)
{
    if (t->cost < t->best_cost) {
        t->best_cost = t->cost;
        for (i32 i = 0; i < t->chairs; i++) t->best_seats[i] = t->seats[i];
    }
    if (t->home && t->moved < t->front_n) {
        i64 bare = t->cost - t->stay * t->moved;
        if (bare < t->front[t->moved]) {
            i32 *row = t->front_seats + (i64)t->moved * t->chairs;
            t->front[t->moved] = bare;
            for (i32 i = 0; i < t->chairs; i++) row[i] = t->seats[i];
        }
    }
}

/* What it costs when `ones`, of one group, change places with `hosts` of another: one after the other, and what those
   before have changed by then. Nothing is moved for it, for most units stay where they are. */
static i64 unit_price(const Table *t, const i32 *ones, const i32 *hosts, i32 size)
{
    i64 sum = 0;
    for (i32 k = 0; k < size; k++) {
        const i32 *one = t->pull + (i64)ones[k] * t->stride, *host = t->pull + (i64)hosts[k] * t->stride;
        sum += price(t, ones[k], hosts[k]);
        for (i32 m = 0; m < k; m++)
            sum += 2 * ((i64)one[ones[m]] - one[hosts[m]] + host[hosts[m]] - host[ones[m]]);
    }
    return sum;
}

/* A unit changes places with as many single people of v's group, those who follow v. */
static void unit_change(Table *t, i32 u, i32 v, i64 limit)
{
    i32 hosts[64], ones[64], size = 1, found = 0, b = t->seats[v], free = t->free, people = t->people;
    ones[0] = u;
    for (i32 m = t->mate[u]; m != u; m = t->mate[m]) {
        if (size == 64) return;
        ones[size++] = m;
    }
    for (i32 k = 0; k < people - free && found < size; k++) {
        i32 host = v + k < people ? v + k : v + k - (people - free);
        if (t->seats[host] == b && t->mate[host] == host) hosts[found++] = host;
    }
    if (found < size) return;
    i64 sum = unit_price(t, ones, hosts, size);
    if (sum > limit) return;
    for (i32 k = 0; k < size; k++) change(t, ones[k], hosts[k], k ? 0 : sum);
    look(t);
}

/* What one person looks along: prices of leaving and joining by place, rows by chair, and a limit for each. */
typedef struct {
    const i32 *column, *place, *la, *own, *pull, *limits;
    i32 first, strips, start, turn, from;
} Row;

/* The first fit, counted from strip `start` on and around, and within each strip from `turn` on and around; as many as
   there are when nobody fits. */
WIDE static i32 first_fit(const Row *r)
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
WIDEST static i32 first_fit_widest(const Row *r)
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

/* One person with everybody in turn, from some chair on and around; the first change whose price is at most its
   limit happens. Returns how many were judged, `most` at most. */
static i64 row(Table *t, i32 u, u64 bits, i32 from, i64 most)
{
    i32 a = t->seats[u], n = t->stride, groups = t->groups, empty = t->people < t->chairs;
    i32 column[2 * groups + 2 + STRIP], open = t->chairs - t->free, first = t->free;
    const i32 *la = t->load + (i64)a * n;
    Row r = {column, t->place, la, t->own, t->pull + (i64)u * n, t->limits, first, (open + STRIP - 1) / STRIP, 0, 0, from};
    r.start = below(bits, r.strips);
    r.turn = bits & (STRIP - 1);
    for (i32 g = 0; g < groups; g++) column[g] = t->load[(i64)g * n + u] - la[u];
    column[a] = column[groups] = CLOSED;
    if (empty)
        for (i32 g = 0; g < groups; g++) column[groups + 1 + g] = t->spare[a] > 0 ? column[g] : CLOSED;
#ifdef WIDEST
    i32 at = (1 + empty) * (groups + 1) <= 32 && __builtin_cpu_supports("avx512f") ? first_fit_widest(&r) : first_fit(&r);
#else
    i32 at = first_fit(&r);
#endif
    if (at >= most) return most;
    if (at >= r.strips * STRIP) return open;
    i32 v = first + (r.start + at / STRIP) % r.strips * STRIP + (r.turn + at) % STRIP;
    change(t, u, v, column[t->place[v]] + la[v] - t->own[v] - 2 * r.pull[v]);
    look(t);
    t->changed++;
    return at < open ? at + 1 : open;
}

WIDE static void set_heat(Table *t, double heat)
{
    const double top = CLOSED / 4;
    for (i32 k = 0; k < LIMITS + STRIP; k++) {
        double limit = heat * t->expo[k & (LIMITS - 1)];
        t->limits[k] = (i32)(limit < top ? limit : top);
    }
    t->heat = heat;
}

/* `count` proposals at one temperature, row after row; stops early at cost `stop_at`. Returns how many were judged. */
i64 walk(Table *t, const i32 *firsts, i32 firsts_n, double heat, i64 count)
{
    i64 judged = 0;
    if (heat != t->heat) set_heat(t, heat);
    while (judged < count) {
        u64 z = word(t->seed, t->drawn++);
        i32 k = below(z & 0xFFFFFFFFu, firsts ? firsts_n : t->people - t->tied), from = z & (LIMITS - 1);
        i32 u = firsts ? firsts[k] : t->tied + k;
        if (t->mate[u] == u) {
            judged += row(t, u, z >> 32, from & -LINE, count - judged);
        } else {
            i32 v = t->free + below(z >> 32, t->people - t->free);
            if (t->seats[u] != t->seats[v]) unit_change(t, u, v, t->limits[from]);
            judged++;
        }
        if (t->cost <= t->stop_at) break;
    }
    return judged;
}
