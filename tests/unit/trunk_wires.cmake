lk_unit(trunk_wires SOURCES trunk_wires_ami_test.cpp trunk_wires_dns_test.cpp trunk_wires_esl_test.cpp trunk_wires_leased_test.cpp trunk_wires_stream_test.cpp
        USES lk_trunk_wires)
