/* SPDX-License-Identifier: Apache-2.0 */
/* What a trainer may write to its descriptor: bytes -> lines -> events -> the record of an attempt.
 * First byte: how many bytes arrive at a time. */
#include "fuzz.h"

#include "host/lines.h"
#include "mpi/worker/run_record.h"

#include <stdlib.h>
#include <string.h>

enum { EPOCHS = 3 };

/** An event that is read is written and read again. */
static void write_and_read(const char *line)
{
    cnn_event event, again;
    cnn_text text = {0};
    if (cnn_event_parse(line, strlen(line), &event) != CNN_OK)
        return;
    cnn_event_write(&event, &text);
    MUST(cnn_text_status(&text) == CNN_OK && text.len > 0);
    MUST(cnn_event_parse(text.s, text.len - 1, &again) == CNN_OK);
    MUST(again.kind == event.kind && again.epoch == event.epoch);
    MUST(strcmp(again.message, event.message) == 0);
    cnn_text_free(&text);
}

static void take_lines(cnn_lines *lines, cnn_record *record)
{
    bool too_long = false;
    const char *line;
    while ((line = cnn_lines_next(lines, &too_long)) != NULL) {
        cnn_record_line(record, line, too_long);
        write_and_read(line);
        too_long = false;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cnn_record record;
    cnn_lines *lines = calloc(1, sizeof *lines);
    if (size < 1) {
        free(lines);
        return 0;
    }
    MUST(lines && cnn_record_create(EPOCHS, &record) == CNN_OK);
    cnn_record_begin(&record, EPOCHS);
    for (size_t at = 1, step = data[0] + 1u; at < size;) {
        size_t room, n = size - at < step ? size - at : step;
        char *to = cnn_lines_space(lines, &room);
        n = n < room ? n : room;
        MUST(n > 0);
        memcpy(to, data + at, n);
        cnn_lines_added(lines, n);
        at += n;
        take_lines(lines, &record);
    }
    lines->closed = true;
    take_lines(lines, &record);
    const cnn_trainer_end end = {.started = true, .life_seconds = 100, .log = "the log"};
    cnn_outcome outcome = cnn_record_judge(&record, &end);
    MUST(outcome > CNN_OUTCOME_NONE && outcome < CNN_OUTCOME_COUNT);
    MUST(record.row.epochs_done >= 0 && record.row.epochs_done <= EPOCHS);
    cnn_record_free(&record);
    free(lines);
    return 0;
}
