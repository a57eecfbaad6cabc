# SPDX-License-Identifier: Apache-2.0
# cnn_embed(FILE OUT): a file as the bytes of a C array, to be included between braces.
function(cnn_embed file out)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(READ ${file} bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    file(CONFIGURE OUTPUT ${out} CONTENT "${bytes}" @ONLY)
endfunction()
