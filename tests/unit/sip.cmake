lk_unit(sip SOURCES sip_digest_test.cpp sip_etiquette_test.cpp sip_message_test.cpp sip_path_test.cpp sip_reply_class_test.cpp sip_request_test.cpp sip_stream_test.cpp sip_transaction_test.cpp USES lk_sip_core lk_decision)
target_compile_definitions(unit_sip PRIVATE CARRIERS_README="${CMAKE_SOURCE_DIR}/carriers/README.md")
lk_unit(sip_secret SOURCES sip_secret_test.cpp USES lk_sip)
