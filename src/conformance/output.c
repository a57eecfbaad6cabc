/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance/conformance.h"

#include "document/render.h"

const char *const cnn_conformance_names[] = {"not applicable", "pass", "fail", NULL};

cnn_status cnn_conformance_text(const cnn_conformance_result *result, cnn_text *out)
{
    cnn_status st = CNN_OK;
    static const cnn_table_column columns[] = {
        {.name = "rule", .title = "rule", .key = true},
        {.name = "verdict", .title = "verdict"},
        {.name = "detail", .title = "what was found", .wrap = true},
    };
    cnn_document document = {0};
    cnn_table *t =
        cnn_document_table(&document, "rules", columns, 3, "Conformance with the run protocol: %s",
                           result->backend[0] ? result->backend : "the trainer");
    int passed = 0;
    for (int i = 0; i < result->count; i++) {
        const cnn_conformance_row *r = &result->rows[i];
        passed += r->verdict == CNN_CONFORMANCE_PASS;
        cnn_table_row(t);
        cnn_table_text(t, "%s", r->rule);
        cnn_table_text(t, "%s", cnn_conformance_names[r->verdict]);
        cnn_table_text(t, "%s", r->detail);
    }
    if (result->versions[0])
        cnn_table_note(t, "%s", result->versions);
    cnn_table_note(t, "%d passed, %d failed, %d not applicable", passed, result->failed,
                   result->count - passed - result->failed);
    CNN_TRY(cnn_document_status(&document));
    cnn_render_text(&document, NULL, CNN_TEXT_WIDTH, out);
    CNN_TRY(cnn_text_status(out));
done:
    cnn_document_free(&document);
    return st;
}

/** Appends "key":"text". */
static void member(cnn_text *out, const char *key, const char *text)
{
    cnn_text_printf(out, "\"%s\":", key);
    cnn_text_append_json(out, text);
}

void cnn_conformance_json(const cnn_conformance_result *result, cnn_text *out)
{
    cnn_text_append(out, "{");
    member(out, "backend", result->backend);
    cnn_text_append(out, ",");
    member(out, "versions", result->versions);
    cnn_text_printf(out, ",\"failed\":%d,\"rules\":[", result->failed);
    for (int i = 0; i < result->count; i++) {
        const cnn_conformance_row *r = &result->rows[i];
        cnn_text_append(out, i ? ",{" : "{");
        member(out, "rule", r->rule);
        cnn_text_append(out, ",");
        member(out, "asks", r->title);
        cnn_text_append(out, ",");
        member(out, "verdict", cnn_conformance_names[r->verdict]);
        cnn_text_append(out, ",");
        member(out, "detail", r->detail);
        cnn_text_append(out, "}");
    }
    cnn_text_append(out, "]}\n");
}
