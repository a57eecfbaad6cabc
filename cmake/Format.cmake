# SPDX-License-Identifier: Apache-2.0
# Targets format and tidy, both by version 14 of clang's tools.
add_custom_target(format COMMAND ${PROJECT_SOURCE_DIR}/tests/format.sh --write)
find_program(CLANG_TIDY NAMES clang-tidy-14 clang-tidy)
find_program(RUN_CLANG_TIDY NAMES run-clang-tidy-14 run-clang-tidy)
if(CLANG_TIDY AND RUN_CLANG_TIDY)
    # All that a C or C++ compiler compiles; nvcc's command lines are not clang's.
    add_custom_target(tidy COMMAND ${RUN_CLANG_TIDY} -quiet -clang-tidy-binary ${CLANG_TIDY}
        -p ${PROJECT_BINARY_DIR} "\\.(c|cpp)$" USES_TERMINAL VERBATIM)
endif()
