/* SPDX-License-Identifier: Apache-2.0 */
#include "hdf5io/target.h"

#include "base/paths.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

cnn_status cnn_target_resolve(const char *path, char **out)
{
    cnn_status st = CNN_OK;
    char *at = NULL, *folder = NULL, *real = NULL;
    CNN_TRY(cnn_path_of_output(path, &at));
    const char *base = base_name(at);
    folder = base == at ? cnn_strdup(".") : cnn_strndup(at, (size_t)(base - at));
    CNN_CHECK(folder != NULL, CNN_ENOMEM, "a path");
    CNN_CHECK((real = realpath(folder, NULL)) != NULL, CNN_EIO, "the folder of '%s': %s", at,
              strerror(errno));
    *out = cnn_asprintf("%s/%s", strcmp(real, "/") == 0 ? "" : real, base);
    CNN_CHECK(*out != NULL, CNN_ENOMEM, "a path");
done:
    free(at);
    free(folder);
    free(real);
    return st;
}

cnn_status cnn_target_check(const char *target, bool *exists)
{
    cnn_status st = CNN_OK;
    struct stat info;
    const size_t length = strlen(base_name(target));
    CNN_CHECK(length > 0, CNN_EUSAGE, "the output '%s' is a folder", target);
    CNN_CHECK(length <= CNN_RESULTS_NAME_MAX, CNN_EUSAGE,
              "the output's name has %zu bytes; at most %d are possible", length,
              CNN_RESULTS_NAME_MAX);
    *exists = lstat(target, &info) == 0;
    if (!*exists)
        return CNN_OK;
    CNN_CHECK(info.st_nlink <= 1, CNN_EUSAGE,
              "the output '%s' has %lu names (hard links), under which other jobs could write it: "
              "remove the others, or copy the file",
              target, (unsigned long)info.st_nlink);
done:
    return st;
}
