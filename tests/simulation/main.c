/* SPDX-License-Identifier: Apache-2.0 */
/** Plays worlds in which dispatcher, workers, dealing, quarantine and resume work on simulated mail,
 *  clocks, trainers and disks, and stops at the first one in which an invariant is broken.
 *
 *  usage: worlds [--from SEED] [--count N] [--seed SEED] [--trace]
 *  --seed plays one world, --trace prints what happens in it. */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_tally(const sim_tally *t)
{
#define PRINT(name) printf("%-16s %ld\n", #name, t->name);
    SIM_TALLY(PRINT)
#undef PRINT
}

/** Worlds from which on all that is counted has happened. */
enum { EVERYTHING_HAPPENS = 1000 };

/** What has never happened in so many worlds is tested no more. */
static bool has_everything(const sim_tally *t)
{
    bool all = true;
#define LOOK(name)                                                                                 \
    if (t->name == 0) {                                                                            \
        printf("%s: not once in %ld worlds\n", #name, t->worlds);                                  \
        all = false;                                                                               \
    }
    SIM_TALLY(LOOK)
#undef LOOK
    return all;
}

typedef struct {
    uint64_t from, count;
    bool tracing;
} options;

static bool read_options(int argc, char **argv, options *o)
{
    *o = (options){.from = 1, .count = 1000};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (!strcmp(argv[i], "--trace")) {
            o->tracing = true;
            continue;
        }
        if (!value)
            return false;
        if (!strcmp(argv[i], "--from"))
            o->from = strtoull(value, NULL, 10);
        else if (!strcmp(argv[i], "--count"))
            o->count = strtoull(value, NULL, 10);
        else if (!strcmp(argv[i], "--seed"))
            *o = (options){strtoull(value, NULL, 10), 1, o->tracing};
        else
            return false;
        i++;
    }
    return true;
}

int main(int argc, char **argv)
{
    options o;
    sim_tally tally = {0};
    char failure[512];
    if (!read_options(argc, argv, &o)) {
        fprintf(stderr, "usage: worlds [--from SEED] [--count N] [--seed SEED] [--trace]\n");
        return 2;
    }
    if (!o.tracing && !freopen("/dev/null", "w", stderr)) /* the ranks' warnings */
        return 2;
    for (uint64_t seed = o.from; seed < o.from + o.count; seed++)
        if (!sim_play(seed, o.tracing, &tally, failure, sizeof failure)) {
            printf("seed %" PRIu64 ": %s\nreplay: worlds --seed %" PRIu64 " --trace\n", seed,
                   failure, seed);
            return 1;
        }
    print_tally(&tally);
    return o.count < EVERYTHING_HAPPENS || has_everything(&tally) ? 0 : 1;
}
