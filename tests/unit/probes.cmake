lk_unit(probes SOURCES probes_dns_codec_test.cpp probes_icmp_codec_test.cpp probes_pacing_test.cpp probes_round_trip_test.cpp probes_reflector_test.cpp probes_sequence_window_test.cpp
        probes_stamp_codec_test.cpp probes_watchdog_test.cpp
        USES lk_probe_core)
lk_unit(checks SOURCES checks_stun_test.cpp checks_echo_test.cpp USES lk_check_core)
