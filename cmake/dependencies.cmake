# Everything comes from Debian 12's own packages; scripts/dependencies.sh names them.
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(OpenSSL REQUIRED)
find_package(CURL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Threads REQUIRED)
# Time zones (libhowardhinnant-date-dev): g++ 12 has no tzdb of its own.
find_package(date REQUIRED)

# libjq ships neither a CMake package nor a pkg-config file in Debian 12.
find_path(CHATRELAY_JQ_INCLUDE jq.h REQUIRED)
find_library(CHATRELAY_JQ_LIBRARY jq REQUIRED)
add_library(chatrelay_libjq INTERFACE)
target_include_directories(chatrelay_libjq SYSTEM INTERFACE ${CHATRELAY_JQ_INCLUDE})
target_link_libraries(chatrelay_libjq INTERFACE ${CHATRELAY_JQ_LIBRARY})

# libsystemd: readiness, watchdog, sockets handed over.
find_path(CHATRELAY_SYSTEMD_INCLUDE systemd/sd-daemon.h REQUIRED)
find_library(CHATRELAY_SYSTEMD_LIBRARY systemd REQUIRED)
add_library(chatrelay_libsystemd INTERFACE)
target_include_directories(chatrelay_libsystemd SYSTEM INTERFACE ${CHATRELAY_SYSTEMD_INCLUDE})
target_link_libraries(chatrelay_libsystemd INTERFACE ${CHATRELAY_SYSTEMD_LIBRARY})

# libcrypt hashes keys and passwords of accounts, as PHP's password_hash() does (libcrypt-dev, which libc6-dev brings).
find_path(CHATRELAY_CRYPT_INCLUDE crypt.h REQUIRED)
find_library(CHATRELAY_CRYPT_LIBRARY crypt REQUIRED)
add_library(chatrelay_libcrypt INTERFACE)
target_include_directories(chatrelay_libcrypt SYSTEM INTERFACE ${CHATRELAY_CRYPT_INCLUDE})
target_link_libraries(chatrelay_libcrypt INTERFACE ${CHATRELAY_CRYPT_LIBRARY})

# Memory is taken on one thread and given back on another all the time here (planner to writer, ingest to writer): jemalloc makes
# that a tenth cheaper for the whole daemon (BENCHMARK.md). The sanitizers bring their own allocator.
find_library(CHATRELAY_JEMALLOC_LIBRARY jemalloc REQUIRED)

find_program(CHATRELAY_CCACHE ccache)
if(CHATRELAY_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CHATRELAY_CCACHE})
endif()

add_library(chatrelay_options INTERFACE)
target_compile_options(chatrelay_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wunused -Wnull-dereference
  -fpch-preprocess -fno-omit-frame-pointer -fstack-protector-strong)
# g++ 12 reports false positives from inside libstdc++ and Boost at -O2 with these three.
target_compile_options(chatrelay_options INTERFACE -Wno-restrict -Wno-null-dereference -Wno-mismatched-new-delete)
target_compile_definitions(chatrelay_options INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  CHATRELAY_VERSION="${PROJECT_VERSION}" _FORTIFY_SOURCE=$<IF:$<CONFIG:Debug>,0,2>)
target_link_libraries(chatrelay_options INTERFACE Threads::Threads)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(chatrelay_options INTERFACE -Wno-unknown-warning-option -Wno-unused-command-line-argument)
endif()
if(CHATRELAY_WERROR)
  target_compile_options(chatrelay_options INTERFACE -Werror)
endif()
if(CHATRELAY_SANITIZE)
  target_compile_options(chatrelay_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # clang 14 cannot emit this check for coroutines ("Cannot represent a difference across sections").
    target_compile_options(chatrelay_options INTERFACE -fno-sanitize=function)
  endif()
  target_link_options(chatrelay_options INTERFACE -fsanitize=address,undefined)
endif()
if(CHATRELAY_FUZZ)
  target_compile_options(chatrelay_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
