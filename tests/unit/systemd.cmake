# Installs the whole product into a root of its own, so it needs everything built.
get_directory_property(etc DIRECTORY ${CMAKE_SOURCE_DIR}/systemd DEFINITION LINEKEEPER_ETC)
add_test(NAME unit.systemd COMMAND ${CMAKE_SOURCE_DIR}/systemd/test_units.sh ${CMAKE_BINARY_DIR} ${CMAKE_INSTALL_PREFIX} ${etc})
set_tests_properties(unit.systemd PROPERTIES LABELS unit TIMEOUT 120)
