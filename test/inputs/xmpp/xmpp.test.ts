import { afterAll, beforeAll } from "vitest";
import { child, textOf, xml } from "../../../src/inputs/xmpp/xml.ts";
import { xmppInput } from "../../../src/inputs/xmpp/xmpp.ts";
import { inputContract } from "../../contract/input.contract.ts";
import { DOMAIN, fakeXmpp, OPS } from "../../fakes/xmpp.ts";
import { type Certificate, makeCertificate } from "../../fakes/xmpp-certificate.ts";
import { liveIn } from "../../fakes/xmpp-reader.ts";

let certificate: Certificate;
beforeAll(async () => {
  certificate = await makeCertificate(DOMAIN);
});
afterAll(() => certificate.remove());

inputContract("xmpp", {
  without: {
    taken: "XMPP has no acknowledgement of what a client has read",
    redeliver: "a server keeps nothing for a client that was there",
    press: "XMPP has no buttons that clients agree on",
    pressAsStranger: "XMPP has no buttons that clients agree on",
    sayForForm: "data forms (XEP-0004) are opened by the person's client, not by the bot",
    fill: "data forms (XEP-0004) are opened by the person's client, not by the bot",
    failForm: "data forms (XEP-0004) are opened by the person's client, not by the bot",
    remove: "what was said is deleted by who said it, if at all (XEP-0424)",
    under: "threads (RFC 6121 §5.2.5) are shown by few clients",
  },
  create: async () => {
    const server = await fakeXmpp(certificate);
    let last = xml("message");
    const direct = (text: string, from = `ann@${DOMAIN}/laptop`) =>
      server.deliver(xml("message", { from, type: "chat", id: "d1" }, xml("body", {}, text)));
    return {
      input: xmppInput({
        username: `bot@${DOMAIN}`,
        password: "botpw",
        server: server.address,
        ca: certificate.file,
        rooms: [OPS],
      })(),
      say: (text) => {
        last = server.say(`micro: ${text}`);
      },
      heard: () =>
        server.heard.map(({ text, to, stanza }) => ({ text: unfenced(text), where: to, live: liveIn(stanza, text) })),
      alive: (raw) => liveIn(xml("message", {}, xml("body", {}, raw)), raw),
      sayElsewhere: (text) => direct(text),
      sayDirect: (text) => direct(text),
      spoof: (text) => {
        server.leave(OPS, "ann");
        server.enter(OPS, "ann", { jid: "ann@evil.example/laptop" });
        last = server.say(`micro: ${text}`);
      },
      flood: (length) => void server.say(`micro: ${"x".repeat(length)}`),
      overhear: (text) => void server.say(text),
      sayAsStranger: (text) => direct(text, "ann@evil.example/x"),
      deliverAgain: () => server.deliver(last),
      noise: () => {
        const words = "micro: list services";
        server.say(words, { children: [xml("replace", { xmlns: "urn:xmpp:message-correct:0", id: "m1" })] });
        server.say(words, {
          children: [xml("delay", { xmlns: "urn:xmpp:delay", from: OPS, stamp: "2020-01-01T00:00:00Z" })],
        });
        server.say(words, { nick: "micro" });
        server.enter(OPS, "bob");
        server.leave(OPS, "bob");
        for (const type of ["headline", "error"]) {
          server.deliver(xml("message", { from: `ann@${DOMAIN}/x`, type }, xml("body", {}, "list services")));
        }
        server.deliver(xml("message", { from: OPS, type: "groupchat" }, xml("subject", {}, words)));
        server.deliver(xml("message", { from: OPS, type: "groupchat" }, xml("body", {}, words)));
      },
      whispered: () =>
        server.heard.filter(({ type, to }) => type === "chat" && to === `${OPS}/ann`).map(({ text }) => text),
      alone: () =>
        server.heard.filter(({ type, to }) => type === "chat" && to === `ann@${DOMAIN}`).map(({ text }) => text),
      marks: () => {
        const id = child(last, "stanza-id", "urn:xmpp:sid:0")?.attrs["id"];
        const { mark } = server.said.reduce<{ mark?: string }>((found, said) => {
          const signs = child(said, "reactions", "urn:xmpp:reactions:0");
          const sign = signs?.attrs["id"] === id && signs && child(signs, "reaction", "urn:xmpp:reactions:0");
          return sign ? { mark: textOf(sign) } : found;
        }, {});
        return mark === undefined ? [] : [mark];
      },
      failMark: () => void server.faults.failSends.push({ condition: "forbidden", type: "auth" }),
      lose: server.cut,
      refuse: () => {
        server.faults.refuse = "not-authorized";
      },
      unreachable: () => server.close(),
      failSend: (code) => {
        const failures = {
          invalid_argument: { condition: "forbidden", type: "auth" },
          exhausted: { condition: "resource-constraint", type: "wait" },
          unavailable: { condition: "internal-server-error", type: "wait" },
        };
        server.faults.failSends.push(failures[code]);
      },
      hold: () => {
        server.faults.held = true;
        return () => {
          server.faults.held = false;
        };
      },
      close: () => server.close().catch(() => {}),
      [Symbol.asyncDispose]: () => server.close().catch(() => {}),
    };
  },
});

/** As a client shows it that knows XEP-0393. */
function unfenced(text: string): string {
  return text.replace(/^```\n([\s\S]*)\n```$/, "$1");
}
