/* SPDX-License-Identifier: Apache-2.0 */
/* The list of rules, and the order in which they are judged. */
#include "conformance/internal.h"

#include "base/printable.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name, *title;
    trial_rule judge;
} rules[] = {
    {"protocol", "runs end with status 0, and their events are right in form, order and sums",
     NULL},
    {"parameters", "trainable parameters of the study's four networks", rule_parameters},
    {"data", "images and labels after split and limit", rule_data},
    {"initial_weights", "weights drawn from the seed", rule_initial_weights},
    {"first_loss", "loss of the first batch in the study's four networks", rule_first_loss},
    {"first_change", "change of the weights by a step of the study's four networks",
     rule_first_change},
    {"losses", "losses of 20 steps on one batch", rule_losses},
    {"weights", "weights after these steps", rule_weights},
    {"batch_order", "losses of two epochs of several batches", rule_batch_order},
    {"last_batch", "a smaller last batch at its own size", rule_last_batch},
    {"test_loss", "test losses over several batches, the last one smaller", rule_test_loss},
    {"error_count", "images that are misclassified", rule_error_count},
    {"momentum", "losses with momentum", rule_momentum},
    {"adam", "losses with Adam", rule_adam},
    {"adam_epsilon", "Adam's epsilon and its place", rule_adam_epsilon},
    {"layers", "strides, paddings, average pools, batch norm", rule_layers},
    {"checksum", "equal runs have one checksum, others another", rule_checksum},
    {"times", "reported seconds, by the life of the process and by its events", rule_times},
    {"threads", "as many threads as are given", rule_threads},
    {"signals", "SIGINT, SIGTERM and SIGUSR1 end no run", rule_signals},
    {"divergence", "a loss that is not finite ends a run as a result", rule_divergence},
    {"missing_data", "missing data end a run with status 3 and an error", rule_missing_data},
    {"version", "an unknown version ends a run with status 2 and an error", rule_version},
};
enum { RULES = sizeof rules / sizeof rules[0] };

/* ---- verdicts ------------------------------------------------------------------------------ */

__attribute__((format(printf, 3, 0))) static void set(cnn_conformance_row *row, cnn_conformance v,
                                                      const char *fmt, va_list ap)
{
    char text[1024];
    vsnprintf(text, sizeof text, fmt, ap);
    cnn_copy_printable(row->detail, sizeof row->detail, text, false);
    row->verdict = v;
}

void trial_pass(cnn_conformance_row *row, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set(row, CNN_CONFORMANCE_PASS, fmt, ap);
    va_end(ap);
}

void trial_fail(cnn_conformance_row *row, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set(row, CNN_CONFORMANCE_FAIL, fmt, ap);
    va_end(ap);
}

void trial_none(cnn_conformance_row *row, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set(row, CNN_CONFORMANCE_NONE, fmt, ap);
    va_end(ap);
}

void trial_no_base(cnn_conformance_row *row)
{
    trial_none(row, "it takes no network of this trial (rule protocol)");
}

void trial_refused(cnn_conformance_row *row, const trial_run *run)
{
    trial_none(row, "refused: %.80s", run->record.reason);
}

void trial_bound(cnn_conformance_row *row, const char *what, double difference, double bound)
{
    if (difference <= bound)
        trial_pass(row, "%s: largest difference %.2g, bound %g", what, difference, bound);
    else
        trial_fail(row, "%s: largest difference %.3g, bound %g", what, difference, bound);
}

static void failed(cnn_conformance_row *row, trial_case_id id)
{
    trial_none(row, "the run '%s' has failed (rule protocol)", trial_cases[id].name);
}

bool trial_failed_first(const trial *t, cnn_conformance_row *row)
{
    const trial_run *first = &t->runs[TRAINER][CASE_STEPS];
    if (!first->made || first->refused || first->outcome == CNN_OUTCOME_DONE)
        return false;
    failed(row, CASE_STEPS);
    return true;
}

cnn_status trial_need(trial *t, cnn_conformance_row *row, trial_case_id id, const trial_run **out)
{
    cnn_status st = CNN_OK;
    const trial_run *run;
    *out = NULL;
    if (!t->base && trial_cases[id].network == NET_BASE) {
        trial_no_base(row);
        goto done;
    }
    if (trial_failed_first(t, row))
        goto done;
    CNN_TRY(trial_run_make(t, id, TRAINER, &run));
    if (run->outcome == CNN_OUTCOME_DONE)
        *out = run;
    else if (run->refused)
        trial_refused(row, run);
    else
        failed(row, id);
done:
    return st;
}

cnn_status trial_need_both(trial *t, cnn_conformance_row *row, trial_case_id id,
                           const trial_run **trainer, const trial_run **reference)
{
    cnn_status st = CNN_OK;
    *reference = NULL;
    CNN_TRY(trial_need(t, row, id, trainer));
    if (*trainer)
        CNN_TRY(trial_run_make(t, id, REFERENCE, reference));
done:
    return st;
}

