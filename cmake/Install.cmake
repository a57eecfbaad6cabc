# SPDX-License-Identifier: Apache-2.0
# bin/cnnmpi; libexec/cnnmpi: trainers and the exec helper; share/cnnmpi: jobs, batch scripts, trainers in
# Python with their package, the study's table.
install(TARGETS cnnmpi RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS cnntrain-onednn cnntrain-reference cnntrain-simulate cnn-exec
    RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/cnnmpi)
install(DIRECTORY jobs slurm trainers DESTINATION ${CMAKE_INSTALL_DATADIR}/cnnmpi
    FILES_MATCHING PATTERN *.yaml PATTERN *.sbatch PATTERN *.bash PATTERN *.py PATTERN trainers/requirements/*
    PATTERN __pycache__ EXCLUDE)
install(PROGRAMS trainers/setup DESTINATION ${CMAKE_INSTALL_DATADIR}/cnnmpi/trainers)
install(DIRECTORY python/cnnmpi DESTINATION ${CMAKE_INSTALL_DATADIR}/cnnmpi/python
    FILES_MATCHING PATTERN *.py PATTERN py.typed PATTERN __pycache__ EXCLUDE)
install(FILES share/published.csv share/report.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/cnnmpi)
if(CNN_HAVE_CUDA)
    set_target_properties(cnntrain-cudnn PROPERTIES INSTALL_RPATH
        "${CUDNN_LIBRARY_DIR};${CUDAToolkit_LIBRARY_DIR}")
    install(TARGETS cnntrain-cudnn RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/cnnmpi)
endif()
install(FILES docs/cnnmpi.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
# The documents refer to each other and to pictures by these names; --help finds them from bin.
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs
    FILES_MATCHING PATTERN *.md PATTERN *.svg PATTERN *.png)
install(FILES share/completion/cnnmpi.bash RENAME cnnmpi
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES share/completion/_cnnmpi DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
