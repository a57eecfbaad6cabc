/* SPDX-License-Identifier: Apache-2.0 */
/* Where the results of a job go: into no file that the job reads. */
#include "base/paths.h"
#include "data/idx.h"
#include "job/job.h"

#include <stdlib.h>
#include <string.h>

static cnn_status refuse_input(const char *output, const char *input, const char *what)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(!cnn_path_is_same_file(output, input), CNN_EUSAGE,
              "the output '%s' is %s; choose another one with --output", output, what);
done:
    return st;
}

/** One file of a data set, wherever it is found; a data set that is missing is reported later. */
static cnn_status check_file(const char *output, const cnn_source *source, const char *path)
{
    cnn_status st = CNN_OK;
    char *found = NULL;
    if (path && cnn_source_find(source, path, &found) == CNN_OK)
        st = refuse_input(output, found, "a file of a data set");
    free(found);
    return st;
}

static cnn_status check_idx(const char *output, const cnn_source *source)
{
    cnn_status st = CNN_OK;
    char *folder = NULL, *file = NULL;
    if (cnn_source_find(source, source->path, &folder) != CNN_OK)
        goto done;
    for (int i = 0; i < CNN_IDX_FILES; i++) {
        free(file);
        file = NULL;
        CNN_TRY(cnn_idx_locate(folder, i, &file));
        if (file)
            CNN_TRY(refuse_input(output, file, "a file of a data set"));
    }
done:
    free(file);
    free(folder);
    return st;
}

/** Whether path lies below folder, which both exist. */
static bool lies_below(const char *path, const char *folder)
{
    char *file = realpath(path, NULL), *top = realpath(folder, NULL);
    const size_t n = top ? strlen(top) : 0;
    const bool below = file && top && !strncmp(file, top, n) && file[n] == '/';
    free(file);
    free(top);
    return below;
}

static cnn_status check_source(const char *output, const cnn_source *source)
{
    cnn_status st = CNN_OK;
    char *tree = NULL;
    CNN_TRY(check_file(output, source, source->images));
    CNN_TRY(check_file(output, source, source->labels));
    if (source->type == CNN_SOURCE_IDX)
        CNN_TRY(check_idx(output, source));
    if (source->type == CNN_SOURCE_PNG_TREE &&
        cnn_source_find(source, source->path, &tree) == CNN_OK)
        CNN_CHECK(!lies_below(output, tree), CNN_EUSAGE,
                  "the output '%s' is a file of a data set; choose another one with --output",
                  output);
done:
    free(tree);
    return st;
}

/** Words of a command that are files, from here or from the job file's folder. */
static cnn_status check_command(const char *output, const cnn_framework *framework)
{
    static const char what[] = "a file of a trainer's command";
    cnn_status st = CNN_OK;
    char *path = NULL;
    for (char **word = framework->command; word && *word; word++) {
        free(path);
        path = cnn_asprintf("%s/%s", framework->folder, *word);
        CNN_CHECK(path, CNN_ENOMEM, "path '%s'", *word);
        CNN_TRY(refuse_input(output, *word, what));
        CNN_TRY(refuse_input(output, path, what));
    }
done:
    free(path);
    return st;
}

cnn_status cnn_job_check_output(const cnn_job *job)
{
    cnn_status st = CNN_OK;
    CNN_TRY(refuse_input(job->output, job->path, "the job file itself"));
    for (int i = 0; i < job->dataset_count; i++)
        CNN_TRY(check_source(job->output, &job->datasets[i]));
    for (int i = 0; i < job->framework_count; i++)
        CNN_TRY(check_command(job->output, &job->frameworks[i]));
done:
    return st;
}
