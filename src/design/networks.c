/* SPDX-License-Identifier: Apache-2.0 */
#include "design/networks.h"

#include "data/dataset.h"

#include <stdlib.h>
#include <string.h>

/** What is known of one of the job's data sets. */
typedef struct {
    bool tried, found;
    cnn_shape shape;
    int classes;
    cnn_image_counts images;
} known_shape;

static void look_up(const cnn_source *source, known_shape *known, cnn_text *problem)
{
    cnn_dataset info = {0};
    known->tried = true;
    if (cnn_dataset_inspect(source, &info) != CNN_OK) {
        const char *message = cnn_error_message(); /* names the data set, or a file of it only */
        bool named = strncmp(message, "data set '", strlen("data set '")) == 0;
        if (!named)
            cnn_text_printf(problem, "data set '%s': ", source->name);
        cnn_text_printf(problem, "%s\n", message);
        return;
    }
    known->found = true;
    known->shape = (cnn_shape){info.height, info.width, info.channels};
    known->classes = info.classes;
    known->images = (cnn_image_counts){info.train.count, info.test.count};
    free(info.found);
}

cnn_status cnn_networks_infer(const cnn_design *design, const cnn_job *job, cnn_network ***out,
                              cnn_image_counts *images, cnn_text *problem)
{
    cnn_status st = CNN_OK, unfit = CNN_OK;
    cnn_network **networks = calloc((size_t)design->cell_count, sizeof *networks);
    known_shape *known = calloc((size_t)job->dataset_count, sizeof *known);
    CNN_CHECK(networks && known, CNN_ENOMEM, "networks of %d cells", design->cell_count);
    for (int cell = 0; cell < design->cell_count; cell++) {
        cnn_treatment t = cnn_job_treatment(job, design->cells[cell].levels);
        if (images)
            images[cell] = (cnn_image_counts){0, 0};
        if (t.framework->is_simulated || t.source->type == CNN_SOURCE_EXTERNAL)
            continue; /* reads no data, or such that only its trainer knows */
        known_shape *k = &known[t.source - job->datasets];
        if (!k->tried)
            look_up(t.source, k, problem);
        if (!k->found)
            continue;
        if (images)
            images[cell] = k->images;
        if (t.architecture->opaque)
            continue;
        cnn_network *net = networks[cell] = malloc(sizeof *net);
        CNN_CHECK(net, CNN_ENOMEM, "network of cell %d", cell);
        *net = *t.architecture;
        cnn_status fits = cnn_network_infer(net, k->shape, k->classes);
        if (fits != CNN_OK) {
            unfit = fits;
            cnn_text_printf(problem, "%s: %s\n", design->cells[cell].label, cnn_error_message());
            free(net);
            networks[cell] = NULL;
        }
    }
    CNN_TRY(cnn_text_status(problem));
    CNN_CHECK(unfit == CNN_OK, unfit, "%.*s", (int)problem->len - 1, problem->s);
    *out = networks;
    networks = NULL;
done:
    free(known);
    cnn_networks_destroy(&networks, design->cell_count);
    return st;
}

/** Whether an earlier cell has the same data set. */
static bool is_seen(const cnn_design *design, const cnn_job *job, int cell)
{
    const cnn_source *source = cnn_job_treatment(job, design->cells[cell].levels).source;
    for (int c = 0; c < cell; c++)
        if (cnn_job_treatment(job, design->cells[c].levels).source == source)
            return true;
    return false;
}

void cnn_networks_describe_resolution(const cnn_design *design, const cnn_job *job,
                                      const cnn_image_counts *images, cnn_text *out)
{
    const double margin = job->analysis.margin_error;
    for (int cell = 0; cell < design->cell_count; cell++) {
        const int test = images[cell].test;
        if (test <= 0 || 1.0 / test <= margin || is_seen(design, job, cell))
            continue;
        cnn_text_printf(
            out,
            "\nWarning: one of the %d test images of %s is %.3g of test error, more than "
            "the margin\n  of %g: equivalence takes many seeds or more test images.\n",
            test, cnn_job_treatment(job, design->cells[cell].levels).source->name, 1.0 / test,
            margin);
    }
}

void cnn_networks_destroy(cnn_network ***networks, int count)
{
    if (!*networks)
        return;
    for (int i = 0; i < count; i++)
        free((*networks)[i]);
    free(*networks);
    *networks = NULL;
}
