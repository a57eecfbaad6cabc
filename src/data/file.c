/* SPDX-License-Identifier: Apache-2.0 */
#include "data/file.h"

#include "base/checksum.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
    BUFFER = 1 << 16,
    STEP = 1 << 20,        /* how far memory runs ahead of the data */
    DEFLATE_RATIO = 1032,  /* no deflate stream expands more: 258 bytes from 2 bits */
    GZIP_WINDOW = 15 + 16, /* inflateInit2: the largest window, gzip header and checksum */
};

struct cnn_data_file {
    char *path;
    int fd;
    uint64_t size;   /* bytes on disk */
    uint64_t taken;  /* bytes read from disk */
    uint64_t offset; /* of the next unzipped byte */
    bool zipped;
    bool member_done; /* zipped: between two gzip members, or at the end */
    z_stream z;       /* next_in, avail_in: bytes taken from disk and not yet used, plain too */
    unsigned char buffer[BUFFER];
};

/** Bytes on disk that have been used. */
static uint64_t disk_offset(const cnn_data_file *f)
{
    return f->taken - f->z.avail_in;
}

/** Fills the buffer when it is empty; it stays empty only at the file's end. */
static cnn_status fill(cnn_data_file *f)
{
    cnn_status st = CNN_OK;
    size_t n = 0;
    if (f->z.avail_in > 0)
        return CNN_OK;
    while (n < BUFFER) {
        ssize_t got = read(f->fd, f->buffer + n, BUFFER - n);
        if (got < 0 && errno == EINTR)
            continue;
        CNN_CHECK(got >= 0, CNN_EIO, "cannot read '%s': %s", f->path, strerror(errno));
        if (got == 0)
            break;
        n += (size_t)got;
    }
    f->z.next_in = f->buffer;
    f->z.avail_in = (uInt)n;
    f->taken += n;
done:
    return st;
}

static cnn_status open_regular(cnn_data_file *f)
{
    cnn_status st = CNN_OK;
    struct stat info;
    /* O_NONBLOCK: a named pipe must not hang us before fstat has recognised it. */
    f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    CNN_CHECK(f->fd >= 0, errno == ENOENT ? CNN_EDATA : CNN_EIO, "cannot open '%s': %s", f->path,
              strerror(errno));
    CNN_CHECK(fstat(f->fd, &info) == 0, CNN_EIO, "cannot read '%s': %s", f->path, strerror(errno));
    CNN_CHECK(S_ISREG(info.st_mode), CNN_EDATA, "'%s' is %s", f->path,
              S_ISDIR(info.st_mode) ? "a folder, not a file" : "not a regular file");
    CNN_CHECK(info.st_size > 0, CNN_EDATA, "'%s' is empty", f->path);
    f->size = (uint64_t)info.st_size;
done:
    return st;
}

/** Whether the buffer begins with a text, letters of either case. */
static bool starts_with(const cnn_data_file *f, const char *text)
{
    const size_t n = strlen(text);
    return f->z.avail_in >= n && strncasecmp((const char *)f->buffer, text, n) == 0;
}

/** What downloads leave in the place of data. */
static cnn_status check_start(const cnn_data_file *f)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(!starts_with(f, "version https://git-lfs"), CNN_EDATA,
              "'%s' is a pointer of Git LFS, not the data: `git lfs pull` brings them", f->path);
    CNN_CHECK(!starts_with(f, "<!DOCTYPE html") && !starts_with(f, "<html"), CNN_EDATA,
              "'%s' is a page of HTML, not data: the server answered the download with a page; "
              "open it in a browser to see what it says",
              f->path);
done:
    return st;
}

cnn_status cnn_data_file_open(const char *path, cnn_data_file **out)
{
    cnn_status st = CNN_OK;
    cnn_data_file *f = calloc(1, sizeof *f);
    CNN_CHECK(f, CNN_ENOMEM, "reading '%s'", path);
    f->fd = -1;
    CNN_CHECK((f->path = cnn_strdup(path)) != NULL, CNN_ENOMEM, "reading '%s'", path);
    CNN_TRY(open_regular(f));
    CNN_TRY(fill(f));
    CNN_TRY(check_start(f));
    if (f->z.avail_in >= 2 && f->buffer[0] == 0x1f && f->buffer[1] == 0x8b) {
        CNN_CHECK(inflateInit2(&f->z, GZIP_WINDOW) == Z_OK, CNN_ENOMEM, "unzipping '%s'", path);
        f->zipped = true;
    }
    *out = f;
    f = NULL;
done:
    cnn_data_file_close(&f);
    return st;
}

void cnn_data_file_close(cnn_data_file **file)
{
    cnn_data_file *f = *file;
    if (!f)
        return;
    if (f->zipped)
        inflateEnd(&f->z);
    if (f->fd >= 0)
        close(f->fd);
    free(f->path);
    free(f);
    *file = NULL;
}

const char *cnn_data_file_path(const cnn_data_file *f)
{
    return f->path;
}

uint64_t cnn_data_file_size(const cnn_data_file *f)
{
    return f->size;
}

uint64_t cnn_data_file_offset(const cnn_data_file *f)
{
    return f->offset;
}

/** What follows a gzip member must be another one. */
static cnn_status next_member(cnn_data_file *f)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(f->z.next_in[0] == 0x1f, CNN_EDATA,
              "'%s' has %" PRIu64 " bytes after the end of its gzip stream, at byte %" PRIu64
              " on disk",
              f->path, f->size - disk_offset(f), disk_offset(f));
    CNN_CHECK(inflateReset(&f->z) == Z_OK, CNN_EDATA, "'%s' cannot be unzipped", f->path);
    f->member_done = false;
