lk_unit(operations SOURCES operations_inbound_test.cpp operations_overrides_test.cpp operations_recoveries_test.cpp operations_replay_test.cpp ../support/sample_status.cpp
        USES lk_operations lk_decision lk_daemon)
