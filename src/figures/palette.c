/* SPDX-License-Identifier: Apache-2.0 */
#include "figures/palette.h"

#define VARIABLE(constant, variable, light, dark) variable,
#define LIGHT(constant, variable, light, dark)    light,
#define DARK(constant, variable, light, dark)     dark,
const char *const cnn_colour_variables[] = {CNN_COLOURS(VARIABLE)};
const char *const cnn_colours_light[] = {CNN_COLOURS(LIGHT)};
const char *const cnn_colours_dark[] = {CNN_COLOURS(DARK)};

int cnn_level_type(int level)
{
    return (level < CNN_COLOURED_LEVELS ? level : CNN_COLOURED_LEVELS) + 1;
}

int cnn_level_shape(int level)
{
    /* circle, square, triangle, diamond, triangle on its tip, pentagon */
    static const int shapes[] = {7, 5, 9, 13, 11, 15};
    return shapes[level % (int)(sizeof shapes / sizeof *shapes)];
}

const char *cnn_level_colour(int level)
{
    return cnn_colours_light[cnn_level_type(level) - 1];
}
