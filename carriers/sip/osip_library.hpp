#pragma once

namespace linekeeper::sip {

/// libosip2 prints to standard output unless told otherwise, and has tables to fill: done once a process. To be called before its parser.
void prepare_osip();

}  // namespace linekeeper::sip
