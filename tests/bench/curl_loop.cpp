// The other yardstick: a plain libcurl-multi loop that posts one body COUNT times to URL, PARALLEL at once, over kept
// connections. Prints posts per second.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <curl/curl.h>

namespace {

std::size_t ignore(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s URL BODY_FILE COUNT PARALLEL\n", argv[0]);
    return 64;
  }
  std::ifstream file(argv[2], std::ios::binary);
  const std::string body((std::istreambuf_iterator<char>(file)), {});
  const long count = std::atol(argv[3]);
  const long parallel = std::atol(argv[4]);

  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* multi = curl_multi_init();
  curl_slist* headers = curl_slist_append(nullptr, "content-type: application/json");
  headers = curl_slist_append(headers, "Expect:");
  std::vector<CURL*> handles;
  for (long i = 0; i < parallel; ++i) {
    CURL* easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &ignore);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    handles.push_back(easy);
  }
  const auto began = std::chrono::steady_clock::now();
  long started = 0, done = 0;
  for (; started < parallel && started < count; ++started) curl_multi_add_handle(multi, handles[started]);
  int running = 0;
  while (done < count) {
    curl_multi_perform(multi, &running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* easy = message->easy_handle;
      if (message->data.result != CURLE_OK) {
        std::fprintf(stderr, "%s\n", curl_easy_strerror(message->data.result));
        return 1;
      }
      ++done;
      curl_multi_remove_handle(multi, easy);
      if (started < count) {
        ++started;
        curl_multi_add_handle(multi, easy);
      }
    }
    if (done < count) curl_multi_poll(multi, nullptr, 0, 100, nullptr);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("%.0f\n", static_cast<double>(count) / took.count());
  return 0;
}
