/* SPDX-License-Identifier: Apache-2.0 */
#include "job/conditions.h"

#include <stddef.h>
#include <string.h>

#define NAME(constant, name, title)  #name,
#define TITLE(constant, name, title) title,
const char *const cnn_condition_names[] = {CNN_CONDITIONS(NAME) NULL};
const char *const cnn_condition_titles[] = {CNN_CONDITIONS(TITLE)};

bool cnn_condition_is_varied_by(cnn_condition condition, const char *factor)
{
    static const struct {
        const char *factor;
        cnn_condition condition;
    } varied[] = {
        {"architecture", CNN_CONDITION_PARAMETERS},
        {"dataset", CNN_CONDITION_PARAMETERS}, /* image size and classes */
        {"dataset", CNN_CONDITION_TRAIN_IMAGES},
        {"dataset", CNN_CONDITION_TEST_IMAGES},
        {"dataset", CNN_CONDITION_DATA},
        {"epochs", CNN_CONDITION_EPOCHS},
        {"threads", CNN_CONDITION_THREADS},
    };
    for (size_t i = 0; i < sizeof varied / sizeof varied[0]; i++)
        if (varied[i].condition == condition && strcmp(varied[i].factor, factor) == 0)
            return true;
    return false;
}
