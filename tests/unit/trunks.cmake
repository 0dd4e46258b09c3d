lk_unit(trunks SOURCES trunks_contract_test.cpp trunks_driver_test.cpp trunks_fakes_test.cpp trunks_jsonrpc_test.cpp trunks_kamailio_test.cpp trunks_order_test.cpp trunks_responder_test.cpp USES lk_trunks)
target_compile_definitions(unit_trunks PRIVATE LK_COMMAND_EXAMPLE="${CMAKE_SOURCE_DIR}/carriers/trunks/command/example.sh"
  LK_KAMAILIO_SAMPLE="${CMAKE_CURRENT_LIST_DIR}/../../carriers/trunks/kamailio/kamailio.sample.cfg")
