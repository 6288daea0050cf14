#include "expression/template.hpp"

#include "common/json.hpp"
#include "expression/compare.hpp"
#include "expression/json_text.hpp"
#include "helpers.hpp"

namespace chatrelay::expression {
namespace {

using testing::HasSubstr;

const char* const event =
    R"({"name":"Ann","email":null,"n":3,"x":1.5,"ok":true,"big":9007199254740993,"tags":["a","b"],"o":{"k":"v"},
  "evil":"<b>&\"'</b> %2f ? é {{ .name }} }}","empty":"","lines":"a\nb"})";

struct Made {
  config::Problems problems;
  Builder builder{tables()};
  Template made;
  std::unique_ptr<Program> program;
};

std::unique_ptr<Made> make(const auto& parse) {
  auto made = std::make_unique<Made>();
  made->made = parse(*made);
  made->program = made->builder.build(made->problems);
  return made;
}

std::string shown(const Result<std::optional<json::value>>& result) {
  if (!result) return "ERROR: " + result.error().message;
  return *result ? json::serialize(**result) : "NOTHING";
}

// The rendered value as JSON, NOTHING, "ERROR: …" or "REFUSED: …".
std::string text(std::string_view from, Escape escape = Escape::none) {
  const auto made = make([&](Made& m) { return Template::parse_text(from, here, m.builder, m.problems); });
  if (made->problems.has_errors() || made->program == nullptr) return "REFUSED: " + made->problems.to_string();
  return shown(made->made.render(*made->program, json::parse(event), escape));
}

std::string plain(std::string_view from, Escape escape = Escape::none) {
  const auto made = make([&](Made& m) { return Template::parse_text(from, here, m.builder, m.problems); });
  if (made->program == nullptr) return "REFUSED: " + made->problems.to_string();
  const auto result = made->made.render_text(*made->program, json::parse(event), escape);
  return result ? *result : "ERROR: " + result.error().message;
}

std::string yaml(std::string_view from, Escape escape = Escape::none) {
  const auto made = make([&](Made& m) {
    return Template::parse(config::Document::parse(from, "t.yaml", m.problems, no_environment())["with"], m.builder,
                           m.problems);
  });
  if (made->problems.has_errors() || made->program == nullptr) return "REFUSED: " + made->problems.to_string();
  return shown(made->made.render(*made->program, json::parse(event), escape));
}

TEST(Template, exactly_one_expression_keeps_its_type) {
  EXPECT_EQ(text("{{ .name }}"), R"("Ann")");
  EXPECT_EQ(text("{{.n}}"), "3");
  EXPECT_EQ(text("{{ .ok }}"), "true");
  EXPECT_EQ(text("{{ .email }}"), "null");
  EXPECT_EQ(text("{{ .missing }}"), "null");
  EXPECT_EQ(text("{{ .tags }}"), R"(["a","b"])");
  EXPECT_EQ(text("{{ .o }}"), R"({"k":"v"})");
  EXPECT_EQ(text("{{ .big }}"), "9007199254740993");
  EXPECT_EQ(text("{{ .tags[] }}"), R"(["a","b"])");
  EXPECT_EQ(text("{{ .tags[] | select(. == \"a\") }}"), R"("a")");
  EXPECT_EQ(text("{{ .tags[] + \"!\" }}"), R"(["a!","b!"])");
  EXPECT_EQ(text("{{ empty }}"), "NOTHING");
  EXPECT_EQ(text("{{ .tags[] | select(. == \"z\") }}"), "NOTHING");
  EXPECT_EQ(text("{{ $tables.mailboxes[\"2\"] }}"), R"("sales@example.com")");
}

