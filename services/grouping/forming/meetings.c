/* Where two people change seats in one of several rounds, for meetings.py, which does the same steps. */

#include "words.h"

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
