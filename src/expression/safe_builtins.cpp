#include "expression/safe_builtins.hpp"

namespace chatrelay::expression {

std::string_view safe_builtins() {
  return R"jq(
# An array is filled up to the index that is set: 1e9 ends the process, 1e8 takes 1.5 GB. Limit: an index up to 1,000,000
# (16 MB); an event of 1 MiB has no longer list. What assigns is what libjq has, over this setpath.
def __setpath($path; $value): setpath($path; $value);
def setpath($path; $value):
  if ($path | type) == "array" and any($path[]; type == "number" and . > 1000000)
  then error("Array index too large") else __setpath($path; $value) end;
def _assign(paths; value): value as $v | reduce path(paths) as $p (.; setpath($p; $v));
def _modify(paths; update):
  reduce path(paths) as $p (.; label $out | (setpath($p; getpath($p) | update) | ., break $out), delpaths([$p]));
def fromstream(i):
  foreach i as $item (
    [null, false, null, false];
    if ($item[0] | length) == 0 then [null, false, .[2], .[3]]
    elif ($item | length) == 1 and ($item[0] | length) < 2 then [null, false, .[0], .[1]]
    else . end
    | . as $state
    | if ($item | length) > 1 and ($item[0] | length) > 0 then
        [.[0] | setpath($item[0]; $item[1]), true, $state[2], $state[3]]
      else . end;
    if ($item[0] | length) == 1 and ($item | length == 1) and .[3] then .[2] else empty end,
    if ($item[0] | length) == 0 then $item[1] else empty end);

# strftime and todate abort the process for a number that gmtime refuses (1e300).
def __strftime($format): strftime($format);
def strftime($format): (if type == "number" then gmtime else . end) | __strftime($format);
def todateiso8601: strftime("%Y-%m-%dT%H:%M:%SZ");
def todate: todateiso8601;

# The empty text is looked for beyond the end of the other, until the memory is used up; jq 1.7 says null here.
def __indices($i): indices($i);
def indices($i): if type == "string" and $i == "" then [] else __indices($i) end;
def index($i): indices($i) | .[0];
def rindex($i): indices($i) | .[-1:][0];

# After an empty match, a global search goes on one byte later: within a character that has several it reads wild
# memory. So what may match nothing is looked for match by match, in text beyond ASCII.
def __match($re; $mode): match($re; $mode);
def __never_empty($mode):
  ($mode | contains("x") | not)
  and test("\\A(?:[^*?{|^$(\\\\\\[]|\\\\[dDsSwWnrt.,*?+|(){}\\[\\]^$/\\\\-]"
           + "|\\[\\^?(?:[^\\]\\[\\\\]|\\\\[dDsSwWnrt.-])+\\])+\\z");
def __looks_back: test("[\\^]|\\\\[AbBGK]|\\(\\?<[=!]");
def __moved($n): .offset += $n | .captures |= map(if .offset >= 0 then .offset += $n else . end);
# The first match from the character $n on. \K: where the match begins for whoever asks.
def __next($re; $mode; $looks_back; $n):
  if $n == 0 then __match($re; $mode)
  elif $looks_back then
    __match("\\A(?s:.{\($n),}?)\\K(?:" + $re + (if $mode | contains("x") then "\n)" else ")" end); $mode)
  else .[$n:] | __match($re; $mode) | __moved($n) end;
def __walk($re; $mode; $looks_back; $n):
  . as $text
  | if $n > 0 and $n >= length then empty
    else [__next($re; $mode; $looks_back; $n)][0] as $found
      | if $found == null then empty
        else $found, ($text | __walk($re; $mode; $looks_back; $found.offset + ([1, $found.length] | max))) end
    end;
def __all_of_them($re; $mode):
  ([., $re, $mode] | all(type == "string")) and ($mode | contains("g")) and utf8bytelength > length
  and ($re | __never_empty($mode) | not);
def match($re; $mode):
  if __all_of_them($re; $mode) then __walk($re; $mode | split("g") | join(""); $re | __looks_back; 0)
  else __match($re; $mode) end;

# The others as libjq has them, over this match. (sub and gsub search for one match at a time anyway.)
def __of_value(one; two):
  type as $type
  | if $type == "string" then one
    elif $type == "array" and length > 1 then two
    elif $type == "array" and length > 0 then .[0] | one
    else error($type + " not a string or array") end;
def match($val): . as $in | $val | __of_value(. as $re | $in | match($re; null); . as $v | $in | match($v[0]; $v[1]));
def capture($re; $mode):
  match($re; $mode) | reduce (.captures[] | select(.name != null) | {(.name): .string}) as $pair ({}; . + $pair);
def capture($val):
  . as $in | $val | __of_value(. as $re | $in | capture($re; null); . as $v | $in | capture($v[0]; $v[1]));
def scan($re): match($re; "g") | if (.captures | length) > 0 then [.captures[].string] else .string end;
def splits($re; $mode):
  . as $text
  | [0, (match($re; "g" + $mode) | .offset, .offset + .length), ($text | length)]
  | range(0; length; 2) as $i
  | $text[.[$i]:.[$i + 1]];
def splits($re): splits($re; null);
def split($re; $mode): [splits($re; $mode)];

# Our own. Of an event, the page that the visitor is on; of a text, that address: does it fit the pattern, or one of a
# list, in which * stands for anything (Livechatoo's `target`)? The whole address is compared; without what stands after
# # or ?, where the pattern has none (a ? after the # counts there alone). No regular expression: the time goes by the
# address's length, whatever it holds.
def __page_fits($pattern):
  ($pattern | split("*")) as $parts
  | if ($parts | length) < 2 then . == $pattern
    elif startswith($parts[0]) | not then false
    else
      reduce ($parts[1:-1][] | select(. != "")) as $part (.[($parts[0] | length):];
        if . == null then null
        else split($part) as $pieces
          | if ($pieces | length) < 2 then null else .[($pieces[0] | length) + ($part | length):] end
        end)
      | . != null and endswith($parts[-1])
    end;
def __page_without_query($pattern): if $pattern | contains("?") then . else split("?") | .[0] // "" end;
def __page_for($pattern):
  split("#") as $url
  | ($pattern | split("#")) as $wanted
  | ($url[0] // "" | __page_without_query($wanted[0] // "")) as $page
  | if ($url | length) < 2 or ($wanted | length) < 2 then $page
    else $page + "#" + ($url[1:] | join("#") | __page_without_query($wanted[1:] | join("#"))) end;
def matches_page($pattern):
  (if type == "object" then .visitor.page.url else . end) as $url
  | if ($url | type) != "string" then false
    else
      any(($pattern | if type == "array" then .[] else . end) | strings;
        . as $one | $url | __page_for($one) | __page_fits($one))
    end;
)jq";
}

}  // namespace chatrelay::expression
