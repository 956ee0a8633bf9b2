/* Where two people change seats, in plain C.

   Whole numbers only, and a counted stream of random words: kernel.py does the same steps in the same order, so
   that an answer does not depend on whether there was a compiler. No allocation, no global state, no libm. */

#include <stdint.h>

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

/* Everything of a table with one number for each pair. `chairs` are people, then empty chairs from `people` on. */
typedef struct {
    i32 chairs, groups, people, movers_n;
    const i32 *pull;   /* chairs x chairs */
    const i32 *movers; /* who may change seats */
    const i32 *mate;   /* the next of those who sit together, in a ring; itself when alone */
    const double *expo;/* 4096 quantiles of the exponential law */
    i32 *load;         /* groups x chairs */
    i32 *seats;
    i32 *spare;
    i32 *best_seats;
    const i32 *home;   /* the published seat, -1 for none; NULL when nobody counts moves */
    i64 *front;        /* the lowest cost without stays at each number of moves, NULL as above */
    i32 *front_seats;  /* as many rows as front */
    i64 cost, best_cost, stop_at;
    i32 front_n, stay, moved, unused;
    u64 seed, drawn;
} Table;

static inline i64 price(const Table *t, i32 u, i32 v)
{
    const i32 *la = t->load + (i64)t->seats[u] * t->chairs, *lb = t->load + (i64)t->seats[v] * t->chairs;
    return (i64)lb[u] - la[u] + la[v] - lb[v] - 2 * (i64)t->pull[(i64)u * t->chairs + v];
}

static inline int is_open(const Table *t, i32 u, i32 v)
{
    int u_empty = u >= t->people, v_empty = v >= t->people;
    if (u_empty == v_empty) return !u_empty;
    return t->spare[u_empty ? t->seats[v] : t->seats[u]] > 0;
}

static void change(Table *t, i32 u, i32 v, i64 delta)
{
    i32 a = t->seats[u], b = t->seats[v], n = t->chairs;
    const i32 *restrict pu = t->pull + (i64)u * n, *restrict pv = t->pull + (i64)v * n;
    i32 *restrict la = t->load + (i64)a * n, *restrict lb = t->load + (i64)b * n;
    for (i32 i = 0; i < n; i++) {
        i32 step = pv[i] - pu[i];
        la[i] += step;
        lb[i] -= step;
    }
    t->seats[u] = b;
    t->seats[v] = a;
    if ((u >= t->people) != (v >= t->people)) {
        i32 giver = u >= t->people ? b : a, taker = u >= t->people ? a : b;
        t->spare[giver]--;
        t->spare[taker]++;
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

/* A unit changes places with as many single people of v's group, those who follow v in the list. */
static void unit_change(Table *t, i32 u, i32 at, double limit)
{
    i32 hosts[64], ones[64], size = 1, found = 0, b = t->seats[t->movers[at]];
    ones[0] = u;
    for (i32 m = t->mate[u]; m != u; m = t->mate[m]) {
        if (size == 64) return;
        ones[size++] = m;
    }
    for (i32 k = 0; k < t->movers_n && found < size; k++) {
        i32 v = t->movers[at + k < t->movers_n ? at + k : at + k - t->movers_n];
        if (t->seats[v] == b && t->mate[v] == v && v < t->people) hosts[found++] = v;
    }
    if (found < size) return;
    i64 sum = 0;
    for (i32 k = 0; k < size; k++) {
        i64 delta = price(t, ones[k], hosts[k]);
        change(t, ones[k], hosts[k], delta);
        sum += delta;
    }
    if ((double)sum <= limit) {
        look(t);
        return;
    }
    for (i32 k = size - 1; k >= 0; k--) change(t, ones[k], hosts[k], price(t, ones[k], hosts[k]));
}

/* `count` proposals at one temperature; stops early at cost `stop_at`. Returns how many were judged. */
i64 walk(Table *t, const i32 *firsts, i32 firsts_n, double heat, i64 count)
{
    const i64 never = (i64)(heat * t->expo[0]) + 1;
    for (i64 k = 0; k < count; k++) {
        u64 z = word(t->seed, t->drawn++);
        i32 at = below(z & 0xFFFFFFFFu, t->movers_n);
        i32 u = firsts[below(z >> 32, firsts_n)], v = t->movers[at];
        if (t->seats[u] == t->seats[v]) continue;
        if (t->mate[u] != u) {
            unit_change(t, u, at, heat * t->expo[z & 4095]);
        } else {
            if (t->mate[v] != v) continue;
            i64 delta = price(t, u, v);
            if (delta >= never || !((double)delta <= heat * t->expo[z & 4095]) || !is_open(t, u, v)) continue;
            change(t, u, v, delta);
            look(t);
        }
        if (t->cost <= t->stop_at) return k + 1;
    }
    return count;
}

/* Rounds of groups of one size: the cost is how often pairs meet again. `seats` and `slots` are rounds x people,
   `held` rounds x groups x size (who sits there), `met` people x people. The first round never changes. */
typedef struct {
    i32 rounds, groups, size, unused;
    const double *expo;
    i32 *seats, *slots, *held, *met, *best_seats;
    i64 cost, best_cost;
    u64 seed, drawn;
} Rounds;

i64 walk_rounds(Rounds *t, double heat, i64 count)
{
    const i32 n = t->groups * t->size, size = t->size;
    for (i64 k = 0; k < count; k++) {
        u64 z = word(t->seed, t->drawn++);
        i32 r = 1 + below((z >> 12) & 0xFFFFF000u, t->rounds - 1);
        i32 u = below(z & 0xFFFFFFFFu, n), v = below(z >> 32, n);
        i32 *seats = t->seats + (i64)r * n, *slots = t->slots + (i64)r * n;
        i32 a = seats[u], b = seats[v];
        if (a == b) continue;
        i32 *ga = t->held + ((i64)r * t->groups + a) * size, *gb = t->held + ((i64)r * t->groups + b) * size;
        i32 *mu = t->met + (i64)u * n, *mv = t->met + (i64)v * n;
        i32 delta = 0;
        for (i32 s = 0; s < size; s++) {
            i32 x = ga[s], y = gb[s];
            if (x != u) delta += (mv[x] > 0) - (mu[x] > 1);
            if (y != v) delta += (mu[y] > 0) - (mv[y] > 1);
        }
        if (!((double)delta <= heat * t->expo[z & 4095])) continue;
        for (i32 s = 0; s < size; s++) {
            i32 x = ga[s], y = gb[s];
            if (x != u) {
                mu[x]--; t->met[(i64)x * n + u]--;
                mv[x]++; t->met[(i64)x * n + v]++;
            }
            if (y != v) {
                mv[y]--; t->met[(i64)y * n + v]--;
                mu[y]++; t->met[(i64)y * n + u]++;
            }
        }
        i32 su = slots[u], sv = slots[v];
        ga[su] = v; gb[sv] = u;
        slots[v] = su; slots[u] = sv;
        seats[u] = b; seats[v] = a;
        t->cost += delta;
        if (t->cost < t->best_cost) {
            t->best_cost = t->cost;
            for (i64 i = 0; i < (i64)t->rounds * n; i++) t->best_seats[i] = t->seats[i];
            if (t->cost == 0) return k + 1;
        }
    }
    return count;
}
