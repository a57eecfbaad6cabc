#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Whole jobs with a trainer that trains nothing: test_job_runner.sh BUILD_FOLDER CASE
set -euo pipefail
build=$(cd "$1" && pwd)
case=$2
source "$(dirname "${BASH_SOURCE[0]}")/jobs.sh"

some_of_both() { "$build/cnnmpi" status far.h5 2>/dev/null | grep -qE '[1-9] done.* [1-9] failed'; }

script=$(dirname "$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")")/python/examples/seconds.sh
case $case in
once_in_order)
    for ranks in 1 2 3 4; do
        rm -f notes
        warmup=1 job order 5 0 10 seconds=0.005 note="$work/notes"
        run "$ranks" 0 order.yaml --force
        $rows order.h5 >table
        runs=$((20 + 2 * ranks)) # 5 repeats x 2 data sets x 2 frameworks, a warm-up block a rank
        count table '^run [0-9]+ done' $runs
        count table '^attempt [0-9]+ 0 done' $runs
        count table '^attempt' $runs
        [[ $(awk '$3 == "end" { print $1 }' notes | sort -n | uniq | wc -l) -eq $runs ]] || fail "runs"
        [[ $(wc -l <notes) -eq $((2 * runs)) ]] || { cat notes; fail "a run was trained twice"; }
        # Each device does its own queue in the planned order; blocks are never torn.
        awk '$3 != "end" { print $1 }' notes >started
        awk 'NR == FNR { device[$2] = $4; turn[$2] = $5; place[$2] = $6; rank[$2] = $7; next }
             { r = $1; key = turn[r] * 100 + place[r]; d = device[r]
               if (rank[r] != d) { print "run " r " of device " d " on rank " rank[r]; bad = 1 }
               if (key != expected[d] + 0) { print "run " r " came too early or late"; bad = 1 }
               expected[d] = place[r] == 1 ? (turn[r] + 1) * 100 : key + 1 }
             END { exit bad }' <(grep ^run table) started || fail "order with $ranks ranks"
    done
    ;;
dynamic)
    assign=dynamic warmup=1 job free 4 0 10 seconds=0.005 note="$work/notes"
    run 3 0 free.yaml
    $rows free.h5 >table
    count table '^run [0-9]+ done' 22
    [[ $(wc -l <notes) -eq 44 ]] || fail "a run was trained twice"
    # Each rank begins with its own warm-up block.
    awk '/^run/ && $10 == 1 && $4 != $7 { exit 1 }' table || { cat table; fail "warm-up elsewhere"; }
    ;;
alone)
    job alone 2 0 10
    "$build/cnnmpi" alone.yaml >log 2>&1 </dev/null || { cat log; fail "without mpirun"; }
    $rows alone.h5 >table
    count table '^run [0-9]+ done' 8
    "$build/cnnmpi" report alone.h5 >report
    says report 'Peak of resident memory'
    count report '(blobs|spots) .* (one|two) +2 +[1-9][0-9]*[.][0-9] +[1-9][0-9.]* .*kernel$' 4
    ;;
measurement)
    # Programs that train nothing: seconds of a command, and a number that the job declares.
    cat >measure.yaml <<END
kind: measurement
repeats: 3
factors:
  framework:
    - {name: short, command: ["$script", sleep, "0.05"]}
    - {name: long, command: ["$script", sleep, "0.1"]}
  architecture: [arch1]
  dataset: [blobs]
backend: onednn
datasets: {blobs: {type: synthetic, count: 100, height: 12, width: 12, channels: 1, classes: 3}}
END
    "$build/cnnmpi" measure.yaml >log 2>&1 </dev/null || { cat log; fail "no success"; }
    $rows measure.h5 >table
    count table '^run [0-9]+ done' 6
    "$build/cnnmpi" report measure.h5 --full >report
    says report 'not measured'
    tr -s ' \n' ' ' <report >flat
    says flat 'not measured seconds_per_epoch, test_error, test_loss, steady_seconds'
    cat >score.sh <<'END'
