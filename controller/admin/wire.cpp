#include "controller/admin/wire.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cctype>
#include <map>
#include <utility>

namespace linekeeper::admin {
namespace {

constexpr std::string_view kStrictPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Every answer is about this moment, is nobody's to keep, runs nothing, and tells no other site where it came from.
constexpr std::pair<std::string_view, std::string_view> kAlways[] = {
    {"Server", "linekeeper"},
    {"Cache-Control", "no-store"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Content-Security-Policy", kStrictPolicy},
};

/// What frames the message is ours alone.
constexpr std::string_view kOurs[] = {"Content-Type", "Content-Length", "Connection", "Transfer-Encoding", "Date"};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool has(const std::map<std::string, std::string>& headers, std::string_view name) {
  return std::ranges::any_of(headers, [name](const auto& header) { return equal_ignoring_case(header.first, name); });
}

bool one_line(std::string_view text) {
  return std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::string further_headers(const std::map<std::string, std::string>& given) {
  std::string out;
  for (const auto& [name, value] : kAlways) {
    if (!has(given, name)) out += fmt::format("{}: {}\r\n", name, value);
  }
  for (const auto& [name, value] : given) {
    const bool ours = std::ranges::any_of(kOurs, [&name](std::string_view o) { return equal_ignoring_case(o, name); });
    if (!ours && !name.empty() && one_line(name) && one_line(value)) out += fmt::format("{}: {}\r\n", name, value);
  }
  return out;
}

}  // namespace

std::string_view phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
  }
}

Response error_response(int status, std::string_view message, std::string_view remedy) {
  const int exit_code = status >= 400 && status < 500 ? 2 : 1;
  boost::json::object error{{"exit", exit_code}, {"message", message}, {"remedy", remedy}};
  Response response;
  response.status = status;
  response.body = boost::json::serialize(boost::json::object{{"error", std::move(error)}}) + "\n";
  return response;
}

std::string serialize(const Response& response, Connection connection, bool head_only) {
  return fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: {}\r\n{}{}\r\n{}", response.status,
                     phrase(response.status), response.content_type, response.body.size(),
                     connection == Connection::KeepAlive ? "keep-alive" : "close", response.status == 405 ? "Allow: GET, HEAD, POST\r\n" : "",
                     further_headers(response.headers), head_only ? std::string_view{} : std::string_view{response.body});
}

std::string serialize_stream_head() {
  return fmt::format("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n{}\r\n", further_headers({}));
}

bool host_allowed(std::string_view host, std::span<const std::string> allowed) {
  std::string_view name = host;
  std::string_view rest;
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    if (end == std::string_view::npos) return false;
    name = host.substr(1, end - 1);
    rest = host.substr(end + 1);
  } else if (const auto colon = host.find(':'); colon != std::string_view::npos) {
    name = host.substr(0, colon);
    rest = host.substr(colon);
  }
  if (!rest.empty()) {
    const bool port =
        rest.front() == ':' && rest.size() <= 6 && std::ranges::all_of(rest.substr(1), [](unsigned char c) { return std::isdigit(c) != 0; });
    if (!port) return false;
  }
  return !name.empty() && std::ranges::any_of(allowed, [name](const std::string& a) { return equal_ignoring_case(a, name); });
}

std::string serialize_event(std::string_view id, std::string_view event, std::string_view data) {
  std::string out;
  out.reserve(id.size() + event.size() + data.size() + 32);
  const auto field = [&out](std::string_view key, std::string_view value) {
    if (value.empty()) return;
    out += key;
    for (const char c : value) {
      if (c != '\n' && c != '\r' && c != '\0') out += c;
    }
    out += '\n';
  };
  field("id: ", id);
  field("event: ", event);
  out += "data: ";
  for (const char c : data) {
    if (c == '\r') continue;
    out += c;
    if (c == '\n') out += "data: ";
  }
  out += "\n\n";
  return out;
}

}  // namespace linekeeper::admin
