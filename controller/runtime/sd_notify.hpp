#pragma once
// Tells systemd how we are (sd_notify(3) protocol): one datagram to $NOTIFY_SOCKET, nothing when there is none.
#include <string_view>

namespace linekeeper::runtime {

/// @param state "READY=1", "STOPPING=1", ...; several separated by newlines
void sd_notify(std::string_view state);

}  // namespace linekeeper::runtime
