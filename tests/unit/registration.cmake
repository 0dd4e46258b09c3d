lk_unit(registration SOURCES registration_test.cpp USES lk_registration_core)
