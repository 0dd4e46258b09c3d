lk_unit(decision
  SOURCES
    decision_allocations_test.cpp
    decision_capacity_test.cpp
    decision_circuit_test.cpp
    decision_corroboration_test.cpp
    decision_explain_test.cpp
    decision_failover_test.cpp
    decision_guards_test.cpp
    decision_hold_down_test.cpp
    decision_move_budget_test.cpp
    decision_policy_test.cpp
    decision_quality_test.cpp
    decision_standing_test.cpp
    decision_trunk_policy_test.cpp
    decision_trunk_test.cpp
    decision_window_test.cpp
  USES lk_decision)
