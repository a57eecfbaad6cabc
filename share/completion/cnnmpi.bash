# SPDX-License-Identifier: Apache-2.0
# Completion of cnnmpi for bash: commands, options and their values, job files, results files. Options
# and values are those of `cnnmpi --help`.

_cnnmpi_files() { # _cnnmpi_files SUFFIX...: files with a suffix, and folders
    local suffix
    for suffix in "$@"; do
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -X "!*.$suffix" -- "$cur")
    done
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$cur")
    compopt -o filenames 2>/dev/null || true # not driven by readline
}

_cnnmpi_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }

_cnnmpi() {
    local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=run i
    COMPREPLY=()
    # readline may have made a word of its own of the = in --format=csv
    if [[ $cur == "=" ]]; then
        cur=
    elif [[ $before == "=" ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        plan | data | report | compare | status | check-trainer | doctor | help | version)
            command=${COMP_WORDS[i]}
            break
            ;;
        -*) ;;
        *.yaml | *.yml) break ;;
        esac
    done
    case $before in
    --format) _cnnmpi_words "text csv latex html json markdown" ;;
    --progress) _cnnmpi_words "auto live plain" ;;
    --path) _cnnmpi_words "native layered" ;;
    --table)
        _cnnmpi_words "summary sessions conditions cells quantiles order lost memory outliers blocks verdicts
            devices positions unpaired t_tests rank_tests equivalence effects variances variance_tests
            blocking spread components models seeds seed_groups study_times study_errors"
        ;;
    --from) _cnnmpi_files h5 ;;
    -o | --output | --figures) _cnnmpi_files '*' ;;
    --undecided) _cnnmpi_words "fail pass" ;;
    --ranks | --timeout | --set | --mode | --backend | --control | --fail-on) ;;
    *)
        if [[ $cur == -* ]]; then
            case $command in
            run) _cnnmpi_words "--output --resume --force --set --progress --quiet --help --version" ;;
            plan) _cnnmpi_words "--output --set --ranks --from --help --version" ;;
            data) _cnnmpi_words "--output --set --help --version" ;;
            report)
                _cnnmpi_words "--output --force --full --format --table --figures --runs --attempts --status
                    --published --help --version"
                ;;
            compare)
                _cnnmpi_words "--output --force --full --format --table --control --fail-on --undecided
                    --help --version"
                ;;
            doctor) _cnnmpi_words "--set --ranks --help --version" ;;
            status) _cnnmpi_words "--watch --help --version" ;;
            check-trainer)
                _cnnmpi_words "--json --path --mode --backend --nondeterministic --timeout --help
                    --version --"
                ;;
            esac
            return
        fi
        case $command in
        report | compare | status) _cnnmpi_files h5 ;;
        plan | data | doctor) _cnnmpi_files yaml yml ;;
        run)
            _cnnmpi_files yaml yml
            if ((COMP_CWORD == 1)); then
                mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W \
                    "plan data report compare status check-trainer doctor help version" -- "$cur")
            fi
            ;;
        esac
        ;;
    esac
}
complete -F _cnnmpi cnnmpi
