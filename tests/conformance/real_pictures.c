/* SPDX-License-Identifier: Apache-2.0 */
#include "real_pictures.h"

#include "data/dataset.h"

#include <stdlib.h>
#include <string.h>

static picture_set convert(const cnn_dataset *d)
{
    picture_set p = {.shape = {d->height, d->width, d->channels},
                     .classes = d->classes,
                     .count = d->train.count};
    size_t values = (size_t)p.count * (size_t)cnn_shape_size(p.shape);
    p.x = ref_alloc(values, sizeof *p.x);
    p.labels = ref_alloc((size_t)p.count, sizeof *p.labels);
    assert_false(d->is_f32);
    for (size_t i = 0; i < values; i++)
        p.x[i] = (float)(((const uint8_t *)d->train.images)[i] * d->scale);
    memcpy(p.labels, d->train.labels, (size_t)p.count * sizeof *p.labels);
    return p;
}

picture_set pictures_real(const char *name, int count)
{
    cnn_source source = {0};
    cnn_dataset *dataset = NULL;
    picture_set p;
    OK(cnn_source_wellknown(name, &source));
    source.limit = count;
#ifdef CNN_SHARED_DATA
    free(source.folder);
    source.folder = cnn_strdup(CNN_SHARED_DATA);
#endif
    if (cnn_dataset_load(&source, &dataset) == CNN_OK) {
        p = convert(dataset);
        assert_int_equal(p.count, count);
    } else {
        print_message("real images of %s are not here, synthetic ones take their place: %s\n", name,
                      cnn_error_message());
        bool idc = strcmp(name, "idc") == 0;
        p = pictures_synthetic(idc ? (cnn_shape){50, 50, 3} : (cnn_shape){28, 28, 1}, idc ? 2 : 10,
                               count);
    }
    cnn_dataset_destroy(&dataset);
    cnn_source_free(&source);
    return p;
}