done:
    return st;
}

/** Unzips up to n bytes; fewer only at the end. */
static cnn_status take_zipped(cnn_data_file *f, unsigned char *bytes, size_t n, size_t *got)
{
    cnn_status st = CNN_OK;
    f->z.next_out = bytes;
    f->z.avail_out = (uInt)n;
    while (f->z.avail_out > 0) {
        CNN_TRY(fill(f));
        if (f->z.avail_in == 0 && f->member_done)
            break;
        CNN_CHECK(f->z.avail_in > 0, CNN_EDATA,
                  "'%s' is cut off: its gzip stream has no end after %" PRIu64 " bytes on disk",
                  f->path, f->size);
        if (f->member_done)
            CNN_TRY(next_member(f));
        int r = inflate(&f->z, Z_NO_FLUSH);
        CNN_CHECK(r == Z_OK || r == Z_STREAM_END || r == Z_BUF_ERROR,
                  r == Z_MEM_ERROR ? CNN_ENOMEM : CNN_EDATA,
                  "'%s' is corrupt: gzip says '%s' at byte %" PRIu64 " on disk", f->path,
                  f->z.msg ? f->z.msg : zError(r), disk_offset(f));
        f->member_done = r == Z_STREAM_END;
    }
    *got = n - f->z.avail_out;
done:
    return st;
}

static cnn_status take_plain(cnn_data_file *f, unsigned char *bytes, size_t n, size_t *got)
{
    cnn_status st = CNN_OK;
    size_t done_bytes = 0;
    while (done_bytes < n) {
        CNN_TRY(fill(f));
        size_t k = n - done_bytes < f->z.avail_in ? n - done_bytes : f->z.avail_in;
        if (k == 0)
            break;
        memcpy(bytes + done_bytes, f->z.next_in, k);
        f->z.next_in += k;
        f->z.avail_in -= (uInt)k;
        done_bytes += k;
    }
    *got = done_bytes;
done:
    return st;
}

/** n is at most STEP, so that it fits zlib's counters. */
static cnn_status take(cnn_data_file *f, unsigned char *bytes, size_t n, size_t *got)
{
    cnn_status st = f->zipped ? take_zipped(f, bytes, n, got) : take_plain(f, bytes, n, got);
    if (st == CNN_OK)
        f->offset += *got;
    return st;
}

cnn_status cnn_data_file_read(cnn_data_file *f, const char *what, void *bytes, size_t n)
{
    cnn_status st = CNN_OK;
    unsigned char *to = bytes;
    while (n > 0) {
        size_t step = n < STEP ? n : STEP, got = 0;
        CNN_TRY(take(f, to, step, &got));
        CNN_CHECK(got == step, CNN_EDATA,
                  "'%s' is cut off: it ends at byte %" PRIu64 ", and %zu bytes of %s are missing",
                  f->path, f->offset, n - got, what);
        to += got;
        n -= got;
    }
done:
    return st;
}

cnn_status cnn_data_file_promise(cnn_data_file *f, const char *what, uint64_t n)
{
    cnn_status st = CNN_OK;
    if (f->zipped) {
        uint64_t most = f->size > UINT64_MAX / DEFLATE_RATIO ? UINT64_MAX : f->size * DEFLATE_RATIO;
        CNN_CHECK(n <= most, CNN_EDATA,
                  "'%s': its header promises %" PRIu64 " bytes of %s, more than a gzip file of "
                  "%" PRIu64 " bytes can hold",
                  f->path, n, what, f->size);
    } else {
        uint64_t left = f->size - f->offset;
        CNN_CHECK(left >= n, CNN_EDATA,
                  "'%s' is cut off or its header is wrong: the header promises %" PRIu64
                  " bytes of %s from byte %" PRIu64 " on, the file holds %" PRIu64,
                  f->path, n, what, f->offset, left);
        CNN_CHECK(left == n, CNN_EDATA,
                  "'%s' is too long by %" PRIu64 " bytes: by its header it should end at byte "
                  "%" PRIu64,
                  f->path, left - n, f->offset + n);
    }
done:
    return st;
}

static cnn_status expect_end(cnn_data_file *f)
{
    cnn_status st = CNN_OK;
    unsigned char extra;
    size_t got = 0;
    uint64_t end = f->offset;
    CNN_TRY(take(f, &extra, 1, &got));
    CNN_CHECK(got == 0, CNN_EDATA, "'%s' is too long: by its header it should end at byte %" PRIu64,
              f->path, end);
done:
    return st;
}

cnn_status cnn_data_file_payload(cnn_data_file *f, const char *what, uint64_t n, uint64_t *sum,
                                 unsigned char **out)
{
    cnn_status st = CNN_OK;
    unsigned char *bytes = NULL;
    size_t have = 0;
    CNN_TRY(cnn_data_file_promise(f, what, n));
    CNN_CHECK(n <= SIZE_MAX, CNN_ENOMEM, "%" PRIu64 " bytes of %s of '%s'", n, what, f->path);
    while (have < n) {
        size_t step = n - have < STEP ? (size_t)(n - have) : STEP;
        unsigned char *more = realloc(bytes, have + step);
        CNN_CHECK(more, CNN_ENOMEM, "%zu bytes of %s of '%s'", have + step, what, f->path);
        bytes = more;
        CNN_TRY(cnn_data_file_read(f, what, bytes + have, step));
        *sum = cnn_checksum(*sum, bytes + have, step);
        have += step;
    }
    CNN_TRY(expect_end(f));
    *out = bytes;
    bytes = NULL;
done:
    free(bytes);
    return st;
}