TEST(Template, within_text_everything_becomes_text) {
  EXPECT_EQ(text("Hello {{ .name }}!"), R"("Hello Ann!")");
  EXPECT_EQ(text("{{ .name }} "), R"("Ann ")");
  EXPECT_EQ(text(" {{ .n }}"), R"(" 3")");
  EXPECT_EQ(text("<{{ .email }}>"), R"("<>")");
  EXPECT_EQ(text("<{{ empty }}>"), R"("<>")");
  EXPECT_EQ(text("{{ .tags[] }},"), R"("ab,")");
  EXPECT_EQ(text("{{ .n }}{{ .x }}{{ .ok }}"), R"("31.5true")");
  EXPECT_EQ(text("o={{ .o }}"), R"("o={\"k\":\"v\"}")");
  EXPECT_EQ(text("t={{ .tags }}"), R"("t=[\"a\",\"b\"]")");
  EXPECT_EQ(text("{{ .big }} "), R"("9007199254740993 ")");
  EXPECT_EQ(text("{{ .email }}{{ .email }}"), R"("")");
}

TEST(Template, text_without_expressions_is_constant) {
  EXPECT_EQ(text(""), R"("")");
  EXPECT_EQ(text("plain"), R"("plain")");
  EXPECT_EQ(text("}} { } {"), R"("}} { } {")");
  EXPECT_EQ(text("{{{{"), R"("{{")");
  EXPECT_EQ(text("a {{{{ .x }} b"), R"("a {{ .x }} b")");
  EXPECT_EQ(text("{{{{{{{{"), R"("{{{{")");
  EXPECT_EQ(text("{{{{ {{ .n }}"), R"("{{ 3")");
}

TEST(Template, the_expression_ends_outside_its_strings_and_brackets) {
  EXPECT_EQ(text("{{ \"}}\" }}"), R"("}}")");
  EXPECT_EQ(text("{{ {a: {b: 1}} }}"), R"({"a":{"b":1}})");
  EXPECT_EQ(text("{{{a:{b:1}}}}"), R"({"a":{"b":1}})");
  EXPECT_EQ(text("{{ \"\\\"}}\" }}x"), R"("\"}}x")");
  EXPECT_EQ(text("{{ \"a\\(\"}}\")b\" }}"), R"("a}}b")");
  EXPECT_EQ(text("{{ [\"}}\"] }}"), R"(["}}"])");
  EXPECT_EQ(text("{{ .name # comment }}"), R"("Ann")");
  EXPECT_EQ(text("{{ .name # it's } \"\n }}"), R"("Ann")");
  EXPECT_EQ(text("{{ .n }}}}"), R"("3}}")");
  EXPECT_EQ(text("{{ .n }}}"), R"("3}")");
}

TEST(Template, what_visitors_typed_is_not_looked_at_again) {
  EXPECT_EQ(plain("{{ .evil }}"), "<b>&\"'</b> %2f ? é {{ .name }} }}");
  EXPECT_EQ(plain("x {{ .evil }}"), "x <b>&\"'</b> %2f ? é {{ .name }} }}");
}

TEST(Template, problems_are_told_at_their_place) {
  for (const char* from : {"{{", "a {{ .name", "{{ .name }", "{{ \"}} ", "{{ ( }}", "{{ }}", "{{ . | }}", "{{ now }}",
                           "{{ ] }}", "{{ .a }} {{ .b", "{{ $x }}", "{{ | raw }}", "{{ # }}"}) {
    EXPECT_THAT(text(from), testing::StartsWith("REFUSED: rules.yaml:7: ")) << from;
  }
  EXPECT_THAT(text("{{ .name"), HasSubstr("never closed"));
  EXPECT_THAT(yaml("with:\n  a: 1\n  b: [x, '{{ .name']\n"), HasSubstr("t.yaml:3: "));
  EXPECT_THAT(yaml("with:\n  '{{ .name }}': 1\n"), HasSubstr("only values may"));
}

TEST(Template, escapes_for_where_it_goes) {
  EXPECT_EQ(plain("<i>{{ .evil }}</i>", Escape::html), "<i>" + plain("{{ .evil }}", Escape::html) + "</i>");
  EXPECT_THAT(plain("<i>{{ .evil }}</i>", Escape::html), HasSubstr("<i>&lt;b&gt;&amp;&quot;"));
  EXPECT_THAT(plain("<i>{{ .evil }}</i>", Escape::html), testing::Not(HasSubstr("<b>")));
  EXPECT_THAT(plain("{{ .evil }}", Escape::html), testing::StartsWith("&lt;b&gt;&amp;&quot;"));
  EXPECT_THAT(plain("https://h/?q={{ .evil }}", Escape::url),
              testing::StartsWith("https://h/?q=%3Cb%3E%26%22%27%3C%2Fb%3E%20%252f%20%3F%20%C3%A9"));
  EXPECT_EQ(plain("{{ .n }}/{{ .ok }}", Escape::url), "3/true");
  EXPECT_EQ(plain("{{ .o }}", Escape::url), "%7B%22k%22%3A%22v%22%7D");
  EXPECT_EQ(plain("{{ .o }}", Escape::html), plain(" {{ .o }}", Escape::html).substr(1));
  EXPECT_EQ(text("{{ [.evil[0:3], {k: .evil[0:3]}] }}", Escape::html), R"(["&lt;b&gt;",{"k":"&lt;b&gt;"}])");
  EXPECT_EQ(text("{{ [\"<\", {k: \"&\"}] }}", Escape::html), R"(["&lt;",{"k":"&amp;"}])");
}

