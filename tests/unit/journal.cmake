lk_unit(journal SOURCES journal_backlog_test.cpp journal_failure_test.cpp journal_test.cpp USES lk_journal)
