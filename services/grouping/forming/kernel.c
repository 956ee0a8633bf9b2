/* Where two people change seats, in plain C.

   Whole numbers only, and a counted stream of random words: kernel.py does the same steps in the same order, so
   that an answer does not depend on whether there was a compiler, nor on how wide the machine's registers are.
   No allocation, no global state, no libm. */

#include "words.h"

#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GLIBC__) && defined(__GNUC__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif

enum { STRIP = 32, LIMITS = 4096 };

static const i32 CLOSED = 1 << 30; /* dearer than any price can make good */

/* Everything of a table with one number for each pair. Chairs are people, then empty chairs from `people` on; those
   before `tied` never change, those before `free` only with all who are kept together with them. */
typedef struct {
    i32 chairs, groups, people, tied, free, front_n;
    const i32 *pull;   /* chairs x chairs */
    const i32 *mate;   /* the next of those who sit together, in a ring; itself when alone */
    const double *expo;/* LIMITS quantiles of the exponential law */
    i32 *load;         /* groups x chairs */
    i32 *own;          /* the load of each chair in the group it is in */
    i32 *seats;
    i32 *spare;
    i32 *best_seats;
    const i32 *home;   /* the published seat, -1 for none; NULL when nobody counts moves */
    i64 *front;        /* the lowest cost without stays at each number of moves, NULL as above */
    i32 *front_seats;  /* as many rows as front */
    i32 *limits;       /* LIMITS and a strip more: what each proposal in turn may cost at `heat` */
    double heat;
    i64 cost, best_cost, stop_at, changed;
    i32 stay, moved;
    u64 seed, drawn;
} Table;

static inline i64 price(const Table *t, i32 u, i32 v)
{
    const i32 *la = t->load + (i64)t->seats[u] * t->chairs, *lb = t->load + (i64)t->seats[v] * t->chairs;
    return (i64)lb[u] - la[u] + la[v] - lb[v] - 2 * (i64)t->pull[(i64)u * t->chairs + v];
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
    i32 a = t->seats[u], b = t->seats[v], n = t->chairs;
    i32 *la = t->load + (i64)a * n, *lb = t->load + (i64)b * n;
    shift(n, a, b, t->pull + (i64)u * n, t->pull + (i64)v * n, t->seats, la, lb, t->own);
    t->seats[u] = b;
    t->seats[v] = a;
    t->own[u] = lb[u];
    t->own[v] = la[v];
    if (v >= t->people) {
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
        i64 bare = t->cost - (i64)t->stay * t->moved;
        if (bare < t->front[t->moved]) {
            i32 *row = t->front_seats + (i64)t->moved * t->chairs;
            t->front[t->moved] = bare;
            for (i32 i = 0; i < t->chairs; i++) row[i] = t->seats[i];
        }
    }
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
    i64 sum = 0;
    for (i32 k = 0; k < size; k++) {
        i64 delta = price(t, ones[k], hosts[k]);
        change(t, ones[k], hosts[k], delta);
        sum += delta;
    }
    if (sum <= limit) {
        look(t);
        return;
    }
    for (i32 k = size - 1; k >= 0; k--) change(t, ones[k], hosts[k], price(t, ones[k], hosts[k]));
}

/* The first of v = 0 .. n-1 that u may change with, each against a limit of its own; n when there is none. */
WIDE static i32 first_fit(i32 n, const i32 *restrict column, const i32 *restrict seats, const i32 *restrict la,
                          const i32 *restrict own, const i32 *restrict pull, const i32 *restrict limits, i32 from)
{
    i32 v = 0;
    for (; v + STRIP <= n; v += STRIP) {
        i32 over[STRIP], fits = 0;
        const i32 *limit = limits + ((from + v) & (LIMITS - 1));
        for (i32 k = 0; k < STRIP; k++) {
            over[k] = column[seats[v + k]] + la[v + k] - own[v + k] - 2 * pull[v + k] - limit[k];
            fits |= over[k] <= 0;
        }
        if (fits)
            for (i32 k = 0;; k++)
                if (over[k] <= 0) return v + k;
    }
    for (; v < n; v++)
        if (column[seats[v]] + la[v] - own[v] - 2 * pull[v] <= limits[(from + v) & (LIMITS - 1)]) break;
    return v;
}

/* One person with everybody in turn, from some chair on and around; the first change whose price is at most its
   limit happens. Returns how many were judged, `most` at most. */
static i64 row(Table *t, i32 u, u64 bits, i32 from, i64 most)
{
    i32 a = t->seats[u], n = t->chairs, end = t->spare[a] > 0 ? n : t->people, judged = 0;
    i32 start = t->free + below(bits, end - t->free);
    i32 width = most < end - t->free ? (i32)most : end - t->free;
    const i32 *la = t->load + (i64)a * n, *pull = t->pull + (i64)u * n;
    i32 column[t->groups];
    for (i32 g = 0; g < t->groups; g++) column[g] = t->load[(i64)g * n + u] - la[u];
    column[a] = CLOSED;
    while (judged < width) {
        i32 at = judged ? t->free : start, length = end - at < width - judged ? end - at : width - judged;
        i32 v = first_fit(length, column, t->seats + at, la + at, t->own + at, pull + at, t->limits, from + judged);
        judged += v;
        if (v < length) {
            v += at;
            change(t, u, v, column[t->seats[v]] + la[v] - t->own[v] - 2 * pull[v]);
            look(t);
            t->changed++;
            return judged + 1;
        }
    }
    return judged;
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
            judged += row(t, u, z >> 32, from, count - judged);
        } else {
            i32 v = t->free + below(z >> 32, t->people - t->free);
            if (t->seats[u] != t->seats[v]) unit_change(t, u, v, t->limits[from]);
            judged++;
        }
        if (t->cost <= t->stop_at) break;
    }
    return judged;
}
