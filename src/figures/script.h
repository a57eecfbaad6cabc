/* SPDX-License-Identifier: Apache-2.0 */
/** Parts of gnuplot scripts. A figure has one or more panels, whose frames lie at stated pixels, so
 *  that a drawn position can be read back as a value. */
#ifndef CNN_FIGURES_SCRIPT_H
#define CNN_FIGURES_SCRIPT_H

#include "figures/axis.h"
#include "figures/figure.h"
#include "figures/palette.h"

/** Terminal, output, data format, line types of the levels, multiplot. */
void cnn_script_start(cnn_figure *f);

/** Frame of a panel in px from the figure's left and top edge. */
typedef struct {
    double left, top, right, bottom;
} cnn_frame;

/** A new panel: margins, ranges, ticks, labels of the axes; no key. An axis that is NULL has its
 *  range 0 to 1 and no ticks. Follow it with objects and a plot command. */
void cnn_script_panel(cnn_figure *f, cnn_frame frame, const cnn_axis *x, const cnn_axis *y);
/** Replaces the ticks of an axis ('x', 'y') by names at 1, 2, ..., n, cut to `room` characters. */
void cnn_script_names(cnn_figure *f, char axis, const char *const *names, int n, int room);

/** Copies at most `room` characters of s, with an ellipsis where it is cut. */
enum { CNN_SHORT_SIZE = 260 };
void cnn_script_shorten(const char *s, int room, char out[CNN_SHORT_SIZE]);

typedef enum { CNN_ALIGN_LEFT, CNN_ALIGN_CENTER, CNN_ALIGN_RIGHT } cnn_align;
/** A text at px from the figure's left and top edge. */
void cnn_script_label(cnn_figure *f, double left, double top, cnn_align align, cnn_colour colour,
                      const char *format, ...) __attribute__((format(printf, 6, 7)));
/** A band behind the data, across the panel: between two values of an axis. */
void cnn_script_band(cnn_figure *f, char axis, double low, double high, cnn_colour colour);
/** A line across the panel at a value of an axis. */
void cnn_script_line(cnn_figure *f, char axis, double at, cnn_colour colour, bool is_dashed);
/** Names of the levels with their symbols, in one row from a place in px. */
void cnn_script_key(cnn_figure *f, const char *const *levels, int n, double left, double top);

#define CNN_SCRIPT(f, ...) cnn_text_printf(&(f)->script, __VA_ARGS__)

#endif
