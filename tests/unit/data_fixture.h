/* SPDX-License-Identifier: Apache-2.0 */
/** What the tests of src/data share: a temporary folder, hostile files, small data sets. */
#ifndef CNN_TESTS_UNIT_DATA_FIXTURE_H
#define CNN_TESTS_UNIT_DATA_FIXTURE_H

#include "data/dataset.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** cmocka set-up and tear-down: *state is the path of a new folder, removed with its files. */
int fixture_folder(void **state);
int fixture_remove(void **state);

/** Writes folder/name; the gz form compresses. */
void write_file(const char *folder, const char *name, const void *bytes, size_t n);
void write_gz(const char *folder, const char *name, const void *bytes, size_t n);
void remove_file(const char *folder, const char *name);
/** Reads folder/name; *n is its size; owned by the caller. */
unsigned char *read_back(const char *folder, const char *name, size_t *n);

/** An IDX file of rank sizes and n elements at payload; returns its length. file holds 64 + n. */
size_t make_idx(unsigned char *file, int rank, const uint32_t *sizes, const void *payload,
                size_t n);

/** Six training and three test images of 3 x 2, classes 0 to 2, in folder, plain. */
void write_small_idx(const char *folder);

cnn_source idx_source(const char *folder);
/** images and labels are names in folder; free with cnn_source_free. */
cnn_source npy_source(const char *folder, const char *images, const char *labels);

/** Loads source, which must succeed. */
cnn_dataset *load(const cnn_source *source);
/** Loads and inspects source, which must fail with CNN_EDATA and a message that holds part. */
void assert_bad(const cnn_source *source, const char *part);
void assert_contains(const char *text, const char *part);

/** Runs body(argument) in a child whose address space may grow by `bytes` at most; the child fails
 *  where body returns false. Under AddressSanitizer, which needs the space, body runs without a
 * limit.
 */
void assert_frugal(bool (*body)(const void *), const void *argument, size_t bytes);

#endif
