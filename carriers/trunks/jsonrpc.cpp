#include "carriers/trunks/jsonrpc.hpp"

#include <boost/json.hpp>

namespace linekeeper::trunks {
namespace {

namespace json = boost::json;

constexpr std::size_t kDeepest = 16;        // dispatcher.list, the deepest we know of, has 9
constexpr std::size_t kLongestText = 1024;  // of what is told on: error messages, values

std::string clipped(const json::string& text) { return std::string(text.data(), std::min(text.size(), kLongestText)); }

const json::value* member(const json::object& object, std::string_view key) { return object.if_contains(key); }

std::optional<std::string> text_of(const json::object& object, std::string_view key) {
  const auto* value = member(object, key);
  if (value == nullptr) return std::nullopt;
  if (const auto* text = value->if_string()) return clipped(*text);
  if (const auto* number = value->if_int64()) return std::to_string(*number);
  return std::nullopt;
}

std::optional<Item> item_of(const json::value& result) {
  const auto* object = result.if_object();
  if (object != nullptr && member(*object, "key") != nullptr) {  // OpenSIPS' cache_fetch
    auto name = text_of(*object, "key");
    auto value = text_of(*object, "value");
    if (!name || !value) return std::nullopt;
    return Item{std::move(*name), std::move(*value), ""};
  }
  const auto* inner = object == nullptr ? nullptr : member(*object, "item");
  const auto* item = inner == nullptr ? nullptr : inner->if_object();
  if (item == nullptr) return std::nullopt;
  auto name = text_of(*item, "name");
  auto value = text_of(*item, "value");
  if (!name || !value) return std::nullopt;
  return Item{std::move(*name), std::move(*value), text_of(*item, "expire").value_or("")};
}

std::optional<std::uint64_t> id_of(const json::object& object) {
  const auto* id = member(object, "id");
  if (id == nullptr || !id->is_int64() || id->get_int64() < 0) return std::nullopt;
  return static_cast<std::uint64_t>(id->get_int64());
}

}  // namespace

std::string request(std::uint64_t id, std::string_view method, std::span<const Parameter> parameters) {
  json::array list;
  for (const auto& parameter : parameters) {
    if (const auto* text = std::get_if<std::string_view>(&parameter))
      list.emplace_back(json::string_view(text->data(), text->size()));
    else
      list.emplace_back(std::get<std::int64_t>(parameter));
  }
  return json::serialize(
      json::object{{"jsonrpc", "2.0"}, {"method", json::string_view(method.data(), method.size())}, {"params", std::move(list)}, {"id", id}});
}

std::expected<Reply, std::string> parse_reply(std::string_view text) {
  if (text.size() > kLargestReply) return std::unexpected("it is longer than " + std::to_string(kLargestReply) + " bytes");
  json::parse_options options;
  options.max_depth = kDeepest;
  json::error_code wrong;
  const auto document = json::parse(json::string_view(text.data(), text.size()), wrong, {}, options);
  if (wrong) return std::unexpected("it is no JSON (" + wrong.message() + ")");
  const auto* object = document.if_object();
  if (object == nullptr) return std::unexpected("it is no object");
  const auto* version = member(*object, "jsonrpc");
  if (version == nullptr || !version->is_string() || version->get_string() != "2.0") return std::unexpected("it is not of JSON-RPC 2.0");
  const auto id = id_of(*object);
  if (!id) return std::unexpected("it has no id");

  const auto* result = member(*object, "result");
  const auto* error = member(*object, "error");
  if ((result == nullptr) == (error == nullptr)) return std::unexpected("it has not one of result and error");
  Reply reply{.id = *id, .error = {}, .item = {}};
  if (result != nullptr) {
    reply.item = item_of(*result);
    return reply;
  }
  const auto* details = error->if_object();
  const auto* code = details == nullptr ? nullptr : member(*details, "code");
  if (code == nullptr || !code->is_int64()) return std::unexpected("its error has no code");
  reply.error = RpcError{code->get_int64(), text_of(*details, "message").value_or("")};
  return reply;
}

}  // namespace linekeeper::trunks
