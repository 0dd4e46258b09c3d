lk_unit(telemetry
  SOURCES telemetry_service_test.cpp telemetry_json_test.cpp telemetry_events_test.cpp telemetry_metrics_test.cpp telemetry_allocation_test.cpp telemetry_page_test.cpp ../support/sample_status.cpp
  USES lk_telemetry)
target_compile_definitions(unit_telemetry PRIVATE LINEKEEPER_TELEMETRY_README="${CMAKE_SOURCE_DIR}/controller/telemetry/README.md")
add_executable(telemetry_sample ${CMAKE_SOURCE_DIR}/tests/support/telemetry_sample.cpp ${CMAKE_SOURCE_DIR}/tests/support/sample_status.cpp)
target_link_libraries(telemetry_sample PRIVATE lk_flags lk_telemetry)
find_program(PROMTOOL promtool)
if(PROMTOOL)
  add_test(NAME unit.telemetry.promtool COMMAND sh -c "out=$(\"$1\" metrics) && printf '%s\\n' \"$out\" | \"$2\" check metrics" promtool-check $<TARGET_FILE:telemetry_sample> ${PROMTOOL})
  set_tests_properties(unit.telemetry.promtool PROPERTIES LABELS unit TIMEOUT 60 FAIL_REGULAR_EXPRESSION "should|not |error")
endif()
# The page in a real browser; says so and is skipped where there is none.
add_test(NAME page.telemetry COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/support/page_check.py --sample $<TARGET_FILE:telemetry_sample> --out ${CMAKE_BINARY_DIR}/page)
set_tests_properties(page.telemetry PROPERTIES LABELS page TIMEOUT 120 SKIP_RETURN_CODE 77)
