/* SPDX-License-Identifier: Apache-2.0 */
#include "base/paths.h"

#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static cnn_status append_variable(cnn_text *out, const char *path, const char *name, size_t n)
{
    cnn_status st = CNN_OK;
    char *copy = cnn_strndup(name, n);
    CNN_CHECK(copy, CNN_ENOMEM, "path '%s'", path);
    const char *value = getenv(copy);
    CNN_CHECK(value && *value, CNN_EUSAGE,
              "'%s': the environment has no variable %s ($$ stands for a dollar sign)", path, copy);
    cnn_text_append(out, value);
done:
    free(copy);
    return st;
}

/** Expands the $ at *s and moves *s behind what it began. */
static cnn_status expand_dollar(cnn_text *out, const char *path, const char **s)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    cnn_status st = CNN_OK;
    const char *name = *s + 1;
    const bool braces = *name == '{';
    name += braces;
    const size_t n = strspn(name, letters);
    if (*name == '$' && !braces) {
        cnn_text_append(out, "$");
        *s = name + 1;
        return CNN_OK;
    }
    CNN_CHECK(n > 0 && (!braces || name[n] == '}'), CNN_EUSAGE,
              "'%s': $ begins no variable's name; $$ stands for a dollar sign", path);
    CNN_TRY(append_variable(out, path, name, n));
    *s = name + n + braces;
done:
    return st;
}

cnn_status cnn_path_expand(const char *path, char **out)
{
    cnn_status st = CNN_OK;
    cnn_text text = {0};
    const char *s = path;
    if (*s == '~') {
        CNN_CHECK(!s[1] || s[1] == '/', CNN_EUSAGE,
                  "'%s': the home of another user is not looked up; write the path out", path);
        CNN_TRY(append_variable(&text, path, "HOME", 4));
        s++;
    }
    while (*s) {
        const size_t n = strcspn(s, "$");
        cnn_text_append_bytes(&text, s, n);
        s += n;
        if (*s)
            CNN_TRY(expand_dollar(&text, path, &s));
    }
    CNN_CHECK((*out = cnn_text_take(&text)) != NULL, CNN_ENOMEM, "path '%s'", path);
done:
    cnn_text_free(&text);
    return st;
}

/** The path that a symbolic link holds, as seen from where the link is used; NULL: it cannot be
 *  read, or memory ran out. */
static char *target_of(const char *link)
{
    char target[PATH_MAX + 1];
    const ssize_t n = readlink(link, target, PATH_MAX);
    const char *slash = strrchr(link, '/');
    if (n < 0)
        return NULL;
    target[n] = '\0';
    if (target[0] == '/' || !slash)
        return cnn_strdup(target);
    return cnn_asprintf("%.*s/%s", (int)(slash - link), link, target);
}

cnn_status cnn_path_of_output(const char *path, char **out)
{
    enum { MOST_LINKS = 40 }; /* the kernel's own limit */
    cnn_status st = CNN_OK;
    struct stat about;
    char *at = cnn_strdup(path);
    int links = 0;
    CNN_CHECK(at, CNN_ENOMEM, "path '%s'", path);
    while (lstat(at, &about) == 0 && S_ISLNK(about.st_mode)) {
        char *next = ++links <= MOST_LINKS ? target_of(at) : NULL;
        CNN_CHECK(next, CNN_EUSAGE, "'%s' is a symbolic link that leads nowhere", path);
        free(at);
        at = next;
    }
    const bool exists = lstat(at, &about) == 0;
    CNN_CHECK(!exists || !S_ISDIR(about.st_mode), CNN_EUSAGE,
              "'%s' is a folder: give the name of a file", path);
    CNN_CHECK(!exists || S_ISREG(about.st_mode), CNN_EUSAGE,
              "'%s' is a device, a pipe or a socket: only a regular file is made or replaced",
              path);
    *out = at;
    at = NULL;
done:
    free(at);
    return st;
}

bool cnn_path_is_same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}
