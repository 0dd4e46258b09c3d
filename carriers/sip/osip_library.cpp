#include "carriers/sip/osip_library.hpp"

#include <sys/time.h>

#include <ctime>
// libosip2's headers need the two above.
#include <osipparser2/osip_parser.h>

#include <cstdarg>

namespace linekeeper::sip {
namespace {

void say_nothing(const char*, int, osip_trace_level_t, const char*, va_list) {}

}  // namespace

void prepare_osip() {
  [[maybe_unused]] static const bool kReady = [] {
    osip_trace_initialize_func(END_TRACE_LEVEL, &say_nothing);
    return parser_init() == 0;
  }();
}

}  // namespace linekeeper::sip
