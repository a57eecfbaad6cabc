/* SPDX-License-Identifier: Apache-2.0 */
/** A data file being read from front to back, gzip-compressed or plain (recognised by its content).
 *
 *  Files may be truncated, corrupt or hostile: everything is checked against what the file really
 *  holds, and every error is CNN_EDATA with a message that names the file and the place in it.
 *  Offsets are those of the unzipped bytes unless a message says "on disk". */
#ifndef CNN_DATA_FILE_H
#define CNN_DATA_FILE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct cnn_data_file cnn_data_file;

/** CNN_EDATA: missing, empty or no regular file; CNN_EIO: it cannot be read. */
cnn_status cnn_data_file_open(const char *path, cnn_data_file **out);
void cnn_data_file_close(cnn_data_file **file);

/** As given to open; borrowed. */
const char *cnn_data_file_path(const cnn_data_file *file);
/** Bytes on disk. */
uint64_t cnn_data_file_size(const cnn_data_file *file);
/** Of the next byte. */
uint64_t cnn_data_file_offset(const cnn_data_file *file);

/** Reads exactly n bytes; what names them in the message when the file ends early. */
cnn_status cnn_data_file_read(cnn_data_file *file, const char *what, void *bytes, size_t n);

/** The header, now read, promises that exactly n more bytes follow. CNN_EDATA where the file's size
 *  says otherwise: for a plain file exactly, for a gzip file where even the best compression could
 *  not have put so much into it. Allocates nothing. */
cnn_status cnn_data_file_promise(cnn_data_file *file, const char *what, uint64_t n);

/** Reads the promised n bytes, checks that nothing follows (and with that gzip's checksum), and
 *  continues *sum over them. *out [n] is owned by the caller. Memory grows with what has really
 *  been read, at most 1 MB ahead of it. */
cnn_status cnn_data_file_payload(cnn_data_file *file, const char *what, uint64_t n, uint64_t *sum,
                                 unsigned char **out);

#endif
