# Browses a domain with avahi, in the network namespace that this runs in, while a peer holds a service there.
# usage: avahi-browse.sh FOLDER DOMAIN TYPE COMMAND… (the peer; it ends when its input is closed)
# Prints what avahi-browse -p found. avahi needs a message bus, so it gets one of its own in FOLDER.
folder=$1 domain=$2 type=$3
shift 3
cat > "$folder/bus.conf" <<BUS
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=$folder/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
BUS
printf '[server]\nuse-ipv6=no\nallow-interfaces=lo\n[publish]\npublish-workstation=no\n' > "$folder/avahi.conf"
ip link set lo up multicast on
dbus-daemon --config-file="$folder/bus.conf" --nofork 2>/dev/null & bus=$!
while [ ! -S "$folder/bus" ]; do sleep 0.1; done
export DBUS_SYSTEM_BUS_ADDRESS="unix:path=$folder/bus"
avahi-daemon --no-drop-root --no-chroot --no-proc-title -f "$folder/avahi.conf" 2>/dev/null & avahi=$!
sleep 8 | "$@" >/dev/null &
tries=0
while [ $tries -lt 6 ]; do
  sleep 1
  found=$(timeout 5 avahi-browse -prt -d "$domain" "$type" 2>/dev/null | grep '^=')
  [ -n "$found" ] && break
  tries=$((tries + 1))
done
echo "$found"
kill $avahi $bus
wait
