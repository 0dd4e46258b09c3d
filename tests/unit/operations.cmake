lk_unit(operations SOURCES operations_overrides_test.cpp operations_recoveries_test.cpp operations_replay_test.cpp
        USES lk_operations lk_decision lk_daemon)
