/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/worker/run_place.h"

#include "host/cores.h"
#include "mpi/worker/simulated.h"

cnn_place cnn_run_place(const cnn_treatment *treatment, const cnn_place *real)
{
    cnn_place place = cnn_simulated_place(treatment->framework, real);
    if (treatment->threads > 0)
        place.cores = treatment->threads;
    return place;
}

cnn_status cnn_run_place_confine(cnn_place *place)
{
    return cnn_cores_keep_first("", place->cores, place->cpus, sizeof place->cpus);
}

cnn_status cnn_run_place_check(const cnn_job *job, const cnn_place *places, int count)
{
    cnn_status st = CNN_OK;
    const cnn_factor *factor = cnn_job_find_factor(job, "threads");
    int64_t threads;
    if (!factor || cnn_job_is_simulated(job))
        return CNN_OK;
    for (int l = 0; l < factor->level_count; l++)
        for (int rank = 0; rank < count; rank++) {
            const cnn_place *place = &places[rank];
            CNN_CHECK(cnn_parse_int(factor->settings[l].text, &threads) && threads <= place->cores,
                      CNN_EUSAGE,
                      "the factor threads has a level of %s, but rank %d on %s has %d core%s: give "
                      "every rank more cores, or leave the level out",
                      factor->settings[l].text, rank, place->host, place->cores,
                      place->cores == 1 ? "" : "s");
        }
done:
    return st;
}
