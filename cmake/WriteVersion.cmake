# Run in every build by the target emosweep_version_header (cmake/Version.cmake).
set(revision "")
find_program(git git)
if(git)
  execute_process(COMMAND ${git} -C ${SOURCE} describe --always --dirty --abbrev=12
    OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT revision)
  set(revision "unknown") # not a git checkout
endif()
set(text "#pragma once
#define EMOSWEEP_VERSION \"${VERSION}\"
#define EMOSWEEP_REVISION \"${revision}\"
")
set(before "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} before)
endif()
if(NOT before STREQUAL text)
  file(WRITE ${OUTPUT} "${text}")
endif()