spec=$(cat)
echo '{"event":"ready","setup_seconds":0.001,"backend":"sh"}' >&$CNN_EVENTS_FD
seed=$(printf '%s' "$spec" | sed -n 's/.*"seed": *\([0-9]*\).*/\1/p')
echo "{\"event\":\"done\",\"train_seconds\":0.001,\"score\":$(($1 + seed % 7)),\"ignored\":1}" >&$CNN_EVENTS_FD
END
    sed -e "s|\"$script\", sleep, \"0.05\"|sh, score.sh, '2000'|; s|\"$script\", sleep, \"0.1\"|sh, score.sh, '1000'|" \
        -e 's/repeats: 3/repeats: 8/' measure.yaml >score.yaml
    printf 'metric:\n  score: {unit: points, compare: ratio, margin: 0.05, better: higher}\n' >>score.yaml
    printf '  peak_memory_bytes: {unit: byte, margin: 0.1}\nanalysis: {primary: score}\n' >>score.yaml
    "$build/cnnmpi" score.yaml >log 2>&1 </dev/null || { cat log; fail "no success"; }
    "$build/cnnmpi" report score.h5 | tr -s ' \n' ' ' >flat
    says flat "score (primary), short against long: short's score is "
    says flat "% higher, which is better, 95 % interval "
    says flat 'peak_memory_bytes (secondary), short against long: '
    [[ $("$build/cnnmpi" report score.h5 --runs | head -1) == *,score,peak_memory_bytes ]] || fail "no columns"
    "$build/cnnmpi" report score.h5 --runs | tail -n +2 >rows
    count rows ',(20|10)0[0-6],[1-9][0-9]{5,}$' 16
    "$build/cnnmpi" report score.h5 --format csv --table verdicts >verdicts.csv
    says verdicts.csv ',score,'
    says verdicts.csv ',peak_memory_bytes,'
    "$build/cnnmpi" report score.h5 --format html -o score.html
    says score.html 'score of short over that of long'
    ;;
opaque)
    # Networks and data that only trainers know reach them unread, and plan shows what they report.
    cat >see.sh <<'END'
spec=$(cat)
printf '%s\n' "$spec" >>specs
echo '{"event":"ready","setup_seconds":0.001,"parameters":25557032,"train_images":1281167,"test_images":50000,"backend":"sh"}' >&$CNN_EVENTS_FD
echo '{"event":"done","train_seconds":0.001}' >&$CNN_EVENTS_FD
END
    cat >opaque.yaml <<'END'
kind: measurement
repeats: 2
factors:
  framework: [{name: a, command: [sh, see.sh]}, {name: b, command: [sh, see.sh, b]}]
  architecture: [resnet50]
  dataset: [imagenet]
backend: onednn
architectures: {resnet50: {opaque: {depth: 50}}}
datasets: {imagenet: {type: external, path: $NOT_EXPANDED/here, shards: [1, 2]}}
END
    "$build/cnnmpi" plan opaque.yaml >log
    says log 'unknown'
    "$build/cnnmpi" data opaque.yaml >log
    says log 'imagenet: external, its trainers find it'
    "$build/cnnmpi" opaque.yaml >log 2>&1 </dev/null || { cat log; fail "no success"; }
    count specs '^[{]"protocol":2,.*"network":[{]"name":"resnet50","opaque":[{]"depth":50[}][}],.*"source":[{]"type":"external","path":"[$]NOT_EXPANDED/here","shards":\[1,2\][}]' 4
    "$build/cnnmpi" plan opaque.yaml >log
    says log 'Reported by trainers, in opaque.h5'
    count log 'a / resnet50 / imagenet +25,557,032 +1,281,167 +50,000$' 1
    got=0
    "$build/cnnmpi" opaque.yaml --force --set 'factors.framework=[native, layered]' >log 2>&1 || got=$?
    [[ $got -eq 2 ]] || fail "exit status $got of our own paths"
    says log "cannot train the opaque architecture 'resnet50'"
    ;;
retries)
    mkdir once
    job again 3 2 10 do=exit when=3 once="$work/once"
    run 2 0 again.yaml
    $rows again.h5 >table
    count table '^run [0-9]+ done' 12
    count table '^run (0|3|6|9) done( -?[0-9]+){5} 2 ' 4 # two attempts
    count table '^run [0-9]+ done( -?[0-9]+){5} 1 ' 8
    count table '^attempt (0|3|6|9) 0 exit 0 [01] 9 .*"exit code 9: [?]\[31mlast [?] line[?]\[0m" "first line' 4
    count table '^attempt (0|3|6|9) 1 done' 4
    count table '^attempt' 16
    count log 'attempt 1 failed on rank [01], trying again: exit code 9' 4
    ;;
