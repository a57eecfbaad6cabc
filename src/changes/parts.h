/* SPDX-License-Identifier: Apache-2.0 */
/** What the sections of a comparison share, and the sections, which changes/document.c puts in
 *  order. Each adds tables or paragraphs to a document, which remembers failures. */
#ifndef CNN_CHANGES_PARTS_H
#define CNN_CHANGES_PARTS_H

#include "base/text.h"
#include "changes/document.h"

typedef struct {
    const cnn_changes *c;
    const cnn_gate *gate; /* NULL: no limit */
    bool full;
    cnn_document *out;
} cnn_changes_report;

/** How a measure is shown: differences in percent, points or the measure's unit. */
typedef struct {
    const char *title, *unit, *difference;
    double scale;
    bool is_log;
} cnn_changes_shown;
cnn_changes_shown cnn_changes_shown_of(int measure);

/** A difference on the analysed scale as it is shown: 3.1 of 3.1 %. */
double cnn_changes_size(const cnn_changes_shown *shown, double x);

/** Name of a verdict in tables: without a control none says that anything changed. */
const char *cnn_changes_verdict(const cnn_changes *c, const cnn_changes_figures *x);

void cnn_changes_put_files(const cnn_changes_report *r);
void cnn_changes_put_circumstances(const cnn_changes_report *r);
void cnn_changes_put_left(const cnn_changes_report *r);
void cnn_changes_put_figures(const cnn_changes_report *r);
void cnn_changes_put_sessions(const cnn_changes_report *r);
void cnn_changes_put_limit(const cnn_changes_report *r);
void cnn_changes_put_found(const cnn_changes_report *r);

#endif
