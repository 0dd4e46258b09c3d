lk_unit(model SOURCES model_ip_address_test.cpp model_names_test.cpp USES lk_model)
