lk_unit(decision
  SOURCES
    decision_allocations_test.cpp
    decision_calls_test.cpp
    decision_answers_test.cpp
    decision_capacity_test.cpp
    decision_carrier_doubt_test.cpp
    decision_steer_apart_test.cpp
    decision_choice_words_test.cpp
    decision_checks_test.cpp decision_circuit_test.cpp
    decision_corroboration_test.cpp
    decision_delay_test.cpp
    decision_directions_test.cpp
    decision_endpoints_test.cpp
    decision_explain_test.cpp
    decision_failover_test.cpp
    decision_guards_test.cpp
    decision_proof_test.cpp
    decision_hold_down_test.cpp
    decision_learner_test.cpp
    decision_loss_detector_test.cpp
    decision_move_budget_test.cpp
    decision_path_test.cpp
    decision_policy_test.cpp
    decision_quality_test.cpp
    decision_recovery_test.cpp
    decision_sharing_test.cpp
    decision_standing_test.cpp
    decision_trunk_policy_test.cpp
    decision_trunk_test.cpp
    decision_verify_budget_test.cpp
    decision_window_test.cpp
  USES lk_decision)

lk_unit(diagnosis
  SOURCES
    decision_diagnoses_test.cpp
    decision_diagnosis_properties_test.cpp
    decision_diagnosis_test.cpp
  USES lk_decision)
target_compile_definitions(unit_diagnosis PRIVATE LINEKEEPER_README="${CMAKE_SOURCE_DIR}/README.md")
