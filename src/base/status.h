/* SPDX-License-Identifier: Apache-2.0 */
/** Status codes and the thread's error message.
 *
 *  Every function that can fail returns a cnn_status. A function that fails first describes the
 *  failure (what, where, what to do) with cnn_error_set, most often through CNN_CHECK. The message
 *  belongs to the calling thread and stays until the next one is set. */
#ifndef CNN_BASE_STATUS_H
#define CNN_BASE_STATUS_H

#define CNN_STATUSES(X)                                                                            \
    X(CNN_OK, "ok")                                                                                \
    X(CNN_EINVAL, "invalid argument")                                                              \
    X(CNN_ENOMEM, "out of memory")                                                                 \
    X(CNN_EUSAGE, "wrong job file or command line")                                                \
    X(CNN_EDATA, "missing or malformed data")                                                      \
    X(CNN_EIO, "input or output failed")                                                           \
    X(CNN_EENV, "the environment lacks something")                                                 \
    X(CNN_EBUSY, "in use by another process")                                                      \
    X(CNN_EPROTOCOL, "a trainer broke the run protocol")                                           \
    X(CNN_EBACKEND, "a compute library failed")                                                    \
    X(CNN_EMPI, "MPI failed")                                                                      \
    X(CNN_ESTOPPED, "stopped before the end")

typedef enum {
#define CNN_STATUS_ENUM(code, text) code,
    CNN_STATUSES(CNN_STATUS_ENUM)
#undef CNN_STATUS_ENUM
} cnn_status;

/** The fixed text of a status; never NULL. */
const char *cnn_status_text(cnn_status st);

/** Sets the thread's error message (at most 16 kB are kept) and returns st. CNN_ENOMEM: the message
 *  says what there was no memory for, and gets "out of memory: " in front. */
cnn_status cnn_error_set(cnn_status st, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Puts "<fmt>: " before the thread's error message and returns st: context added on the way up. */
cnn_status cnn_error_prefix(cnn_status st, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/** The thread's last error message, "" before the first; valid until the next one is set. */
const char *cnn_error_message(void);

/** In a function with `cnn_status st = CNN_OK;` and a label `done:` before its clean-up. */
#define CNN_CHECK(condition, status, ...)                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            st = cnn_error_set((status), __VA_ARGS__);                                             \
            goto done;                                                                             \
        }                                                                                          \
    } while (0)

#define CNN_TRY(call)                                                                              \
    do {                                                                                           \
        if ((st = (call)) != CNN_OK)                                                               \
            goto done;                                                                             \
    } while (0)

#endif
