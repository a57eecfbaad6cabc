if(TARGET cnnmpi AND TARGET cnntrain-onednn AND TARGET cnn-exec) # BOOTSTRAP
install(TARGETS cnnmpi RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS cnntrain-onednn cnn-exec RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/cnnmpi)
endif()
