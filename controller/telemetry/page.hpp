#pragma once
// The status page: one self-contained document, drawn here from the same Status as everything else. Its script redraws
// nothing: at each server-sent `status` or `event` message it fetches the document again and swaps the parts that
// differ, so there is one renderer, and the page without JavaScript is the page with it.
#include <span>
#include <string>
#include <string_view>

#include "controller/model/event.hpp"
#include "controller/model/status.hpp"

namespace linekeeper::telemetry {

/// So many events are worth handing to page_html(); more are not drawn.
inline constexpr std::size_t kPageEvents = 30;

/// The whole document, UTF-8 ("text/html; charset=utf-8"). Every text from outside is escaped.
/// @param recent  oldest first, as the journal gives them
[[nodiscard]] std::string page_html(const model::Status& status, std::span<const model::Event> recent);

/// Value of the Content-Security-Policy header (W3C CSP3): nothing but our own script and style, by their SHA-256, and
/// requests to where the page came from. Send it with page_html(), with `X-Content-Type-Options: nosniff` and
/// `Cache-Control: no-store`.
[[nodiscard]] const std::string& content_security_policy();

namespace page {  // the files in page/, embedded at build time (embed.cmake)
extern const std::string_view kTemplate, kStyle, kScript;
extern const std::string_view kStyleSha256, kScriptSha256;  ///< hexadecimal
}  // namespace page

}  // namespace linekeeper::telemetry
