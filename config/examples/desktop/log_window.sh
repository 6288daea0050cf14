#!/bin/sh
# Logs that a window of a desktop application was opened, and shows what an operator left for its user.
#   log_window.sh 'APPLICATION - Some window'
# LHC_HOST (default http://127.0.0.1:8080), LHC_USER (default desktop) and LHC_KEY say where and as whom. The visitor's id (vid) is kept
# in VID_FILE: always adopt the one that is answered, it may be a new one.
set -eu
window=${1:?which window was opened?}
host=${LHC_HOST:-http://127.0.0.1:8080}
user=${LHC_USER:-desktop}
vid_file=${VID_FILE:-$HOME/.chatrelay-desktop-vid}
vid=
[ ! -f "$vid_file" ] || vid=$(cat "$vid_file")

# In the path: who it is, that a window was opened (without count_page it is only a look whether there is news), the hours from UTC, the
# department, and that the user is active. The key goes through a file of its own (-K): arguments can be seen by everybody on the machine.
answer=$(printf 'user = "%s:%s"\n' "$user" "${LHC_KEY:?the key of the account}" | curl --silent --show-error --fail-with-body --max-time 10 -K - \
  --data-urlencode "dt=$window" --data-urlencode "l=//desktop.example/$(uname -s)" --data-urlencode "ua=" \
  "$host/restapi/chatcheckoperatormessage/(vid)/$vid/(count_page)/1/(tz)/0/(priority)/0/(operator)/0/(theme)/0/(survey)/0/(department)/5/(uactiv)/1")

value_of() { printf '%s' "$answer" | sed -n 's/.*"'"$1"'":"\(\([^"\\]\|\\.\)*\)".*/\1/p' | sed 's/\\\(.\)/\1/g'; }
case "$answer" in *'"error":true'*) printf 'refused: %s\n' "$(value_of errors)" >&2; exit 1 ;; esac
new=$(value_of vid)
if [ -n "$new" ]; then
  umask 077
  printf '%s' "$new" >"$vid_file"
fi
case $(value_of action) in
  continue) ;;
  read_message) printf '%s: %s\n' "$(value_of name_support)" "$(value_of message)" ;;
  reopen_chat) printf 'Your chat goes on.\n' ;;
  disable_check) printf 'Do not ask again.\n'; exit 3 ;;
esac
