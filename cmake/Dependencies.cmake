# SPDX-License-Identifier: Apache-2.0
# What the project needs; README.md lists the packages.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS C)
find_package(ZLIB REQUIRED)
find_package(PNG 1.6 REQUIRED)
pkg_check_modules(FYAML REQUIRED IMPORTED_TARGET libfyaml)
if(CNN_PARTS STREQUAL "gpu-trainer")
    return() # a trainer knows none of the others
endif()
find_package(MPI REQUIRED COMPONENTS C)
pkg_check_modules(HWLOC REQUIRED IMPORTED_TARGET hwloc)
# The parallel flavour by name: plain `hdf5` may be another one.
pkg_check_modules(HDF5 REQUIRED IMPORTED_TARGET hdf5-openmpi)
find_library(HDF5_HL_LIBRARY hdf5_hl hdf5_openmpi_hl REQUIRED HINTS ${HDF5_LIBRARY_DIRS}
    PATHS ${HDF5_LIBRARY_DIRS} NO_DEFAULT_PATH)
# oneDNN 2.6 or 3.x. By file: Debian's CMake package asks for OpenCL, which is not needed.
set(ONEDNN_ROOT "" CACHE PATH "Where oneDNN is installed, if not in a standard place")
find_path(ONEDNN_INCLUDE_DIR oneapi/dnnl/dnnl.h HINTS ${ONEDNN_ROOT}/include REQUIRED)
find_library(ONEDNN_LIBRARY dnnl HINTS ${ONEDNN_ROOT}/lib REQUIRED)
add_library(CNN::onednn UNKNOWN IMPORTED)
set_target_properties(CNN::onednn PROPERTIES IMPORTED_LOCATION ${ONEDNN_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${ONEDNN_INCLUDE_DIR})
find_package(Boost 1.67 REQUIRED)
# The mixed model of src/stats.
pkg_check_modules(LAPACKE REQUIRED IMPORTED_TARGET lapacke)
pkg_check_modules(NLOPT REQUIRED IMPORTED_TARGET nlopt)
