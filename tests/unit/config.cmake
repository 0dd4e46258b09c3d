lk_unit(config SOURCES config_values_test.cpp config_mistakes_test.cpp config_site_test.cpp config_limits_test.cpp config_reference_test.cpp config_ranges_test.cpp config_policy_test.cpp config_connections_test.cpp config_bytes_test.cpp USES lk_config)
target_compile_definitions(unit_config PRIVATE LINEKEEPER_CONFIG_DIR="${CMAKE_SOURCE_DIR}/config")
