#include <doctest/doctest.h>

#include <string>

#include "controller/admin/stream_queue.hpp"

using linekeeper::admin::StreamQueue;

namespace {
constexpr std::size_t kAll = 1'000'000;
}

TEST_CASE("stream queue: the limit is kept exactly, the oldest goes first, and the reader is told") {
  StreamQueue queue(3, kAll);
  for (const char* id : {"1", "2", "3"}) queue.push(id, "event", "x");
  CHECK(queue.lost() == 0);
  queue.push("4", "event", "x");
  CHECK(queue.lost() == 1);
  const std::string out = queue.take(kAll);
  CHECK(out.starts_with(": 1 messages were dropped, the reader is slower than the events\n\nid: 2\n"));
  CHECK(out.find("id: 1\n") == std::string::npos);
  CHECK(out.ends_with("id: 4\nevent: event\ndata: x\n\n"));
  CHECK(queue.empty());
  queue.push("5", "event", "x");
  CHECK(queue.take(kAll).starts_with("id: 5\n"));
}

TEST_CASE("stream queue: bytes are bounded too, and one message larger than the bound passes alone") {
  const std::string message(100, 'x');
  StreamQueue queue(100, 300);
  queue.push("1", "event", message);
  queue.push("2", "event", message);
  CHECK(queue.size() == 2);
  queue.push("3", "event", message);
  CHECK(queue.size() == 2);
  queue.push("4", "event", std::string(1000, 'y'));
  CHECK(queue.size() == 1);
  CHECK(queue.lost() == 3);
}

TEST_CASE("stream queue: a newer state replaces the waiting one of its type, records stay") {
  StreamQueue queue(10, kAll);
  queue.push("", "status", "old");
  queue.push("1", "event", "record");
  queue.push("", "status", "new");
  queue.push("", "other", "kept");
  CHECK(queue.lost() == 0);
  CHECK(queue.take(kAll) == "id: 1\nevent: event\ndata: record\n\nevent: status\ndata: new\n\nevent: other\ndata: kept\n\n");
}

TEST_CASE("stream queue: take gives whole messages within the bytes, and at least one") {
  StreamQueue queue(10, kAll);
  queue.push("1", "e", "x");
  queue.push("2", "e", "x");
  queue.push("3", "e", "x");
  const std::size_t one = std::string("id: 1\nevent: e\ndata: x\n\n").size();
  CHECK(queue.take(2 * one).size() == 2 * one);
  CHECK(queue.take(1).size() == one);
  CHECK(queue.take(1).empty());
}

TEST_CASE("stream queue: a heartbeat is only said when nothing else is") {
  StreamQueue queue(10, kAll);
  queue.push_comment("alive");
  queue.push_comment("alive");
  CHECK(queue.take(kAll) == ": alive\n\n");
  queue.push("1", "e", "x");
  queue.push_comment("alive");
  CHECK(queue.take(kAll) == "id: 1\nevent: e\ndata: x\n\n");
}
