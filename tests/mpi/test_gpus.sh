#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Whole jobs on GPUs that are not there, with a trainer that trains nothing: test_gpus.sh BUILD_FOLDER CASE
set -euo pipefail
build=$(cd "$1" && pwd)
case=$2
source "$(dirname "${BASH_SOURCE[0]}")/jobs.sh"

# The programs in a folder of their own, with trainers that are the null trainer.
mkdir bin
cp "$build/cnnmpi" "$build/cnn-exec" bin/
program=$work/bin/cnnmpi
# own_trainer NAME [ARGUMENT...]
own_trainer() {
    local name=$1
    shift
    { echo '#!/bin/sh'; echo "exec '$null' $* \"\$@\""; } >"bin/$name"
    chmod +x "bin/$name"
}
own_trainer cnntrain-cudnn seconds=0.15 tell="$work/told"
own_trainer cnntrain-onednn seconds=0.01 tell="$work/told"

export LD_LIBRARY_PATH=$build/tests/fakes/nvml${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} FAKE_NVML=$work/gpus
# gpus NUMBER [KEYS]: as many GPUs
gpus() {
    local n=$1 keys=${2:-}
    for ((i = 0; i < n; i++)); do
        echo "gpu uuid=GPU-000$i;name=NVIDIA Fake $i;pci=beef:0$i:00.0;$keys"
    done >gpus
}
# gpu_job NAME REPEATS: both own frameworks, one data set, so 2 runs a repeat
gpu_job() {
    cat >"$1.yaml" <<END
name: $1
repeats: $2
train: {epochs: 2, precision: ${precision:-fp32}, autotune: ${autotune:-true}}
factors:
  framework: [native, layered]
  architecture: [arch1]
  dataset: [blobs]
contrast: framework
backend: ${backend:-auto}
schedule: {sharing: ${sharing:-allow}}
limits: {retries: ${retries:-0}}
datasets:
  blobs: {type: synthetic, count: 100, height: 12, width: 12, channels: 1, classes: 3}
END
}
# Devices in the rows' order: every run's trainer was given the device that its row has.
same_devices() {
    awk '$1 == "gpu" { gsub("\"", "", $3); device[$2] = $3; n++ }
         FILENAME == "told" && $5 != "tune" && device[$1] != $3 { print "run " $1 " on " $3 ", not " device[$1]; bad = 1 }
         END { exit bad || n == 0 }' table told || { cat table told; fail "devices of rows and trainers"; }
}

case $case in
each_rank_its_own)
    gpus 4 'sm=1980,1500,1740;mem=2619;temp=50,61,55;power=300000;reasons=0,4;processes=trainers,1'
    gpu_job each 4
    run 4 0 each.yaml
    says log 'backend cudnn (auto: every rank has a GPU)'
    for i in 0 1 2 3; do count log "^ +$i .*beef:0$i:00.0 +- +GPU-000$i, NVIDIA Fake $i" 1; done
    $rows each.h5 >table
    count table '^run [0-9]+ done' 8
    [[ $(awk '$1 == "gpu" { print $3 }' table | sort | uniq -c | awk '{ print $1 }' | sort -u) == 2 ]] ||
        { cat table; fail "four GPUs do two runs each"; }
    [[ $(awk '$5 != "tune" { print $3 }' told | sort -u | wc -l) -eq 4 ]] || { cat told; fail "four devices"; }
    count told ' GPU-000[0-3] PCI_BUS_ID (native|layered)-by-[0-9]+$' 8
    same_devices
    count table '^gpu [0-9]+ "GPU-000([0-3])" "NVIDIA Fake \1" [01] 1[5-9][0-9.]+ 1[57][0-9]0 2619 2619 (5|6)[0-9] 300 [04] [01]$' 8
    count table '^gpu .* 1$' 8 # process 1 is foreign, the trainer is not
    count table '^backend cudnn$' 1
    strings each.h5 | grep -F 'Backend: cudnn (auto: every rank has a GPU)' >/dev/null || fail "the plan"
    ;;
two_on_one)
    gpus 1
    sharing=refuse gpu_job one 1
    run 2 3 one.yaml
    says log "ranks 0 and 1 on host $(hostname) have one GPU, GPU-0000 at beef:00:00.0"
    says log 'sharing: allow'
    [[ ! -e one.h5 ]] || fail "a file was made for nothing"
    gpus 2
    CUDA_VISIBLE_DEVICES=1 run 2 3 one.yaml
    says log 'have one GPU, GPU-0001'
    gpus 1
    sharing=allow gpu_job one 1
    run 2 0 one.yaml
    says log 'shared'
    $rows one.h5 >table
    count table '^gpu [01] "GPU-0000" "NVIDIA Fake 0" 1 ' 2
    ;;
