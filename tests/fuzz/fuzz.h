/* SPDX-License-Identifier: Apache-2.0 */
/** What the fuzz targets share. Each target is one C file with LLVMFuzzerTestOneInput, linked with
 *  libFuzzer, AddressSanitizer and UBSan; it ends the process where something is wrong. */
#ifndef CNN_TESTS_FUZZ_FUZZ_H
#define CNN_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/** No gzip stream unpacks to more than so many bytes for each of its own. */
enum { FUZZ_RATIO = 1032 };

/** What must hold of everything that a reader lets through. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fuzz_fail(__FILE__, __LINE__, #condition);                                             \
    } while (0)
_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

/** The bytes as a file in memory; the path is good until the next call. */
const char *fuzz_file(const void *bytes, size_t size);

/** The same, packed by gzip. */
const char *fuzz_gzip_file(const void *bytes, size_t size);

/** Reads every byte, so that AddressSanitizer sees each. */
void fuzz_touch(const void *bytes, size_t size);

#endif
