/* SPDX-License-Identifier: Apache-2.0 */
/** The tables of one name as one table, for programs: CSV and JSON. Only renderers include this. */
#ifndef CNN_DOCUMENT_JOINED_H
#define CNN_DOCUMENT_JOINED_H

#include "document/table.h"

#include <stdbool.h>

/** Columns of all tables with a name that CSV has, in the order in which they first appear. */
typedef struct {
    const cnn_document *d;
    const char *name;
    const cnn_table_column **columns; /* [count] the first of each name */
    int count;
} cnn_joined;

/** False without memory. End with cnn_joined_free. */
bool cnn_joined_make(const cnn_document *d, const char *name, cnn_joined *out);
void cnn_joined_free(cnn_joined *joined);

/** The table of an item, where it is one of them; else NULL. */
const cnn_table *cnn_joined_table(const cnn_joined *joined, int item);
/** The place of a joined column in a table; -1: the table lacks it. */
int cnn_joined_place(const cnn_joined *joined, const cnn_table *t, int column);

#endif