given_by_the_launcher)
    gpus 3
    gpu_job given 2
    # each GIVEN-TO-RANK-0 GIVEN-TO-RANK-1 EXPECTED...
    each() {
        rm -f told given.h5
        timeout 60 mpirun -np 1 -x "CUDA_VISIBLE_DEVICES=$1" "$program" given.yaml : \
            -np 1 -x "CUDA_VISIBLE_DEVICES=$2" "$program" given.yaml >log 2>&1 </dev/null || return $?
        $rows given.h5 >table
        same_devices
        [[ $(awk '$1 == "gpu" { print $3 }' table | sort -u | tr -d '"\n') == "$3" ]] ||
            { cat table; fail "$1 and $2 should be $3"; }
    }
    each 2 0 GPU-0000GPU-0002
    each GPU-0001 GPU-0000 GPU-0000GPU-0001
    each 1,2 1,2 GPU-0001GPU-0002
    each 1,2 2,1 GPU-0001GPU-0002 # other lists: each its first
    status=0
    each 0 3 none || status=$?
    [[ $status -eq 3 ]] || { cat log; fail "a GPU that is not there gives $status"; }
    says log 'rank 1 on '
    says log 'CUDA_VISIBLE_DEVICES has GPU 3, but this host shows 3'
    ;;
given_by_slurm)
    gpus 3
    gpu_job given 2
    # As Slurm confines tasks: each sees its own GPU only, and numbers it 0; the other is counted by
    # NVML, and refused (4).
    sed '1s/$/broken=4/' gpus >second
    sed '2s/$/broken=4/' gpus >first
    timeout 60 mpirun -np 1 -x CUDA_VISIBLE_DEVICES=0 -x "FAKE_NVML=$work/first" "$program" given.yaml --force : \
        -np 1 -x CUDA_VISIBLE_DEVICES=0 -x "FAKE_NVML=$work/second" "$program" given.yaml --force \
        >log 2>&1 </dev/null || { cat log; fail "confined tasks"; }
    count log '^ +0 .*beef:00:00.0 +- +GPU-0000' 1
    count log '^ +1 .*beef:01:00.0 +- +GPU-0001' 1
    # Without CUDA's variable, what Slurm says of its step.
    SLURM_STEP_GPUS=2,1 run 2 0 given.yaml --force
    count log '^ +0 .*GPU-0002' 1
    count log '^ +1 .*GPU-0001' 1
    # Instances of a GPU in MIG mode, one a rank.
    echo 'gpu uuid=GPU-a;name=A;pci=0:1:0;sm=1000' >gpus
    printf 'instance uuid=MIG-%d;name=A MIG 1g\n' 1 2 >>gpus
    rm -f told
    run 2 0 given.yaml --force
    $rows given.h5 >table
    same_devices
    count table '^gpu [0-3] "MIG-[12]" "A MIG 1g" [01] 1000 ' 4
    count told ' MIG-1 PCI_BUS_ID [nl]' 2
    ;;
