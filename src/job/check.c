/* SPDX-License-Identifier: Apache-2.0 */
/** Checks of a job that involve several keys. */
#include "job/internal.h"

#include <string.h>

static int find_factor(const cnn_job *job, const char *name)
{
    for (int i = 0; i < job->factor_count; i++)
        if (strcmp(job->factors[i].name, name) == 0)
            return i;
    return -1;
}

/** "did you mean 'framework'?", or which factors there are. */
static void unknown_contrast(cnn_job_reader *r, struct fy_node *node, const char *name)
{
    const char *names[CNN_JOB_FACTORS_MAX + 1] = {NULL};
    cnn_text all = {0};
    for (int i = 0; i < r->job->factor_count; i++) {
        names[i] = r->job->factors[i].name;
        cnn_text_printf(&all, "%s%s", i ? ", " : "", names[i]);
    }
    const char *meant = name ? cnn_suggest(name, names) : NULL;
    if (meant)
        cnn_yaml_error(r->y, node, "'contrast' must name a factor; did you mean '%s'?", meant);
    else
        cnn_yaml_error(r->y, node, "'contrast' must name one of the factors (%s)",
                       all.s ? all.s : "");
    cnn_text_free(&all);
}

/** The factor that a node of `contrast` names; -1: none with two levels, which is an error. */
static int contrast_factor(cnn_job_reader *r, struct fy_node *node)
{
    const char *name = cnn_yaml_scalar(node);
    const int factor = name ? find_factor(r->job, name) : -1;
    if (factor < 0)
        unknown_contrast(r, node, name);
    else if (r->job->factors[factor].level_count < 2)
        cnn_yaml_error(r->y, node,
                       "'%s' has one level, so that there is nothing to compare; name a factor "
                       "with two or more",
                       name);
    return factor;
}

/** [framework, threads]: several factors at once. *count: of factors, or 0 after an error. */
static void read_contrast_list(cnn_job_reader *r, int *factors, int *count)
{
    void *iter = NULL;
    const int errors = cnn_yaml_errors(r->y);
    *count = 0;
    if (fy_node_sequence_item_count(r->contrast) < 2)
        cnn_yaml_error(r->y, r->contrast,
                       "'contrast' must be a factor, or a list of two factors or more, as in "
                       "[framework, threads]");
    for (struct fy_node *item; (item = fy_node_sequence_iterate(r->contrast, &iter));) {
        const int factor = contrast_factor(r, item);
        bool repeated = factor < 0;
        for (int i = 0; i < *count; i++)
            repeated |= factors[i] == factor;
        if (repeated && factor >= 0)
            cnn_yaml_error(r->y, item, "'%s' is given twice", r->job->factors[factor].name);
        if (!repeated)
            factors[(*count)++] = factor;
    }
    if (cnn_yaml_errors(r->y) != errors)
        *count = 0;
}

/** The contrast that the file names, or framework. factors [CNN_JOB_FACTORS_MAX], *count: those that
 *  it combines; 0: it is one factor. */
static void check_contrast(cnn_job_reader *r, int *factors, int *count)
{
    cnn_job *job = r->job;
    *count = 0;
    if (r->contrast && fy_node_is_sequence(r->contrast)) {
        read_contrast_list(r, factors, count);
        return;
    }
    const int factor =
        r->contrast ? contrast_factor(r, r->contrast) : find_factor(job, "framework");
    if (factor >= 0)
        job->contrast = factor;
    if (factor >= 0 && job->factors[factor].level_count < 2 && !r->contrast)
        cnn_yaml_error(r->y, r->lists[factor],
                       "with one framework there is nothing to compare; add another one, or name "
                       "a factor with two or more levels as contrast:");
}

/** The node that settles a key of train: for level i of its factor, or for all runs. */
static struct fy_node *setting_node(const cnn_job_reader *r, int factor, int level, const char *key)
{
    struct fy_node *node = factor >= 0 ? fy_node_sequence_get_by_index(r->lists[factor], level)
                                       : (r->train ? cnn_yaml_lookup(r->train, key) : NULL);
    return node ? node : cnn_yaml_root(r->y);
}

/** The values that a key of train: takes: its factor's, or the one of train:. */
static const cnn_train *settings(const cnn_job *job, int factor, int *count)
{
    *count = factor >= 0 ? job->factors[factor].level_count : 1;
    return factor >= 0 ? job->factors[factor].values : &job->train;
}

