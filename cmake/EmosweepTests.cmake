# emosweep_unit_test(NAME ROOMS room... [LINKS lib...]): one binary from this folder's test_*.cpp, label unit.
# emosweep_mpi_test(NAME RANKS 2 3 ROOMS room...): the same under mpirun, from this folder's mpi_*.cpp and tests/mpi_main.cpp, label mpi.
set(EMOSWEEP_TEST_ENVIRONMENT "OMP_NUM_THREADS=1;OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1;OMPI_MCA_rmaps_base_oversubscribe=1")

add_library(emosweep_test_folder OBJECT ${CMAKE_SOURCE_DIR}/tests/test_folder.cpp)
target_compile_definitions(emosweep_test_folder PRIVATE EMOSWEEP_REAL_SOURCE_DIR="${CMAKE_SOURCE_DIR}")

function(emosweep_test_binary name pattern)
  cmake_parse_arguments(T "" "" "ROOMS;LINKS;RANKS;EXTRA" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${pattern})
  add_executable(${name} ${sources} ${T_EXTRA})
  list(TRANSFORM T_ROOMS PREPEND emosweep_)
  target_link_libraries(${name} PRIVATE ${T_ROOMS} ${T_LINKS} GTest::gtest emosweep_test_folder)
  target_compile_definitions(${name} PRIVATE EMOSWEEP_SOURCE_DIR=".") # test_folder.cpp makes it so
  target_compile_options(${name} PRIVATE ${EMOSWEEP_WARNINGS})
endfunction()

function(emosweep_unit_test name)
  emosweep_test_binary(${name} "test_*.cpp" ${ARGN})
  target_link_libraries(${name} PRIVATE GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 120 ENVIRONMENT "${EMOSWEEP_TEST_ENVIRONMENT}")
endfunction()

function(emosweep_mpi_test name)
  cmake_parse_arguments(M "" "" "ROOMS;LINKS;RANKS" ${ARGN})
  emosweep_test_binary(${name} "mpi_*.cpp" ${ARGN} EXTRA ${CMAKE_SOURCE_DIR}/tests/mpi_main.cpp)
  target_link_libraries(${name} PRIVATE MPI::MPI_CXX)
  foreach(ranks IN LISTS M_RANKS)
    add_test(NAME ${name}.np${ranks} COMMAND ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${ranks}
      --oversubscribe --bind-to none --mca btl self,vader --mca pml ob1 --quiet $<TARGET_FILE:${name}>)
    set_tests_properties(${name}.np${ranks} PROPERTIES LABELS mpi TIMEOUT 120 PROCESSORS 2
      ENVIRONMENT "${EMOSWEEP_TEST_ENVIRONMENT}")
  endforeach()
endfunction()
