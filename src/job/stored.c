/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs as results files keep them: read again, and compared. */
#include "job/internal.h"

#include <stdlib.h>
#include <string.h>

cnn_status cnn_job_parse_stored(const char *path, const char *text, const char *overrides,
                                cnn_job **out)
{
    cnn_status st = CNN_OK;
    char *lines = cnn_strdup(overrides ? overrides : "");
    const char **list = NULL;
    size_t count = 1, n = 0;
    CNN_CHECK(lines != NULL, CNN_ENOMEM, "overrides of '%s'", path);
    for (const char *c = lines; *c; c++)
        count += *c == '\n';
    CNN_CHECK((list = calloc(count + 1, sizeof *list)) != NULL, CNN_ENOMEM, "overrides of '%s'",
              path);
    for (char *rest = lines, *line; (line = strsep(&rest, "\n")) != NULL;)
        if (*line)
            list[n++] = line;
    CNN_TRY(cnn_job_parse_bytes(path, text, strlen(text), true, list, out));
done:
    free(list);
    free(lines);
    return st;
}

void cnn_job_describe_treatment(const cnn_treatment *treatment, cnn_text *out)
{
    const cnn_framework *f = treatment->framework;
    cnn_source source = *treatment->source; /* borrows its texts */
    source.path = source.images = source.labels = NULL;
    source.split_seed = 0;
    cnn_text_append(out, "{\"framework\":");
    cnn_text_append_json(out, f->name);
    if (f->is_simulated) {
        cnn_text_append(out, ",\"simulate\":");
        cnn_truth_write_json(&f->truth, out);
    } else if (f->trainer) {
        cnn_text_printf(out, ",\"trainer\":\"%s\",\"mode\":\"%s\"", f->trainer->name,
                        treatment->mode);
        if (f->backend)
            cnn_text_printf(out, ",\"backend\":\"%s\"", f->backend);
    } else if (f->is_command) {
        for (int i = 0; f->command[i]; i++) {
            cnn_text_append(out, i ? "," : ",\"command\":[");
            cnn_text_append_json(out, f->command[i]);
        }
        cnn_text_append(out, "]");
    } else {
        cnn_text_printf(out, ",\"path\":\"%s\"", cnn_path_names[f->path]);
    }
    cnn_text_append(out, ",\"train\":");
    cnn_train_write_json(&treatment->train, out);
    cnn_text_append(out, ",\"dataset\":");
    cnn_source_write_json(&source, out);
    cnn_text_append(out, ",\"architecture\":");
    cnn_network_write_json(treatment->architecture, out);
    for (int i = 0; i < treatment->setting_count; i++) {
        cnn_text_append(out, i ? "," : ",\"factors\":{");
        cnn_text_append_json(out, treatment->settings[i]->name);
        cnn_text_printf(out, ":%s", treatment->settings[i]->value);
    }
    cnn_text_append(out, treatment->setting_count ? "}}" : "}");
}

/** Appends the member of a JSON text that holds byte `at`: from the comma or bracket before it to
 *  the one after. */
static void append_member(const char *text, size_t at, cnn_text *out)
{
    size_t first = at, end = at;
    while (first > 0 && !strchr("{,", text[first - 1]))
        first--;
    while (text[end] && !strchr(",}", text[end]))
        end++;
    while (text[first] == ' ')
        first++;
    cnn_text_append_bytes(out, text + first, end - first);
}

void cnn_job_first_difference(const char *a, const char *b, cnn_text *in_a, cnn_text *in_b)
{
    size_t at = 0;
    while (a[at] && a[at] == b[at])
        at++;
    append_member(a, at, in_a);
    append_member(b, at, in_b);
}
