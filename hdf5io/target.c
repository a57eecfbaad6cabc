/* SPDX-License-Identifier: Apache-2.0 */
#include "hdf5io/target.h"

#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 40 }; /* as Linux follows */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/** The path that a link's text stands for: relative ones start in the link's folder. */
static char *join(const char *link_path, const char *text)
{
    const int folder = (int)(base_name(link_path) - link_path);
    return text[0] == '/' ? cnn_strdup(text) : cnn_asprintf("%.*s%s", folder, link_path, text);
}

/** Follows links in the last part of a path, for which nothing need exist. *path is replaced. */
static cnn_status follow(char **path)
{
    cnn_status st = CNN_OK;
    char text[PATH_MAX], *next = NULL;
    for (int i = 0; i <= LINKS_MAX; i++) {
        const ssize_t n = readlink(*path, text, sizeof text - 1);
        if (n < 0)
            return CNN_OK; /* no link: a file, or nothing */
        text[n] = '\0';
        CNN_CHECK((next = join(*path, text)) != NULL, CNN_ENOMEM, "a path");
        free(*path);
        *path = next;
    }
    st = cnn_error_set(CNN_EIO, "'%s': too many links", *path);
done:
    return st;
}

cnn_status cnn_target_resolve(const char *path, char **out)
{
    cnn_status st = CNN_OK;
    char *at = cnn_strdup(path), *folder = NULL, *real = NULL;
    CNN_CHECK(at != NULL, CNN_ENOMEM, "a path");
    CNN_TRY(follow(&at));
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
    CNN_CHECK(!S_ISDIR(info.st_mode), CNN_EUSAGE, "the output '%s' is a folder", target);
    CNN_CHECK(S_ISREG(info.st_mode), CNN_EUSAGE,
              "the output '%s' is not a regular file: choose another", target);
    CNN_CHECK(info.st_nlink <= 1, CNN_EUSAGE,
              "the output '%s' has %lu names (hard links), under which other jobs could write it: "
              "remove the others, or copy the file",
              target, (unsigned long)info.st_nlink);
done:
    return st;
}
