/* SPDX-License-Identifier: Apache-2.0 */
/** Where a report goes: standard output, a file, or a folder of CSV files. */
#ifndef CNN_DOCUMENT_OUTPUT_H
#define CNN_DOCUMENT_OUTPUT_H

#include "base/text.h"
#include "document/table.h"

#include <stdio.h>

typedef enum {
    CNN_REPORT_TEXT,
    CNN_REPORT_CSV,
    CNN_REPORT_LATEX,
    CNN_REPORT_HTML, /* a page, which src/page renders */
    CNN_REPORT_JSON,
    CNN_REPORT_MARKDOWN,
} cnn_report_format;
extern const char *const cnn_report_format_names[]; /* "text", ...; NULL-terminated */

typedef struct {
    cnn_report_format format;
    const char *table;         /* the one table that is wanted; NULL: all */
    const char *output;        /* NULL: standard output */
    const char *const *inputs; /* [input_count] files that the report is made from */
    int input_count;
    bool force; /* replace files that are there */
    int width;  /* of lines of text, where a terminal shows them; 0: CNN_TEXT_WIDTH */
} cnn_report_output;

/** A file that is being written. Start with {0}. */
typedef struct {
    FILE *file;
    char *path; /* NULL: standard output; symbolic links are followed */
} cnn_report_file;

/** Renders a document and writes it, as text, CSV or LaTeX (a page: page/page.h). All tables as CSV go to the folder `output`, which is made if
 *  need be: one file NAME.csv for each name of a table. Everything else goes to the file `output`.
 *  CNN_EUSAGE: a table that the document lacks (the message names those that it has), all tables as
 *  CSV without a folder, or a file that is there and not to be replaced: then nothing is
 *  written. */
cnn_status cnn_report_write(const cnn_document *d, const cnn_report_output *to);

/** Opens to->output for writing. Devices and pipes are written to as they are. CNN_EUSAGE: a file
 *  that is there while to->force is false, one of the inputs whatever its name, another results
 *  file, a folder, a disk or a socket. CNN_EBUSY: another process has the file locked. */
cnn_status cnn_report_open(const cnn_report_output *to, cnn_report_file *out);
/** Ends what cnn_report_open began: flushes, and closes files. Returns st if that is a failure
 *  already, else CNN_EIO where something could not be written; a file that failed is removed. */
cnn_status cnn_report_close(cnn_report_file *file, cnn_status st);

#endif
