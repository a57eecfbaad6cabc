/* SPDX-License-Identifier: Apache-2.0 */
/* Rules on a trainer as a process: times, threads, signals, and ends that are no success. */
#include "conformance/internal.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>

/** Seconds of a run that its threads can be judged by; of their own that its times can be. */
static const double least_observed = 0.2, least_cpu = 0.05;

cnn_status rule_times(trial *t, cnn_conformance_row *row)
{
    cnn_status st = CNN_OK;
    const trial_run *run;
    CNN_TRY(trial_need(t, row, CASE_LONG, &run));
    if (!run)
        goto done;
    const cnn_measured *m = &run->record.row;
    const double reported = m->train_seconds + m->evaluation_seconds;
    if (run->exceeds[0])
        trial_fail(row, "%s", run->exceeds);
    else if (!(run->cpu_seconds >= least_cpu))
        trial_none(row, "the run was too short, or the kernel does not say how long threads ran");
    else if (reported < 0.5 * run->cpu_seconds)
        trial_fail(row,
                   "it reports %.3g s of training and evaluation, but its threads ran for %.3g s "
                   "from ready to done",
                   reported, run->cpu_seconds);
    else
        trial_pass(row,
                   "%.3g s of training and evaluation are reported, its threads ran for %.3g s",
                   reported, run->cpu_seconds);
done:
    return st;
}

/** Judges the measured number of threads of one case; false: the row has its verdict. */
static bool judge_threads(cnn_conformance_row *row, const trial_run *run, int given)
{
    if (isnan(run->threads) || !(run->observed >= least_observed)) {
        trial_none(row, "the run was too short, or the kernel does not say how long threads ran");
        return false;
    }
    if (run->threads > given + 0.35) {
        trial_fail(row, "%.2f threads wanted to run on average, %d given", run->threads, given);
        return false;
    }
    if (given > 1 && run->record.row.threads > 1 && run->threads < 1.05) {
        trial_fail(row, "%d threads reported, %.2f ran on average", run->record.row.threads,
                   run->threads);
        return false;
    }
    return true;
}

static int processors(void)
{
    cpu_set_t mask;
    return sched_getaffinity(0, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : 1;
}

cnn_status rule_threads(trial *t, cnn_conformance_row *row)
{
    cnn_status st = CNN_OK;
    const trial_run *one, *two = NULL;
    CNN_TRY(trial_need(t, row, CASE_LONG, &one));
    if (!one || !judge_threads(row, one, 1))
        goto done;
    if (processors() < 2) {
        trial_pass(row, "1 given: %.2f ran on average", one->threads);
        goto done;
    }
    CNN_TRY(trial_need(t, row, CASE_THREADS, &two));
    if (two && judge_threads(row, two, 2))
        trial_pass(row, "1 given: %.2f ran on average; 2 given: %.2f", one->threads, two->threads);
done:
    return st;
}

cnn_status rule_signals(trial *t, cnn_conformance_row *row)
{
    cnn_status st = CNN_OK;
    const trial_run *run;
    if (!t->base) {
        trial_no_base(row);
        goto done;
    }
    if (trial_failed_first(t, row))
        goto done;
    CNN_TRY(trial_run_make(t, CASE_SIGNALS, TRAINER, &run));
    if (run->outcome == CNN_OUTCOME_DONE)
        trial_pass(row, "the run went on under SIGINT, SIGTERM and SIGUSR1");
    else if (run->refused)
        trial_refused(row, run);
    else if (t->runs[TRAINER][CASE_LONG].outcome == CNN_OUTCOME_DONE)
        trial_fail(row, "the run ended under SIGINT, SIGTERM and SIGUSR1: %s", run->record.reason);
    else
        trial_none(row, "the same run without signals has failed as well (rule protocol)");
done:
    return st;
}

cnn_status rule_divergence(trial *t, cnn_conformance_row *row)
{
    cnn_status st = CNN_OK;
    const int planned = trial_cases[CASE_DIVERGES].epochs;
    const trial_run *run;
    if (trial_failed_first(t, row))
        goto done;
    CNN_TRY(trial_run_make(t, CASE_DIVERGES, TRAINER, &run));
    if (run->refused)
        trial_refused(row, run);
    else if (run->outcome == CNN_OUTCOME_DONE)
        trial_fail(row, "every loss was finite at a learning rate of 1e6");
    else if (run->outcome != CNN_OUTCOME_DIVERGED)
        trial_fail(row, "%s", run->record.reason);
    else if (run->record.row.epochs_done >= planned)
        trial_fail(row, "training went on after a loss that was not finite");
    else
        trial_pass(row, "done after %d of %d epochs, diverged", run->record.row.epochs_done,
                   planned);
done:
    return st;
}

/** A run that must end with an error event and an exit status, and without ready. */
static cnn_status judge_error(trial *t, cnn_conformance_row *row, trial_case_id id, int status)
{
    cnn_status st = CNN_OK;
    const trial_run *run;
    CNN_TRY(trial_run_make(t, id, TRAINER, &run));
    if (run->record.ready)
        trial_fail(row, "it trains nevertheless");
    else if (run->outcome != CNN_OUTCOME_ERROR)
        trial_fail(row, "no error event: %s", run->record.reason);
    else if (run->exit_code != status)
        trial_fail(row, "exit status %d instead of %d: %s", run->exit_code, status,
                   run->record.reason);
    else
        trial_pass(row, "exit status %d and an error event, without ready", status);
done:
    return st;
}

cnn_status rule_missing_data(trial *t, cnn_conformance_row *row)
{
    cnn_status st = CNN_OK;
    if (!t->base)
        trial_no_base(row);
    else
        CNN_TRY(judge_error(t, row, CASE_ABSENT, 3));
done:
    return st;
}

cnn_status rule_version(trial *t, cnn_conformance_row *row)
{
    return judge_error(t, row, CASE_VERSION, 2);
}

/** Cases that end by an error, or may diverge, or are judged by a rule of their own. */
static bool must_end_well(trial_case_id id)
{
    return id != CASE_DIVERGES && id != CASE_ABSENT && id != CASE_VERSION && id != CASE_SIGNALS;
}

cnn_status rule_protocol(trial *t, cnn_conformance_row *row)
{
    int done = 0, refused = 0;
    for (int i = 0; i < TRIAL_CASES; i++) {
        const trial_run *run = &t->runs[TRAINER][i];
        if (!run->made || !must_end_well((trial_case_id)i))
            continue;
        done += run->outcome == CNN_OUTCOME_DONE;
        refused += run->refused;
        if (run->outcome == CNN_OUTCOME_DIVERGED)
            trial_fail(row, "'%s': diverged, where the reference does not", trial_cases[i].name);
        else if (run->outcome != CNN_OUTCOME_DONE && !run->refused)
            trial_fail(row, "'%s': %s", trial_cases[i].name, run->record.reason);
        if (row->verdict == CNN_CONFORMANCE_FAIL)
            return CNN_OK;
    }
    if (done == 0)
        trial_none(row, "%s", t->refusal);
    else
        trial_pass(row, "%d runs done, %d refused; version %d of the protocol", done, refused,
                   t->version);
    return CNN_OK;
}
