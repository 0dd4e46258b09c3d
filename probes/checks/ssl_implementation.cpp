// Asio's TLS is compiled once, here: nothing else in the house needs it (BOOST_ASIO_SEPARATE_COMPILATION).
#include <boost/asio/ssl/impl/src.hpp>
