"""Reads mDNS with python-zeroconf's parser, on 127.0.0.1. One JSON value a line.

Says "up" when it has joined the group, then every packet that the group hears. A line of hex on its input is sent to the
group from a port of its own, and the answers to that port are told as well.
"""

import json
import selectors
import socket
import struct
import sys

from zeroconf import DNSIncoming

GROUP, PORT, LO = "224.0.0.251", 5353, "127.0.0.1"


def record(r):
    kind = type(r).__name__
    data = {
        "DNSPointer": lambda: r.alias,
        "DNSService": lambda: [r.priority, r.weight, r.port, r.server],
        "DNSAddress": lambda: socket.inet_ntop(socket.AF_INET if r.type == 1 else socket.AF_INET6, r.address),
        "DNSText": lambda: r.text.decode("latin1"),
    }[kind]()
    return [kind, r.name, r.ttl, r.unique, data]


def tell(how, data, sender):
    packet = DNSIncoming(data)
    print(json.dumps({
        "how": how,
        "valid": packet.valid,
        "fromPort": sender[1],
        "id": packet.id,
        "flags": packet.flags,
        "counts": [packet.num_questions, packet.num_answers, packet.num_authorities, packet.num_additionals],
        "questions": [[q.name, q.type] for q in packet.questions],
        "records": [record(r) for r in (packet.answers() if callable(packet.answers) else packet.answers)],
    }), flush=True)


listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("0.0.0.0", PORT))
listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("4s4s", socket.inet_aton(GROUP), socket.inet_aton(LO)))
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.bind((LO, 0))
asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(LO))

print(json.dumps("up"), flush=True)
selector = selectors.DefaultSelector()
for source in (listener, asker, sys.stdin):
    selector.register(source, selectors.EVENT_READ)
while True:
    for key, _ in selector.select():
        if key.fileobj is sys.stdin:
            line = sys.stdin.readline()
            if not line:
                sys.exit(0)
            asker.sendto(bytes.fromhex(line.strip()), (GROUP, PORT))
        else:
            data, sender = key.fileobj.recvfrom(65536)
            if key.fileobj is asker or sender[1] != asker.getsockname()[1]:
                tell("reply" if key.fileobj is asker else "group", data, sender)
