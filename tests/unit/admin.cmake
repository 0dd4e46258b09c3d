lk_unit(admin SOURCES admin_query_test.cpp admin_wire_test.cpp admin_stream_queue_test.cpp admin_server_test.cpp admin_server_limits_test.cpp USES lk_admin)
