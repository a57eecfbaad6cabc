/* SPDX-License-Identifier: Apache-2.0 */
#include "data_fixture.h"

#include <setjmp.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#else
#define UNDER_ASAN 0
#endif

int fixture_folder(void **state)
{
    char *folder = strdup("/tmp/cnnmpi-data-XXXXXX");
    if (!folder || !mkdtemp(folder))
        return -1;
    *state = folder;
    return 0;
}

static void remove_tree(const char *folder)
{
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        char *path = cnn_asprintf("%s/%s", folder, e->d_name);
        if (path && unlink(path) != 0)
            remove_tree(path);
        free(path);
    }
    if (dir)
        closedir(dir);
    rmdir(folder);
}

int fixture_remove(void **state)
{
    remove_tree(*state);
    free(*state);
    return 0;
}

static char *join(const char *folder, const char *name)
{
    char *path = cnn_asprintf("%s/%s", folder, name);
    assert_non_null(path);
    return path;
}

void write_file(const char *folder, const char *name, const void *bytes, size_t n)
{
    char *path = join(folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    free(path);
}

void write_gz(const char *folder, const char *name, const void *bytes, size_t n)
{
    char *path = join(folder, name);
    gzFile f = gzopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(gzwrite(f, bytes, (unsigned)n), n);
    assert_int_equal(gzclose(f), Z_OK);
    free(path);
}

void remove_file(const char *folder, const char *name)
{
    char *path = join(folder, name);
    assert_int_equal(unlink(path), 0);
    free(path);
}

unsigned char *read_back(const char *folder, const char *name, size_t *n)
{
    char *path = join(folder, name), *bytes;
    assert_int_equal(cnn_read_file(path, 1 << 24, &bytes, n), CNN_OK);
    free(path);
    return (unsigned char *)bytes;
}

size_t make_idx(unsigned char *file, int rank, const uint32_t *sizes, const void *payload, size_t n)
{
    size_t at = 0;
    file[at++] = 0;
    file[at++] = 0;
    file[at++] = 8;
    file[at++] = (unsigned char)rank;
    for (int i = 0; i < rank; i++)
        for (int shift = 24; shift >= 0; shift -= 8)
            file[at++] = (unsigned char)(sizes[i] >> shift);
    memcpy(file + at, payload, n);
    return at + n;
}

void write_small_idx(const char *folder)
{
    static const unsigned char labels[] = {0, 1, 2, 0, 1, 1};
    unsigned char file[256], pixels[36];
    for (int i = 0; i < 36; i++)
        pixels[i] = (unsigned char)(i * 7);
    for (uint32_t n = 6; n >= 3; n -= 3) {
        bool train = n == 6;
        size_t length = make_idx(file, 3, (uint32_t[]){n, 3, 2}, pixels, n * 6);
        write_file(folder, train ? "train-images-idx3-ubyte" : "t10k-images-idx3-ubyte", file,
                   length);
        length = make_idx(file, 1, &n, labels, n);
        write_file(folder, train ? "train-labels-idx1-ubyte" : "t10k-labels-idx1-ubyte", file,
                   length);
    }
}

cnn_source idx_source(const char *folder)
{
    cnn_source s = {.type = CNN_SOURCE_IDX, .name = strdup("small"), .path = strdup(folder)};
    return s;
}

cnn_source npy_source(const char *folder, const char *images, const char *labels)
{
    cnn_source s = {.type = CNN_SOURCE_NPY, .name = strdup("small"), .test_fraction = 0.5};
    s.images = join(folder, images);
    s.labels = join(folder, labels);
    return s;
}

cnn_dataset *load(const cnn_source *source)
{
    cnn_dataset *d = NULL;
    if (cnn_dataset_load(source, &d) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return d;
}

void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
}

void assert_bad(const cnn_source *source, const char *part)
{
    cnn_dataset *d = NULL;
    cnn_error_set(CNN_OK, " ");
    assert_int_equal(cnn_dataset_load(source, &d), CNN_EDATA);
    assert_null(d);
    assert_contains(cnn_error_message(), part);
}

/** Bytes of address space of this process. */
static size_t address_space(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%lu", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

void assert_frugal(bool (*body)(const void *), const void *argument, size_t bytes)
{
    if (UNDER_ASAN) {
        print_message("not limited: AddressSanitizer needs the address space\n");
        assert_true(body(argument));
        return;
    }
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        size_t most = address_space() + bytes;
        struct rlimit limit = {most, most};
        _exit(setrlimit(RLIMIT_AS, &limit) == 0 && body(argument) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}