backends)
    # name RANKS STATUS TEXT [ARGUMENT...]: runs b.yaml and looks into the log.
    name() {
        local ranks=$1 status=$2 text=$3
        shift 3
        rm -f told
        [[ " $* " == *" --resume "* ]] || rm -f b.h5
        run "$ranks" "$status" b.yaml "$@"
        says log "$text"
        [[ $status -eq 0 || -e kept || ! -e b.h5 ]] || fail "a file was made for nothing"
    }
    gpus 2
    backend=cudnn gpu_job b 1
    name 1 0 'backend cudnn; results'
    count told ' GPU-0000 PCI_BUS_ID [nl]' 2
    FAKE_NVML=/nowhere name 2 3 'backend cudnn needs a GPU for every rank, and rank 0 on'
    says log 'NVML cannot start: Driver Not Loaded'
    CUDA_VISIBLE_DEVICES= name 2 3 "has none: CUDA_VISIBLE_DEVICES is ''"
    mv bin/cnntrain-cudnn elsewhere
    name 1 3 'backend cudnn needs the program cnntrain-cudnn'
    backend=auto gpu_job b 1
    name 1 0 'backend onednn (auto: there are GPUs, but the program cnntrain-cudnn is not there)'
    count told ' -1 PCI_BUS_ID -$' 2 # nothing is to be chosen on CPUs
    mv elsewhere bin/cnntrain-cudnn
    backend=onednn gpu_job b 1
    name 1 0 'backend onednn; results'
    count told ' -1 PCI_BUS_ID' 2 # a command would not find them either
    $rows b.h5 >table
    count table '^backend onednn$' 1
    count table "^gpu [01] \"$(hostname) cpus .* nan nan nan nan nan nan -1 -1$" 2
    backend=auto gpu_job b 1
    : >gpus
    name 1 0 'backend onednn (auto: no GPU: NVML shows none)'
    LD_LIBRARY_PATH= name 1 0 'backend onednn (auto: no GPU: '
    precision=tf32 backend=auto gpu_job b 1
    name 1 2 'precision tf32 needs a GPU, but the backend is onednn (auto: no GPU: NVML shows none)'
    # Only one of two ranks has a GPU.
    gpus 2
    backend=auto gpu_job b 1
    status=0
    rm -f b.h5
    timeout 60 mpirun -np 1 "$program" b.yaml --force : -np 1 -x CUDA_VISIBLE_DEVICES=-1 "$program" b.yaml \
        --force >log 2>&1 </dev/null || status=$?
    [[ $status -eq 3 ]] || { cat log; fail "a mixture gives $status"; }
    says log "backend auto: rank 0 on $(hostname) has a GPU, and rank 1 on $(hostname) has not: "
    # Only one of two ranks has the trainer.
    mkdir bare
    cp bin/cnnmpi bin/cnn-exec bin/cnntrain-onednn bare/
    status=0
    timeout 60 mpirun -np 1 "$program" b.yaml : -np 1 "$work/bare/cnnmpi" b.yaml >log 2>&1 </dev/null || status=$?
    [[ $status -eq 3 ]] || { cat log; fail "half a trainer gives $status"; }
    says log "backend auto: rank 0 on $(hostname) has cnntrain-cudnn, and rank 1 on $(hostname) has not. "
    # What was begun on GPUs is not continued on CPUs.
    own_trainer cnntrain-cudnn do=exit when=2
    backend=auto gpu_job b 1
    touch kept
    name 1 1 'backend cudnn (auto'
    : >gpus
    name 1 2 'its runs were done with backend cudnn, and here it would be onednn (auto: no GPU' --resume
    ;;
commands)
    # Frameworks that are commands get the GPU too, and need no trainer of ours.
    rm bin/cnntrain-cudnn
    gpus 2
    backend=auto job two 1 0 10 tell="$work/told"
    run 2 0 two.yaml
    says log 'backend cudnn (auto: every rank has a GPU)'
    $rows two.h5 >table
    same_devices
    count told ' GPU-000[01] PCI_BUS_ID -$' 4 # commands are not asked to choose
    ;;
near_cores)
    [[ $(nproc) -ge 2 ]] || { echo "one core only: there is no choice"; exit 77; }
    [[ $(cat /sys/devices/system/cpu/cpu0/topology/thread_siblings_list) == 0 ]] ||
        { echo "CPUs 0 and 1 may be one core"; exit 77; }
    gpus 2
    sed -i '1s/$/cpus=2/; 2s/$/cpus=1/' gpus # the first GPU is near CPU 1
    sharing=refuse gpu_job near 1
    OMPI_MCA_hwloc_base_binding_policy=none run 2 0 near.yaml
    [[ $(awk '$1 == 0 && /GPU-0000/ { print $4 }' log) == 1 ]] || { cat log; fail "rank 0 is far from its GPU"; }
    [[ $(awk '$1 == 1 && /GPU-0001/ { print $4 }' log) == 0 ]] || { cat log; fail "rank 1 is far from its GPU"; }
    # Ranks that the launcher has bound take the GPU near their cores.
    OMPI_MCA_hwloc_base_binding_policy=core run 2 0 near.yaml --force
    [[ $(awk '$1 == 0 && /GPU-0001/ { print $3 }' log) == 0 ]] || { cat log; fail "rank 0 takes a far GPU"; }
    [[ $(awk '$1 == 1 && /GPU-0000/ { print $3 }' log) == 1 ]] || { cat log; fail "rank 1 takes a far GPU"; }
    ;;
lost)
    # One GPU falls off the bus after two looks; its trainers fail, and the other's do not.
    gpus 2 'sm=1000'
    autotune=false
    sed -i '1s/$/;lost=2/' gpus
    {
        echo '#!/bin/sh'
        echo 'case $CUDA_VISIBLE_DEVICES in GPU-0000) bad="do=exit when=1";; *) bad=;; esac'
        echo "exec '$null' seconds=0.3 \$bad"
    } >bin/cnntrain-cudnn
    gpu_job lost 2
    run 2 1 lost.yaml
    $rows lost.h5 >table
    count table '^run [0-9]+ done' 2
    count table '^attempt [0-9]+ 0 exit 0 0 9 [^ ]+ "the GPU is lost: it has fallen off the bus \(NVML\): exit code 9' 2
    says log 'the GPU is lost'
    ;;
