# lk_room(<name> SOURCES ... [USES <rooms and libraries>])
# A room of the house: a static library lk_<name> with the project's warnings. Headers are named from the top
# ("controller/model/site.hpp"), so an include line says which room it reaches into.
function(lk_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;USES" ${ARGN})
  add_library(lk_${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(lk_${name} PUBLIC lk_flags ${ROOM_USES})
endfunction()

# lk_program(<name> SOURCES ... USES ...): an executable with the project's warnings, installed to the bin or sbin folder by its caller.
function(lk_program name)
  cmake_parse_arguments(PROGRAM "" "" "SOURCES;USES" ${ARGN})
  add_executable(${name} ${PROGRAM_SOURCES})
  target_link_libraries(${name} PRIVATE lk_flags ${PROGRAM_USES})
endfunction()

# The commit the build was made from, for --version and the build_info metric; "unknown" outside a checkout.
function(lk_revision out)
  execute_process(COMMAND git -C ${CMAKE_SOURCE_DIR} rev-parse --short=12 HEAD
                  OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(failed)
    set(revision "unknown")
  endif()
  set(${out} "${revision}" PARENT_SCOPE)
endfunction()

add_library(lk_flags INTERFACE)
target_compile_features(lk_flags INTERFACE cxx_std_23)
target_include_directories(lk_flags INTERFACE ${CMAKE_SOURCE_DIR})
# A designated initializer that leaves members at their stated default is our normal way of writing: no warning for it.
target_compile_options(lk_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow -Wswitch -Werror -Wno-missing-designated-field-initializers
  -fno-omit-frame-pointer)
target_compile_definitions(lk_flags INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
if(LINEKEEPER_SANITIZE)
  target_compile_options(lk_flags INTERFACE -fsanitize=address,undefined -fno-sanitize=null,alignment,vptr -fno-sanitize-recover=all)
  target_link_options(lk_flags INTERFACE -fsanitize=address,undefined)
endif()
# Translation units that include Beast or Asio with coroutines need about 1 GB each when sanitized: two at a time at most.
set_property(GLOBAL PROPERTY JOB_POOLS heavy=2)
