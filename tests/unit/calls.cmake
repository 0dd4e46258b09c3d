lk_unit(calls SOURCES calls_book_test.cpp calls_hep_test.cpp calls_reader_test.cpp USES lk_calls_core)
target_compile_definitions(unit_calls PRIVATE CALLS_README="${CMAKE_SOURCE_DIR}/carriers/calls/README.md")
