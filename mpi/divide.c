#include "mpi/divide.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    int ranks, cores;
    const bool *may; /* [ranks, cores] */
    bool *gets;      /* [ranks, cores] */
    int *group;      /* [ranks] the lowest rank of each one's group */
    int *owner;      /* [cores] rank that a round gives it to; -1: none; -2: given before */
    bool *seen;      /* [cores] scratch of one search */
} division;

static bool may(const division *d, int rank, int core)
{
    return d->may[(size_t)rank * (size_t)d->cores + (size_t)core];
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

/** Consecutive cores in equal parts, in the ranks' order; false when there are fewer than ranks. */
static bool deal_neighbours(division *d, int group)
{
    int members = 0, cores = 0, rank = group, left;
    for (int r = 0; r < d->ranks; r++)
        members += d->group[r] == group;
    for (int c = 0; c < d->cores; c++)
        cores += may(d, group, c);
    if (cores < members)
        return false;
    left = cores / members;
    for (int c = 0; c < d->cores && rank < d->ranks; c++) {
        if (!may(d, group, c))
            continue;
        give(d, rank, c);
        if (--left == 0) {
            left = cores / members;
            for (rank++; rank < d->ranks && d->group[rank] != group; rank++)
                ;
        }
    }
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
        enough = deal_neighbours(d, group);
    } else {
        enough = deal_round(d, group);
        while (enough && deal_round(d, group))
            ;
    }
    if (!enough)
        deal_shared(d, group);
    return enough;
}

cnn_status cnn_divide_cores(int ranks, int cores, const bool *may_use, bool *gets, bool *lacks)
{
    cnn_status st = CNN_OK;
    division d = {.ranks = ranks, .cores = cores, .may = may_use, .gets = gets};
    CNN_CHECK(ranks > 0 && cores > 0, CNN_EINVAL, "no ranks or no cores to divide");
    d.group = calloc((size_t)ranks, sizeof *d.group);
    d.owner = calloc((size_t)cores, sizeof *d.owner);
    d.seen = calloc((size_t)cores, sizeof *d.seen);
    CNN_CHECK(d.group && d.owner && d.seen, CNN_ENOMEM, "division of %d cores", cores);
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
    free(d.seen);
    return st;
}
