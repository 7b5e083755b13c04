# emosweep_version: gives "emosweep_version.h" with EMOSWEEP_VERSION and EMOSWEEP_REVISION (git describe). The header is
# looked at in every build but written only where it changes, so a commit recompiles the one file that includes it.
add_custom_target(emosweep_version_header
  COMMAND ${CMAKE_COMMAND} -D SOURCE=${CMAKE_SOURCE_DIR} -D VERSION=${PROJECT_VERSION}
    -D OUTPUT=${CMAKE_BINARY_DIR}/version/emosweep_version.h -P ${CMAKE_SOURCE_DIR}/cmake/WriteVersion.cmake
  BYPRODUCTS ${CMAKE_BINARY_DIR}/version/emosweep_version.h
  COMMENT "" VERBATIM)
add_library(emosweep_version INTERFACE)
target_include_directories(emosweep_version INTERFACE ${CMAKE_BINARY_DIR}/version)
add_dependencies(emosweep_version emosweep_version_header)
