# SPDX-License-Identifier: Apache-2.0
# Steps of a stage, sourced by stages. A step is a command with a limit. It ends as
#   passed
#   failed    with a status, or stopped at its limit
#   not run   a test was skipped, a program is missing, an earlier step was needed, or no time is left
#   refused   a tool of the machine cannot watch even a trivial kernel; its own message is printed
# A stage fails if a step failed or was not run, or if none passed. Each step's output goes to
# $out/STAGE/NN-STEP.txt, its outcome to $out/STAGE.txt, both before the next step begins.
# Needs $out, $probe; $limit_most: seconds that no step may exceed.

# begin_stage NAME SECONDS: of all its steps together.
begin_stage() {
    stage=$1 stage_end=$((SECONDS + $2)) step_number=0 usable=yes
    passed=0 failed=0 not_run=0 refused=0
    declare -gA refusals=()
    rm -rf "${out:?}/$stage"
    mkdir -p "$out/$stage"
    : >"$out/$stage.txt"
}

# end_stage: prints the counts; status 1 if a step failed or was not run.
end_stage() {
    printf '%s: %d passed, %d failed, %d not run, %d refused by the machine\n' \
        "$stage" "$passed" "$failed" "$not_run" "$refused" | tee -a "$out/$stage.txt"
    [[ $((failed + not_run)) -eq 0 && $passed -gt 0 ]]
}

# end_step NAME SECONDS OUTCOME [REASON]
end_step() {
    local -n count=${3// /_}
    count=$((count + 1))
    printf '%-36s %4d s  %s%s\n' "$1" "$2" "$3" "${4:+: $4}" | tee -a "$out/$stage.txt"
}

# log_of NAME: the next step's file.
log_of() {
    step_number=$((step_number + 1))
    printf -v log '%s/%s/%02d-%s.txt' "$out" "$stage" "$step_number" "${1//[^A-Za-z0-9._+-]/-}"
}

# last_line PATTERN: of the log, without spaces around it.
last_line() {
    { grep -E -- "$1" "$log" || true; } | tail -n 1 | sed 's/^ *//; s/ *$//' | cut -c1-200
}

# outcome_of STATUS LIMIT: sets outcome and reason from the status and the log.
outcome_of() {
    reason=
    case $1 in
    0) outcome=passed ;;
    77) outcome='not run' reason=$(last_line skipped) ;;
    126 | 127) outcome='not run' reason=$(last_line .) ;;
    124 | 137) outcome=failed reason="stopped after $2 s" ;;
    *) outcome=failed reason="status $1; $(last_line '[Ff]ail|FAIL|[Ee]rror|ERROR|no usable GPU|: ')" ;;
    esac
}

# run_limited SECONDS COMMAND...: status of the command; 124: stopped at the limit, with all that it started.
run_limited() {
    local seconds=$1
    shift
    printf '$ %s\n' "$*" >>"$log"
    timeout -k 5 "$seconds" "$@" >>"$log" 2>&1 </dev/null
}

# step SECONDS NAME COMMAND...
step() {
    local limit=$1 name=$2 start=$SECONDS status=0 outcome reason log
    shift 2
    log_of "$name"
    ((limit <= limit_most)) || limit=$limit_most
    ((limit <= stage_end - SECONDS)) || limit=$((stage_end - SECONDS))
    if [[ $usable == no ]]; then
        end_step "$name" 0 'not run' 'the GPU cannot be used'
    elif ((limit < 1)); then
        end_step "$name" 0 'not run' 'no time is left in this stage'
    else
        run_limited "$limit" "$@" || status=$?
        outcome_of "$status" "$limit"
        end_step "$name" $((SECONDS - start)) "$outcome" "$reason"
    fi
    [[ ${outcome-} == passed ]]
}

# gpu_step: the GPU runs a trivial kernel; if not, no later step of the stage is run.
gpu_step() {
    step 60 GPU "$probe" || usable=no
}

# find_refusal TOOL...: sets refusal to the tool's own message where it cannot watch the probe; '' where it can. The status 9
# reports errors in the program that was watched, and is no refusal.
find_refusal() {
    local status=0
    refusal=${refusals[$*]-unknown}
    [[ $refusal == unknown ]] || return 0
    run_limited 60 "$@" "$probe" || status=$?
    refusal=
    [[ $status -eq 9 ]] || refusal=$(last_line '^==+ ?(ERROR==|Error:|Internal Sanitizer Error)')
    refusals[$*]=$refusal
}

# tool_step SECONDS NAME TOOL [OPTION...] -- PROGRAM...: the program under a tool, which is tried on the probe first.
tool_step() {
    local limit=$1 name=$2 log refusal tool=()
    shift 2
    while [[ $1 != -- ]]; do
        tool+=("$1")
        shift
    done
    shift
    if [[ $usable == yes ]] && command -v "${tool[0]}" >/dev/null && ((stage_end - SECONDS > 60)); then
        log_of "$name-probe"
        find_refusal "${tool[@]}"
        if [[ $refusal ]]; then
            end_step "$name" 0 refused "$refusal"
            return 0
        fi
    fi
    step "$limit" "$name" "${tool[@]}" "$@"
}
