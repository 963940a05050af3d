# Called by cpack before the package is closed: what Debian asks of the files in it.
set(root ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr)
set(doc ${root}/share/doc/quantea)
file(REMOVE ${doc}/LICENSE) # Debian has one for all
file(GLOB pages ${root}/share/man/man?/*)
foreach(page ${pages})
  execute_process(COMMAND gzip -9n ${page} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
file(WRITE ${doc}/copyright "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: quantea

Files: *
Copyright: 2026 the quantea developers
License: Apache-2.0
 The full text is in /usr/share/common-licenses/Apache-2.0.
")
execute_process(COMMAND date -u -R -d ${CPACK_QEA_DATE} OUTPUT_VARIABLE date OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
file(WRITE ${doc}/changelog "quantea (${CPACK_PACKAGE_VERSION}) stable; urgency=medium

  * Version ${CPACK_PACKAGE_VERSION}.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
execute_process(COMMAND gzip -9n ${doc}/changelog COMMAND_ERROR_IS_FATAL ANY)
