# emosweep_room(NAME [FOLDER folder] [SOURCES file...] [USES room...] [LINKS library...] [PRIVATE_LINKS library...]):
# one static library per room of docs/architecture.md, from the folder's .cpp files. A room sees only the rooms that it
# names: their headers come with the link line, nothing else is on the include path. scripts/check-rooms checks it.
set(EMOSWEEP_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror
  -Wno-error=stringop-overflow -Wno-error=restrict -Wno-error=maybe-uninitialized -Wno-error=array-bounds)

function(emosweep_room name)
  cmake_parse_arguments(R "" "FOLDER" "SOURCES;USES;LINKS;PRIVATE_LINKS" ${ARGN})
  if(NOT R_FOLDER)
    set(R_FOLDER ${name})
  endif()
  if(NOT R_SOURCES)
    file(GLOB R_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  endif()
  # A folder that holds only a link to this room: `#include "room/header.h"` works for those who link the room, and a
  # header of a room that is not named in USES is not found.
  set(view ${CMAKE_BINARY_DIR}/rooms/${R_FOLDER})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${R_FOLDER} ${view}/${R_FOLDER} SYMBOLIC)
  add_library(emosweep_${name} STATIC ${R_SOURCES})
  target_include_directories(emosweep_${name} PUBLIC ${view})
  target_compile_options(emosweep_${name} PRIVATE ${EMOSWEEP_WARNINGS})
  list(TRANSFORM R_USES PREPEND emosweep_)
  target_link_libraries(emosweep_${name} PUBLIC ${R_USES} ${R_LINKS} PRIVATE ${R_PRIVATE_LINKS})
endfunction()
