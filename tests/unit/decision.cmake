lk_unit(decision
  SOURCES decision_window_test.cpp decision_corroboration_test.cpp decision_guards_test.cpp decision_policy_test.cpp decision_quality_test.cpp decision_failover_test.cpp
          decision_trunk_test.cpp decision_explain_test.cpp
  USES lk_decision)

lk_unit(diagnosis
  SOURCES decision_diagnosis_test.cpp decision_diagnosis_properties_test.cpp decision_diagnoses_test.cpp
  USES lk_decision)
target_compile_definitions(unit_diagnosis PRIVATE LINEKEEPER_README="${CMAKE_SOURCE_DIR}/README.md")
