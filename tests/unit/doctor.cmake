lk_unit(doctor SOURCES doctor_settings_test.cpp doctor_routes_test.cpp doctor_programs_test.cpp USES lk_doctor lk_config)
# A bad host really made, in a network namespace of its own; says SKIPPED and why where the kernel does not allow one.
lk_unit(doctor_kernel SOURCES doctor_kernel_test.cpp USES lk_doctor lk_config Threads::Threads)
set_tests_properties(unit.doctor_kernel PROPERTIES LABELS lab)
