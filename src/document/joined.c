/* SPDX-License-Identifier: Apache-2.0 */
#include "document/joined.h"

#include <stdlib.h>
#include <string.h>

const cnn_table *cnn_joined_table(const cnn_joined *j, int item)
{
    const cnn_table *t = j->d->items[item].table;
    return t && !(t->left_out & CNN_NOT_IN_CSV) && !strcmp(t->name, j->name) ? t : NULL;
}

static bool is_same(const cnn_table_column *a, const cnn_table_column *b)
{
    return a->interval == b->interval && !strcmp(a->name, b->name);
}

int cnn_joined_place(const cnn_joined *j, const cnn_table *t, int column)
{
    for (int c = 0; c < t->column_count; c++)
        if (!(t->columns[c].left_out & CNN_NOT_IN_CSV) &&
            is_same(&t->columns[c], j->columns[column]))
            return c;
    return -1;
}

static void add_column(cnn_joined *j, const cnn_table_column *column)
{
    if (column->left_out & CNN_NOT_IN_CSV)
        return;
    for (int i = 0; i < j->count; i++)
        if (is_same(column, j->columns[i]))
            return;
    j->columns[j->count++] = column;
}

bool cnn_joined_make(const cnn_document *d, const char *name, cnn_joined *out)
{
    cnn_joined j = {.d = d, .name = name};
    size_t most = 0;
    for (int i = 0; i < d->item_count; i++)
        most += cnn_joined_table(&j, i) ? (size_t)d->items[i].table->column_count : 0;
    j.columns = calloc(most + 1, sizeof *j.columns);
    for (int i = 0; j.columns && i < d->item_count; i++) {
        const cnn_table *t = cnn_joined_table(&j, i);
        for (int c = 0; t && c < t->column_count; c++)
            add_column(&j, &t->columns[c]);
    }
    *out = j;
    return j.columns != NULL;
}

void cnn_joined_free(cnn_joined *joined)
{
    free(joined->columns);
    *joined = (cnn_joined){0};
}
