# SPDX-License-Identifier: Apache-2.0
# CNN_WITH_CUDA=AUTO takes CUDA and cuDNN where they are, ON insists, OFF does not look.
# Sets CNN_HAVE_CUDA, and the target CNN::cudnn. gpu/ is the backend that uses them.
set(CNN_HAVE_CUDA OFF)
set(CUDNN_ROOT "" CACHE PATH "Where cuDNN is, if neither in the CUDA toolkit nor in Python's nvidia/cudnn")
set(CNN_CUDA_ARCHITECTURES "80-real;90" CACHE STRING
    "GPUs to build for: machine code for sm_80 and sm_90, and PTX of the latter for newer ones")

# The folder nvidia/cudnn of the Python that is found first; empty without one.
function(cnn_python_cudnn out)
    find_program(CNN_PYTHON NAMES python3 python)
    set(found "")
    if(CNN_PYTHON)
        execute_process(COMMAND ${CNN_PYTHON} -c "import nvidia.cudnn as c; print(list(c.__path__)[0])"
            OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    endif()
    set(${out} "${found}" PARENT_SCOPE)
endfunction()

# What is missing, in words; empty when all is there.
set(CNN_CUDA_LACKS "")
if(NOT CNN_WITH_CUDA STREQUAL "OFF")
    find_package(CUDAToolkit QUIET)
    if(NOT CUDAToolkit_FOUND OR NOT CUDAToolkit_NVCC_EXECUTABLE)
        set(CNN_CUDA_LACKS "no CUDA toolkit with nvcc (CUDAToolkit_ROOT)")
    elseif(CUDAToolkit_VERSION VERSION_LESS 12.0)
        set(CNN_CUDA_LACKS "CUDA ${CUDAToolkit_VERSION} is older than 12.0")
    else()
        cnn_python_cudnn(CNN_PYTHON_CUDNN)
        find_path(CUDNN_INCLUDE_DIR cudnn_graph.h
            HINTS ${CUDNN_ROOT}/include ${CUDAToolkit_INCLUDE_DIRS} ${CNN_PYTHON_CUDNN}/include)
        # Python's package has the library under its versioned name alone.
        find_library(CUDNN_LIBRARY NAMES cudnn libcudnn.so.9
            HINTS ${CUDNN_ROOT}/lib ${CUDNN_ROOT}/lib64 ${CUDAToolkit_LIBRARY_DIR}
                ${CNN_PYTHON_CUDNN}/lib)
        if(NOT CUDNN_INCLUDE_DIR OR NOT CUDNN_LIBRARY)
            set(CNN_CUDA_LACKS "no cuDNN 9 (CUDNN_ROOT)")
        endif()
    endif()
    if(CNN_CUDA_LACKS STREQUAL "")
        set(CNN_HAVE_CUDA ON)
    elseif(CNN_WITH_CUDA STREQUAL "ON")
        message(FATAL_ERROR "CNN_WITH_CUDA=ON, but ${CNN_CUDA_LACKS}")
    endif()
endif()

if(CNN_HAVE_CUDA)
    set(CMAKE_CUDA_COMPILER ${CUDAToolkit_NVCC_EXECUTABLE} CACHE FILEPATH "CUDA compiler")
    set(CMAKE_CUDA_ARCHITECTURES OFF) # each target says its own
    enable_language(CUDA)
    add_library(CNN::cudnn UNKNOWN IMPORTED)
    set_target_properties(CNN::cudnn PROPERTIES IMPORTED_LOCATION ${CUDNN_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES "${CUDNN_INCLUDE_DIR};${CUDAToolkit_INCLUDE_DIRS}")
    # CMake leaves the toolkit's own folders out of what programs search; the loader may not know them.
    get_filename_component(CUDNN_LIBRARY_DIR ${CUDNN_LIBRARY} DIRECTORY)
    set(CNN_CUDA_LINK_OPTIONS
        "-Wl,-rpath,${CUDNN_LIBRARY_DIR},-rpath,${CUDAToolkit_LIBRARY_DIR},--enable-new-dtags")
    message(STATUS "CUDA ${CUDAToolkit_VERSION}, cuDNN ${CUDNN_LIBRARY}: building cnntrain-cudnn")
elseif(CNN_CUDA_LACKS)
    message(STATUS "CUDA: left out: ${CNN_CUDA_LACKS}")
else()
    message(STATUS "CUDA: left out")
endif()