failures)
    for what in exit crash garbage error silent late hang orphan; do
        rm -f notes
        run_seconds=1
        [[ $what == hang || $what == orphan ]] || run_seconds=60
        run_seconds=$run_seconds job bad 1 1 10 do=$what when=2 note="$work/notes"
        run 2 1 bad.yaml --force
        $rows bad.h5 >table
        count table '^run [13] done' 2
        count table '^run [02] failed( -?[0-9]+){5} 2 ' 2
        case $what in
        exit | late) want='exit -?[0-9]+ [01] 9' ;;
        crash) want='signal -?[0-9]+ [01] -11' ;;
        garbage) want='protocol [0-9]+ [01] -9 .*an event must be one JSON object' ;;
        silent) want='protocol [0-9]+ [01] 0 .*"ended without a done event"' ;;
        error) want='error [0-9]+ [01] 1 .*"no luck today"' ;;
        hang | orphan) want='timeout [0-9]+ [01] -9 .*"longer than the time limit of 1 s [(]limits.run_seconds[)]"' ;;
        esac
        count table "^attempt [02] [01] $want" 4
        count log 'FAILED after 2 attempts' 2
        await 5 trainers_gone
        if [[ $what == orphan ]] && pgrep -f "note=$work/notes"; then
            fail "a process that a trainer started has outlived it"
        fi
    done
    ;;
divergence)
    for what in diverge nan; do
        job apart 1 2 10 do=$what when=2
        run 2 0 apart.yaml --force
        $rows apart.h5 >table
        count table '^run [02] diverged( -?[0-9]+){5} 1 ' 2
        count table '^run [13] done' 2
        count table '^attempt [02] 0 diverged' 2
    done
    ;;
resume_after_kill)
    job long 8 1 10 seconds=0.06 note="$work/notes"
    mpirun -np 2 "$build/cnnmpi" long.yaml >log 2>&1 </dev/null &
    launcher=$!
    await 20 notes end 5
    kill -KILL "$launcher"
    wait "$launcher" || true
    await 10 trainers_gone
    await 20 ranks_gone long
    $rows long.h5 >before
    grep '^run [0-9]* done' before >kept || fail "nothing was kept"
    [[ $(wc -l <kept) -lt 32 ]] || fail "it was over too soon"
    status=0
    "$build/cnnmpi" report --status long.h5 >/dev/null 2>&1 || status=$?
    [[ $status -eq 75 ]] || fail "the file's state gives $status"
    run 3 0 long.yaml --resume # with another number of ranks
    says log 'dealt again'
    $rows long.h5 >table
    count table '^run [0-9]+ done' 32
    grep -Fxf kept table | cmp - kept || fail "finished rows have changed"
    # What was finished was not trained again, the rest was.
    awk '$3 == "end" { n[$1]++ } END { for (r in n) if (n[r] > 1) bad++; exit bad > 1 }' notes ||
        fail "finished runs were trained again"
    cksum long.h5 >sum
    run 2 0 long.yaml --resume
    says log 'nothing to do'
    cksum long.h5 | cmp - sum || fail "a finished file was changed"
    ;;
