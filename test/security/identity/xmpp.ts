import { expect, vi } from "vitest";
import { HC } from "../../../src/inputs/hipchat/names.ts";
import { CHAT, OPS as HIPCHAT_OPS } from "../../fakes/hipchat.ts";
import { DOMAIN, OPS } from "../../fakes/xmpp.ts";
import { hipchatAt, xmppAt } from "../places.ts";
import type { Scene } from "../proven.ts";
import type { StageRow } from "./stage.ts";

const UNSEEN = "an XMPP server does not tell that an account is gone; it lets nobody in by it";

/** A room where everybody sees who is who, and direct talk. */
export const xmpp: StageRow = {
  name: "xmpp",
  open: async (scene: Scene) => {
    const { server, input } = await xmppAt(scene);
    const { xml } = scene.kit;
    let nick = "ann";
    let count = 0;
    const as = (name: string, jid: string) => {
      server.enter(OPS, name, { jid });
      return (line: string) => void server.say(`micro: ${line}`, { nick: name });
    };
    const direct = (from: string) => (line: string) =>
      server.deliver(xml("message", { from, type: "chat", id: `d${++count}` }, xml("body", {}, line)));
    const rename = (to: string) => () => {
      server.leave(OPS, nick, [303], { nick: to });
      server.enter(OPS, to, { jid: `ann@${DOMAIN}/laptop` });
      nick = to;
    };
    return {
      input,
      ann: `xmpp:ann@${DOMAIN}`,
      say: (line) => void server.say(`micro: ${line}`, { nick }),
      others: {
        "another account": as("bob", `bob@${DOMAIN}/x`),
        "another account under her name": as("Ann", `eve@${DOMAIN}/x`),
        "another account whose name is her id": as(`ann@${DOMAIN}`, `eve@${DOMAIN}/x`),
        "somebody called admin/x": as(`ann@${DOMAIN}/x`, `eve@${DOMAIN}/x`),
        "the same name on another host": direct("ann@evil.example/laptop"),
        "a foreign workspace": direct(`ann@sub.${DOMAIN}/laptop`),
      },
      strangers: {
        "a guest account": direct("4f2a@anonymous.example/x"),
        "a foreign account": as("eve", "eve@evil.example/x"),
        "an account that was deleted": UNSEEN,
        "somebody whom nobody vouches for": (line) => void server.say(`micro: ${line}`, { nick: "nobody-is-here" }),
      },
      changes: {
        "a nick of her own choice": rename("admin/x"),
        "another name in the directory": rename("bob's boss"),
      },
      deleted: UNSEEN,
    };
  },
};

/** A room that hides who is who and writes occupant-ids. */
export const hiddenRoom: StageRow = {
  name: "xmpp in a room that hides addresses",
  open: async (scene: Scene) => {
    const { server, input } = await xmppAt(scene);
    server.room(OPS).open = false;
    let nick = "ann";
    const as = (name: string, occupantId: string, affiliation = "member") => {
      server.enter(OPS, name, { occupantId, affiliation });
      return (line: string) => void server.say(`micro: ${line}`, { nick: name });
    };
    const rename = (to: string) => () => {
      server.leave(OPS, nick, [303], { nick: to });
      server.enter(OPS, to, { occupantId: "occ-ann", affiliation: "member" });
      nick = to;
    };
    return {
      input,
      ann: `xmpp:${OPS}/occupant-id/occ-ann`,
      say: (line) => void server.say(`micro: ${line}`, { nick }),
      others: {
        "another account": as("bob", "occ-bob"),
        "another account under her name": as("Ann", "occ-eve"),
        "another account whose name is her id": as(`${OPS}/occupant-id/occ-ann`, "occ-eve"),
        "somebody called admin/x": as("occ-ann/x", "occ-eve"),
        "the same name on another host": "the room shows no hosts",
        "a foreign workspace": "the room shows no hosts",
      },
      strangers: {
        "a guest account": as("eve", "occ-eve", "none"),
        "a foreign account": "the room shows no hosts",
        "an account that was deleted": UNSEEN,
        "somebody whom nobody vouches for": (line) => void server.say(`micro: ${line}`, { nick: "nobody-is-here" }),
      },
      changes: {
        "a nick of her own choice": rename("admin/x"),
        "another name in the directory": rename("bob's boss"),
      },
      deleted: UNSEEN,
    };
  },
};

export const hipchat: StageRow = {
  name: "hipchat",
  open: async (scene: Scene) => {
    const { server, input } = await hipchatAt(scene);
    let name = "Ann Smith";
    const rename = (to: string) => async () => {
      const { roster } = server.manners.asked;
      server.manners.roster.splice(0, 99, ...server.manners.roster.filter(({ jid }) => !jid.startsWith("12345_2@")));
      server.leave(HIPCHAT_OPS, name);
      server.person("12345_2", to, HIPCHAT_OPS);
      name = to;
      server.push(scene.kit.xml("query", { xmlns: HC.roster }));
      await vi.waitFor(() => expect(server.manners.asked.roster).toBeGreaterThan(roster), { timeout: 3000 });
    };
    const as = (number: string, shown: string) => {
      server.person(number, shown);
      return (line: string) => void server.sayAs(shown, `@micro ${line}`);
    };
    return {
      input,
      ann: "hipchat:12345_2",
      say: (line) => void server.sayAs(name, `@micro ${line}`),
      others: {
        "another account": as("12345_5", "Bob"),
        "another account under her name": (line) => {
          server.leave(HIPCHAT_OPS, "Ann Smith");
          server.enter(HIPCHAT_OPS, "Ann Smith", { jid: `12345_666@${CHAT}/web` });
          server.sayAs("Ann Smith", `@micro ${line}`);
          server.leave(HIPCHAT_OPS, "Ann Smith");
          server.enter(HIPCHAT_OPS, "Ann Smith", { jid: `12345_2@${CHAT}/mac` });
        },
        "another account whose name is her id": as("12345_6", "12345_2"),
        "somebody called admin/x": as("12345_7", "12345_2/x"),
        "the same name on another host": (line) => void server.tell("12345_2@evil.example/x", line),
        "a foreign workspace": (line) => void server.tell(`98765_2@${CHAT}/web`, line),
      },
      strangers: {
        "a guest account": (line) => void server.tell(`12345_77@${CHAT}/web`, line),
        "a foreign account": (line) => void server.tell(`98765_2@${CHAT}/web`, line),
        "an account that was deleted": (line) => void server.tell(`12345_78@${CHAT}/web`, line),
        "somebody whom nobody vouches for": (line) => void server.sayAs("Mallory", `@micro ${line}`),
      },
      changes: {
        "a nick of her own choice": rename("admin/x"),
        "another name in the directory": rename("Ann Jones"),
      },
      deleted: "HipChat's server lets nobody in by an account that is gone; whom its roster has not is a guest",
    };
  },
};