tuning)
    # alike NUMBER: as many GPUs of one model
    alike() { gpus "$1" && sed -i 's/Fake [0-9]/Fake/' gpus; }
    # tunings NUMBER of trainers asked, and runs that got what was told for their cell
    tunings() {
        count told ' tune ' "$1"
        awk '$5 == "tune" { told[$6] = 1; next } !($5 in told) || $5 !~ "^" $2 "-by" { print; bad = 1 }
             END { exit bad }' told || { cat told; fail "runs without what was chosen"; }
    }
    own_trainer cnntrain-cudnn seconds=0.01 tell="$work/told" do=exit when=3
    alike 2
    gpu_job tune 2
    run 2 1 tune.yaml
    says log 'algorithms chosen and frozen in the file'
    tunings 2
    [[ $(awk '$5 == "tune" { print $3 }' told | sort -u | wc -l) -eq 2 ]] || { cat told; fail "ranks share the work"; }
    $rows tune.h5 >table
    count table '^tuning [01] [01] "NVIDIA Fake" (native|layered)-by-[0-9]+$' 2
    count table '^timings [01] fwd a 1.50 b -;step [0-9]+$' 2
    cp table before
    # What is frozen is used on, and nothing is asked again.
    own_trainer cnntrain-cudnn seconds=0.01 tell="$work/told"
    run 2 0 tune.yaml --resume
    tunings 2
    $rows tune.h5 >table
    [[ $(grep ^tuning table) == "$(grep ^tuning before)" ]] || { cat table; fail "frozen algorithms changed"; }
    # Each device model has its own; a resumed job asks on a new one.
    rm -f told
    gpus 2
    gpu_job models 2
    run 2 0 models.yaml
    tunings 4
    awk '$5 == "tune" { on[$6] = $3; next } on[$5] != $3 { print; bad = 1 } END { exit bad }' told ||
        { cat told; fail "algorithms of another model"; }
    rm -f told
    own_trainer cnntrain-cudnn seconds=0.01 tell="$work/told" do=exit when=3
    gpus 1
    gpu_job more 2
    run 1 1 more.yaml
    sed -i 's/Fake 0/Fake 9/' gpus
    own_trainer cnntrain-cudnn seconds=0.01 tell="$work/told"
    run 1 0 more.yaml --resume
    $rows more.h5 >table
    count table '^tuning [01] [01] "NVIDIA Fake 0" ' 2
    count table '^tuning [23] [01] "NVIDIA Fake 9" ' "$(grep -c ' tune ' told | awk '{ print $1 - 2 }')"
    # Nothing to choose is an answer, too.
    rm -f told
    own_trainer cnntrain-cudnn seconds=0.01 tell="$work/told" tune=nothing do=exit when=3
    gpu_job none 2
    run 1 1 none.yaml
    run 1 1 none.yaml --resume
    count told ' tune ' 2
    count told ' PCI_BUS_ID -$' 6
    # autotune: false: nobody is asked.
    rm -f told
    own_trainer cnntrain-cudnn seconds=0.01 tell="$work/told"
    autotune=false gpu_job off 1
    run 1 0 off.yaml
    count told ' PCI_BUS_ID -$' 2
    count told tune 0
    ;;
tuning_fails)
    gpus 2
    for what in error exit silent train hang; do
        rm -f told
        own_trainer cnntrain-cudnn seconds=0.01 tell="$work/told" tune=$what
        gpu_job bad 2
        [[ $what != hang ]] || sed -i 's/limits: {/limits: {run_seconds: 1, /' bad.yaml
        run 2 3 bad.yaml --force
        case $what in
        error) want='no luck today' ;;
        exit) want='exit code 9: ' ;;
        silent) want='ended without a tuned event' ;;
        train) want='it trains, when it was asked to tune' ;;
        hang) want='longer than the time limit of 1 s' ;;
        esac
        says log "the algorithms of native / arch1 / blobs on GPU-0000 (NVIDIA Fake 0) cannot be chosen: "
        says log "$want"
        $rows bad.h5 >table
        count table '^run [0-9]+ planned' 4
        count table '^attempt' 0
    done
    # Once the trainer is mended, the job goes on.
    own_trainer cnntrain-cudnn seconds=0.01
    run 2 0 bad.yaml --resume
    # A signal ends the asking, too.
    own_trainer cnntrain-cudnn note="$work/notes" tune=hang
    gpu_job stop 2
    "$program" stop.yaml >log 2>&1 </dev/null &
    pid=$!
    await 20 test -e notes
    kill -TERM $pid
    gone() { [[ ! -e /proc/$1 || $(cut -d' ' -f3 "/proc/$1/stat" 2>/dev/null) == Z ]]; }
    (await 20 gone $pid) || { kill -KILL $pid; fail "a signal does not end it"; }
    status=0
    wait $pid || status=$?
    [[ $status -eq 143 ]] || { cat log; fail "a signal while algorithms are chosen gives $status"; }
    gone "$(awk '{ print $3 }' notes)" || fail "the trainer lives on"
    own_trainer cnntrain-cudnn seconds=0.01
    run 1 0 stop.yaml --resume
    ;;
