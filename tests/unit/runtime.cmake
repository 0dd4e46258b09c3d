lk_unit(runtime SOURCES runtime_kept_moment_test.cpp USES lk_runtime)
