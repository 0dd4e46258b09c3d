#include <doctest/doctest.h>

#include "controller/journal/backlog.hpp"

using namespace linekeeper;
using journal::Backlog;
using model::EventId;

namespace {

journal::Pending pending(EventId id, std::string text) {
  journal::Pending p;
  p.event.id = id;
  p.event.text = std::move(text);
  return p;
}

std::string texts(std::deque<journal::Pending> events) {
  std::string all;
  for (const auto& p : events) all += p.event.text;
  return all;
}

constexpr auto kInfo = EventId::PathUp;
constexpr auto kNotice = EventId::CircuitUp;
constexpr auto kAlert = EventId::CircuitDown;

}  // namespace

TEST_CASE("backlog: takes in the order of arrival, whatever the severity") {
  Backlog backlog(10);
  CHECK(backlog.add(pending(kAlert, "a")).empty());
  CHECK(backlog.add(pending(kInfo, "b")).empty());
  CHECK(backlog.add(pending(kNotice, "c")).empty());
  CHECK(backlog.size() == 3);
  CHECK(texts(backlog.take()) == "abc");
  CHECK(backlog.empty());
}

TEST_CASE("backlog: one below and at its capacity keeps all, one above drops the oldest info") {
  Backlog backlog(4);
  for (const auto* text : {"a", "b", "c"}) CHECK(backlog.add(pending(kInfo, text)).empty());
  CHECK(backlog.add(pending(kAlert, "D")).empty());
  CHECK(backlog.dropped() == 0);
  const auto gone = backlog.add(pending(kInfo, "e"));
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].event.text == "a");
  CHECK(backlog.dropped() == 1);
  CHECK(texts(backlog.take()) == "bcDe");
}

TEST_CASE("backlog: with no info left the next in severity goes, alerts last, and then the oldest of them") {
  Backlog backlog(2);
  CHECK(backlog.add(pending(kAlert, "A")).empty());
  CHECK(backlog.add(pending(kNotice, "n")).empty());
  CHECK(backlog.add(pending(kAlert, "B"))[0].event.text == "n");
  CHECK(backlog.add(pending(kInfo, "i"))[0].event.text == "i");  // newer, but the least severe of all
  CHECK(backlog.add(pending(kAlert, "C"))[0].event.text == "A");
  CHECK(texts(backlog.take()) == "BC");
  CHECK(backlog.dropped() == 3);
}

TEST_CASE("backlog: what is put back goes ahead of what came since, within the same bound") {
  Backlog backlog(4);
  for (const auto* text : {"a", "b", "c"}) CHECK(backlog.add(pending(kInfo, text)).empty());
  auto taken = backlog.take();
  CHECK(backlog.add(pending(kAlert, "D")).empty());
  CHECK(backlog.add(pending(kInfo, "e")).empty());
  const auto gone = backlog.put_back(std::move(taken));
  CHECK(gone.size() == 1);
  CHECK(texts(backlog.take()) == "bcDe");
}

TEST_CASE("backlog: dropping all counts all") {
  Backlog backlog(4);
  CHECK(backlog.add(pending(kInfo, "a")).empty());
  CHECK(backlog.add(pending(kAlert, "b")).empty());
  CHECK(backlog.drop_all().size() == 2);
  CHECK(backlog.dropped() == 2);
  CHECK(backlog.empty());
}

TEST_CASE("clipped: texts at the limit stay, one byte above is cut between characters") {
  model::Event event;
  event.text = std::string(journal::kLongestText, 'x');
  event.subject = std::string(journal::kLongestText + 1, 'x');
  std::string umlauts;  // two bytes each, so the plain cut would fall inside one
  while (umlauts.size() <= journal::kLongestText) umlauts += "\xC3\xA4";
  event.fields.assign(journal::kMostFields + 1, {"k", "x" + umlauts});
  const auto cut = journal::clipped(event);
  CHECK(cut.text == event.text);
  CHECK(cut.subject.size() == journal::kLongestText);
  CHECK(cut.subject.ends_with("x..."));
  CHECK(cut.fields.size() == journal::kMostFields);
  CHECK(cut.fields[0].second.size() <= journal::kLongestText);
  CHECK(cut.fields[0].second.ends_with("\xC3\xA4..."));
}
