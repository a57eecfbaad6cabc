/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions that the levels of the contrast must share, block by block: what is compared in time
 * must do the same work with the same means. */
#include "analysis/parts.h"
#include "analysis/stored_job.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Where a comparison's row has its conditions. */
#define OFFSET(constant, name, title) [constant] = offsetof(cnn_conditions, name),
static const size_t offsets[CNN_CONDITION_COUNT] = {CNN_CONDITIONS(OFFSET)};

_Static_assert(sizeof(cnn_conditions) == CNN_CONDITION_COUNT, "one I8 column for each condition");

static int8_t *standing_in(cnn_conditions *row, int condition)
{
    return (int8_t *)row + offsets[condition];
}

int cnn_analysis_standing(const cnn_analysis *a, int comparison, cnn_condition condition)
{
    return *((const int8_t *)&a->conditions[comparison] + offsets[condition]);
}

bool cnn_analysis_is_unequal(const cnn_analysis *a, int comparison)
{
    for (int c = 0; c < CNN_CONDITION_COUNT; c++)
        if (cnn_analysis_standing(a, comparison, (cnn_condition)c) == CNN_STANDING_UNEQUAL)
            return true;
    return false;
}

/** A run's value; below 0: unknown. The data's checksum is no number. */
static int64_t value_of(const cnn_measured *run, int condition)
{
    switch ((cnn_condition)condition) {
    case CNN_CONDITION_PARAMETERS:
        return run->parameters;
    case CNN_CONDITION_TRAIN_IMAGES:
        return run->train_images;
    case CNN_CONDITION_TEST_IMAGES:
        return run->test_images;
    case CNN_CONDITION_EPOCHS:
        return run->epochs_done;
    case CNN_CONDITION_THREADS:
        return run->threads;
    case CNN_CONDITION_DATA:
    case CNN_CONDITION_COUNT:
        break;
    }
    return -1;
}

void cnn_analysis_condition(const cnn_measured *run, cnn_condition condition,
                            char out[CNN_CONDITION_TEXT])
{
    const int64_t value = value_of(run, condition);
    if (condition == CNN_CONDITION_DATA)
        snprintf(out, CNN_CONDITION_TEXT, "%s", run->data_checksum);
    else if (value >= 0)
        snprintf(out, CNN_CONDITION_TEXT, "%" PRId64, value);
    else
        out[0] = '\0';
}

/** CNN_STANDING_EQUAL, CNN_STANDING_UNEQUAL; -1: a run does not report it. */
static int compare(const cnn_measured *a, const cnn_measured *b, int condition)
{
    if (condition == CNN_CONDITION_DATA)
        return !*a->data_checksum || !*b->data_checksum          ? -1
               : strcmp(a->data_checksum, b->data_checksum) == 0 ? CNN_STANDING_EQUAL
                                                                 : CNN_STANDING_UNEQUAL;
    const int64_t x = value_of(a, condition), y = value_of(b, condition);
    return x < 0 || y < 0 ? -1 : x == y ? CNN_STANDING_EQUAL : CNN_STANDING_UNEQUAL;
}

/** Compares the runs of a pair of levels in one block. u [CNN_CONDITION_COUNT]. */
static void compare_runs(const cnn_results *r, int run_a, int run_b, cnn_conditions *row,
                         cnn_unequal *u)
{
    for (int c = 0; c < CNN_CONDITION_COUNT; c++) {
        const int found = compare(&r->measured[run_a], &r->measured[run_b], c);
        int8_t *standing = standing_in(row, c);
        if (found > *standing)
            *standing = (int8_t)found;
        if (found == CNN_STANDING_UNEQUAL && u[c].blocks++ == 0) {
            u[c].run_a = run_a;
            u[c].run_b = run_b;
        }
    }
}

/** Fills the row of a comparison, and u [CNN_CONDITION_COUNT]. */
static void compare_pair(const cnn_analysis *a, const cnn_groups *g, int comparison,
                         cnn_conditions *row, cnn_unequal *u)
{
    const cnn_pair *pair = &a->pairs[comparison];
    for (int c = 0; c < CNN_CONDITION_COUNT; c++)
        u[c] = (cnn_unequal){.comparison = comparison, .condition = c};
    *row = cnn_conditions_unknown();
    for (int b = g->combination_start[pair->combination];
         b < g->combination_start[pair->combination + 1]; b++) {
        const int run_a = g->block_runs[b * a->level_count + pair->a];
        const int run_b = g->block_runs[b * a->level_count + pair->b];
        if (run_a >= 0 && run_b >= 0 && g->device[run_a] >= 0 &&
            g->device[run_a] == g->device[run_b])
            compare_runs(g->results, run_a, run_b, row, u);
    }
}

static cnn_status keep(cnn_analysis *a, const cnn_unequal *u)
{
    cnn_status st = CNN_OK;
    const size_t room = (size_t)a->unequal_count + 1;
    if ((room & (room - 1)) == 0) { /* the room is a power of two */
        cnn_unequal *more = realloc(a->unequal, 2 * room * sizeof *more);
        CNN_CHECK(more, CNN_ENOMEM, "%zu unequal comparisons", room);
        a->unequal = more;
    }
    a->unequal[a->unequal_count++] = *u;
done:
    return st;
}

/** The file's job; NULL where it holds none that can be read. The caller destroys it. */
static cnn_job *job_of(const cnn_results *results)
{
    cnn_job *job = NULL;
    if (results->job_text)
        cnn_stored_job(results, "the job", &job);
    return job;
}

/** Whether the contrast makes the pair differ in the condition. job: NULL where none can be read; then
 *  a contrast of several factors makes none differ. */
static bool is_made_by_contrast(const cnn_results_factor *contrast, const cnn_job *job,
                                const cnn_pair *pair, cnn_condition condition)
{
    if (contrast->kind != CNN_RESULTS_FACTOR_COMPOUND)
        return cnn_condition_is_varied_by(condition, contrast->name);
    return job &&
           cnn_factor_makes_differ(&job->factors[job->contrast], pair->a, pair->b, condition);
}

cnn_status cnn_analysis_conditions(cnn_analysis *a, const cnn_groups *g)
{
    cnn_status st = CNN_OK;
    const cnn_results *r = g->results;
    cnn_unequal u[CNN_CONDITION_COUNT];
    /* to read the job takes long in simulations */
    const cnn_results_factor *contrast = &r->factors[r->contrast];
    const bool is_compound = contrast->kind == CNN_RESULTS_FACTOR_COMPOUND;
    cnn_job *job = is_compound || !a->verdicts_only ? job_of(r) : NULL;
    for (int i = 0; i < a->comparison_count; i++) {
        compare_pair(a, g, i, &a->conditions[i], u);
        for (int c = 0; c < CNN_CONDITION_COUNT; c++) {
            if (!u[c].blocks)
                continue;
            if (is_made_by_contrast(contrast, job, &a->pairs[i], (cnn_condition)c))
                *standing_in(&a->conditions[i], c) = CNN_STANDING_DECLARED;
            else
                CNN_TRY(keep(a, &u[c]));
        }
    }
    if (!job && a->unequal_count)
        job = job_of(r);
    if (job)
        memcpy(a->allow, job->compare.allow, sizeof a->allow);
    for (int i = 0; i < a->unequal_count; i++)
        if (a->allow[a->unequal[i].condition])
            *standing_in(&a->conditions[a->unequal[i].comparison], a->unequal[i].condition) =
                CNN_STANDING_DECLARED;
done:
    cnn_job_destroy(&job);
    return st;
}
