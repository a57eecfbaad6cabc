# SPDX-License-Identifier: Apache-2.0
# Labels that tests carry (docs/testing.md): at least one says what it tests, exactly one its tier.
set(CNN_TEST_LABELS unit conformance emulation studies simulation readers system mpi slurm fuzz gpu slow)
set(CNN_TEST_TIERS check ci all)

# cnn_tier(TIER NAME ...): gives tests, whose other labels are set already, their tier.
function(cnn_tier tier)
    if(NOT tier IN_LIST CNN_TEST_TIERS)
        message(FATAL_ERROR "tier '${tier}' of ${ARGN}: expected one of ${CNN_TEST_TIERS}")
    endif()
    foreach(name IN LISTS ARGN)
        set_property(TEST ${name} APPEND PROPERTY LABELS ${tier})
    endforeach()
endfunction()

# In a tree without tests, whatever label is asked for names a test that fails.
function(cnn_built_without_tests)
    add_test(NAME built_without_tests
        COMMAND sh -c "echo 'built without tests: run cmake -DCNN_TESTS=ON'; exit 1")
    set_tests_properties(built_without_tests PROPERTIES LABELS "${CNN_TEST_LABELS};${CNN_TEST_TIERS}")
endfunction()
