/* SPDX-License-Identifier: Apache-2.0 */
#include "data/dataset.h"
#include "data/idx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/** Where a search stands. */
typedef struct {
    const cnn_source *source;
    const char *path;
    cnn_text tried; /* the places so far, a line each, with what was there */
    char *found;
} search;

/** *why is NULL when candidate will do, else it says why not; used up before the next call. */
static cnn_status judge(const cnn_source *source, const char *candidate, const char **why)
{
    cnn_status st = CNN_OK;
    struct stat info;
    char *file = NULL;
    *why = NULL;
    if (stat(candidate, &info) != 0) {
        *why = errno == ENOENT || errno == ENOTDIR ? "not there" : strerror(errno);
    } else if (source->type == CNN_SOURCE_PNG_TREE) {
        *why = S_ISDIR(info.st_mode) ? NULL : "not a folder";
    } else if (source->type != CNN_SOURCE_IDX) {
        *why = S_ISDIR(info.st_mode) ? "a folder, not a file" : NULL;
    } else if (!S_ISDIR(info.st_mode)) {
        *why = "not a folder";
    } else {
        *why = "a folder without any of the four files";
        for (int i = 0; i < CNN_IDX_FILES && *why; i++) {
            CNN_TRY(cnn_idx_locate(candidate, i, &file));
            if (file)
                *why = NULL;
            free(file);
        }
    }
done:
    return st;
}

/** Tries folder/path, or path alone where folder is NULL, unless it is already found. */
static cnn_status try_place(search *s, const char *folder)
{
    cnn_status st = CNN_OK;
    const char *why;
    char *candidate = NULL;
    if (s->found)
        return CNN_OK;
    candidate = folder ? cnn_asprintf("%s/%s", folder, s->path) : cnn_strdup(s->path);
    CNN_CHECK(candidate, CNN_ENOMEM, "path of '%s'", s->path);
    CNN_TRY(judge(s->source, candidate, &why));
    if (!why) {
        s->found = candidate;
        candidate = NULL;
    } else {
        cnn_text_printf(&s->tried, "\n  %s (%s)", candidate, why);
    }
done:
    free(candidate);
    return st;
}

static cnn_status try_environment(search *s)
{
    cnn_status st = CNN_OK;
    const char *folders = getenv("CNNMPI_DATA");
    while (folders && *folders) {
        size_t n = strcspn(folders, ":");
        if (n > 0) {
            char *folder = cnn_strndup(folders, n);
            CNN_CHECK(folder, CNN_ENOMEM, "folders of $CNNMPI_DATA");
            st = try_place(s, folder);
            free(folder);
            CNN_TRY(st);
        }
        folders += n + (folders[n] == ':');
    }
done:
    return st;
}

static cnn_status try_all(search *s)
{
    cnn_status st = CNN_OK;
    if (s->path[0] == '/')
        return try_place(s, NULL);
    CNN_TRY(try_place(s, s->source->folder ? s->source->folder : "."));
    CNN_TRY(try_environment(s));
    CNN_TRY(try_place(s, "./data"));
    CNN_TRY(try_place(s, "/usr/share/datasets"));
done:
    return st;
}

cnn_status cnn_source_find(const cnn_source *source, const char *path, char **out)
{
    cnn_status st = CNN_OK;
    search s = {.source = source, .path = path};
    const char *name = source->name ? source->name : "";
    CNN_CHECK(path && *path, CNN_EDATA, "data set '%s' has no path", name);
    CNN_TRY(try_all(&s));
    CNN_TRY(cnn_text_status(&s.tried));
    const char *advice = cnn_dataset_advice(source);
    CNN_CHECK(s.found, CNN_EDATA, "data set '%s': %s '%s' is missing; sought:%s%s%s", name,
              source->type == CNN_SOURCE_NPY ? "the file" : "the folder", path, s.tried.s,
              *advice ? "\n" : "", advice);
    *out = s.found;
    s.found = NULL;
done:
    free(s.found);
    cnn_text_free(&s.tried);
    return st;
}
