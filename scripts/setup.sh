# SPDX-License-Identifier: Apache-2.0
# Shared by quickstart and check: installs what is missing, configures, builds. To be sourced.
# Needs: bash, and apt-get on Debian or Ubuntu; elsewhere the packages must be there already.

build_packages=(g++ cmake make pkg-config openmpi-bin libopenmpi-dev libhdf5-openmpi-dev libdnnl-dev
    libfyaml-dev libhwloc-dev libboost-dev liblapacke-dev libnlopt-dev libpng-dev zlib1g-dev
    dataset-fashion-mnist)
test_packages=(libcmocka-dev clang python3 python3-numpy python3-h5py python3-xarray python3-netcdf4
    python3-h5netcdf python3-scipy python3-torch python3-pandas python3-pip python3-setuptools
    python3-wheel python3-jsonschema netcdf-bin hdf5-tools gnuplot-nox libxml2-utils tidy r-base-core r-cran-ncdf4
    r-cran-nlme r-bioc-rhdf5 slurmctld slurmd slurm-client slurm-wlm-basic-plugins clang-format-14)
# LaTeX takes 420 MB.
ci_packages=(python3-venv zsh texlive-latex-recommended texlive-fonts-recommended texlive-xetex
    texlive-publishers poppler-utils)
tidy_packages=(clang-tidy-14)

say() { printf '\n== %s\n' "$*"; }

# install_missing PACKAGE...: with apt-get, through sudo where not root. On another system it only
# looks for a compiler and CMake's own checks must find the rest.
install_missing() {
    local missing=() p
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        if [[ ! -f build/CMakeCache.txt ]] && ! pkg-config --exists hdf5-openmpi libfyaml 2>/dev/null; then
            printf 'This system has no apt-get. Install what these Debian packages hold, then run %s again:\n' "$0"
            printf '  %s\n' "$@"
            exit 3
        fi
        return 0
    fi
    for p in "$@"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) == installed ]] || missing+=("$p")
    done
    [[ ${#missing[@]} -eq 0 ]] && return 0
    local sudo=()
    if [[ $EUID -ne 0 ]]; then
        command -v sudo >/dev/null || {
            printf 'These packages are missing, and there is no sudo to install them:\n  %s\n' "${missing[*]}"
            exit 3
        }
        sudo=(sudo)
    fi
    say "Installing: ${missing[*]}"
    "${sudo[@]}" apt-get update -qq
    local there=()
    for p in "${missing[@]}"; do
        if apt-cache show --no-all-versions "$p" >/dev/null 2>&1; then
            there+=("$p")
        else
            printf 'This release has no package %s: CMake or the tests say what is left out.\n' "$p"
        fi
    done
    [[ ${#there[@]} -eq 0 ]] && return 0
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${there[@]}" >/dev/null
}

# libFuzzer lies in a package that is named after clang's version. Without it the fuzz tests are skipped.
install_libfuzzer() {
    command -v clang >/dev/null || return 0
    install_missing "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev" || true
}

# build_tree FOLDER TARGET [CMAKE OPTION...]
build_tree() {
    local folder=$1 target=$2
    shift 2
    cmake -S . -B "$folder" "$@" >"$folder.log" 2>&1 || { cat "$folder.log"; exit 3; }
    cmake --build "$folder" -t "$target" -j "$(nproc)" >>"$folder.log" 2>&1 ||
        { tail -n 60 "$folder.log"; exit 3; }
    rm -f "$folder.log"
}

# make_environments NAME...: Python environments of trainers, kept from run to run in the user's cache
# folder. Where packages cannot be had, tests of these trainers are skipped.
make_environments() {
    local status=0
    trainers/setup "$@" || status=$?
    [[ $status -ne 3 ]] || printf 'Tests of trainers in %s are skipped, for want of an environment.\n' "$*"
    [[ $status -eq 0 || $status -eq 3 ]] || exit "$status"
}

# run_tests FOLDER [CTEST OPTION...]: side by side, three times as many as there are cores, since tests
# of MPI and Slurm mostly wait. No test depends on how fast it runs.
run_tests() {
    local folder=$1
    shift
    ctest --test-dir "$folder" -j "$((3 * $(nproc)))" --output-on-failure --no-tests=error "$@"
}

# Open MPI refuses root and more ranks than cores unless told otherwise.
mpi_environment() {
    if [[ $EUID -eq 0 ]]; then
        export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    fi
}
