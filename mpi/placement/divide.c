/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/placement/divide.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    int ranks, cores;
    const bool *may;  /* [ranks, cores] */
    const bool *near; /* [ranks, cores] or NULL */
    bool *gets;       /* [ranks, cores] */
    int *group;       /* [ranks] the lowest rank of each one's group */
    int *owner;       /* [cores] rank that a round gives it to; -1: none; -2: given before */
    int *count;       /* [ranks] scratch: cores that each has */
    bool *seen;       /* [cores] scratch of one search */
} division;

static bool may(const division *d, int rank, int core)
{
    return d->may[(size_t)rank * (size_t)d->cores + (size_t)core];
}

static bool is_near(const division *d, int rank, int core)
{
    return d->near && d->near[(size_t)rank * (size_t)d->cores + (size_t)core];
}

static void give(division *d, int rank, int core)
{
    d->gets[(size_t)rank * (size_t)d->cores + (size_t)core] = true;
}

static bool overlap(const division *d, int a, int b)
{
    for (int c = 0; c < d->cores; c++)
        if (may(d, a, c) && may(d, b, c))
            return true;
    return false;
}

static void find_groups(division *d)
{
    for (int r = 0; r < d->ranks; r++)
        d->group[r] = r;
    for (int a = 0; a < d->ranks; a++)
        for (int b = 0; b < a; b++) {
            const int from = d->group[a] > d->group[b] ? d->group[a] : d->group[b];
            const int to = d->group[a] + d->group[b] - from;
            for (int r = 0; from != to && overlap(d, a, b) && r < d->ranks; r++)
                if (d->group[r] == from)
                    d->group[r] = to;
        }
}

/** Finds a free core for a rank, moving others to other cores of theirs where that helps
 * (augmenting path of a bipartite matching). */
static bool find_core(division *d, int rank)
{
    for (int c = 0; c < d->cores; c++) {
        if (!may(d, rank, c) || d->seen[c] || d->owner[c] == -2)
            continue;
        d->seen[c] = true;
        if (d->owner[c] < 0 || find_core(d, d->owner[c])) {
            d->owner[c] = rank;
            return true;
        }
    }
    return false;
}

/** One more core for every rank of the group; false when there are not enough left. */
static bool deal_round(division *d, int group)
{
    for (int r = 0; r < d->ranks; r++) {
        memset(d->seen, 0, (size_t)d->cores * sizeof *d->seen);
        if (d->group[r] == group && !find_core(d, r))
            return false;
    }
    for (int c = 0; c < d->cores; c++) {
        if (d->owner[c] >= 0) {
            give(d, d->owner[c], c);
            d->owner[c] = -2;
        }
    }
    return true;
}

static bool all_alike(const division *d, int group)
{
    const size_t row = (size_t)d->cores;
    for (int r = 0; r < d->ranks; r++)
        if (d->group[r] == group &&
            memcmp(d->may + (size_t)r * row, d->may + (size_t)group * row, row) != 0)
            return false;
    return true;
}

/** Whether some of a rank's cores are nearer its GPU than others. */
static bool prefers(const division *d, int rank)
{
    int near = 0, all = 0;
    for (int c = 0; c < d->cores; c++) {
        all += may(d, rank, c);
        near += may(d, rank, c) && is_near(d, rank, c);
    }
    return near > 0 && near < all;
}

static bool near_the_same(const division *d, int a, int b)
{
    const size_t row = (size_t)d->cores;
    return memcmp(d->near + (size_t)a * row, d->near + (size_t)b * row, row) == 0;
}

/** Gives a rank up to `most` free cores in their order, only near ones if so asked. */
static int take_free(division *d, int rank, int most, bool near_only)
{
    int taken = 0;
    for (int c = 0; c < d->cores && taken < most; c++) {
        if (!may(d, rank, c) || d->owner[c] != -1 || (near_only && !is_near(d, rank, c)))
            continue;
        give(d, rank, c);
        d->owner[c] = -2;
        taken++;
    }
    return taken;
}

/** A rank's equal share of the cores near it, among those of its group that are near the same. */
static int near_share(const division *d, int rank)
{
    int cores = 0, ranks = 0;
    for (int c = 0; c < d->cores; c++)
        cores += may(d, rank, c) && is_near(d, rank, c);
    for (int r = 0; r < d->ranks; r++)
        ranks += d->group[r] == d->group[rank] && near_the_same(d, r, rank);
    return cores / ranks;
}

/** Equal parts of the cores that all ranks of the group have, near ones first, else neighbouring
 *  ones in the ranks' order; false when there are fewer than ranks. */
static bool deal_alike(division *d, int group)
{
    int members = 0, cores = 0;
    int *has = d->count;
    for (int r = 0; r < d->ranks; r++)
        members += d->group[r] == group;
    for (int c = 0; c < d->cores; c++)
        cores += may(d, group, c);
    if (cores < members)
        return false;
    const int part = cores / members;
    for (int r = 0; r < d->ranks; r++) {
        has[r] = 0;
        if (d->group[r] == group && prefers(d, r)) {
            const int share = near_share(d, r);
            has[r] = take_free(d, r, share < part ? share : part, true);
        }
    }
    for (int r = 0; r < d->ranks; r++)
        if (d->group[r] == group)
            take_free(d, r, part - has[r], false);
    return true;
}

/** One core each, the one that the fewest have. */
static void deal_shared(division *d, int group)
{
    int *users = d->owner; /* counts now; deal() puts it back */
    memset(users, 0, (size_t)d->cores * sizeof *users);
    for (int r = 0; r < d->ranks; r++) {
        int best = -1;
        for (int c = 0; d->group[r] == group && c < d->cores; c++)
            if (may(d, r, c) && (best < 0 || users[c] < users[best]))
                best = c;
        if (best >= 0) {
            give(d, r, best);
            users[best]++;
        }
    }
}

/** False when the group has fewer cores than ranks. */
static bool deal(division *d, int group)
{
    bool enough;
    for (int c = 0; c < d->cores; c++)
        d->owner[c] = -1;
    if (all_alike(d, group)) {
        enough = deal_alike(d, group);
    } else {
        enough = deal_round(d, group);
        while (enough && deal_round(d, group))
            ;
    }
    if (!enough)
        deal_shared(d, group);
    return enough;
}

cnn_status cnn_divide_cores(int ranks, int cores, const bool *may_use, const bool *near, bool *gets,
                            bool *lacks)
{
    cnn_status st = CNN_OK;
    division d = {.ranks = ranks, .cores = cores, .may = may_use, .near = near, .gets = gets};
    CNN_CHECK(ranks > 0 && cores > 0, CNN_EINVAL, "no ranks or no cores to divide");
    d.group = calloc((size_t)ranks, sizeof *d.group);
    d.owner = calloc((size_t)cores, sizeof *d.owner);
    d.count = calloc((size_t)ranks, sizeof *d.count);
    d.seen = calloc((size_t)cores, sizeof *d.seen);
    CNN_CHECK(d.group && d.owner && d.count && d.seen, CNN_ENOMEM, "division of %d cores", cores);
    memset(gets, 0, (size_t)ranks * (size_t)cores * sizeof *gets);
    memset(lacks, 0, (size_t)ranks * sizeof *lacks);
    find_groups(&d);
    for (int group = 0; group < ranks; group++) {
        if (d.group[group] != group || deal(&d, group))
            continue;
        for (int r = 0; r < ranks; r++)
            lacks[r] = lacks[r] || d.group[r] == group;
    }
done:
    free(d.group);
    free(d.owner);
    free(d.count);
    free(d.seen);
    return st;
}
