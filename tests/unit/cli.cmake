lk_unit(cli SOURCES cli_words_test.cpp cli_fields_test.cpp cli_command_line_test.cpp cli_render_test.cpp cli_sse_test.cpp cli_run_test.cpp cli_act_test.cpp cli_replay_test.cpp USES lk_cli lk_daemon)
