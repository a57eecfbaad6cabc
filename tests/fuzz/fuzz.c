/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "base/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

_Noreturn void fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s; last error: %s\n", file, line, condition,
            cnn_error_message());
    abort();
}

const char *fuzz_file(const void *bytes, size_t size)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        MUST((fd = memfd_create("input", MFD_CLOEXEC)) >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    MUST(ftruncate(fd, 0) == 0);
    MUST(pwrite(fd, bytes, size, 0) == (ssize_t)size);
    return path;
}

const char *fuzz_gzip_file(const void *bytes, size_t size)
{
    z_stream z = {0};
    size_t room = size + size / 100 + 1024;
    unsigned char *packed = malloc(room);
    MUST(packed && deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    z.next_in = (unsigned char *)bytes;
    z.avail_in = (uInt)size;
    z.next_out = packed;
    z.avail_out = (uInt)room;
    MUST(deflate(&z, Z_FINISH) == Z_STREAM_END);
    const char *path = fuzz_file(packed, room - z.avail_out);
    deflateEnd(&z);
    free(packed);
    return path;
}

void fuzz_touch(const void *bytes, size_t size)
{
    static volatile unsigned char sink;
    for (size_t i = 0; i < size; i++)
        sink = (unsigned char)(sink ^ ((const unsigned char *)bytes)[i]);
}
