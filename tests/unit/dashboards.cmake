# The dashboard and the rules: their structure and their own tests; then every query on a real Prometheus that scrapes a canned site.
add_test(NAME unit.dashboards COMMAND sh -c "python3 \"$1\" lint && python3 \"$1\" rules" check-dashboards ${CMAKE_SOURCE_DIR}/dashboards/check.py)
set_tests_properties(unit.dashboards PROPERTIES LABELS unit TIMEOUT 300 SKIP_RETURN_CODE 77)
add_test(NAME page.dashboards COMMAND python3 ${CMAKE_SOURCE_DIR}/dashboards/live_test.py --sample $<TARGET_FILE:telemetry_sample>)
set_tests_properties(page.dashboards PROPERTIES LABELS page TIMEOUT 120 SKIP_RETURN_CODE 77)
