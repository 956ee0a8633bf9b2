/* A table of chairs and what happens at it, for numbers of type CELL; kernel.c reads this once for each width, with what
   it says beforehand of rows and of their first fit. */

/* Everything of a table with one number for each pair. Chairs are people, then empty chairs from `people` on; those
   before `tied` never change, those before `free` only with all who are kept together with them. Rows are `stride`
   long: whole strips from `free` on, which begins a line of the cache. */
typedef struct {
    i32 chairs, stride, groups, people, tied, free, front_n, stay;
    i32 closed;        /* dearer than any price can make good */
    i32 highest;       /* no limit is above it, nor any price of people who may share a group */
    const CELL *pull;  /* chairs x stride */
    const i32 *mate;   /* the next of those who sit together, in a ring; itself when alone */
    const double *expo;/* LIMITS quantiles of the exponential law */
    CELL *load;        /* groups x stride */
    CELL *own;         /* the load of each chair in the group it is in */
    CELL *seats;
    CELL *place;       /* the group of who may change; `groups` for others, 1 + groups + group for an empty chair */
    i32 *spare;
    i32 *best_seats;
    const i32 *home;   /* the published seat, -1 for none; NULL when nobody counts moves */
    i64 *front;        /* the lowest cost without stays at each number of moves, NULL as above */
    i32 *front_seats;  /* as many rows as front */
    CELL *limits;      /* LIMITS and a strip more: what each proposal in turn may cost at `heat` */
    double heat;
    i64 cost, best_cost, stop_at, changed, moved;
    u64 seed, drawn;
} NAME(Table);

static inline i64 NAME(price)(const NAME(Table) *t, i32 u, i32 v)
{
    const CELL *la = t->load + (i64)t->seats[u] * t->stride, *lb = t->load + (i64)t->seats[v] * t->stride;
    return (i64)lb[u] - la[u] + la[v] - lb[v] - 2 * (i64)t->pull[(i64)u * t->stride + v];
}

QUICK static void NAME(shift)(i32 n, CELL a, CELL b, const CELL *restrict pu, const CELL *restrict pv,
                              const CELL *restrict seats, CELL *restrict la, CELL *restrict lb, CELL *restrict own)
{
    for (i32 i = 0; i < n; i++) {
        CELL step = pv[i] - pu[i];
        la[i] += step;
        lb[i] -= step;
        own[i] += (seats[i] == a ? step : 0) - (seats[i] == b ? step : 0);
    }
}

static void NAME(change)(NAME(Table) *t, i32 u, i32 v, i64 delta)
{
    i32 a = t->seats[u], b = t->seats[v], n = t->stride;
    CELL *la = t->load + (i64)a * n, *lb = t->load + (i64)b * n;
    NAME(shift)(n, a, b, t->pull + (i64)u * n, t->pull + (i64)v * n, t->seats, la, lb, t->own);
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

static void NAME(look)(NAME(Table) *t)
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
static i64 NAME(unit_price)(const NAME(Table) *t, const i32 *ones, const i32 *hosts, i32 size)
{
    i64 sum = 0;
    for (i32 k = 0; k < size; k++) {
        const CELL *one = t->pull + (i64)ones[k] * t->stride, *host = t->pull + (i64)hosts[k] * t->stride;
        sum += NAME(price)(t, ones[k], hosts[k]);
        for (i32 m = 0; m < k; m++)
            sum += 2 * ((i64)one[ones[m]] - one[hosts[m]] + host[hosts[m]] - host[ones[m]]);
    }
    return sum;
}

/* A unit changes places with as many single people of v's group, those who follow v. */
static void NAME(unit_change)(NAME(Table) *t, i32 u, i32 v, i64 limit)
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
    i64 sum = NAME(unit_price)(t, ones, hosts, size);
    if (sum > limit) return;
    for (i32 k = 0; k < size; k++) NAME(change)(t, ones[k], hosts[k], k ? 0 : sum);
    NAME(look)(t);
}

/* One person with everybody in turn, from some chair on and around; the first change whose price is at most its
   limit happens. Returns how many were judged, `most` at most. */
static i64 NAME(row)(NAME(Table) *t, i32 u, u64 bits, i32 from, i64 most)
{
    i32 a = t->seats[u], n = t->stride, groups = t->groups, empty = t->people < t->chairs;
    i32 open = t->chairs - t->free, first = t->free;
    CELL column[2 * groups + 2 + 2 * STRIP];
    const CELL *la = t->load + (i64)a * n;
    NAME(Row) r = {column, t->place, la, t->own, t->pull + (i64)u * n, t->limits, first, (open + STRIP - 1) / STRIP, 0, 0, from};
    r.start = below(bits, r.strips);
    r.turn = bits & (STRIP - 1);
    for (i32 g = 0; g < groups; g++) column[g] = t->load[(i64)g * n + u] - la[u];
    column[a] = column[groups] = t->closed;
    if (empty)
        for (i32 g = 0; g < groups; g++) column[groups + 1 + g] = t->spare[a] > 0 ? column[g] : t->closed;
    i32 at = NAME(first_fit)(&r, (1 + empty) * (groups + 1));
    if (at >= most) return most;
    if (at >= r.strips * STRIP) return open;
    i32 v = first + (r.start + at / STRIP) % r.strips * STRIP + (r.turn + at) % STRIP;
    NAME(change)(t, u, v, (i64)column[t->place[v]] + la[v] - t->own[v] - 2 * r.pull[v]);
    NAME(look)(t);
    t->changed++;
    return at < open ? at + 1 : open;
}

QUICK static void NAME(set_heat)(NAME(Table) *t, double heat)
{
    for (i32 k = 0; k < LIMITS + STRIP; k++) {
        double limit = heat * t->expo[k & (LIMITS - 1)];
        t->limits[k] = (CELL)(limit < t->highest ? limit : t->highest);
    }
    t->heat = heat;
}

/* `count` proposals at one temperature, row after row; stops early at cost `stop_at`. Returns how many were judged. */
i64 NAME(walk)(NAME(Table) *t, const i32 *firsts, i32 firsts_n, double heat, i64 count)
{
    i64 judged = 0;
    if (heat != t->heat) NAME(set_heat)(t, heat);
    while (judged < count) {
        u64 z = word(t->seed, t->drawn++);
        i32 k = below(z & 0xFFFFFFFFu, firsts ? firsts_n : t->people - t->tied), from = z & (LIMITS - 1);
        i32 u = firsts ? firsts[k] : t->tied + k;
        if (t->mate[u] == u) {
            judged += NAME(row)(t, u, z >> 32, from & -LINE, count - judged);
        } else {
            i32 v = t->free + below(z >> 32, t->people - t->free);
            if (t->seats[u] != t->seats[v]) NAME(unit_change)(t, u, v, t->limits[from]);
            judged++;
        }
        if (t->cost <= t->stop_at) break;
    }
    return judged;
}
