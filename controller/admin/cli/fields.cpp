#include "controller/admin/cli/fields.hpp"

#include <boost/json/parse.hpp>
#include <cmath>

namespace linekeeper::admin::cli {
namespace json = boost::json;
namespace {

/// Length of the well-formed UTF-8 sequence at the start (RFC 3629), or 0.
std::size_t sequence(std::string_view t) {
  const auto at = [&t](std::size_t i) { return static_cast<unsigned char>(t[i]); };
  const auto follows = [&](std::size_t i) { return i < t.size() && (at(i) & 0xc0) == 0x80; };
  if (at(0) < 0x80) return 1;
  if (at(0) >= 0xc2 && at(0) <= 0xdf) return follows(1) ? 2 : 0;
  if (at(0) >= 0xe0 && at(0) <= 0xef) {
    if (!follows(1) || !follows(2)) return 0;
    const bool overlong = at(0) == 0xe0 && at(1) < 0xa0;
    const bool surrogate = at(0) == 0xed && at(1) > 0x9f;
    return overlong || surrogate ? 0 : 3;
  }
  if (at(0) >= 0xf0 && at(0) <= 0xf4) {
    if (!follows(1) || !follows(2) || !follows(3)) return 0;
    const bool outside = (at(0) == 0xf0 && at(1) < 0x90) || (at(0) == 0xf4 && at(1) > 0x8f);
    return outside ? 0 : 4;
  }
  return 0;
}

bool is_control(std::string_view one) {
  const auto first = static_cast<unsigned char>(one[0]);
  if (one.size() == 1) return first < 0x20 || first == 0x7f;
  return one.size() == 2 && first == 0xc2 && static_cast<unsigned char>(one[1]) < 0xa0;
}

}  // namespace

std::string clean(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence(text);
    const bool bad = length == 0 || is_control(text.substr(0, length));
    out += bad ? std::string_view("?") : text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

const json::value& field(const json::value& object, std::string_view key) {
  static const json::value kNull;
  const auto* members = object.if_object();
  const auto* found = members != nullptr ? members->if_contains(key) : nullptr;
  return found != nullptr ? *found : kNull;
}

std::optional<std::string> maybe_text(const json::value& object, std::string_view key) {
  const json::value& value = field(object, key);
  if (const auto* string = value.if_string(); string != nullptr && !string->empty()) return clean({string->data(), string->size()});
  if (const auto whole = integer(object, key)) return std::to_string(*whole);
  return std::nullopt;
}

std::string text(const json::value& object, std::string_view key) { return maybe_text(object, key).value_or(std::string(kNothing)); }

std::optional<double> number(const json::value& object, std::string_view key) {
  const json::value& value = field(object, key);
  std::optional<double> out;
  if (const auto* i = value.if_int64()) out = static_cast<double>(*i);
  if (const auto* u = value.if_uint64()) out = static_cast<double>(*u);
  if (const auto* d = value.if_double(); d != nullptr && std::isfinite(*d)) out = *d;
  return out;
}

std::optional<std::int64_t> integer(const json::value& object, std::string_view key) {
  const auto* value = field(object, key).if_int64();
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<bool> flag(const json::value& object, std::string_view key) {
  const auto* value = field(object, key).if_bool();
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

const json::array& list(const json::value& object, std::string_view key) {
  static const json::array kEmpty;
  const auto* value = field(object, key).if_array();
  return value != nullptr ? *value : kEmpty;
}

std::optional<json::value> parse_json(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);  // 32 levels deep by default
  if (error) return std::nullopt;
  return value;
}

}  // namespace linekeeper::admin::cli
