# SPDX-License-Identifier: Apache-2.0
file(GLOB_RECURSE CNN_FORMATTED CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/src/*.[ch] ${PROJECT_SOURCE_DIR}/src/*.cpp ${PROJECT_SOURCE_DIR}/cpu/*.[ch]
    ${PROJECT_SOURCE_DIR}/gpu/*.[ch] ${PROJECT_SOURCE_DIR}/gpu/*.cu ${PROJECT_SOURCE_DIR}/gpu/*.cuh ${PROJECT_SOURCE_DIR}/mpi/*.[ch]
    ${PROJECT_SOURCE_DIR}/hdf5io/*.[ch] ${PROJECT_SOURCE_DIR}/trainers/*.[ch]
    ${PROJECT_SOURCE_DIR}/tests/*.[ch]
    ${PROJECT_SOURCE_DIR}/tests/*.cpp ${PROJECT_SOURCE_DIR}/tests/*.cu)
find_program(CLANG_FORMAT NAMES clang-format-14 clang-format)
find_program(CLANG_TIDY NAMES clang-tidy-14 clang-tidy)
if(CLANG_FORMAT)
    add_custom_target(format COMMAND ${CLANG_FORMAT} -i ${CNN_FORMATTED})
endif()
if(CLANG_TIDY)
    add_custom_target(tidy COMMAND ${CLANG_TIDY} -p ${PROJECT_BINARY_DIR} ${CNN_FORMATTED})
endif()
