/* SPDX-License-Identifier: Apache-2.0 */
#include "report/names.h"

#include "base/text.h"
#include "published/published.h"

#include <stdlib.h>
#include <string.h>

/** Levels [factor_count] of a combination; the contrast's entry is that of level 0. */
static const int *levels_of(const cnn_results *r, const cnn_analysis *a, int combination)
{
    return &r->cell_levels[a->cell_of[combination * a->level_count] * r->factor_count];
}

/** Whether the name of a level says what it is. */
static bool names_itself(const char *factor)
{
    return !strcmp(factor, "framework") || !strcmp(factor, "architecture") ||
           !strcmp(factor, "dataset");
}

/** "mnist", "batch_size 16" */
static void put_level(const cnn_results_factor *factor, int level, cnn_text *out)
{
    if (!names_itself(factor->name))
        cnn_text_printf(out, "%s ", factor->name);
    cnn_text_append(out, cnn_results_level_text(factor, level));
}

/** is_single: there is no other combination. */
static char *label_of(const cnn_results *r, const int *levels, bool is_single)
{
    cnn_text t = {0};
    for (int f = 0; f < r->factor_count; f++)
        if (f != r->contrast && (is_single || r->factors[f].level_count > 1) &&
            cnn_results_factor_is_shown(&r->factors[f])) {
            cnn_text_append(&t, t.len ? "/" : "");
            put_level(&r->factors[f], levels[f], &t);
        }
    if (!t.len)
        cnn_text_append(&t, "all");
    return cnn_text_take(&t);
}

/** The factors that do not vary, with their levels. */
static char *constants_of(const cnn_results *r)
{
    cnn_text t = {0};
    for (int f = 0; f < r->factor_count; f++)
        if (f != r->contrast && r->factors[f].level_count == 1)
            cnn_text_printf(&t, "%s%s %s", t.len ? ", " : "", r->factors[f].name,
                            cnn_results_level_text(&r->factors[f], 0));
    return cnn_text_take(&t);
}

static char *level_name(const cnn_results_factor *factor, int level)
{
    cnn_text t = {0};
    put_level(factor, level, &t);
    return cnn_text_take(&t);
}

/** What can stand for the study's two frameworks: they themselves, or this program's two paths. */
static const cnn_study_pair study_pairs[] = {
    {"tensorflow", "keras", "here", "here",
     "Training time beside the published study: TensorFlow over Keras, there and here",
     "Test error beside the published study: TensorFlow minus Keras, there and here"},
    {"native", "layered", "native is", "native errs",
     "Training time beside the published study: TensorFlow over Keras there, native over layered here",
     "Test error beside the published study: TensorFlow minus Keras there, native minus layered here"},
};

static bool has_level(const cnn_results_factor *factor, const char *label)
{
    for (int l = 0; l < factor->level_count; l++)
        if (!strcmp(factor->labels[l], label))
            return true;
    return false;
}

/** NULL: the contrast is not the study's. */
static const cnn_study_pair *find_study_pair(const cnn_results *r)
{
    const cnn_results_factor *contrast = &r->factors[r->contrast];
    if (strcmp(contrast->name, "framework") != 0)
        return NULL;
    for (size_t i = 0; i < sizeof study_pairs / sizeof study_pairs[0]; i++)
        if (has_level(contrast, study_pairs[i].tensorflow) &&
            has_level(contrast, study_pairs[i].keras))
            return &study_pairs[i];
    return NULL;
}

/** The study's name of a combination, or NULL. */
static const char *study_name(const cnn_results *r, const int *levels)
{
    const char *architecture = NULL, *dataset = NULL;
    if (r->factor_count != 3 || !find_study_pair(r))
        return NULL;
    for (int f = 0; f < r->factor_count; f++) {
        if (!strcmp(r->factors[f].name, "architecture"))
            architecture = r->factors[f].labels[levels[f]];
        if (!strcmp(r->factors[f].name, "dataset"))
            dataset = r->factors[f].labels[levels[f]];
    }
    return architecture && dataset ? cnn_published_case_name(architecture, dataset) : NULL;
}

cnn_status cnn_report_names_make(const cnn_results *results, const cnn_analysis *analysis,
                                 cnn_report_names *out)
{
    cnn_status st = CNN_OK;
    const size_t combinations = (size_t)analysis->combination_count;
    cnn_report_names n = {.combination_count = analysis->combination_count,
                          .level_count = analysis->level_count};
    n.combinations = calloc(combinations + 1, sizeof *n.combinations);
    n.study = calloc(combinations + 1, sizeof *n.study);
    n.levels = calloc((size_t)n.level_count + 1, sizeof *n.levels);
    n.constants = constants_of(results);
    CNN_CHECK(n.combinations && n.study && n.levels && n.constants, CNN_ENOMEM,
              "names of the report");
    for (int k = 0; k < n.combination_count; k++) {
        const int *levels = levels_of(results, analysis, k);
        CNN_CHECK((n.combinations[k] = label_of(results, levels, n.combination_count == 1)) != NULL,
                  CNN_ENOMEM, "names of the report");
        n.study[k] = study_name(results, levels);
        n.any_study |= n.study[k] != NULL;
    }
    for (int l = 0; l < n.level_count; l++)
        CNN_CHECK((n.levels[l] = level_name(&results->factors[results->contrast], l)) != NULL,
                  CNN_ENOMEM, "names of the report");
    n.pair = find_study_pair(results);
    *out = n;
    n = (cnn_report_names){0};
done:
    cnn_report_names_free(&n);
    return st;
}

void cnn_report_names_free(cnn_report_names *names)
{
    for (int k = 0; names->combinations && k < names->combination_count; k++)
        free(names->combinations[k]);
    for (int l = 0; names->levels && l < names->level_count; l++)
        free((char *)names->levels[l]);
    free(names->combinations);
    free(names->constants);
    free(names->study);
    free(names->levels);
    *names = (cnn_report_names){0};
}
