/* SPDX-License-Identifier: Apache-2.0 */
/** Colours of the figures: after Okabe and Ito (2008), darkened to at least 3:1 against white, and in
 *  an order in which neighbours differ in lightness, so that they stay apart in grey and for the
 *  colour-blind. Levels also differ in the shape of their points.
 *
 *  On a page a colour is a CSS variable, --NAME, whose value there depends on the reader's setting. */
#ifndef CNN_FIGURES_PALETTE_H
#define CNN_FIGURES_PALETTE_H

/** X(constant, CSS variable, in light, in dark) */
#define CNN_COLOURS(X)                                                                             \
    X(CNN_COLOUR_LEVEL_1, "level-1", "#0063a8", "#62b6f2")                                         \
    X(CNN_COLOUR_LEVEL_2, "level-2", "#c98000", "#f2b544")                                         \
    X(CNN_COLOUR_LEVEL_3, "level-3", "#00805d", "#33c99c")                                         \
    X(CNN_COLOUR_LEVEL_4, "level-4", "#cc6fa3", "#e79cc6")                                         \
    X(CNN_COLOUR_LEVEL_5, "level-5", "#5a3d9a", "#ab92e8")                                         \
    X(CNN_COLOUR_LEVEL_6, "level-6", "#d5601a", "#ff9356")                                         \
    X(CNN_COLOUR_LEVEL_7, "level-7", "#3f6f7f", "#8fc3d4")                                         \
    X(CNN_COLOUR_LEVEL_8, "level-8", "#8a8300", "#d3ca3c")                                         \
    X(CNN_COLOUR_OTHER, "other", "#777d85", "#a0a7b0")                                             \
    X(CNN_COLOUR_INK, "ink", "#1d2228", "#e8eaed")                                                 \
    X(CNN_COLOUR_MUTED, "muted", "#565d66", "#aab1bb")                                             \
    X(CNN_COLOUR_RULE, "rule", "#8b929b", "#6c747e")                                               \
    X(CNN_COLOUR_GRID, "grid", "#e4e7eb", "#30353c")                                               \
    X(CNN_COLOUR_BAND, "band", "#dcebdf", "#243a2c")                                               \
    X(CNN_COLOUR_FAILURE, "failure", "#b3261e", "#ff8a80")                                         \
    X(CNN_COLOUR_PAPER, "paper", "#ffffff", "#15181c")                                             \
    X(CNN_COLOUR_LESS_3, "less-3", "#6ea4d4", "#2a6cab")                                           \
    X(CNN_COLOUR_LESS_2, "less-2", "#a3c5e4", "#275480")                                           \
    X(CNN_COLOUR_LESS_1, "less-1", "#d3e2f1", "#22415e")                                           \
    X(CNN_COLOUR_EQUAL, "equal", "#f1f2f3", "#272b31")                                             \
    X(CNN_COLOUR_MORE_1, "more-1", "#f4e2c4", "#4d3b1d")                                           \
    X(CNN_COLOUR_MORE_2, "more-2", "#e8bf80", "#6e5020")                                           \
    X(CNN_COLOUR_MORE_3, "more-3", "#d9a04a", "#8f6419")

typedef enum {
#define CNN_COLOUR_CONSTANT(constant, variable, light, dark) constant,
    CNN_COLOURS(CNN_COLOUR_CONSTANT)
#undef CNN_COLOUR_CONSTANT
        CNN_COLOUR_COUNT
} cnn_colour;

/** More levels share the last colour, CNN_COLOUR_OTHER. */
enum { CNN_COLOURED_LEVELS = 8 };

extern const char *const cnn_colour_variables[]; /* [CNN_COLOUR_COUNT] "level-1" */
extern const char *const cnn_colours_light[];    /* [CNN_COLOUR_COUNT] "#0063a8" */
extern const char *const cnn_colours_dark[];

/** gnuplot's line type of a level, from 1; set at the start of every script. */
int cnn_level_type(int level);
/** gnuplot's point type of it: filled shapes. */
int cnn_level_shape(int level);
/** #rrggbb of a level. */
const char *cnn_level_colour(int level);

#endif
