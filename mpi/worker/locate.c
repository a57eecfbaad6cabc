/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/worker/locate.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** The folder of this program's file, owned by the caller; NULL: unknown. */
static char *own_folder(const char *argv0)
{
    char *path = realpath("/proc/self/exe", NULL);
    if (!path && argv0 && strchr(argv0, '/'))
        path = realpath(argv0, NULL);
    char *slash = path ? strrchr(path, '/') : NULL;
    if (slash)
        *slash = '\0';
    return path;
}

/** Appends "folder/rest\n". */
static void add_folder(cnn_text *folders, const char *folder, const char *rest)
{
    if (folder && *folder)
        cnn_text_printf(folders, "%s%s\n", folder, rest);
}

/** The folders of programs, one a line. */
static void list_folders(const char *argv0, cnn_text *folders)
{
    char *own = own_folder(argv0);
    add_folder(folders, own, "");
    add_folder(folders, own, "/../libexec/cnnmpi");
    free(own);
    const char *more = getenv("CNNMPI_TRAINERS");
    while (more && *more) {
        const size_t n = strcspn(more, ":");
        char *folder = cnn_strndup(more, n);
        add_folder(folders, folder, "");
        free(folder);
        more += n + (more[n] == ':');
    }
}

static bool is_program(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode) && access(path, X_OK) == 0;
}

static bool is_file(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

/** Absolute path of the first folder/name that passes the test; NULL: none. */
static char *search(const char *folders, const char *name, bool (*good)(const char *))
{
    char *found = NULL;
    while (folders && *folders && !found) {
        const size_t n = strcspn(folders, "\n");
        char *path = cnn_asprintf("%.*s/%s", (int)n, folders, name);
        if (path && good(path))
            found = realpath(path, NULL);
        free(path);
        folders += n + (folders[n] == '\n');
    }
    return found;
}

cnn_status cnn_locate_program(const char *argv0, const char *name, char **out)
{
    cnn_status st = CNN_OK;
    cnn_text folders = {0};
    list_folders(argv0, &folders);
    CNN_TRY(cnn_text_status(&folders));
    *out = search(folders.s, name, is_program);
    CNN_CHECK(
        *out != NULL, CNN_EENV,
        "the program %s is missing; it was sought in:\n%sset CNNMPI_TRAINERS to its folder, or "
        "build and install it",
        name, folders.s ? folders.s : "");
done:
    cnn_text_free(&folders);
    return st;
}

cnn_status cnn_locate_script(const char *argv0, const char *name, char **out)
{
    cnn_status st = CNN_OK;
    cnn_text programs = {0}, folders = {0};
    list_folders(argv0, &programs);
    for (const char *p = programs.s; p && *p; p += strcspn(p, "\n") + 1) {
        const int n = (int)strcspn(p, "\n");
        cnn_text_printf(&folders, "%.*s\n%.*s/../trainers\n%.*s/../share/cnnmpi/trainers\n", n, p,
                        n, p, n, p);
    }
    CNN_TRY(cnn_text_status(&folders));
    *out = search(folders.s, name, is_file);
    CNN_CHECK(*out != NULL, CNN_EENV,
              "%s of cnnmpi's trainers is missing; it was sought in:\n%sset CNNMPI_TRAINERS to the "
              "folder trainers/",
              name, folders.s ? folders.s : "");
done:
    cnn_text_free(&folders);
    cnn_text_free(&programs);
    return st;
}

cnn_status cnn_locate_word(const char *argv0, const char *folder, const char *word, char **out)
{
    cnn_status st = CNN_OK;
    cnn_text folders = {0}, programs = {0};
    *out = NULL;
    if (word[0] == '/' || word[0] == '-' || !strpbrk(word, "./"))
        goto done;
    add_folder(&folders, folder, "");
    add_folder(&folders, ".", "");
    list_folders(argv0, &programs);
    cnn_text_append(&folders, programs.s ? programs.s : "");
    for (const char *p = programs.s; p && *p; p += strcspn(p, "\n") + 1)
        cnn_text_printf(&folders, "%.*s/trainers\n", (int)strcspn(p, "\n"), p);
    CNN_TRY(cnn_text_status(&folders));
    *out = search(folders.s, word, is_file);
done:
    cnn_text_free(&folders);
    cnn_text_free(&programs);
    return st;
}

cnn_status cnn_locate_check_program(const char *program)
{
    cnn_status st = CNN_OK;
    char *folders = NULL, *found = NULL;
    if (strchr(program, '/')) {
        CNN_CHECK(is_program(program), CNN_EENV, "'%s' is no program that can be run", program);
        goto done;
    }
    const char *path = getenv("PATH");
    CNN_CHECK((folders = cnn_strdup(path ? path : "/usr/bin:/bin")) != NULL, CNN_ENOMEM, "$PATH");
    for (char *c = folders; *c; c++)
        if (*c == ':')
            *c = '\n';
    found = search(folders, program, is_program);
    CNN_CHECK(found != NULL, CNN_EENV, "the program '%s' is not in $PATH", program);
done:
    free(found);
    free(folders);
    return st;
}