resume_checks)
    job base 2 0 10 do=exit when=4
    run 2 1 base.yaml
    cp base.h5 copy
    run 2 2 base.yaml
    says log '--resume'
    says log '--force'
    cmp base.h5 copy || fail "an existing file was touched"
    run 2 2 base.yaml --resume --set train.epochs=3
    says log 'trained otherwise'
    run 2 2 base.yaml --resume --set repeats=3
    says log 'it has 8 runs, the job 12'
    says log 'with --force instead of --resume'
    run 2 2 base.yaml --resume --set seed=4
    says log 'seed'
    run 2 2 base.yaml --resume --set compare.allow=[threads]
    says log 'it was begun with compare: {allow: []}, the job has compare: {allow: [threads]}'
    run 2 2 base.yaml --resume --set analysis.looks=[0.5,1]
    says log 'it was begun with analysis: {looks: [1]}, the job has analysis: {looks: [0.5, 1]}'
    cmp base.h5 copy || fail "a refused file was touched"
    sed 's/do=exit/do=none/' base.yaml >other.yaml
    run 2 2 other.yaml --resume --output base.h5
    # The same job again: what failed gets another chance, what is done stays.
    $rows base.h5 | grep '^run [0-9]* done' >kept
    mkdir once
    run 2 1 base.yaml --resume
    $rows base.h5 >table
    count table '^run [0-9]+ failed( -?[0-9]+){4} 1 ' 2 # in session 1
    grep -Fxf kept table | cmp - kept || fail "finished rows have changed"
    run 1 0 other.yaml --force --output base.h5
    $rows base.h5 >table
    count table '^run [0-9]+ done( -?[0-9]+){4} 0 ' 8
    ;;
busy)
    job busy 1 0 0 seconds=30 note="$work/notes"
    "$build/cnnmpi" busy.yaml >first 2>&1 </dev/null &
    first=$!
    await 20 notes ' ' 1
    run 1 3 busy.yaml --resume
    says log 'is in use by process'
    kill -TERM "$first"
    wait "$first" || true
    ;;
names)
    # One file under two names is one file: a link is followed, and its target is made.
    mkdir far
    ln -s far/target.h5 link.h5
    job busy 1 0 0 seconds=30 note="$work/notes"
    "$build/cnnmpi" busy.yaml --output link.h5 >first 2>&1 </dev/null &
    first=$!
    await 20 notes ' ' 1
    [[ -L link.h5 && -f far/target.h5 && -e far/target.h5.lock ]] || fail "the link was not followed"
    for name in link.h5 far/target.h5 "$work/far/../link.h5"; do
        for how in --resume --force; do
            run 1 3 busy.yaml --output "$name" "$how"
            says log 'is in use by process'
        done
    done
    # A hard link could be written by a job of another folder; one that appears later stops nothing.
    ln far/target.h5 second.h5
    for name in second.h5 far/target.h5; do
        run 1 2 busy.yaml --output "$name" --resume
        says log 'has 2 names (hard links)'
    done
    kill -TERM "$first"
    wait "$first" || true
    rm second.h5
    # Nothing but a regular file is replaced, whatever leads to it.
    mkfifo pipe.h5
    ln -s pipe.h5 to-pipe.h5
    mkdir folder.h5
    for name in pipe.h5 to-pipe.h5 folder.h5; do
        for how in '' --force --resume; do
            run 1 2 busy.yaml --output "$name" $how
            ! grep -qe 'it with --force' log || { cat log; fail "--force is said to replace $name"; }
        done
    done
    [[ -p pipe.h5 && -L to-pipe.h5 && -d folder.h5 ]] || fail "something was replaced"
    # Open MPI has room for names of some length.
    long=$(printf 'a%.0s' {1..197})
    job short 1 0 10
    for ranks in 1 2; do run "$ranks" 0 short.yaml --output "$long.h5" --force; done
    run 2 2 short.yaml --output "${long}a.h5"
    says log "the output's name has 201 bytes; at most 200"
    ;;
launch)
    # Ranks that were started with other options than rank 0 would do another plan.
    job plain 1 0 10 note="$work/notes"
    for other in '--set repeats=3' '--output other.h5' '--set repeats=1 --set repeats=x' '--set bogus=1'; do
        status=0
        timeout 60 mpirun -np 1 "$program" plain.yaml : -np 1 "$program" plain.yaml $other \
            >log 2>&1 </dev/null || status=$?
        [[ $status -eq 2 ]] || { cat log; fail "exit status $status with $other on rank 1"; }
        says log 'started with other options'
        says log 'than rank 0 (none)'
        count log '^cnnmpi: error: ' 1
        [[ ! -e plain.h5 && ! -e other.h5 ]] || fail "something was made"
    done
    run 2 0 plain.yaml --set repeats=2
    # srun whose MPI plugin is not Open MPI's: every process would run the whole job.
    for task in 0 1; do
        status=0
        SLURM_PROCID=$task SLURM_STEP_NUM_TASKS=4 "$program" plain.yaml --force >log 2>&1 </dev/null || status=$?
        [[ $status -eq 3 ]] || { cat log; fail "task $task of 4 without MPI gives $status"; }
        count log 'srun has started 4 processes .*--mpi=pmix' $((1 - task))
    done
    # Not so one task alone, mpirun in an interactive step, or other commands.
    SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=1 "$program" plain.yaml --force >log 2>&1 </dev/null || { cat log; fail "srun -n 1"; }
    export SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=4
    run 2 0 plain.yaml --force
    "$program" report plain.h5 >/dev/null || fail "report in a step"
    "$program" status plain.h5 >/dev/null || fail "status in a step"
    ;;
