# What `make install` puts where, and the Debian package (`make deb`).
include(CMakePackageConfigHelpers)

install(TARGETS quantea_command quantea_library EXPORT quantea)
install(DIRECTORY include/quantea DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

# For those who build with it: pkg-config and find_package(quantea), which gives quantea::quantea.
configure_file(cmake/quantea.pc.in quantea.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/quantea.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/quantea)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/quantea-config-version.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT quantea NAMESPACE quantea:: FILE quantea-config.cmake DESTINATION ${package})
install(FILES ${CMAKE_BINARY_DIR}/quantea-config-version.cmake DESTINATION ${package})

# Man pages and completions. Debian's zsh does not look into share/zsh/site-functions below /usr.
install(DIRECTORY ${documents}/man1 ${documents}/man5 DESTINATION ${CMAKE_INSTALL_MANDIR})
set(zsh_functions site-functions)
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr" AND EXISTS /etc/debian_version)
  set(zsh_functions vendor-completions)
endif()
install(FILES ${documents}/completions/quantea DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${documents}/completions/_quantea DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/${zsh_functions})
install(FILES ${documents}/completions/quantea.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES demo/fashion.yml demo/images.yml examples/ask_tell.c examples/mobilenet_block.c examples/evaluator.py
    examples/evaluator.yml examples/pytorch_evaluator.py examples/command.yml examples/energy.py examples/read_model.py
  DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR quantea)
set(CPACK_PACKAGE_CONTACT "quantea developers <quantea@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "search of mixed-precision bit widths for neural networks")
set(CPACK_PACKAGE_DESCRIPTION "quantea finds how many bits each layer of a convolutional network
needs. It searches the bit widths of weights and activations with
NSGA-III over accuracy and cost, trains the models on the Pareto front
with quantisation in the loop, and writes them beside uniform baselines.
.
This package has the command, the C library with its headers, man pages
and completions.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON) # Depends: what the files are linked with
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS dataset-fashion-mnist)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/cmake/triggers)
set(CPACK_QEA_DATE ${QEA_DATE})
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/debian.cmake)
include(CPack)
