lk_unit(locate SOURCES locate_location_test.cpp locate_kept_places_test.cpp USES lk_locate_core)
