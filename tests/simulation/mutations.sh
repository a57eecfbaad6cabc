#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Breaks the dispatcher and the workers in one way after the other, and expects that a world finds
# each: mutations.sh SOURCE_FOLDER [NAME...]
set -euo pipefail
source=$(cd "$1" && pwd)
shift
wanted=" $* "
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree"
tar -C "$source" --exclude=./build --exclude='./build-*' --exclude=./.git -cf - . | tar -C "$work/tree" -xf -
build() {
    cmake --build "$work/build" -t worlds -j2 >"$work/log" 2>&1 || {
        tail -20 "$work/log"
        exit 1
    }
}
cmake -S "$work/tree" -B "$work/build" -DCMAKE_BUILD_TYPE=Release -DCNN_WITH_CUDA=OFF >"$work/log" 2>&1
build

missed=0
# mutate NAME FILE OLD NEW: once, with NEW in place of OLD, which FILE of mpi/ must hold.
mutate() {
    local file=$work/tree/mpi/$2
    [[ $wanted == "  " || $wanted == *" $1 "* ]] || return 0
    cp -p "$file" "$work/kept"
    OLD=$3 NEW=$4 perl -0pi -e 's/\Q$ENV{OLD}\E/$ENV{NEW}/ or exit 1' "$file" || {
        echo "$1: does not apply to $2"
        exit 1
    }
    touch "$file"
    build
    if "$work/build/tests/worlds" --count 10000 >"$work/found"; then
        echo "$1: NOT FOUND"
        missed=$((missed + 1))
    else
        echo "$1: $(head -n 1 "$work/found")"
    fi
    cp "$work/kept" "$file"
}

mutate drop_answer dispatch/dispatcher.c \
    'return cnn_mailbox_send(d->context->mailbox, from, CNN_TAG_CHECKED, &answer, sizeof answer);' \
    'return CNN_OK;'
mutate drop_grant dispatch/dispatcher.c \
    'return cnn_mailbox_send(d->context->mailbox, from, CNN_TAG_GRANTED, m, sizeof *m);' \
    'return m ? CNN_OK : CNN_EINVAL;'
mutate deal_twice dispatch/dealing.c 'if (block >= 0)
        d->first[queue]' 'if (block > 0)
        d->first[queue]'
mutate forget_broken_rank dispatch/dispatcher.c '    d->block[rank] = -1;
    CNN_TRY(cnn_dispatcher_end_if_done(d));' '    d->block[rank] = -1;'
mutate deal_to_quarantined dispatch/reassign.c \
    'while (!cnn_dispatcher_is_usable(d, d->next_recipient));' 'while (false);'
mutate forget_death dispatch/losses.c '    }
    CNN_TRY(cnn_dispatcher_end_if_done(d));' '    }'
mutate lose_after_the_end loop.c '!cnn_dispatcher_has_ended(l->dispatcher)' 'true'
mutate hear_the_dead dispatch/dispatcher.c 'if (d->ranks[from] == CNN_RANK_LOST)
        return CNN_OK;' 'if (d->ranks[from] == CNN_RANK_LOST && tag != CNN_TAG_WRITE)
        return CNN_OK;
    if (d->ranks[from] == CNN_RANK_LOST)
        return handle_write(d, from, &body->write);'
mutate deal_what_is_written dispatch/losses.c '!loss->ended && d->writing[rank] >= 0' 'false'
mutate reassign_twice dispatch/reassign.c 'cnn_consecutive_failures_clear(failures);' ''
mutate reuse_place dispatch/losses.c 'd->context->attempts[run]++;' ''
mutate full_row dispatch/quarantine.c 'snprintf(end, room, "; and %d more", d->unlisted);' ''
mutate drop_queue dispatch/reassign.c '        cnn_dealing_add(d->dealing, next_queue(d), block);
        count++;
    }' '        count++;
    }'
mutate retrain_earlier dispatch/task.c 'd->whole[block] && !d->earlier[run]' 'd->whole[block]'
mutate keep_block_after_failure worker/worker.c 'if (!good)
        w->work.block = -1;' '(void)good;'
mutate ask_once worker/worker.c 'w->idle_reported = false;' ''
mutate end_all_but_one dispatch/dispatcher.c 'if (d->ranks[r] != CNN_RANK_LOST)' \
    'if (d->ranks[r] != CNN_RANK_LOST && r != 3)'
mutate end_while_training dispatch/dispatcher.c \
    'd->ranks[r] == CNN_RANK_STARTING || d->ranks[r] == CNN_RANK_TRAINING' \
    'd->ranks[r] == CNN_RANK_STARTING'
mutate overwrite_attempt dispatch/dispatcher.c 'd->context->attempts[m->run]++;' ''
mutate leave_home dispatch/dealing.c 'c.rank = context->home[c.block];' \
    'c.rank = (context->home[c.block] + 1) % context->size;'
mutate never_forgive dispatch/consecutive_failures.c '        cnn_consecutive_failures_clear(s);
        return;' '        return;'
mutate never_blame dispatch/consecutive_failures.c 's->cell_count == CNN_FAILED_CELLS_MAX ||' ''
mutate no_limit worker/worker.c '        w->timed_out = true;
        w->trainer->kill(w->trainer);' '        w->timed_out = true;'
mutate replace_kept_result worker/worker.c '!good && task_of(w, run) == CNN_TASK_RETRAIN' 'false'
mutate forget_kept_report dispatch/dispatcher.c 'if (!cnn_run_is_finished(d->context, run))
        cnn_consistency_forget' 'cnn_consistency_forget'
mutate begin_when_late dispatch/time.c '(known || !d->late) : !d->late' '(known || !d->late) : true'
mutate begin_beyond_end dispatch/time.c 'needed <= left' 'needed <= left + 3600'
mutate start_after_stop worker/worker.c 'w->work.block >= 0 && !w->stopping' 'w->work.block >= 0'
mutate too_few_retries worker/worker.c 'w->attempt < w->context->job->limits.retries' \
    'w->attempt + 1 < w->context->job->limits.retries'
[[ $missed -eq 0 ]] || echo "$missed mutations were not found"
[[ $missed -eq 0 ]]
