# The pure parts of the lab's bench: figures, budget, tables, the order of its jobs, the rules of the peers that are told again.
add_test(NAME unit.lab COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/lab_bench_test.py)
set_tests_properties(unit.lab PROPERTIES LABELS unit TIMEOUT 60)