file_taken)
    # The results file is deleted, renamed or replaced under a running job: it ends within a minute and says
    # so, instead of training on for rows that nobody will find. Another name of the file stops nothing.
    job gone 2 0 1 seconds=600 note="$work/notes"
    job stays 1 0 1 seconds=8 note="$work/notes"
    declare -A jobs
    for what in deleted renamed replaced linked; do
        yaml=gone.yaml
        [[ $what != linked ]] || yaml=stays.yaml
        mkdir $what
        mpirun -np 2 "$program" $yaml --output $what/r.h5 >$what/log 2>&1 </dev/null &
        jobs[$what]=$!
    done
    for what in deleted renamed replaced linked; do await 60 grep -q 'runs to do' $what/log; done
    await 60 notes ' ' 8
    rm deleted/r.h5
    mv renamed/r.h5 renamed/new.h5
    cp replaced/r.h5 replaced/copy && mv replaced/copy replaced/r.h5
    ln linked/r.h5 linked/second.h5
    for what in deleted renamed replaced linked; do
        status=0
        wait "${jobs[$what]}" || status=$?
        if [[ $what == linked ]]; then
            [[ $status -eq 0 ]] || { cat $what/log; fail "a second name gives $status"; }
        else
            [[ $status -eq 3 ]] || { cat $what/log; fail "a results file that is $what gives $status"; }
            says $what/log 'was deleted, renamed or replaced by another program'
            ! grep -q 'continue with --resume' $what/log || fail "lost rows are said to be kept"
        fi
    done
    # Also where the job ends before the second look.
    rm -f notes
    job brief 1 0 1 seconds=0.3 note="$work/notes"
    mpirun -np 1 "$program" brief.yaml >log 2>&1 </dev/null &
    await 60 notes ' ' 1
    mv brief.h5 other.h5
    status=0
    wait $! || status=$?
    [[ $status -eq 3 ]] || { cat log; fail "a results file that was renamed before the end gives $status"; }
    says log 'was deleted, renamed or replaced by another program'
    ;;
