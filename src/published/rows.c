/* SPDX-License-Identifier: Apache-2.0 */
#include "published/published.h"

#include <stddef.h>
#include <string.h>

const cnn_published_row cnn_published_rows[] = {
#include "published_rows.inc"
};

const char *cnn_published_case_name(const char *architecture, const char *dataset)
{
    static const struct {
        const char *architecture, *dataset, *name;
    } names[] = {
        {"arch1", "mnist", "A1 MNIST"},
        {"arch2", "mnist", "A2 MNIST"},
        {"arch1", "fashion_mnist", "A1 F-MNIST"},
        {"arch2", "fashion_mnist", "A2 F-MNIST"},
        {"arch1", "idc", "A1 cancer"},
        {"arch2", "idc", "A2 cancer"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!strcmp(names[i].architecture, architecture) && !strcmp(names[i].dataset, dataset))
            return names[i].name;
    return NULL;
}
