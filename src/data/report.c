/* SPDX-License-Identifier: Apache-2.0 */
#include "data/report.h"

#include "data/dataset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MANY_CLASSES = 20 }; /* more are summarised */

/** 60000 as 60,000. */
static void write_count(cnn_text *t, int n)
{
    if (n >= 1000000)
        cnn_text_printf(t, "%d,%03d,%03d", n / 1000000, n / 1000 % 1000, n % 1000);
    else if (n >= 1000)
        cnn_text_printf(t, "%d,%03d", n / 1000, n % 1000);
    else
        cnn_text_printf(t, "%d", n);
}

/** "6,000 of each class", "0: 2,283, 1: 2,155" or "a class has 12 to 30". */
static void write_sizes(cnn_text *t, const int *sizes, int classes)
{
    int least = sizes[0], most = sizes[0];
    for (int c = 1; c < classes; c++) {
        least = sizes[c] < least ? sizes[c] : least;
        most = sizes[c] > most ? sizes[c] : most;
    }
    if (least == most) {
        write_count(t, least);
        cnn_text_append(t, " of each class");
    } else if (classes > MANY_CLASSES) {
        cnn_text_append(t, "a class has ");
        write_count(t, least);
        cnn_text_append(t, " to ");
        write_count(t, most);
    } else {
        for (int c = 0; c < classes; c++) {
            cnn_text_printf(t, "%s%d: ", c ? ", " : "class ", c);
            write_count(t, sizes[c]);
        }
    }
}

static cnn_status write_part(cnn_text *t, const char *what, const cnn_images *part, int classes)
{
    int *sizes = calloc((size_t)classes, sizeof *sizes);
    if (!sizes)
        return cnn_error_set(CNN_ENOMEM, "sizes of %d classes", classes);
    for (int i = 0; i < part->count; i++)
        sizes[part->labels[i]]++;
    cnn_text_printf(t, "  %-10s", what);
    write_count(t, part->count);
    cnn_text_append(t, " images (");
    write_sizes(t, sizes, classes);
    cnn_text_append(t, ")\n");
    free(sizes);
    return CNN_OK;
}

/** Of a tree of PNG files: what was passed over, and what was divided. */
static void write_tree(cnn_text *t, const cnn_dataset *d)
{
    cnn_text_printf(t, "  %-10s", "files");
    write_count(t, d->files);
    cnn_text_append(t, " images of ");
    write_count(t, d->patients);
    cnn_text_append(t, d->patients == 1 ? " patient" : " patients");
    if (d->skipped) {
        cnn_text_append(t, "; ");
        write_count(t, d->skipped);
        cnn_text_printf(t, " skipped: not %d x %d x %d", d->height, d->width, d->channels);
    }
    if (d->other_files) {
        cnn_text_append(t, "; ");
        write_count(t, d->other_files);
        cnn_text_printf(t, " other file%s left alone", d->other_files == 1 ? "" : "s");
    }
    cnn_text_append(t, "\n");
    if (d->test_patients) {
        cnn_text_printf(t, "  %-10sby patient: ", "split");
        write_count(t, d->patients - d->test_patients);
        cnn_text_append(t, " for training, ");
        write_count(t, d->test_patients);
        cnn_text_append(t, " for testing\n");
    }
}

static cnn_status write_found(cnn_text *t, const cnn_source *source, const cnn_dataset *d)
{
    cnn_status st = CNN_OK;
    cnn_text_printf(t, "%s: %d x %d x %d, %d classes, %s\n", source->name, d->height, d->width,
                    d->channels, d->classes, d->is_f32 ? "32-bit reals" : "bytes");
    cnn_text_printf(t, "  %-10s%s\n", "found", d->found);
    if (d->files)
        write_tree(t, d);
    CNN_TRY(write_part(t, "training", &d->train, d->classes));
    CNN_TRY(write_part(t, "test", &d->test, d->classes));
    cnn_text_printf(t, "  %-10s%016" PRIx64 "\n", "checksum", d->checksum);
done:
    return st;
}

/** Every line of text, indented. */
static void write_indented(cnn_text *t, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        cnn_text_append(t, "  ");
        cnn_text_append_bytes(t, text, n);
        cnn_text_append(t, "\n");
        text += n + (text[n] == '\n');
    }
}

static void write_problem(cnn_text *t, const cnn_source *source, const char *problem)
{
    const char *advice = cnn_dataset_advice(source);
    cnn_text_printf(t, "%s: cannot be used\n", source->name);
    write_indented(t, problem);
    if (!strstr(problem, advice))
        write_indented(t, advice);
}

cnn_status cnn_data_report(const cnn_source *sources, int count, cnn_text *out, int *missing)
{
    cnn_status st = CNN_OK;
    cnn_dataset *d = NULL;
    *missing = 0;
    for (int i = 0; i < count; i++) {
        if (sources[i].type == CNN_SOURCE_EXTERNAL) {
            cnn_text_printf(out, "%s: external, its trainers find it\n", sources[i].name);
        } else if (cnn_dataset_load(&sources[i], &d) == CNN_OK) {
            CNN_TRY(write_found(out, &sources[i], d));
        } else {
            write_problem(out, &sources[i], cnn_error_message());
            ++*missing;
        }
        cnn_dataset_destroy(&d);
    }
    CNN_TRY(cnn_text_status(out));
done:
    cnn_dataset_destroy(&d);
    return st;
}