term)
    job stop 4 0 0.2 seconds=30 note="$work/notes"
    for signal in TERM INT; do
        rm -f notes
        OMPI_MCA_odls_base_sigkill_timeout=3 mpirun -np 2 "$build/cnnmpi" stop.yaml --force \
            >log 2>&1 </dev/null &
        launcher=$!
        await 20 notes ' ' 2
        # A job in the background of a script ignores SIGINT until its program sets a handler.
        kill -"$signal" "$launcher"
        wait "$launcher" && fail "mpirun returned 0"
        # mpirun sends SIGTERM whatever it gets.
        says log 'SIGTERM from the launcher, which sends it after SIGINT as well: no new run starts'
        says log 'continue later with --resume'
        await 1 trainers_gone
        $rows stop.h5 >table
        count table '^run [0-9]+ planned' 16
        count table '^attempt [0-9]+ 0 stopped 0 [01] -9 .*"cnnmpi was asked to stop"' 2
    done
    # One rank alone: the exit status tells the signal.
    for signal in TERM:143 INT:130; do
        rm -f notes
        "$build/cnnmpi" stop.yaml --force >log 2>&1 </dev/null &
        rank=$!
        await 20 notes ' ' 1
        kill -"${signal%:*}" "$rank"
        status=0
        wait "$rank" || status=$?
        [[ $status -eq ${signal#*:} ]] || { cat log; fail "$signal gave $status"; }
        says log "stopped by SIG${signal%:*}: 16 of 16 runs are left"
        await 1 trainers_gone
    done
    # Where nothing else is printed, how to go on is, also if mpirun kills the ranks at once.
    rm -f notes
    OMPI_MCA_odls_base_sigkill_timeout=1 mpirun -np 2 "$build/cnnmpi" stop.yaml --force --quiet >log 2>&1 </dev/null &
    launcher=$!
    await 20 notes ' ' 2
    kill -INT "$launcher"
    wait "$launcher" && fail "mpirun returned 0"
    says log 'continue later with --resume'
    ;;
term_within_grace)
    # The running run may finish and is kept; the next one does not start. Slurm signals all processes
    # of a job, trainers too.
    job grace 2 0 30 seconds=0.5 note="$work/notes"
    "$build/cnnmpi" grace.yaml >log 2>&1 </dev/null &
    rank=$!
    await 20 notes ' ' 1
    kill -TERM "$rank" "$(awk '{ print $3 }' notes)"
    wait "$rank" && fail "no signal in the exit status"
    $rows grace.h5 >table
    count table '^run [0-9]+ done' 1
    count table '^run [0-9]+ planned' 7
    count table '^attempt' 1
    run 2 0 grace.yaml --resume
    $rows grace.h5 >table
    count table '^run [0-9]+ done' 8
    ;;
term_at_end)
    # A signal during the last runs: all are done, and the tables are stored nevertheless; if the job
    # ends before that, --resume makes up for it.
    job end 1 0 30 seconds=0.5 note="$work/notes"
    "$build/cnnmpi" end.yaml >log 2>&1 </dev/null &
    rank=$!
    await 20 notes ' [0-9]*$' 4
    cp end.h5 early.h5
    kill -TERM "$rank"
    status=0
    wait "$rank" || status=$?
    [[ $status -eq 143 ]] || { cat log; fail "SIGTERM gave $status"; }
    $rows end.h5 >table
    count table '^run [0-9]+ done' 4
    cksum <end.h5 >sum
    run 2 0 end.yaml --resume
    says log 'nothing to do'
    cksum <end.h5 | cmp - sum || fail "the tables were not stored after SIGTERM"
    # Killed just after the last run, the job leaves all rows and no tables: early.h5 has none yet.
    if command -v h5dump >/dev/null; then
        h5dump -p -H -d /analysis/mean end.h5 >where
        offset=$(awk '$1 == "OFFSET" { print $2 }' where)
        size=$(awk '$1 == "SIZE" { print $2 }' where)
        dd if=early.h5 of=end.h5 bs=1 skip="$offset" seek="$offset" count="$size" conv=notrunc status=none
        if cksum <end.h5 | cmp -s - sum; then fail "the tables were stored before the last run"; fi
        run 2 0 end.yaml --resume
        cksum <end.h5 | cmp - sum || fail "--resume did not store the tables"
    else
        echo "no h5dump: the tables after a kill are not tried"
    fi
    ;;
killed_in_grace)
    # A trainer that somebody else kills while the job stops has not failed: its run is still to be done.
    job meanwhile 2 0 30 seconds=30 note="$work/notes"
    "$build/cnnmpi" meanwhile.yaml >log 2>&1 </dev/null &
    rank=$!
    await 20 notes ' ' 1
    kill -TERM "$rank"
    await 5 grep -q 'no new run starts' log
    kill -KILL "$(awk '{ print $3 }' notes)"
    wait "$rank" && fail "no signal in the exit status"
    $rows meanwhile.h5 >table
    count table '^run [0-9]+ planned' 8
    count table '^attempt [0-9]+ 0 stopped' 1
    ;;
second_signal)
    job twice 1 0 60 seconds=30 note="$work/notes"
    "$build/cnnmpi" twice.yaml >log 2>&1 </dev/null &
    rank=$!
    await 20 notes ' ' 1
    kill -TERM "$rank"
    await 20 grep -q 'no new run starts' log
    sleep 1 # signals within half a second count once
    kill -0 "$rank" || fail "the time of grace was not given"
    kill -TERM "$rank"
    begin=$SECONDS
    wait "$rank" && fail "no signal in the exit status"
    [[ $((SECONDS - begin)) -le 5 ]] || fail "the second signal did not hurry"
    await 1 trainers_gone
    ;;
