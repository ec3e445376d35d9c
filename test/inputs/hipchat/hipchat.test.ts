import { afterAll, beforeAll } from "vitest";
import { hipchatInput } from "../../../src/inputs/hipchat/hipchat.ts";
import { HC } from "../../../src/inputs/hipchat/names.ts";
import { xml } from "../../../src/inputs/xmpp/xml.ts";
import { inputContract } from "../../contract/input.contract.ts";
import { BOT, CHAT, DEV, fakeHipChat, OPS } from "../../fakes/hipchat.ts";
import { readHtml, readTyped } from "../../fakes/hipchat-reader.ts";
import { fakeHipChatRest } from "../../fakes/hipchat-rest.ts";
import { type Certificate, makeCertificate } from "../../fakes/xmpp-certificate.ts";
import { WITHOUT } from "./without.ts";

let certificate: Certificate;
beforeAll(async () => {
  certificate = await makeCertificate(CHAT);
});
afterAll(() => certificate.remove());

const ANN = `12345_2@${CHAT}/mac||proxy|${CHAT}|5222`;

/** The member is Ann Smith in the room Ops. */
async function chatUnderTest(token: string | undefined) {
  const server = await fakeHipChat(certificate);
  const rest = token === undefined ? undefined : await fakeHipChatRest(token);
  const close = async () => {
    await server.close().catch(() => {});
    await rest?.close();
  };
  let last = xml("message");
  const say = (text: string, room = OPS) => {
    last = server.sayAs("Ann Smith", `@micro ${text}`, { room });
  };
  const input = hipchatInput({
    username: BOT,
    password: "botpw",
    server: server.address,
    ca: certificate.file,
    token,
    api: rest?.base,
  })();
  const typed = () => server.heard.map(({ text, to }) => ({ ...readTyped(text), where: to }));
  const notified = () =>
    (rest?.notified ?? []).map(({ message, message_format: format, room }) => ({
      ...(format === "html" ? readHtml(message) : readTyped(message)),
      where: room,
    }));
  return {
    server,
    rest,
    chat: {
      input,
      say,
      heard: () => [...typed(), ...notified()],
      alive: (raw: string) => [...readTyped(raw).live, ...(rest === undefined ? [] : readHtml(raw).live)],
      sayElsewhere: (text: string) => say(text, DEV),
      sayDirect: (text: string) => void server.tell(ANN, text),
      overhear: (text: string) => void server.sayAs("Ann Smith", text),
      sayAsStranger: (text: string) => void server.tell(`98765_2@${CHAT}/web`, text),
      spoof: (text: string) => {
        server.person("12345_666", "Ann Smith", OPS);
        server.push(xml("query", { xmlns: HC.roster }));
        server.sayAs("Ann Smith", `@micro ${text}`);
      },
      flood: (length: number) => void server.sayAs("Ann Smith", `@micro ${"x".repeat(length)}`),
      deliverAgain: () => server.deliver(last),
      noise: () => {
        const words = "@micro list services";
        const system = xml("x", { xmlns: HC.room }, xml("type", {}, "system"), xml("message_format", {}, "html"));
        server.sayAs("Jenkins", words, { children: [system] });
        server.sayAs("Micro Bot", words);
        const replaced = xml("replace", { xmlns: "urn:xmpp:message-correct:0", id: "m1" });
        server.sayAs("Ann Smith", words, { children: [replaced] });
        const delay = xml("delay", { xmlns: "urn:xmpp:delay", from: OPS, stamp: "2018-01-01T00:00:00Z" });
        server.sayAs("Ann Smith", words, { children: [delay] });
        server.tell(ANN, "list services", [delay]);
        server.tell(`${BOT}@${CHAT}/web`, "list services");
        server.enter(OPS, "Bob", { jid: `12345_3@${CHAT}` });
        server.leave(OPS, "Bob");
        server.deliver(xml("message", { from: OPS, type: "groupchat" }, xml("subject", {}, words)));
        server.deliver(xml("message", { from: OPS, type: "groupchat" }, xml("body", {}, words)));
      },
      whispered: () => typed().flatMap(({ text, where }) => (where === `12345_2@${CHAT}` ? [text] : [])),
      alone: () => typed().flatMap(({ text, where }) => (where === `12345_2@${CHAT}` ? [text] : [])),
      lose: server.cut,
      refuse: () => {
        server.manners.refuse = true;
        server.faults.refuse = "not-authorized";
      },
      unreachable: () => server.close(),
      close,
      [Symbol.asyncDispose]: close,
    },
  };
}

inputContract("hipchat", {
  without: WITHOUT,
  create: async () => {
    const { server, chat } = await chatUnderTest(undefined);
    return {
      ...chat,
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
    };
  },
});

inputContract("hipchat with REST", {
  without: WITHOUT,
  create: async () => {
    const { rest, chat } = await chatUnderTest("rest-token");
    if (rest === undefined) throw new Error("no REST");
    return {
      ...chat,
      failSend: (code) => {
        const reset = String(Math.ceil(Date.now() / 1000) + 5);
        const failures = {
          invalid_argument: { status: 400, message: "bad" },
          exhausted: { status: 429, headers: { "X-FloodControl-Remaining": "0", "X-FloodControl-Reset": reset } },
          unavailable: { status: 503, message: "later" },
        };
        rest.failures.push(failures[code]);
      },
      hold: () => {
        rest.held = true;
        return () => {
          rest.held = false;
        };
      },
    };
  },
});
