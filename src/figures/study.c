/* SPDX-License-Identifier: Apache-2.0 */
#include "figures/study.h"

#include "published/published.h"

#include <math.h>
#include <string.h>

/** The place of the study's case among its rows of a measure; -1: it has none. */
static int case_of(const cnn_plots *p, int combination)
{
    const char *name = p->names->study[combination];
    for (int i = 0; name && i < CNN_PUBLISHED_CASES; i++)
        if (!strcmp(cnn_published_case_name(cnn_published_rows[i].architecture,
                                            cnn_published_rows[i].dataset),
                    name))
            return i;
    return -1;
}

int cnn_study_architecture(const cnn_plots *p, int combination)
{
    const int i = case_of(p, combination);
    return i < 0 ? 0 : i / CNN_PUBLISHED_DATASETS + 1;
}

/** Figures of times and of accuracies alternate. */
static int is_of_accuracy(cnn_measure measure)
{
    return measure == CNN_MEASURE_TEST_ERROR;
}

static bool is_published(cnn_measure measure)
{
    return measure == CNN_MEASURE_TRAIN_SECONDS || measure == CNN_MEASURE_TEST_ERROR;
}

int cnn_study_figure(const cnn_plots *p, int combination, cnn_measure measure)
{
    const int i = case_of(p, combination);
    if (i < 0 || !is_published(measure))
        return 0;
    const int first = i < CNN_PUBLISHED_DATASETS ? 5 : 13; /* of the architecture */
    const bool is_cancer = i % CNN_PUBLISHED_DATASETS == CNN_PUBLISHED_DATASETS - 1;
    return first + (is_cancer ? 2 : 0) + is_of_accuracy(measure);
}

int cnn_study_comparison_figure(int architecture, cnn_measure measure)
{
    return !is_published(measure) ? 0 : (architecture == 1 ? 11 : 19) + is_of_accuracy(measure);
}

cnn_study_value cnn_study_of(const cnn_plots *p, int combination, int level, cnn_measure measure)
{
    const int i = case_of(p, combination);
    const cnn_study_pair *pair = p->names->pair;
    if (i < 0 || !pair || !is_published(measure))
        return (cnn_study_value){NAN, NAN};
    const bool is_tensorflow = !strcmp(p->names->levels[level], pair->tensorflow);
    const bool is_keras = !strcmp(p->names->levels[level], pair->keras);
    if (!is_tensorflow && !is_keras)
        return (cnn_study_value){NAN, NAN};
    const cnn_published_row *row =
        &cnn_published_rows[is_of_accuracy(measure) * CNN_PUBLISHED_CASES + i];
    const double mean = is_tensorflow ? row->tensorflow_mean : row->keras_mean;
    const double sd = sqrt(is_tensorflow ? row->tensorflow_variance : row->keras_variance);
    return is_of_accuracy(measure) ? (cnn_study_value){1 - mean / 100, sd / 100}
                                   : (cnn_study_value){mean, sd};
}

void cnn_study_panel(const cnn_plots *p, int combination, cnn_measure measure, cnn_frame frame,
                     cnn_figure *f)
{
    static const cnn_table_column columns[] = {
        {.name = "x", .title = "x", .format = CNN_FORMAT_WHOLE},
        {.name = "mean", .title = "published mean", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "mean_less_sd", .title = "less sd", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "mean_plus_sd", .title = "plus sd", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "level_number", .title = "level", .format = CNN_FORMAT_WHOLE},
        {.name = "published", .title = "published"},
        {.name = "level", .title = "level"},
    };
    const cnn_plot_measure m = cnn_plot_measure_of(p, measure);
    cnn_axis y = {.scale = m.scale};
    cnn_table *t = cnn_figure_table(f, "study", columns, CNN_COUNT(columns));
    const char *names[2] = {"Keras", "TensorFlow"};
    int shown = 0;
    for (int l = 0; l < p->a->level_count; l++) {
        const cnn_study_value v = cnn_study_of(p, combination, l, measure);
        if (isnan(v.mean) || shown == 2)
            continue;
        const bool is_keras = !strcmp(p->names->levels[l], p->names->pair->keras);
        names[shown++] = is_keras ? "Keras" : "TensorFlow";
        cnn_table_row(t);
        cnn_table_number(t, shown);
        cnn_table_number(t, v.mean);
        cnn_table_number(t, v.mean - v.sd);
        cnn_table_number(t, v.mean + v.sd);
        cnn_table_number(t, cnn_level_type(l));
        cnn_table_text(t, "%s", names[shown - 1]);
        cnn_table_text(t, "%s", p->names->levels[l]);
        cnn_axis_cover(&y, v.mean - v.sd);
        cnn_axis_cover(&y, v.mean + v.sd);
    }
    cnn_axis_pad(&y, 0.15);
    const cnn_axis x = {.is_set = true, .low = 0.5, .high = 2.5};
    cnn_script_panel(f, frame, &x, &y);
    cnn_script_names(f, 'x', names, 2, 10);
    cnn_script_label(f, frame.left, 18, CNN_ALIGN_LEFT, CNN_COLOUR_MUTED, "published");
    CNN_SCRIPT(f,
               "plot '%s_study.csv' using 'x':'mean':'mean_less_sd':'mean_plus_sd':'level_number' "
               "with yerrorbars pointtype 13 pointsize 1 linewidth 2 linecolor variable\n",
               f->name);
}
