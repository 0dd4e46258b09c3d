lk_unit(answering SOURCES answering_test.cpp USES lk_answering_core lk_decision)
