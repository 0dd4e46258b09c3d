#include <doctest/doctest.h>

#include <array>
#include <cerrno>

#include "carriers/trunks/ami_conversation.hpp"

using namespace linekeeper::trunks;
using State = Conversation::State;

namespace {

constexpr std::string_view kHello = "Asterisk Call Manager/5.0.2\r\n";

SecretSource secret(std::string text) {
  return [text = std::move(text)] { return text; };
}

std::string id_in(std::string_view text) {
  const auto at = text.find("ActionID: ") + 10;
  return std::string(text.substr(at, text.find("\r\n", at) - at));
}

/// A conversation that is logged in.
struct LoggedIn {
  AmiConversation ami{"linekeeper", secret("s3cret"), 700};
  LoggedIn() {
    const auto login = ami.opened();
    REQUIRE(login);
    const auto step =
        ami.heard(std::string(kHello) + "Response: Success\r\nActionID: " + id_in(login->send) + "\r\nMessage: Authentication accepted\r\n\r\n");
    REQUIRE(step);
    REQUIRE(step->state == State::Ready);
  }
};

}  // namespace

TEST_CASE("ami: an action is its lines and an empty one") {
  const auto text = ami_action("DBPut", 7, std::array{AmiField{"Family", "linekeeper"}, AmiField{"Val", "a&b|5"}});
  REQUIRE(text);
  CHECK(*text == "Action: DBPut\r\nActionID: 7\r\nFamily: linekeeper\r\nVal: a&b|5\r\n\r\n");
}

TEST_CASE("ami: a line break or NUL never leaves, in a value, a name or the action, and no line that Asterisk would cut") {
  for (const std::string& bad : {std::string("a\rb"), std::string("a\nb"), std::string("x\r\nAction: Originate"), std::string("a\0b", 3)}) {
    CHECK(ami_action("Ping", 1, std::array{AmiField{"Val", bad}}).error().code == EINVAL);
    CHECK_FALSE(ami_action("Ping", 1, std::array{AmiField{bad, "v"}}));
    CHECK_FALSE(ami_action(bad, 1, {}));
  }
  const std::string longest(1024 - 4 - 3, 'a');  // "Val: " and the line's end
  CHECK(ami_action("Ping", 1, std::array{AmiField{"Val", longest}}));
  CHECK_FALSE(ami_action("Ping", 1, std::array{AmiField{"Val", longest + "a"}}));
  CHECK_FALSE(AmiConversation("user\r\nAction: Command", secret("s"), 1).opened());
  CHECK_FALSE(AmiConversation("user", secret("s\n"), 1).opened());
}

