// Beast's separate compilation: its non-template code is compiled once, here. Asio's is compiled in common.
#include <boost/beast/src.hpp>