rank_killed)
    # With a rank or the launcher killed, no trainer stays behind, and the file can be read.
    job dead 4 0 10 seconds=100 note="$work/notes"
    for victim in rank launcher; do
        rm -f notes
        mpirun -np 2 "$build/cnnmpi" dead.yaml --force >log 2>&1 </dev/null &
        launcher=$!
        await 20 notes ' ' 2
        [[ $victim == launcher ]] && pid=$launcher || pid=$(pgrep -P "$launcher" -x cnnmpi | tail -1)
        kill -KILL "$pid"
        wait "$launcher" && fail "mpirun returned 0"
        await 10 trainers_gone
        await 10 ranks_gone
        $rows dead.h5 >table
        count table '^run [0-9]+ planned' 16
    done
    ;;
broken_rank)
    # A rank that cannot write its rows (here: no file of its may grow beyond 8 kB) ends the job; the
    # other's finished rows stay, and everyone learns why.
    job full 3 0 10 seconds=0.05
    status=0
    timeout 60 mpirun --mca btl tcp,self -np 1 "$build/cnnmpi" full.yaml : \
        -np 1 bash -c "trap '' XFSZ; ulimit -f 8; exec '$build/cnnmpi' full.yaml" \
        >log 2>&1 </dev/null || status=$?
    [[ $status -eq 3 ]] || { cat log; fail "a rank that cannot write gives $status"; }
    says log 'rank 1 on '
    says log 'continue with --resume'
    $rows full.h5 >table
    count table '^run [0-9]+ failed' 0
    run 2 0 full.yaml --resume
    $rows full.h5 >table
    count table '^run [0-9]+ done' 12
    ;;
lost_rank)
    # A rank whose MPI fails cannot even tell the others: the job ends all the same, and says why.
    # CNN_LOST_RANK: see lost_rank.c.
    job lost 4 0 10 seconds=30 note="$work/notes"
    for rank in 0 1; do
        rm -f notes
        status=0
        ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 timeout 30 mpirun -np 2 \
            -x LD_PRELOAD="$build/tests/lost_rank.so" -x CNN_LOST_RANK=$rank \
            "$build/cnnmpi" lost.yaml --force >log 2>&1 </dev/null || status=$?
        [[ $status -eq 3 ]] || { cat log; fail "a rank that is lost gives $status"; }
        says log "rank $rank has lost the others: MPI_Improbe"
        await 10 trainers_gone
    done
    ;;
screen)
    job look 2 0 10 do=exit when=4 log=hello
    run 2 1 look.yaml
    # Tabs and newlines apart, nothing below a blank: mpirun gives its ranks a terminal.
    if LC_ALL=C grep -nP '[\x00-\x08\x0b-\x1f\x7f]' log; then
        fail "control characters in the log"
    fi
    count log '^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}  \[[0-9]+/8\] ' 8
    "$build/cnnmpi" look.yaml --force --quiet >rest 2>&1 </dev/null && fail "no failure told"
    [[ ! -s rest ]] || { cat rest; fail "--quiet is not"; }
    script -qec true probe >/dev/null 2>&1 </dev/null || {
        echo "skipped from here on: this place has no pseudo-terminals"
        exit 77
    }
    timeout 60 script -qec "mpirun -np 2 '$build/cnnmpi' look.yaml --force" typescript >/dev/null \
        </dev/null || true
    grep -qP '\x1b\[K' typescript || fail "no live line on a terminal"
    grep -qP '[0-9]+/8 done' typescript || fail "the live line does not count"
    timeout 60 script -qec "'$build/cnnmpi' look.yaml --force" typescript >/dev/null </dev/null || true
    grep -qP '\x1b\[K' typescript || fail "no live line on a terminal without mpirun"
    # Behind a launcher whose output is a file there is no terminal, whatever isatty says.
    timeout 60 script -qec "mpirun -np 2 '$build/cnnmpi' look.yaml --force >log" typescript \
        >/dev/null </dev/null || true
    if LC_ALL=C grep -nP '[\x00-\x08\x0b-\x1f\x7f]' log; then
        fail "control characters in a log beside a terminal"
    fi
    ;;