tuning_lingers)
    # A trainer that has chosen and does not end costs a minute, and the job: nobody waits for an hour.
    gpus 2
    own_trainer cnntrain-cudnn seconds=0.01 tell="$work/told" tune=linger
    gpu_job late 2
    SECONDS_TO_WAIT=150 run 2 3 late.yaml
    says log 'cannot be chosen: did not end within 60 s after its tuned event'
    ;;
emulated)
    # Our GPU trainer on a device that is emulated: what it chooses, it takes back.
    [[ -x $build/tests/cnntrain-emulated ]] || { echo "skipped: no headers of CUDA and cuDNN"; exit 77; }
    cp "$build/tests/cnntrain-emulated" bin/cnntrain-cudnn
    gpus 2
    sed -i 's/Fake [0-9]/Fake/' gpus
    gpu_job real 2
    sed -i 's/arch1/tiny/; s/epochs: 2/epochs: 2, batch_size: 8/; s/count: 100, height: 12, width: 12/count: 40, height: 6, width: 6/' real.yaml
    echo 'architectures: {tiny: [{conv2d: {filters: 4, kernel: 3, activation: relu}}, {maxpool: 2}, {dense: classes}]}' \
        >>real.yaml
    run 2 0 real.yaml
    $rows real.h5 >first
    count first '^run [0-9]+ done' 4
    count first '^tuning [01] [01] "NVIDIA Fake" cudnn=[0-9]+;fwd(pool)?:' 2
    # Problems with the times of their candidates, each problem once; the native path's step by mode.
    count first '^timings [01] fwd(pool)?:8x6x6x1>[^ ;]+( [^ ;]+ ([0-9.]+|-))+;' 2
    count first '^timings [01] .*;step:8x6x6x1 plain [0-9.]+ ' 1
    [[ -z $(sed -n 's/^timings [01] //p' first | head -n 1 | tr ';' '\n' | cut -d' ' -f1 | sort | uniq -d) ]] ||
        { cat first; fail "a problem stands twice"; }
    # Two jobs may be tuned differently, and then end in other last bits: these choose by no clock.
    for name in second third; do
        run 2 0 real.yaml --force --set train.autotune=false
        $rows real.h5 >$name
    done
    [[ $(awk '/^run/ { print $NF }' second) == "$(awk '/^run/ { print $NF }' third)" ]] ||
        { cat second third; fail "the same job ends in other weights"; }
    # By hand, with the time of every candidate and capture mode.
    cat >tiny.json <<'END'
{"protocol": 1, "run": -1, "framework": "native", "path": "native", "seed": 1, "threads": 1,
 "network": {"name": "tiny", "layers": [{"conv2d": {"filters": 4, "kernel": 3, "activation": "relu"}}, {"maxpool": 2}, {"dense": {"units": "classes"}}]},
 "dataset": {"name": "synthetic", "source": {"type": "synthetic", "height": 6, "width": 6, "count": 40}},
 "train": {"epochs": 1, "batch_size": 8}}
END
    bin/cnntrain-cudnn --spec tiny.json >out 2>err || { cat out err; fail "one run by hand"; }
    ! grep -q ' us$' err || fail "times are printed without --verbose"
    bin/cnntrain-cudnn --spec tiny.json --verbose >out 2>err || { cat out err; fail "one run by hand, --verbose"; }
    grep -Eq '^fwdpool:8x6x6x1>[^ ]+ [a-z][a-z0-9,:]* [0-9.]+ us$' err || { cat err; fail "no candidate's time"; }
    grep -Eq '^step:8x6x6x1 plain [0-9.]+ us$' err || { cat err; fail "no capture mode's time"; }
    ;;
*)
    fail "no case called $case"
    ;;
esac