static void check_precision(cnn_job_reader *r)
{
    int count, factor = find_factor(r->job, "precision");
    const cnn_train *s = settings(r->job, factor, &count);
    if (r->job->backend != CNN_BACKEND_ONEDNN)
        return;
    for (int i = 0; i < count; i++)
        if (s[i].precision == CNN_PRECISION_TF32)
            cnn_yaml_error(r->y, setting_node(r, factor, i, "precision"),
                           "precision tf32 needs a GPU; backend onednn has fp32 only");
}

/** A factorial crosses every optimiser with every momentum. */
static void check_momentum(cnn_job_reader *r)
{
    int optimizers, moments, factor = find_factor(r->job, "momentum");
    const cnn_train *o = settings(r->job, find_factor(r->job, "optimizer"), &optimizers);
    const cnn_train *m = settings(r->job, factor, &moments);
    bool adam = false;
    for (int i = 0; i < optimizers; i++)
        adam |= o[i].optimizer == CNN_OPTIMIZER_ADAM;
    for (int i = 0; adam && i < moments; i++)
        if (m[i].momentum != 0)
            cnn_yaml_error(r->y, setting_node(r, factor, i, "momentum"),
                           "momentum is a setting of sgd; with optimizer adam it must be 0");
}

/** Whether a framework trains only what cnnmpi describes: our paths, and trainers that come with it. */
static const cnn_framework *find_reader(const cnn_job *job)
{
    for (int i = 0; i < job->framework_count; i++)
        if (cnn_framework_is_own(&job->frameworks[i]) || job->frameworks[i].trainer)
            return &job->frameworks[i];
    return NULL;
}

/** Networks and data that only trainers know need trainers that know them. */
static void check_opaque(cnn_job_reader *r)
{
    const cnn_job *job = r->job;
    const cnn_framework *reader = find_reader(job);
    const int architecture = find_factor(job, "architecture"),
              dataset = find_factor(job, "dataset");
    for (int i = 0; reader && architecture >= 0 && i < job->architecture_count; i++)
        if (job->architectures[i].opaque)
            cnn_yaml_error(
                r->y, fy_node_sequence_get_by_index(r->lists[architecture], i),
                "framework '%s' cannot train the opaque architecture '%s': only programs "
                "given as command: [...] can",
                reader->name ? reader->name : "", job->architectures[i].name);
    for (int i = 0; reader && dataset >= 0 && i < job->dataset_count; i++)
        if (job->datasets[i].type == CNN_SOURCE_EXTERNAL)
            cnn_yaml_error(r->y, fy_node_sequence_get_by_index(r->lists[dataset], i),
                           "framework '%s' cannot read the external data set '%s': only programs "
                           "given as command: [...] can",
                           reader->name ? reader->name : "", job->datasets[i].name);
}

/** A crossed seed belongs to its device from the start. */
static void check_schedule(cnn_job_reader *r)
{
    if (r->job->seeds == CNN_SEEDS_CROSSED && r->job->schedule.assign == CNN_ASSIGN_DYNAMIC)
        cnn_yaml_error(r->y, cnn_yaml_lookup(r->schedule, "assign"),
                       "seeds: {crossed: K} ties blocks to devices; it needs assign: balanced");
}

static void check_size(cnn_job_reader *r)
{
    const cnn_job *job = r->job;
    double cells = 1;
    for (int i = 0; i < job->factor_count; i++)
        cells *= job->factors[i].level_count;
    if (cells > CNN_JOB_CELLS_MAX)
        cnn_yaml_error(r->y, r->factors, "the factors make %.0f cells; at most %d are possible",
                       cells, CNN_JOB_CELLS_MAX);
    else if (cells * job->repeats > CNN_JOB_RUNS_MAX)
        cnn_yaml_error(r->y, r->repeats ? r->repeats : r->factors,
                       "%.0f cells with %d repeats make %.0f runs; at most %d are possible", cells,
                       job->repeats, cells * job->repeats, CNN_JOB_RUNS_MAX);
}

cnn_status cnn_job_check(cnn_job_reader *r)
{
    cnn_status st = CNN_OK;
    int combined[CNN_JOB_FACTORS_MAX], count;
    if (!r->job->factors)
        return CNN_OK; /* already reported */
    check_contrast(r, combined, &count);
    check_precision(r);
    check_momentum(r);
    check_schedule(r);
    check_size(r);
    cnn_job_check_free_factors(r);
    check_opaque(r);
    if (count &&
        cnn_yaml_errors(r->y) == 0) /* last: the lists of levels are by elementary factors */
        CNN_TRY(cnn_job_combine_contrast(r, combined, count));
done:
    return st;
}
