#include <doctest/doctest.h>

#include <cerrno>

#include "carriers/trunks/esl_conversation.hpp"

using namespace linekeeper::trunks;
using State = Conversation::State;

namespace {

std::string response(std::string_view body) {
  return "Content-Type: api/response\nContent-Length: " + std::to_string(body.size()) + "\n\n" + std::string(body);
}

}  // namespace

TEST_CASE("esl: a command is one line and an empty one, and nothing in it begins another") {
  CHECK(*esl_command("api global_getvar lk_order") == "api global_getvar lk_order\n\n");
  for (const std::string& bad : {std::string(), std::string("a\nb"), std::string("a\rb"), std::string("a\0b", 3), std::string(1025, 'a')})
    CHECK(esl_command(bad).error().code == EINVAL);
  CHECK(esl_command(std::string(1024, 'a')));
}

TEST_CASE("esl: messages come whole, whatever the pieces they arrive in") {
  const std::string all =
      "Content-Type: auth/request\n\nContent-Type: command/reply\nReply-Text: +OK accepted\n\n" + response("a\n\nb") + response("");
  for (std::size_t piece = 1; piece <= all.size(); ++piece) {
    EslReader reader;
    std::vector<EslMessage> messages;
    for (std::size_t at = 0; at < all.size(); at += piece) {
      reader.feed(std::string_view(all).substr(at, piece));
      while (true) {
        auto message = reader.next();
        REQUIRE(message);
        if (!*message) break;
        messages.push_back(std::move(**message));
      }
    }
    REQUIRE(messages.size() == 4);
    CHECK(messages[1].reply == "+OK accepted");
    CHECK(messages[2].body == "a\n\nb");
    CHECK(messages[3].body.empty());
  }
}

TEST_CASE("esl: a length that is none, a line that is no header and a message of no type are told") {
  for (const auto* bad :
       {"Content-Type: a\nContent-Length: x\n\n", "Content-Type: a\nContent-Length: -1\n\n", "Content-Type: a\nContent-Length: 65537\n\n",
        "Content-Type: a\nContent-Length: 5 \n\n", "HTTP/1.1 400\n\n", "Content-Length: 0\n\n"}) {
    CAPTURE(bad);
    EslReader reader;
    reader.feed(bad);
    CHECK_FALSE(reader.next());
  }
  EslReader reader;
  reader.feed("Content-Type: a\nContent-Length: 65400\n\n" + std::string(65'400, 'a'));
  CHECK(reader.next()->has_value());
}

TEST_CASE("esl: a variable that is not set is no value") {
  CHECK(esl_value({.type = "api/response", .body = "a|5\n"}) == "a|5");
  CHECK_FALSE(esl_value({.type = "api/response", .body = ""}));
  CHECK_FALSE(esl_value({.type = "api/response", .body = "-ERR no reply\n"}));
}

TEST_CASE("esl: the password is given when it is asked for, and a wrong one is told") {
  EslConversation esl([] { return "s3cret"; });
  CHECK(esl.opened()->send.empty());
  const auto asked = esl.heard("Content-Type: auth/request\n\n");
  CHECK(asked->send == "auth s3cret\n\n");
  CHECK(asked->state == State::Opening);
  CHECK(esl.heard("Content-Type: command/reply\nReply-Text: +OK accepted\n\n")->state == State::Ready);
  CHECK(esl.heard(response("42"))->state == State::Answered);
  CHECK(esl.answer().body == "42");

  REQUIRE(esl.opened());
  REQUIRE(esl.heard("Content-Type: auth/request\n\n"));
  const auto refused = esl.heard("Content-Type: command/reply\nReply-Text: -ERR invalid\n\n");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == EPROTO);
  REQUIRE(esl.opened());
  CHECK(esl.heard("Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n").error().remedy.contains("acl"));
}
