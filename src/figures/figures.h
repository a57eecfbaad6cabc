/* SPDX-License-Identifier: Apache-2.0 */
/** The figures of an analysis, and where they go. */
#ifndef CNN_FIGURES_FIGURES_H
#define CNN_FIGURES_FIGURES_H

#include "analysis/analysis.h"
#include "figures/figure.h"

/** Adds all figures, by section; not drawn yet. Where there are more combinations than the limits
 *  of figures/plots.h, those that are flagged and with the largest differences. */
cnn_status cnn_figures_make(const cnn_results *results, const cnn_analysis *analysis,
                            cnn_figures *out);

/** Draws every figure as SVG (cnn_figure.svg), in a temporary folder. CNN_EENV: there is no gnuplot,
 *  or it fails. */
cnn_status cnn_figures_draw(cnn_figures *figures);

/** Writes every figure to a folder, which is made if need be: NAME.gp, its NAME*.csv, and NAME.svg and
 *  NAME.pdf as gnuplot draws them. CNN_EUSAGE: a file is there and force is false; then nothing is
 *  written. CNN_EENV as above. */
cnn_status cnn_figures_write(const cnn_figures *figures, const char *folder, bool force);

/** Appends a drawn figure for a page: without what is not unique in it, colours as CSS variables,
 *  and the description as its label. Symbols of points are those of cnn_figures_symbols. */
void cnn_figures_svg(const cnn_figure *figure, cnn_text *out);
/** Appends the symbols, once a page. */
void cnn_figures_symbols(cnn_text *out);
/** Appends the colours as CSS variables: light ones, and dark ones for who prefers them. */
void cnn_figures_colours(cnn_text *out);

#endif
