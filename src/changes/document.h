/* SPDX-License-Identifier: Apache-2.0 */
/** The document of `cnnmpi compare`. */
#ifndef CNN_CHANGES_DOCUMENT_H
#define CNN_CHANGES_DOCUMENT_H

#include "changes/changes.h"
#include "changes/gate.h"
#include "document/table.h"

/** Adds tables and paragraphs: files, circumstances, cells left out, figures by measure, the limit
 *  (gate NULL: none is asked for), and the findings at the end. full: every circumstance and all
 *  columns. The document borrows from both until it is freed. */
cnn_status cnn_changes_document(const cnn_changes *changes, const cnn_gate *gate, bool full,
                                cnn_document *out);

#endif
