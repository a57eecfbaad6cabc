/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/onednn/team.h"

#include "base/text.h"

#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *wait_at(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

/** Creates so many threads at once and ends them. OpenMP's runtimes end the process where one
 *  cannot be created. */
static cnn_status try_threads(int count)
{
    cnn_status st = CNN_OK;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t *threads = calloc((size_t)count + 1, sizeof *threads);
    int created = 0, error = 0;
    CNN_CHECK(threads != NULL, CNN_ENOMEM, "%d threads", count);
    pthread_mutex_lock(&gate);
    while (created < count &&
           (error = pthread_create(&threads[created], NULL, wait_at, &gate)) == 0)
        created++;
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < created; i++)
        pthread_join(threads[i], NULL);
    CNN_CHECK(error == 0, CNN_EENV,
              "the system lets this process create %d of %d threads (%s): see ulimit -u, and "
              "pids.max and memory.max of its cgroup",
              created + 1, count + 1, strerror(error));
done:
    free(threads);
    return st;
}

static int measure(void)
{
    int team = 1;
#pragma omp parallel
#pragma omp single
    team = omp_get_num_threads();
    return team;
}

/** The first of these variables that is set; NULL: none. */
static const char *find_set(const char *const *names)
{
    while (*names && !getenv(*names))
        names++;
    return *names;
}

/** What limits a team, as OpenMP shows it. */
static void name_cause(int threads, char *s, size_t n)
{
    static const char *const limits[] = {"OMP_THREAD_LIMIT", "KMP_DEVICE_THREAD_LIMIT",
                                         "KMP_ALL_THREADS", "KMP_MAX_THREADS", NULL};
    const char *limit = find_set(limits);
    if (omp_get_max_active_levels() < 1)
        snprintf(s, n, "OMP_MAX_ACTIVE_LEVELS is %d", omp_get_max_active_levels());
    else if (omp_get_thread_limit() < threads && limit)
        snprintf(s, n, "%s is %.20s", limit, getenv(limit));
    else if (omp_get_thread_limit() < threads)
        snprintf(s, n, "its limit is %d", omp_get_thread_limit());
    else if (omp_get_dynamic())
        cnn_copy_string(s, n, "OMP_DYNAMIC is set");
    else
        cnn_copy_string(s, n, "OMP_DISPLAY_ENV=true shows its settings");
}

cnn_status cnn_cpu_team_set(int threads)
{
    cnn_status st = CNN_OK;
    char cause[96];
    CNN_TRY(try_threads(threads - 1));
    omp_set_dynamic(0);
    omp_set_num_threads(threads);
    const int team = measure();
    if (team != threads)
        name_cause(threads, cause, sizeof cause);
    CNN_CHECK(team == threads, CNN_EENV,
              "OpenMP gives a team of %d of the %d threads asked for: %s; unset it, or ask for "
              "fewer threads",
              team, threads, cause);
done:
    return st;
}
