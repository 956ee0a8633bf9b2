/* Rounds that turn into one another, for turning.py, which does the same steps. */

#include "words.h"

/* `order` turns act on people. A free round is seated like any other and stands for `order` rounds; a fixed round is
   one group with a person of each orbit, which turns into the others, so it stands for itself (people are then
   orbit * order + place, and nobody stands still). `kinds` is people x people: the orbit of a pair. A base group that
   holds a pair of a kind makes `order` meetings of it, of which the first time `first[kind]` are repeats, and then
   all. `met` counts how often base groups hold a kind. `seats`, `slots` are free x people, `held` free x groups x
   size, `rows` fixed x size. */
typedef struct {
    i32 free, fixed, groups, size, order, unused;
    const double *expo;
    const i32 *kinds, *first;
    i32 *seats, *slots, *held, *rows, *met;
    i64 cost;
    u64 seed, drawn;
} Turning;

/* Who leaves a base group, and who comes: what the repeats change by. */
static i32 leave(Turning *t, const i32 *group, i32 who)
{
    const i32 *kinds = t->kinds + (i64)who * t->groups * t->size;
    i32 delta = 0;
    for (i32 s = 0; s < t->size; s++)
        if (group[s] != who) delta -= --t->met[kinds[group[s]]] > 0 ? t->order : t->first[kinds[group[s]]];
    return delta;
}

static i32 come(Turning *t, const i32 *group, i32 instead, i32 who)
{
    const i32 *kinds = t->kinds + (i64)who * t->groups * t->size;
    i32 delta = 0;
    for (i32 s = 0; s < t->size; s++)
        if (group[s] != instead) delta += t->met[kinds[group[s]]]++ > 0 ? t->order : t->first[kinds[group[s]]];
    return delta;
}

static void back(Turning *t, const i32 *group, i32 was, i32 tried)
{
    const i32 *of_was = t->kinds + (i64)was * t->groups * t->size;
    const i32 *of_tried = t->kinds + (i64)tried * t->groups * t->size;
    for (i32 s = 0; s < t->size; s++)
        if (group[s] != was) {
            t->met[of_tried[group[s]]]--;
            t->met[of_was[group[s]]]++;
        }
}

i64 walk_turning(Turning *t, double heat, i64 count)
{
    const i32 n = t->groups * t->size, size = t->size;
    for (i64 k = 0; k < count; k++) {
        u64 z = word(t->seed, t->drawn++);
        i32 place = below((z >> 12) & 0xFFFFF000u, t->free * n + t->fixed * size);
        i32 u = below(z & 0xFFFFFFFFu, n), v = below(z >> 32, n);
        double most = heat * t->order * t->expo[z & 4095];
        i32 delta;
        if (place < t->free * n) {
            i32 r = place / n, *seats = t->seats + (i64)r * n, *slots = t->slots + (i64)r * n;
            i32 a = seats[u], b = seats[v];
            if (a == b) continue;
            i32 *ga = t->held + ((i64)r * t->groups + a) * size, *gb = t->held + ((i64)r * t->groups + b) * size;
            delta = leave(t, ga, u);
            delta += leave(t, gb, v);
            delta += come(t, ga, u, v);
            delta += come(t, gb, v, u);
            if (!((double)delta <= most)) {
                back(t, ga, u, v);
                back(t, gb, v, u);
                continue;
            }
            i32 su = slots[u], sv = slots[v];
            ga[su] = v; gb[sv] = u;
            slots[v] = su; slots[u] = sv;
            seats[u] = b; seats[v] = a;
        } else {
            i32 *row = t->rows + (i64)((place - t->free * n) / size) * size, was = row[u / t->order];
            if (was == u) continue;
            delta = leave(t, row, was);
            delta += come(t, row, was, u);
            if (!((double)delta <= most)) {
                back(t, row, was, u);
                continue;
            }
            row[u / t->order] = u;
        }
        t->cost += delta;
        if (t->cost == 0) return k + 1;
    }
    return count;
}
