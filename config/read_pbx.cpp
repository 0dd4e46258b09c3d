#include "config/reading.hpp"

namespace linekeeper::config {

void read_pbx(Section& section, model::Pbx& pbx) {
  section.text("driver");  // one driver so far: the form has checked the word
  section.text("rpc_socket", pbx.rpc_socket);
  section.text("htable", pbx.htable);
  section.duration("lease", pbx.lease);
  section.duration("refresh", pbx.refresh);
  section.duration("reply_timeout", pbx.reply_timeout);
  section.finish();
}

}  // namespace linekeeper::config
