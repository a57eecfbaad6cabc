/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compare.h"

#include "base/paths.h"
#include "changes/document.h"
#include "cli/terminal.h"
#include "document/render.h"
#include "hdf5io/reader.h"

#include <stdlib.h>

static int exit_status_of(const cnn_gate *gate, bool pass_undecided)
{
    switch (gate->outcome) {
    case CNN_GATE_BEYOND:
        return CNN_EXIT_BEYOND;
    case CNN_GATE_UNDECIDED:
        return pass_undecided ? EXIT_SUCCESS : CNN_EXIT_UNDECIDED;
    default:
        return EXIT_SUCCESS;
    }
}

static cnn_status write_document(const cnn_command_line *line, const cnn_changes *changes,
                                 const cnn_gate *gate)
{
    cnn_status st = CNN_OK;
    cnn_document document = {0};
    char *path = NULL;
    cnn_report_output to = {.format = line->report.format,
                            .table = line->report.table,
                            .inputs = line->files,
                            .input_count = line->file_count,
                            .force = line->force,
                            .width = line->output ? 0 : cnn_render_terminal_width()};
    if (line->output)
        CNN_TRY(cnn_path_expand(line->output, &path));
    to.output = path;
    /* programs and a table that is named get every figure */
    const bool full = line->report.full || line->report.table ||
                      line->report.format == CNN_REPORT_CSV ||
                      line->report.format == CNN_REPORT_JSON;
    CNN_TRY(cnn_changes_document(changes, gate, full, &document));
    CNN_TRY(cnn_report_write(&document, &to));
done:
    free(path);
    cnn_document_free(&document);
    return st;
}

cnn_status cnn_command_compare(const cnn_command_line *line, int *exit_status)
{
    cnn_status st = CNN_OK;
    cnn_results *files[CNN_CHANGES_FILES] = {NULL};
    cnn_changes *changes = NULL;
    cnn_gate gate = {0};
    const bool has_limit = line->compare.slower > 0;
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        CNN_TRY(cnn_results_read(line->files[f], &files[f]));
    CNN_TRY(cnn_changes_create((const cnn_results *const *)files, line->files,
                               line->compare.control, &changes));
    if (has_limit)
        CNN_TRY(cnn_gate_judge(changes, line->compare.slower, &gate));
    CNN_TRY(write_document(line, changes, has_limit ? &gate : NULL));
    if (has_limit)
        *exit_status = exit_status_of(&gate, line->compare.pass_undecided);
done:
    cnn_gate_free(&gate);
    cnn_changes_destroy(&changes);
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        cnn_results_free(&files[f]);
    return st;
}