TEST(Template, raw_asks_for_the_opposite) {
  EXPECT_EQ(plain("{{ .evil | raw }}", Escape::html), "<b>&\"'</b> %2f ? é {{ .name }} }}");
  EXPECT_EQ(plain("a {{ .evil | raw }}", Escape::url), "a <b>&\"'</b> %2f ? é {{ .name }} }}");
  EXPECT_EQ(plain("{{ .evil|raw}}-{{ .evil }}", Escape::html),
            plain("{{ .evil | raw }}", Escape::html) + "-" + plain("{{ .evil }}", Escape::html));
  EXPECT_EQ(plain("{{ .n | raw }}", Escape::none), "3");
  EXPECT_EQ(plain("{{ \"a | raw\" }}", Escape::html), "a | raw");
  EXPECT_THAT(plain("{{ raw }}"), HasSubstr("raw is not defined"));
  EXPECT_THAT(plain("{{ (.name | raw) }}"), HasSubstr("raw is not defined"));
}

TEST(Template, a_transcript_in_html_is_not_escaped_twice) {
  const json::value input{{"transcript_html", "<p>a &amp; b</p>"}, {"transcript_text", "a & b"}};
  const auto rendered = [&](std::string_view text, Escape escape) {
    config::Problems problems;
    Builder builder;
    const Template made = Template::parse_text(text, here, builder, problems);
    const auto program = builder.build(problems);
    return *made.render_text(*program, input, escape);
  };
  EXPECT_EQ(rendered("{{ .transcript_html }}", Escape::html), "<p>a &amp; b</p>");
  EXPECT_EQ(rendered("x{{.transcript_html | raw}}", Escape::html), "x<p>a &amp; b</p>");
  EXPECT_EQ(rendered("x{{ .transcript_text }}", Escape::html), "xa &amp; b");
  EXPECT_EQ(rendered("x{{ .transcript_html + \"<\" }}", Escape::html), "x&lt;p&gt;a &amp;amp; b&lt;/p&gt;&lt;");
  EXPECT_EQ(rendered("{{ .transcript_html }}", Escape::url), "%3Cp%3Ea%20%26amp%3B%20b%3C%2Fp%3E");
}

TEST(JsonText, doubles_have_their_shortest_form) {
  EXPECT_EQ(compact_json(json::parse(R"({"a":[19.99,1.0,-0.5],"b":9007199254740993,"c":"\u0001\"","d":[],"e":{}})")),
            R"({"a":[19.99,1,-0.5],"b":9007199254740993,"c":"\u0001\"","d":[],"e":{}})");
  EXPECT_EQ(compact_json(json::parse("1e300")), "1e+300");
}

TEST(Template, maps_and_lists_are_rendered_in_depth) {
  EXPECT_EQ(yaml("with: {a: '{{ .name }}', b: {c: ['{{ .n }}', x, {d: 'n={{ .n }}'}]}, e: 5}"),
            R"({"a":"Ann","b":{"c":[3,"x",{"d":"n=3"}]},"e":5})");
}

TEST(Template, no_result_leaves_the_key_out_and_null_stays) {
  EXPECT_EQ(yaml("with: {a: '{{ empty }}', b: '{{ .email }}', c: 'x{{ empty }}', d: {e: '{{ empty }}'}, f: ['{{ empty "
                 "}}', 1, '{{ .email }}']}"),
            R"({"b":null,"c":"x","d":{},"f":[1,null]})");
}

