// Asio's and Asio SSL's implementation, compiled once (BOOST_ASIO_SEPARATE_COMPILATION is defined everywhere).
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