TEST_CASE("ami: messages come whole, whatever the pieces they arrive in") {
  const std::string all =
      std::string(kHello) + "Response: Success\r\nActionID: 9\r\nTimestamp: 1795367704.653527\r\n\r\nEvent:X\r\nno colon here\r\n\r\n";
  for (std::size_t piece = 1; piece <= all.size(); ++piece) {
    AmiReader reader;
    std::vector<AmiMessage> messages;
    for (std::size_t at = 0; at < all.size(); at += piece) {
      reader.feed(std::string_view(all).substr(at, piece));
      while (true) {
        auto message = reader.next();
        REQUIRE(message);
        if (!*message) break;
        messages.push_back(std::move(**message));
      }
    }
    REQUIRE(messages.size() == 2);
    CHECK(messages[0].get("actionid") == "9");
    CHECK(messages[0].answers(9));
    CHECK_FALSE(messages[0].answers(90));
    CHECK(ami_time(messages[0]) == 1'795'367'704);
    CHECK(messages[1].get("Event") == "X");
    CHECK(messages[1].get("Response").empty());
  }
}

TEST_CASE("ami: who does not greet as Asterisk does is not listened to") {
  for (const auto* other : {"SSH-2.0-OpenSSH_9.2\r\n", "Asterisk Call Bananas\r\n", "\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n"}) {
    AmiReader reader;
    reader.feed(other);
    CHECK_FALSE(reader.next());
  }
}

TEST_CASE("ami: a message without an end is given up at its bound") {
  AmiReader reader;
  reader.feed(kHello);
  reader.feed(std::string(kMostUnread - kHello.size(), 'a'));
  CHECK(reader.next());
  reader.feed(std::string(kHello.size(), 'a'));
  CHECK(reader.next());
  reader.feed("a");
  CHECK_FALSE(reader.next());
}

TEST_CASE("ami: only a time is a time") {
  const auto time_of = [](std::string text) { return ami_time(AmiMessage{{{"Timestamp", std::move(text)}}}); };
  CHECK(time_of("1795367704") == 1'795'367'704);
  CHECK(time_of("1795367704.1") == 1'795'367'704);
  for (const auto* bad : {"", "-5.0", "now", "17x", "99999999999999999999"}) CHECK_FALSE(time_of(bad));
}

TEST_CASE("ami: the login names the user, wants no events, and must be accepted") {
  AmiConversation ami("linekeeper", secret("s3cret"), 700);
  const auto login = ami.opened();
  REQUIRE(login);
  CHECK(login->send.contains("Username: linekeeper\r\nSecret: s3cret\r\nEvents: off\r\n"));
  CHECK(login->state == State::Opening);
  CHECK(ami.heard(kHello)->state == State::Opening);
  CHECK(ami.heard("Response: Success\r\nActionID: 5\r\n\r\n")->state == State::Opening);  // of somebody else
  const auto refused = ami.heard("Response: Error\r\nActionID: " + id_in(login->send) + "\r\nMessage: Authentication failed\x1b[2J\r\n\r\n");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == EPROTO);
  CHECK(refused.error().what == "the login of linekeeper is refused: Authentication failed?[2J");
}

TEST_CASE("ami: a value is got by the event that follows the word that it will") {
  LoggedIn in;
  const auto id = id_in(*in.ami.ask_get("linekeeper", "order"));
  CHECK(in.ami.heard("Response: Success\r\nActionID: " + id + "\r\nMessage: Result will follow\r\n\r\n")->state == State::Ready);
  CHECK(in.ami.heard("Event: DBGetResponse\r\nActionID: 1\r\nVal: of another\r\n\r\n")->state == State::Ready);
  CHECK(in.ami.heard("Event: DBGetResponse\r\nFamily: linekeeper\r\nKey: order\r\nVal: a&b|5\r\nActionID: " + id + "\r\n\r\n")->state ==
        State::Answered);
  CHECK(in.ami.answer().value == "a&b|5");
  CHECK(in.ami.heard("Event: DBGetComplete\r\nActionID: " + id + "\r\n\r\n")->state == State::Ready);
}

TEST_CASE("ami: no entry is an answer without a value, and no refusal") {
  LoggedIn in;
  const auto id = id_in(*in.ami.ask_get("linekeeper", "order"));
  CHECK(in.ami.heard("Response: Error\r\nActionID: " + id + "\r\nMessage: Database entry not found\r\n\r\n")->state == State::Answered);
  CHECK_FALSE(in.ami.answer().value);
  CHECK_FALSE(in.ami.answer().refused);
}

TEST_CASE("ami: what Asterisk refuses is told with what to do") {
  LoggedIn in;
  const auto id = id_in(*in.ami.ask_put("linekeeper", "order", "a|5"));
  CHECK(in.ami.heard("Response: Error\r\nActionID: " + id + "\r\nMessage: Permission denied\r\n\r\n")->state == State::Answered);
  REQUIRE(in.ami.answer().refused);
  CHECK(in.ami.answer().refused->code == EPROTO);
  CHECK(in.ami.answer().refused->remedy.contains("write = system"));
  const auto next = id_in(*in.ami.ask_put("linekeeper", "order", "a|5"));
  CHECK(next != id);
  CHECK(in.ami.heard("Response: Success\r\nActionID: " + id + "\r\n\r\n")->state == State::Ready);  // late, to the former one
  CHECK(in.ami.heard("Response: Success\r\nActionID: " + next + "\r\n\r\n")->state == State::Answered);
  CHECK_FALSE(in.ami.answer().refused);
}
