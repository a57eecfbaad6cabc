/* SPDX-License-Identifier: Apache-2.0 */
/** A figure: tables of data, the gnuplot script that draws them, and texts about it.
 *
 *  gnuplot computes nothing: every value that it draws stands in the figure's tables, which it reads
 *  as CSV files (document/render.h). Failures are remembered, as in a document: check once, with
 *  cnn_figures_status. */
#ifndef CNN_FIGURES_FIGURE_H
#define CNN_FIGURES_FIGURE_H

#include "base/text.h"
#include "document/table.h"

/** Sections of the page, in their order. */
typedef enum {
    CNN_FIGURES_FOUND,
    CNN_FIGURES_RUNS,
    CNN_FIGURES_PAIRS,
    CNN_FIGURES_MACHINE,
    CNN_FIGURES_CURVES,
    CNN_FIGURES_POWER
} cnn_figure_section;

typedef struct {
    cnn_figure_section section;
    char *name;          /* "forest_train_seconds": of its files; letters, digits, _ */
    char *title;         /* what it shows, in a sentence where it can */
    char *alt;           /* the same for those who do not see it */
    char *note;          /* how to read it; NULL: nothing to explain */
    int width, height;   /* of the SVG, in px; of the PDF, in 1/96 inch */
    cnn_document tables; /* of drawn values; a table's name is that of its CSV file */
    cnn_text script;     /* of gnuplot, run in the folder of the CSV files */
    char *svg;           /* as drawn; NULL: not drawn yet */
} cnn_figure;

/** Start with {0}; end with cnn_figures_free. */
typedef struct {
    cnn_figure **items; /* [count] */
    int count;
    bool failed;
} cnn_figures;

/** A new figure without texts, owned by the set; NULL without memory, which the set remembers. The
 *  script starts with the choice of the terminal. */
cnn_figure *cnn_figures_add(cnn_figures *figures, cnn_figure_section section, int width, int height,
                            const char *name_format, ...) __attribute__((format(printf, 5, 6)));
/** The texts, once each. */
void cnn_figure_title(cnn_figure *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cnn_figure_alt(cnn_figure *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cnn_figure_note(cnn_figure *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** A table of drawn values: NAME.csv, or NAME_PART.csv unless part is NULL. */
cnn_table *cnn_figure_table(cnn_figure *f, const char *part, const cnn_table_column *columns,
                            int count);

/** CNN_ENOMEM, or CNN_EINVAL where a figure lacks a text or a table has an unfinished row. */
cnn_status cnn_figures_status(const cnn_figures *figures);
void cnn_figures_free(cnn_figures *figures);

#endif
