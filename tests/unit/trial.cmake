lk_unit(trial SOURCES trial_call_test.cpp USES lk_trial_core)
