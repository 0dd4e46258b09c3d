lk_unit(decision
  SOURCES decision_window_test.cpp decision_corroboration_test.cpp decision_guards_test.cpp decision_policy_test.cpp decision_quality_test.cpp decision_failover_test.cpp
          decision_trunk_test.cpp decision_explain_test.cpp decision_learner_test.cpp decision_loss_detector_test.cpp decision_delay_test.cpp
          decision_recovery_test.cpp decision_verify_budget_test.cpp
  USES lk_decision)
