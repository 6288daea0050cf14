#include "common/metrics.hpp"

#include <cmath>
#include <thread>

#include <gtest/gtest.h>

namespace chatrelay {
namespace {

TEST(Metrics, WritesCountersByLabels) {
  Metrics metrics;
  metrics.counter("received_total", "Webhooks received", {{"source", "livechat"}}).add(3);
  metrics.counter("received_total", "Webhooks received", {{"source", "forms"}}).add();
  EXPECT_EQ(metrics.prometheus_text(),
            "# HELP received_total Webhooks received\n"
            "# TYPE received_total counter\n"
            "received_total{source=\"forms\"} 1\n"
            "received_total{source=\"livechat\"} 3\n");
}

TEST(Metrics, GivesTheSameSeriesAgain) {
  Metrics metrics;
  Counter& first = metrics.counter("c", "h", {{"a", "1"}});
  for (int i = 0; i < 100; ++i) metrics.counter("c", "h", {{"a", std::to_string(i)}});
  EXPECT_EQ(&metrics.counter("c", "h", {{"a", "1"}}), &first);
  first.add(5);
  EXPECT_EQ(metrics.counter("c", "h", {{"a", "1"}}).value(), 5u);
}

TEST(Metrics, WritesGauges) {
  Metrics metrics;
  metrics.gauge("depth", "Queue depth").set(2.5);
  metrics.gauge("open", "Open").set(1e9);
  const std::string text = metrics.prometheus_text();
  EXPECT_NE(text.find("# TYPE depth gauge\ndepth 2.5\n"), std::string::npos) << text;
  EXPECT_NE(text.find("open 1e+09\n"), std::string::npos) << text;
}

TEST(Metrics, EscapesLabelsAndHelp) {
  Metrics metrics;
  metrics.counter("c", "line one\nline \\ two", {{"why", "a\"b\\c\nd"}}).add();
  const std::string text = metrics.prometheus_text();
  EXPECT_NE(text.find("# HELP c line one\\nline \\\\ two\n"), std::string::npos) << text;
  EXPECT_NE(text.find("c{why=\"a\\\"b\\\\c\\nd\"} 1\n"), std::string::npos) << text;
}

TEST(Metrics, WritesHistogramsCumulatively) {
  Metrics metrics;
  Histogram& h = metrics.histogram("seconds", "Time to 200", {0.005, 0.01, 0.1}, {{"source", "x"}});
  for (const double v : {0.001, 0.005, 0.006, 0.05, 5.0}) h.observe(v);
  const std::string text = metrics.prometheus_text();
  EXPECT_NE(text.find("# TYPE seconds histogram\n"
                      "seconds_bucket{source=\"x\",le=\"0.005\"} 2\n"
                      "seconds_bucket{source=\"x\",le=\"0.01\"} 3\n"
                      "seconds_bucket{source=\"x\",le=\"0.1\"} 4\n"
                      "seconds_bucket{source=\"x\",le=\"+Inf\"} 5\n"
                      "seconds_sum{source=\"x\"} 5.062"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("seconds_count{source=\"x\"} 5\n"), std::string::npos) << text;
}

TEST(Metrics, HistogramWithoutLabels) {
  Metrics metrics;
  metrics.histogram("h", "help", {1}).observe(0.5);
  EXPECT_NE(metrics.prometheus_text().find("h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 0.5\nh_count 1\n"),
            std::string::npos);
}

TEST(HistogramQuantile, InterpolatesInItsBucket) {
  Histogram h({10, 20, 40});
  EXPECT_EQ(h.quantile(0.5), 0);
  for (int i = 0; i < 100; ++i) h.observe(15);
  EXPECT_NEAR(h.quantile(0.5), 15, 0.2);
  EXPECT_NEAR(h.quantile(1), 20, 0.01);
  for (int i = 0; i < 100; ++i) h.observe(1000);
  EXPECT_EQ(h.quantile(0.99), 40);  // above the last bound nothing is known
  h.observe(std::nan(""));
  EXPECT_EQ(h.bucket(3), 100u);
}

TEST(Metrics, CountsFromManyThreads) {
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        metrics.counter("c", "h").add();
        metrics.histogram("t", "h", {1, 2}).observe(1.5);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(metrics.counter("c", "h").value(), 4000u);
  EXPECT_EQ(metrics.histogram("t", "h", {1, 2}).bucket(1), 4000u);
  EXPECT_EQ(metrics.histogram("t", "h", {1, 2}).sum(), 6000);
}

}  // namespace
}  // namespace chatrelay
