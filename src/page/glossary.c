/* SPDX-License-Identifier: Apache-2.0 */
/* docs/glossary.md as a list: items "- **term**: text", continued on indented lines. */
#include "document/render.h"
#include "page/parts.h"

#include <stdlib.h>
#include <string.h>

static const char glossary[] = {
#include "glossary.md.inc"
    0};

/** Text with `code` and **bold** as elements. */
static void put_marked(cnn_text *out, const char *s)
{
    bool is_code = false, is_bold = false;
    while (*s) {
        const size_t n = strcspn(s, "`*");
        char *plain = cnn_strndup(s, n);
        cnn_render_html_text(out, plain ? plain : "");
        out->failed |= !plain;
        free(plain);
        s += n;
        if (*s == '`') {
            is_code = !is_code;
            cnn_text_append(out, is_code ? "<code>" : "</code>");
            s++;
        } else if (!strncmp(s, "**", 2)) {
            is_bold = !is_bold;
            cnn_text_append(out, is_bold ? "<b>" : "</b>");
            s += 2;
        } else if (*s) {
            cnn_text_append(out, "*");
            s++;
        }
    }
    cnn_text_append(out, is_code ? "</code>" : "");
    cnn_text_append(out, is_bold ? "</b>" : "");
}

/** One item, its lines joined. Returns what follows it. */
static const char *put_item(cnn_text *out, const char *s)
{
    cnn_text item = {0};
    s += 2;
    for (;;) {
        const size_t n = strcspn(s, "\n");
        cnn_text_append_bytes(&item, s, n);
        s += n + (s[n] == '\n');
        if (strncmp(s, "  ", 2) != 0)
            break;
        cnn_text_append(&item, " ");
        s += 2;
    }
    char *text = item.s ? strstr(item.s, "**: ") : NULL;
    if (text) {
        *text = '\0';
        cnn_text_append(out, "<dt>");
        put_marked(out, item.s + 2);
        cnn_text_append(out, "</dt><dd>");
        put_marked(out, text + 4);
        cnn_text_append(out, "</dd>\n");
    }
    out->failed |= item.failed;
    cnn_text_free(&item);
    return s;
}

static void put_part(cnn_text *out, const char *heading)
{
    const char *s = strstr(glossary, heading);
    s = s ? s + strlen(heading) : "";
    while (*s && strncmp(s, "## ", 3) != 0) {
        if (!strncmp(s, "- **", 4)) {
            s = put_item(out, s);
        } else {
            const char *end = strchr(s, '\n');
            s = end ? end + 1 : "";
        }
    }
}

void cnn_page_glossary(cnn_text *out)
{
    cnn_text_append(out, "<section id=\"glossary\"><h2>Glossary</h2>\n<dl>\n");
    put_part(out, "## The experiment\n");
    put_part(out, "## Statistics\n");
    cnn_text_append(out, "</dl>\n</section>\n");
}
