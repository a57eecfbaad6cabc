/* SPDX-License-Identifier: Apache-2.0 */
/** Events that a trainer reports: JSON lines on the descriptor named by CNN_EVENTS_FD. Both ends
 *  are here: the trainer writes, the rank parses. docs/trainer-protocol.md describes them. */
#ifndef CNN_PROTOCOL_EVENT_H
#define CNN_PROTOCOL_EVENT_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    CNN_EVENT_READY,
    CNN_EVENT_EPOCH,
    CNN_EVENT_DONE,
    CNN_EVENT_ERROR,
    CNN_EVENT_TUNED,
} cnn_event_kind;

enum { CNN_EVENT_MAX_BYTES = 65536, CNN_EVENT_MAX_STEPS = 5000 };
enum { CNN_ALGORITHMS_SIZE = 16384, CNN_TIMINGS_SIZE = 32768 };

enum { CNN_EVENT_METRICS_MAX = 8 };

/** What a job expects of events beyond the run protocol. */
typedef struct {
    bool is_measurement; /* losses, errors, times of evaluation and checksums may be missing */
    int metric_count;    /* at most CNN_EVENT_METRICS_MAX */
    const char *metrics[CNN_EVENT_METRICS_MAX]; /* members of `epoch` and `done`; borrowed */
} cnn_event_rules;

/** Unknown numbers are NaN (counts -1), unknown texts "". */
typedef struct {
    cnn_event_kind kind;
    /* ready */
    double setup_seconds;
    int64_t parameters;
    int64_t train_images, test_images;
    char backend[16];
    char versions[128]; /* of the libraries: "oneDNN 2.6.3" */
    char device[96];
    int threads;
    char data_checksum[32]; /* of both parts after split and limit: cnn_dataset_fingerprint */
    /* epoch */
    int epoch; /* 0-based */
    double seconds, train_loss, test_loss, test_error, evaluation_seconds;
    const float *step_seconds; /* [step_count], borrowed; NULL unless `trace: step`. Written, but
                                  not parsed: the rank has no use for it yet. */
    int step_count;            /* at most CNN_EVENT_MAX_STEPS, so that the line fits */
    /* done */
    double train_seconds, total_seconds;
    bool diverged;     /* loss NaN or infinite: a result, training ended early */
    char checksum[32]; /* of the final weights, 16 hex digits from our trainers */
    double metrics[CNN_EVENT_METRICS_MAX]; /* of epoch and done, by the rules; not written */
    /* error */
    char message[1024];
    /* tuned */
    char algorithms[CNN_ALGORITHMS_SIZE]; /* what was chosen; never cut: longer is refused */
    char timings[CNN_TIMINGS_SIZE];       /* what was timed for the choice */
} cnn_event;

/** Receives each event as it happens. A failure ends the run with that status. */
typedef cnn_status (*cnn_event_sink)(void *user, const cnn_event *event);

/** An event of a kind with everything unknown. */
cnn_event cnn_event_make(cnn_event_kind kind);
/** Appends the event as one JSON line, newline included. */
void cnn_event_write(const cnn_event *event, cnn_text *out);
/** Parses one line (n bytes without newline, any content). CNN_EPROTOCOL says what is wrong: longer
 *  than CNN_EVENT_MAX_BYTES, no JSON object, unknown kind, a missing or mistyped member. Unknown
 *  members are ignored. *out is complete when it succeeds and untouched otherwise. */
cnn_status cnn_event_parse(const char *line, size_t n, cnn_event *out);
/** The same by the rules of a job; NULL: none. */
cnn_status cnn_event_parse_by(const char *line, size_t n, const cnn_event_rules *rules,
                              cnn_event *out);

#endif
