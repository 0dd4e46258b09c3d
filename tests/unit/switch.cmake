lk_unit(switch SOURCES switch_protocol_test.cpp switch_diff_test.cpp switch_guards_test.cpp switch_memory_test.cpp switch_flows_test.cpp switch_drains_test.cpp switch_destinations_test.cpp switch_shared_test.cpp USES lk_switch_program)

# Real routes in a network namespace of its own; says SKIPPED and why where the kernel does not allow one.
lk_unit(switch_kernel SOURCES switch_kernel_test.cpp switch_links_test.cpp switch_ipv6_test.cpp switch_gateways_test.cpp switch_program_test.cpp switch_flows_kernel_test.cpp switch_destinations_kernel_test.cpp switch_shared_kernel_test.cpp USES lk_switch_program Threads::Threads)
target_compile_definitions(unit_switch_kernel PRIVATE LK_SWITCH_PROGRAM="$<TARGET_FILE:linekeeper-switch>")
add_dependencies(unit_switch_kernel linekeeper-switch)
set_tests_properties(unit.switch_kernel PROPERTIES LABELS lab)