TEST(Template, scalars_that_are_not_text_are_constants) {
  EXPECT_EQ(yaml("with: {a: 1, b: 1.5, c: true, d: null, e: '1', f: ~, g: yes, h: [], i: {}, j: \"a\\tb\"}"),
            R"({"a":1,"b":1.5E0,"c":true,"d":null,"e":"1","f":null,"g":"yes","h":[],"i":{},"j":"a\tb"})");
  EXPECT_EQ(yaml("with: 7"), "7");
  EXPECT_EQ(yaml("other: 7"), "null");
  EXPECT_EQ(yaml("with: |\n  a {{ .n }}\n  b\n"), R"("a 3\nb\n")");
}

TEST(Template, environment_references_stay_as_they_are) {
  EXPECT_EQ(yaml("with: {a: 'costs ${PRICE} {{ .n }}', b: '${PRICE}'}"), R"({"a":"costs ${PRICE} 3","b":"${PRICE}"})");
}

TEST(Template, knows_constants_members_and_mentions) {
  config::Problems problems;
  Builder builder;
  const auto root =
      config::Document::parse("with: {a: {b: 1, c: [x]}, t: '{{ .transcript_text }} {{ .a }}', w: '{{ . }}'}", "t.yaml",
                              problems, no_environment());
  const Template made = Template::parse(root["with"], builder, problems);
  EXPECT_FALSE(made.is_constant());
  ASSERT_NE(made.member("a"), nullptr);
  EXPECT_TRUE(made.member("a")->is_constant());
  EXPECT_EQ(json::serialize(made.member("a")->constant()), R"({"b":1,"c":["x"]})");
  EXPECT_EQ(made.member("a")->member("b")->constant(), json::value(1));
  EXPECT_EQ(made.member("zzz"), nullptr);
  EXPECT_EQ(made.keys(), (std::vector<std::string>{"a", "t", "w"}));
  EXPECT_TRUE(made.member("t")->mentions(builder, "transcript_text"));
  EXPECT_TRUE(made.member("t")->names(builder, "transcript_text"));
  EXPECT_FALSE(made.member("t")->mentions(builder, "transcript"));
  EXPECT_TRUE(made.member("w")->mentions(builder, "links"));
  EXPECT_FALSE(made.names(builder, "links"));
  EXPECT_TRUE(Template().is_constant());
}

TEST(Template, an_error_says_which_expression_and_where) {
  EXPECT_EQ(yaml("with: {a: {b: 'x {{ .name.first }}'}}"),
            "ERROR: a: b: {{ .name.first }}: Cannot index string with string \"first\"");
  EXPECT_EQ(text("{{ error(\"no\") }}"), "ERROR: {{ error(\"no\") }}: no");
}

TEST(Template, output_is_limited) {
  EXPECT_THAT(text("{{ \"x\" * 700000 }}{{ \"y\" * 700000 }}"), HasSubstr("more than 1 MiB"));
  EXPECT_THAT(text("{{ \"x\" * 1100000 }}"), HasSubstr("more than 1 MiB"));
  EXPECT_THAT(yaml("with: ['{{ \"x\" * 400000 }}', '{{ \"x\" * 400000 }}', '{{ \"x\" * 400000 }}']"),
              HasSubstr("more than 1 MiB"));
  EXPECT_THAT(text("a{{ [range(9000) | \"0123456789012345678901234567890123456789\" * 4] | .[] }}"),
              HasSubstr("more than 1 MiB"));
  EXPECT_EQ(text("{{ (\"x\" * 1000000) | length }}"), "1000000");
}

TEST(Template, compare_orders_as_jq_does) {
  const char* ordered[] = {
      "null",      "false",  "true", "-1",  "0",     "0.5", "1",  "9007199254740993", "\"\"",       "\"A\"",
      "\"a\"",     "\"ab\"", "[]",   "[1]", "[1,1]", "[2]", "{}", R"({"a":1})",       R"({"a":2})", R"({"a":0,"b":0})",
      R"({"b":0})"};
  for (std::size_t i = 0; i < std::size(ordered); ++i)
    for (std::size_t j = 0; j < std::size(ordered); ++j) {
      const int c = compare(json::parse(ordered[i]), json::parse(ordered[j]));
      EXPECT_EQ(c < 0, i < j) << ordered[i] << " " << ordered[j];
      EXPECT_EQ(c == 0, i == j) << ordered[i] << " " << ordered[j];
    }
}

}  // namespace
}  // namespace chatrelay::expression