sharing)
    ranks=$(($(nproc) + 1))
    sharing=refuse job crowd 1 0 10
    run $ranks 3 crowd.yaml
    between=$([[ $ranks -gt 2 ]] && echo to || echo and)
    says log "ranks 0 $between $((ranks - 1)) on host"
    says log 'sharing: allow'
    [[ ! -e crowd.h5 ]] || fail "a file was made for nothing"
    sharing=allow job crowd 1 0 10
    run $ranks 0 crowd.yaml
    says log 'shared'
    # Ranks that mpirun has not bound see all cores, and divide them.
    if [[ $(nproc) -ge 2 ]]; then
        sharing=refuse job divided 1 0 10
        OMPI_MCA_hwloc_base_binding_policy=none run 2 0 divided.yaml
        [[ $(awk '$1 ~ /^[01]$/ { print $4 }' log | sort -u | wc -l) -eq 2 ]] ||
            { cat log; fail "two ranks have the same cores"; }
        if grep -q shared log; then fail "divided cores are called shared"; fi
    else
        echo "one core only: the division of cores is not tried"
    fi
    ;;
status)
    # `cnnmpi status` while a job runs, after it was killed, and after its end; it only reads.
    job far 4 1 10 seconds=0.15 do=exit when=2
    mpirun -np 2 "$build/cnnmpi" far.yaml >log 2>&1 </dev/null &
    launcher=$!
    await 20 some_of_both
    "$build/cnnmpi" status far.h5 >now 2>&1 || { cat now; fail "status of a running job"; }
    says now "state     running: process $(pgrep -P "$launcher" -x cnnmpi | head -1) on "
    says now ', of which up to 2 running now'
    grep -qE '16 planned: [1-9] done, 0 diverged, [1-9] failed, [0-9]+ left' now || { cat now; fail "counts"; }
    grep -qE 'time left about [1-9]' now || { cat now; fail "no time left"; }
    count now '^exit code 9.*  one / arch1 / (blobs|spots), repeat [0-3]$' 1
    kill -KILL "$launcher"
    wait "$launcher" && fail "mpirun returned 0"
    await 10 ranks_gone far
    before=$(sha256sum <far.h5)
    "$build/cnnmpi" status far.h5 >then 2>&1 || fail "status of a killed job"
    says then 'unfinished, and nobody works on it'
    [[ $before == "$(sha256sum <far.h5)" ]] || fail "status has changed the file"
    run 2 1 far.yaml --resume
    "$build/cnnmpi" status far.h5 >after 2>&1 || fail "status of a job with a failed run"
    says after 'complete but for the failed runs'
    says after '16 planned: 8 done, 0 diverged, 8 failed, 0 left'
    says after 'sessions  2; the last one began '
    ! grep -q 'time left' after || fail "time is left after the end"
    ;;
environment)
    mkdir empty
    cp "$build/cnnmpi" empty/
    job lost 1 0 10
    status=0
    empty/cnnmpi lost.yaml >log 2>&1 </dev/null || status=$?
    [[ $status -eq 3 ]] || { cat log; fail "a missing helper gives $status"; }
    says log "$work/empty"
    says log libexec/cnnmpi
    [[ ! -e lost.h5 ]] || fail "a file was made for nothing"
    CNNMPI_TRAINERS=/nowhere:$build empty/cnnmpi lost.yaml >log 2>&1 </dev/null || fail "trainers"
    sed "s,'$null','/no/such/program'," lost.yaml >none.yaml
    run 2 3 none.yaml
    says log '/no/such/program'
    says log 'framework one'
    # A script beside the job file, from another folder.
    mkdir jobs
    printf '#!/bin/sh\nexec "%s" "$@"\n' "$null" >jobs/wrap.sh
    sed "s,'$null','sh'\, 'wrap.sh'," lost.yaml >jobs/beside.yaml
    run 2 0 jobs/beside.yaml --output out/deep/beside.h5
    [[ -e out/deep/beside.h5 ]] || fail "the output's folders were not made"
    # Missing data is told before anything runs.
    sed 's,{type: synthetic.*,{type: idx\, path: nowhere-to-be-found},' lost.yaml >data.yaml
    run 2 3 data.yaml
    says log nowhere-to-be-found
    [[ ! -e data.h5 ]] || fail "a file was made for nothing"
    ;;
*)
    fail "no case called $case"
    ;;
esac
