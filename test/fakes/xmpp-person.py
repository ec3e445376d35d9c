#!/usr/bin/python3
"""A person in XMPP, by another implementation than the bot's (slixmpp).

usage: xmpp-person.py JID PASSWORD HOST PORT CA

Takes one JSON object a line on stdin (what to do) and prints one a line for what it hears.
"""
import asyncio
import json
import ssl
import sys

import slixmpp
from slixmpp.xmlstream import ET
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import StanzaPath

jid, password, host, port, ca = sys.argv[1:]
REACTION = "{urn:xmpp:reactions:0}reactions/{urn:xmpp:reactions:0}reaction"
REPLACE = "{urn:xmpp:message-correct:0}replace"


def out(**event):
    print(json.dumps(event), flush=True)


class Person(slixmpp.ClientXMPP):
    def __init__(self):
        super().__init__(jid, password)
        for plugin in ("xep_0030", "xep_0045", "xep_0199", "xep_0203", "xep_0308"):
            self.register_plugin(plugin)
        self.ca_certs = ca
        self.add_event_handler("session_start", self.started)
        # The event "message" leaves out what has no body.
        self.register_handler(Callback("any message", StanzaPath("message"), self.heard))
        self.add_event_handler("groupchat_presence", self.seen)
        self.add_event_handler("failed_auth", lambda e: out(event="failed"))

    def heard(self, m):
        replaced = m.xml.find(REPLACE)
        out(
            event="message",
            id=m["id"],
            **{"from": str(m["from"])},
            type=m["type"],
            body=m["body"],
            thread=m["thread"] or None,
            reaction=m.xml.findtext(REACTION),
            children=[child.tag for child in m.xml],
            replaces=None if replaced is None else replaced.get("id"),
        )

    def seen(self, p):
        out(event="presence", type=p["type"], **{"from": str(p["from"])})

    async def started(self, _):
        self.send_presence()
        await self.get_roster()
        out(event="online", jid=str(self.boundjid))
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=2**24)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            try:
                await self.do(**json.loads(line))
            except Exception as e:
                out(event="error", what=f"{type(e).__name__}: {e}")
        self.disconnect()

    async def do(self, do, **how):
        muc = self.plugin["xep_0045"]
        if do == "join":
            await muc.join_muc_wait(how["room"], how["nick"], maxstanzas=0)
            out(event="joined", room=how["room"])
        elif do == "leave":
            muc.leave_muc(how["room"], how["nick"])
        elif do == "nick":
            self.send_presence(pto=f"{how['room']}/{how['nick']}")
        elif do == "say":
            m = self.make_message(mto=how["to"], mbody=how["body"], mtype=how["type"])
            if "id" in how:
                m["id"] = how["id"]
            if "replaces" in how:
                m["replace"]["id"] = how["replaces"]
            if "thread" in how:
                m["thread"] = how["thread"]
            m.send()
        elif do == "ping":
            try:
                await self.plugin["xep_0199"].ping(slixmpp.JID(how["to"]), timeout=5)
                out(event="pong", of=how["to"])
            except Exception as e:
                out(event="no pong", of=how["to"], what=type(e).__name__)
        elif do == "raw":
            self.send_raw(how["xml"])
        elif do == "iq":
            iq = self.make_iq_set(ito=how["to"])
            iq.append(ET.fromstring(how["xml"]))
            await iq.send(timeout=5)
            out(event="done")


person = Person()
person.connect((host, int(port)))
person.loop.run_until_complete(person.disconnected)
