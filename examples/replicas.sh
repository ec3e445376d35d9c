#!/bin/sh
# Three bots that are one, over one NATS server, all on this machine. Type to any of them, and kill what you like.
#
#   npm run build && sh examples/replicas.sh                # to talk to with `micro chat`
#   MICRO_BOT_INPUTS=slack MICRO_SLACK_TOKEN=… MICRO_SLACK_APP_TOKEN=… sh examples/replicas.sh
#
# What the bots are told is in the environment, as for `micro bot`. Ctrl-C ends everything; what was kept stays in $DIR.
set -eu

DIR=${DIR:-${TMPDIR:-/tmp}/micro-replicas}
PORT=${PORT:-24222}
MICRO=${MICRO:-node $(cd "$(dirname "$0")/.." && pwd)/dist/bin/micro.js}
export MICRO_BOT_STORE=nats MICRO_BOT_STORE_ADDRESS=127.0.0.1:$PORT
export MICRO_BOT_INPUTS=${MICRO_BOT_INPUTS:-local} MICRO_LOG_LEVEL=${MICRO_LOG_LEVEL:-info}

command -v nats-server >/dev/null || { echo "nats-server is not installed (Debian: apt-get install nats-server)" >&2; exit 1; }
mkdir -p "$DIR"
chmod 700 "$DIR"

# Runs a part, and again two seconds after it ended, as a service manager does. Its log and its process id are in $DIR.
keep() {
  name=$1
  shift
  ended=
  trap 'ended=yes; kill "$child" 2>/dev/null || :' TERM INT
  while [ -z "$ended" ]; do
    "$@" >>"$DIR/$name.log" 2>&1 &
    child=$!
    echo "$child" >"$DIR/$name.pid"
    wait "$child" || :
    # A signal ends the first wait, and what it was for may take a moment to leave.
    wait "$child" 2>/dev/null || :
    if [ -z "$ended" ]; then
      echo "$name has ended; it is started again in 2 s"
      sleep 2
    fi
  done
}

parts=
trap 'trap - INT TERM EXIT; kill $parts 2>/dev/null || :; wait' INT TERM EXIT
keep nats nats-server -a 127.0.0.1 -p "$PORT" -js -sd "$DIR/nats" &
parts=$!
sleep 1
for name in one two three; do
  MICRO_REPLICA_NAME=$name MICRO_STATE_DIR=$DIR/$name keep "$name" $MICRO --server_address=127.0.0.1:0 bot &
  parts="$parts $!"
done

cat <<END
talk to one:      $MICRO chat --state_dir=$DIR/one
who is there:     echo replicas | $MICRO chat --state_dir=$DIR/two
kill one:         kill -9 \$(cat $DIR/one.pid)
pause two:        kill -STOP \$(cat $DIR/two.pid); sleep 15; kill -CONT \$(cat $DIR/two.pid)
let three leave:  kill \$(cat $DIR/three.pid)
kill the store:   kill -9 \$(cat $DIR/nats.pid)
what they say:    tail -f $DIR/*.log
END
wait