/* ---- the trial ----------------------------------------------------------------------------- */

/** Chooses the network and the version of the protocol for most cases: the most telling network
 *  and the highest version that the trainer does not refuse. */
static cnn_status choose_base(trial *t)
{
    cnn_status st = CNN_OK;
    for (int i = 0; trial_bases[i].name; i++) {
        for (t->version = CNN_PROTOCOL_VERSION; t->version >= 1; t->version--) {
            const trial_run *run;
            t->base = &trial_bases[i];
            trial_run_free(&t->runs[TRAINER][CASE_STEPS]);
            CNN_TRY(trial_run_make(t, CASE_STEPS, TRAINER, &run));
            if (!run->refused)
                return CNN_OK;
            cnn_copy_string(t->refusal, sizeof t->refusal, run->record.reason);
        }
    }
    t->base = NULL;
    t->version = 1;
done:
    return st;
}

/** Epochs of the long cases: about a second between ready and done, found by trying. */
static cnn_status choose_pace(trial *t)
{
    cnn_status st = CNN_OK;
    enum { FIRST = 8, MOST = 1000, TRIES = 4 };
    static const double wanted = 1.5, enough = 1;
    cnn_conformance_row ignored;
    const trial_run *run;
    t->paced_epochs = FIRST;
    for (int i = 0; i < TRIES; i++) {
        CNN_TRY(trial_need(t, &ignored, CASE_LONG, &run));
        if (!run || run->observed >= enough || t->paced_epochs == MOST)
            goto done;
        const double factor = fmin(fmax(wanted / run->observed, 2), 20);
        t->paced_epochs = (int)fmin(t->paced_epochs * factor, MOST);
        trial_run_free(&t->runs[TRAINER][CASE_LONG]);
    }
done:
    return st;
}

static void describe(const trial *t)
{
    const cnn_measured *row = &t->runs[TRAINER][CASE_STEPS].record.row;
    if (!t->runs[TRAINER][CASE_STEPS].made)
        return;
    cnn_copy_string(t->result->backend, sizeof t->result->backend, row->backend);
    cnn_copy_string(t->result->versions, sizeof t->result->versions, row->versions);
}

static cnn_status make_folder(trial *t)
{
    cnn_status st = CNN_OK;
    const char *place = getenv("TMPDIR");
    t->folder = cnn_asprintf("%s/cnnmpi-XXXXXX", place && *place ? place : "/tmp");
    CNN_CHECK(t->folder, CNN_ENOMEM, "a folder's name");
    if (!mkdtemp(t->folder)) {
        st = cnn_error_set(CNN_EENV, "cannot make the folder '%s': %s", t->folder, strerror(errno));
        free(t->folder);
        t->folder = NULL;
    }
done:
    return st;
}

/** The folder with its files; it has no folders in it. */
static void remove_folder(trial *t)
{
    DIR *folder = t->folder ? opendir(t->folder) : NULL;
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;)
        unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder)
        closedir(folder);
    if (t->folder)
        rmdir(t->folder);
    free(t->folder);
    t->folder = NULL;
}

static cnn_status judge_all(trial *t)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < RULES; i++)
        t->result->rows[i] = (cnn_conformance_row){.rule = rules[i].name, .title = rules[i].title};
    t->result->count = RULES;
    for (int i = 1; i < RULES; i++)
        CNN_TRY(rules[i].judge(t, &t->result->rows[i]));
    CNN_TRY(rule_protocol(t, &t->result->rows[0]));
    for (int i = 0; i < RULES; i++)
        t->result->failed += t->result->rows[i].verdict == CNN_CONFORMANCE_FAIL;
done:
    return st;
}

cnn_status cnn_conformance_check(const cnn_conformance_options *options, const volatile int *stop,
                                 cnn_conformance_result *out)
{
    cnn_status st = CNN_OK;
    trial *t = calloc(1, sizeof *t);
    _Static_assert((int)RULES <= (int)CNN_CONFORMANCE_MOST, "rows for all rules");
    *out = (cnn_conformance_result){0};
    CNN_CHECK(t, CNN_ENOMEM, "a trial");
    t->options = options;
    t->stop = stop;
    t->result = out;
    CNN_TRY(make_folder(t));
    CNN_TRY(trial_data_write(t));
    CNN_TRY(choose_base(t));
    CNN_TRY(choose_pace(t));
    CNN_TRY(judge_all(t));
    describe(t);
done:
    if (t) {
        for (int who = 0; who < TRIAL_WHO; who++)
            for (int i = 0; i < TRIAL_CASES; i++)
                trial_run_free(&t->runs[who][i]);
        remove_folder(t);
    }
    free(t);
    return st;
}
