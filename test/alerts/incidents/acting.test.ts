import { describe, expect, it, vi } from "vitest";
import type { Alertmanager, SilenceRequest } from "../../../src/alerts/incidents/alertmanager.ts";
import { merge } from "../../../src/alerts/incidents/merge.ts";
import { incidentKey } from "../../../src/alerts/incidents/store.ts";
import { MicroError } from "../../../src/core/errors.ts";
import type { Kv } from "../../../src/platform/kv/kv.ts";
import { memoryKv, memoryShelf } from "../../../src/platform/kv/memory.ts";
import { alert, NOON, notification } from "./notifications.ts";
import { alertsRoom, type RoomInit } from "./room.ts";

// Minutes go by in these.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/* What people say about an incident, from the room to its card. */

const payments = { service: "payments", instance: "10.0.0.1:8080" };
const MINUTE = 60_000;

/** An Alertmanager that remembers what it was asked. */
function silencer(fail?: MicroError) {
  const made: SilenceRequest[] = [];
  const active = new Set(["f1"]);
  const ended: string[] = [];
  const alertmanager: Alertmanager = {
    where: "Alertmanager",
    silence: async (request) => {
      if (fail) throw fail;
      made.push(request);
      return `s${made.length}`;
    },
    expire: async (id) => {
      ended.push(id);
    },
    active: async () => active,
    silences: async () => [],
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
  return { alertmanager, made, ended, active };
}

/** A room with one incident in it. */
async function firing(init: RoomInit = {}) {
  const room = await alertsRoom(init);
  room.hear([alert({ labels: payments })]);
  await room.pass(5000);
  const { id } = await room.one();
  const card = () => room.texts()[0] ?? "";
  /** Says it and waits until the card can have followed. */
  const say = async (line: string, from?: string) => {
    const answer = await room.ask(line, from);
    await room.pass(5000);
    return answer;
  };
  return { ...room, id, card, say };
}

describe("who says", () => {
  it("ack has the card say so, once; who says it then is told who had", async () => {
    const { id, card, say, texts } = await firing();
    expect(await say(`ack ${id}`)).toBe(`ann acknowledged ${id}: InstanceDown · go.micro.srv.payments`);
    expect(card()).toContain("ann acknowledged it");
    expect(card()).not.toContain(`ack ${id}`);
    expect(await say(`ack ${id}`, "bob")).toBe(`ann acknowledged ${id} at 12:00 UTC already`);
    expect(card().match(/acknowledged/g)).toHaveLength(1);
    expect(texts()).toHaveLength(1);
  });

  it("ack together is told that one of them had it", async () => {
    const { id, input, pass, texts, one } = await firing();
    for (const from of ["ann", "bob"]) input.say(`ack ${id}`, { from, room: from });
    await pass(5000);
    const answers = [...texts("ann"), ...texts("bob")].toSorted();
    expect(answers).toEqual([
      expect.stringMatching(/^(ann|bob) acknowledged .{4} at 12:00 UTC already$/),
      expect.stringMatching(/^(ann|bob) acknowledged .{4}: /),
    ]);
    expect((await one()).did).toHaveLength(1);
  });

  it("assign has it, or whom they name", async () => {
    const { id, card, say } = await firing();
    expect(await say(`assign ${id} me`)).toBe(`ann has ${id}: InstanceDown · go.micro.srv.payments`);
    expect(card()).toContain("ann has it");
    expect(await say(`assign ${id} @bob`)).toContain(`bob has ${id}, by ann`);
    expect(card()).toContain("bob has it");
    expect(card()).toContain("ann gave it to bob");
    expect(await say(`assign ${id} bob`, "cid")).toBe(`bob has ${id} already`);
  });

  it("assign writes to whom it is given, and says whether they know", async () => {
    const ids: Readonly<Record<string, readonly string[]>> = {
      bob: ["nowhere:b", "memory:bob"],
      cid: ["nowhere:c"],
    };
    const room = await firing({ idsOf: (name) => ids[name] ?? [] });
    const { id, say, texts } = room;
    expect(await say(`assign ${id} bob`)).toBe(
      `bob has ${id}, by ann: InstanceDown · go.micro.srv.payments\nI told bob directly in memory`,
    );
    expect(texts("@bob")).toEqual([
      expect.stringMatching(/^FIRING .*\nann gave it to you\.\nIts card is in memory:ops\./),
    ]);
    expect(await say(`assign ${id} bob`, "cid")).toBe(`bob has ${id} already`);
    expect(await say(`assign ${id} cid`)).toContain("I cannot write to cid myself now, so they have not been told");
    expect(await say(`assign ${id} dan`)).toContain("I know no id of dan and have not told them");
    expect(await say(`assign ${id} me`, "bob")).toBe(`bob has ${id}: InstanceDown · go.micro.srv.payments`);
    expect(texts("@bob")).toHaveLength(1);
  });

  it("silence makes one of what the labels have in common, once", async () => {
    const { alertmanager, made, ended } = silencer();
    const { id, card, say, clock } = await firing({ alertmanager });
    const at = clock.now();
    const answer = await say(`silence ${id} 2h "the disk is being replaced"`);
    expect(answer).toContain("silenced until 14:00 UTC");
    // What else has these is silent, too.
    expect(answer).toContain("whatever has alertname=InstanceDown, service=payments, instance=10.0.0.1:8080");
    expect(made).toMatchObject([
      {
        labels: { alertname: "InstanceDown", ...payments },
        endsAt: at + 120 * MINUTE,
        by: "ann",
        comment: `the disk is being replaced (alert ${id})`,
      },
    ]);
    expect(card()).toContain("silenced until 14:00 UTC");
    expect(card()).toContain("ann silenced it until 14:00 UTC: the disk is being replaced");
    expect(await say(`silence ${id} 30m`, "bob")).toBe(
      `ann silenced it until 14:00 UTC already: the disk is being replaced\n\`unsilence ${id}\` ends that`,
    );
    expect(made).toHaveLength(1);
    expect(await say(`alert show ${id}`)).toContain(`\`unsilence ${id}\``);
    expect(await say(`alert show ${id}`)).not.toContain(`\`silence ${id}\``);
    expect(await say("alerts")).toMatch(new RegExp(`${id}\\s+firing, silenced\\s`));
    expect(await say(`unsilence ${id}`)).toContain("is silent no more");
    expect(ended).toEqual(["s1"]);
    expect(card()).not.toContain("silenced until 14:00 UTC\n");
    expect(await say(`unsilence ${id}`)).toBe(`${id} was not silenced`);
  });

  it("silence sees all the same that it is over", async () => {
    const { alertmanager, active } = silencer();
    const { id, card, say, pass } = await firing({ alertmanager });
    await say(`silence ${id} 2h`);
    await pass(5 * MINUTE);
    expect(card()).toMatch(/^FIRING/);
    active.clear();
    await pass(3 * MINUTE);
    expect(card()).toMatch(/^RESOLVED/);
  });

  it("silence is told why it cannot be, and not offered", async () => {
    const none = await firing();
    expect(await none.say(`alert show ${none.id}`)).toContain(`you may say: \`ack ${none.id}\``);
    expect(await none.say(`alert show ${none.id}`)).not.toContain(`silence ${none.id}`);
    expect(await none.say(`silence ${none.id} 2h`)).toContain("--alertmanager_address");
    const { alertmanager } = silencer(new MicroError("unavailable", "Alertmanager at x:9093 cannot be reached"));
    const failing = await firing({ alertmanager });
    expect(await failing.say(`silence ${failing.id} 2h`)).toContain("cannot be reached");
    expect((await failing.one()).silence).toBeUndefined();
    const room = await firing({ alertmanager: silencer().alertmanager });
    expect(await room.say(`silence ${room.id} 5s`)).toContain("from 1m to 720h");
    expect(await room.say(`silence ${room.id} soon`)).toContain("duration");
    for (const { say } of [none, room]) {
      for (const line of ["silence ffff 2h", "silence ffff 1s", "unsilence ffff"]) {
        expect(await say(line)).toMatch(/there is no alert ffff; `alerts` shows the ids/);
      }
    }
  });

  it("silence of what has nothing in common but how bad it is would be one of all that is", async () => {
    const { alertmanager, made } = silencer();
    const room = await alertsRoom({ alertmanager });
    room.hear(
      ["A", "B"].map((name) => alert({ fingerprint: name, name, labels: { alertname: name, severity: "warning" } })),
    );
    await room.pass(5000);
    const { id } = await room.one();
    expect(await room.ask(`silence ${id} 2h`)).toContain("would silence everything that is warning");
    expect(made).toEqual([]);
  });

  it("silence about what nobody could silence is told so", async () => {
    const room = await alertsRoom({ alertmanager: silencer().alertmanager });
    room.hear([alert()], { kind: "generic", source: "ci" });
    room.hear([alert({ name: "A", labels: { a: "1" } }), alert({ fingerprint: "f2", name: "B" })], { group: "g2" });
    await room.pass(10_000);
    const [one, two] = (await room.incidents()).toSorted((a, b) => (a.source < b.source ? 1 : -1));
    expect(await room.ask(`silence ${one?.id} 2h`)).toContain("comes from ci, which I cannot silence");
    expect(await room.ask(`silence ${two?.id} 2h`)).toContain("no label in common");
    expect(room.texts().join()).not.toContain(`silence ${one?.id}`);
  });

  it("recheck sees how it is now, and so does the card", async () => {
    let asked = 0;
    const room = await firing({
      examine: async (service) => {
        asked += 1;
        const node = { id: "n1", address: "a:1", version: `1.${asked}`, since: NOON, before: true };
        const nodes = [{ ...node, ok: true, status: "ok", latencyMs: 1 }];
        const none = { causes: [], versions: [], gone: [], depends: [] };
        return { examination: { service, at: NOON, withinMs: 3000, nodes, bad: 0, ...none } };
      },
    });
    expect(room.card()).toContain(" 1.1 ");
    expect(await room.say(`recheck ${room.id}`)).toBe("go.micro.srv.payments is well: its node answers");
    expect(room.card()).toMatch(/1\.[23]/);
    expect(room.card()).not.toContain(" 1.1 ");
  });

  it("anything about one that is unknown is told so", async () => {
    const { ask } = await alertsRoom();
    for (const line of ["ack ffff", "assign ffff me", "recheck ffff", "alert show ffff"]) {
      expect(await ask(line)).toBe("there is no alert ffff; `alerts` shows the ids");
    }
    expect(await ask("ack")).toContain("`alerts` shows the ids");
    expect(await ask("alerts")).toBe("nothing fires");
  });

  it("what they may not is refused, and changes nothing", async () => {
    const rules = `
      members: ["alert:read", "bot:talk"]
      roles: { oncall: { members: ["memory:ann"], grants: ["alert:*"] } }
      rules: ["deny anyone ack go.micro.srv.orders"]`;
    const { id, say, ask, one, hear, pass, incidents } = await firing({ rules });
    expect(await ask(`ack ${id}`, "bob")).toContain("alert:act");
    expect((await one()).acked).toBeUndefined();
    expect(await ask(`alert show ${id}`, "bob")).toContain(`you may say: \`recheck ${id}\``);
    expect(await ask(`alert show ${id}`)).toContain(`you may say: \`ack ${id}\`, \`assign ${id} me\``);
    expect(await say(`ack ${id}`)).toContain("ann acknowledged");
    hear([alert({ labels: { service: "go.micro.srv.orders" } })], { group: "orders" });
    await pass(5000);
    const orders = (await incidents()).find(({ group }) => group === "orders");
    expect(await ask(`ack ${orders?.id}`)).toContain("deny");
  });

  it("what they may not on one of the services that it names is refused, and that one is named", async () => {
    const rules = `
      members: ["*:*"]
      rules:
        - deny memory:bob alert:act go.micro.srv.orders
        - deny memory:bob alert:silence go.micro.srv.orders
        - deny memory:bob recheck go.micro.srv.orders`;
    const { alertmanager, made } = silencer();
    const room = await alertsRoom({ rules, alertmanager });
    const both = ["payments", "orders"].map((service) => alert({ fingerprint: service, labels: { service } }));
    room.hear(both);
    await room.pass(5000);
    const { id, services } = await room.one();
    expect(services?.[0]).toBe("go.micro.srv.payments");
    for (const line of [`ack ${id}`, `assign ${id} me`, `silence ${id} 2h`, `unsilence ${id}`, `recheck ${id}`]) {
      expect(await room.ask(line, "bob")).toContain(`${id} names go.micro.srv.orders, too, on which you may not`);
    }
    expect(await room.one()).not.toHaveProperty("acked");
    expect(made).toEqual([]);
    expect(await room.ask(`ack ${id}`)).toContain("ann acknowledged");
  });

  it("what they may not on what it names is refused, though that was not known yet when the policy was asked", async () => {
    const rules = `
      members: ["*:*"]
      rules:
        - deny memory:bob alert:act go.micro.srv.payments
        - deny memory:bob alert:silence go.micro.srv.payments`;
    const kv = memoryKv({ shelf: memoryShelf() });
    // Another replica has it, and nobody here has seen that.
    const blind: Kv = {
      ...kv,
      watch: (prefix, options) => kv.watch(prefix === "incident." ? "nothing." : prefix, options),
    };
    const room = await alertsRoom({ rules, kv: blind });
    const made = merge(undefined, notification([alert({ labels: payments })]), NOON, "a7f3");
    const another = { ...made, id: "b8e4", group: "another" };
    for (const one of [made, another]) {
      await kv.put(incidentKey(one), JSON.stringify({ ...one, services: ["go.micro.srv.payments"] }));
    }
    expect(await room.ask("ack a7f3", "bob")).toContain("a7f3 names go.micro.srv.payments, too, on which you may not");
    expect((await room.incidents()).filter(({ acked }) => acked)).toEqual([]);
    expect(await room.ask("ack b8e4", "ann")).toContain("ann acknowledged b8e4");
  });

  it("while the registry has not told what it names, only who has bot:admin acts on it", async () => {
    const rules = `
      members: ["alert:*", "bot:talk"]
      roles: { admins: { members: ["memory:ann"], grants: ["*:*"] } }
      rules: ["deny memory:bob ack go.micro.srv.payments"]`;
    const room = await alertsRoom({ rules });
    const { list } = room.registry;
    const away = async () => {
      throw new MicroError("unavailable", "the registry is away");
    };
    Object.assign(room.registry, { list: away });
    room.hear([alert({ labels: payments })]);
    await room.pass(5000);
    const { id, services } = await room.one();
    expect(services).toBeUndefined();
    for (const from of ["bob", "cid"]) {
      expect(await room.ask(`ack ${id}`, from)).toContain("the registry cannot tell yet which services");
    }
    expect(await room.ask(`ack ${id}`)).toContain("ann acknowledged");
    // What it names is written down when it comes back, and asked about also when it is away again.
    Object.assign(room.registry, { list });
    await room.pass(30_000);
    Object.assign(room.registry, { list: away });
    expect(await room.ask(`assign ${id} me`, "cid")).toContain(`cid has ${id}`);
    expect(await room.ask(`ack ${id}`, "bob")).toContain("deny memory:bob ack");
  });
});

describe("alerts", () => {
  it("keeps from who asks what names a service that a rule keeps from them, also when it is over", async () => {
    const rules = `
      members: ["*:*"]
      rules: ["deny memory:bob alert:read go.micro.srv.orders"]`;
    const { ask, hear, pass, incidents } = await alertsRoom({ rules });
    const both = [
      alert({ fingerprint: "p", name: "Both", labels: payments }),
      alert({ fingerprint: "o", name: "Both", labels: { service: "go.micro.srv.orders" } }),
    ];
    hear([alert({ name: "Slow", labels: payments })], { group: "slow" });
    hear([alert({ name: "Secret", labels: { service: "go.micro.srv.orders" } })], { group: "secret" });
    hear(both, { group: "both" });
    await pass(10_000);
    const ids = new Map((await incidents()).map(({ group, id }) => [group, id]));
    expect(await ask("alerts")).toMatch(/Secret/);
    expect(await ask("alerts", "bob")).toMatch(/Slow/);
    expect(await ask("alerts", "bob")).not.toMatch(/Secret|Both/);
    for (const group of ["secret", "both"]) {
      expect(await ask(`alert show ${ids.get(group)}`, "bob")).not.toMatch(/Secret|FIRING/);
    }
    const ends = { name: "Secret", labels: { service: "go.micro.srv.orders" }, status: "resolved" } as const;
    hear([alert(ends)], { group: "secret" });
    await pass(20 * MINUTE);
    expect(await ask(`alert show ${ids.get("secret")}`)).toContain("RESOLVED");
    expect(await ask(`alert show ${ids.get("secret")}`, "bob")).toContain("you may not see");
    expect(await ask("alerts --all", "bob")).not.toMatch(/Secret/);
  });

  it("lists what fires, worst first, and what is over for who asks for that", async () => {
    const { ask, hear, pass } = await alertsRoom();
    hear([alert({ name: "Slow", severity: "warning", labels: payments })], { group: "slow" });
    hear([alert({ name: "Down", severity: "critical" })], { group: "down" });
    hear([alert({ name: "Note", severity: "info" })], { group: "note" });
    await pass(10_000);
    const rows = (await ask("alerts")).split("\n");
    expect(rows.map((row) => /Slow|Down|Note|Alert/.exec(row)?.[0])).toEqual(["Alert", "Down", "Slow", "Note"]);
    expect(await ask("alerts --service payments")).toMatch(/Slow/);
    expect(await ask("alerts --service payments")).not.toMatch(/Down/);
    expect(await ask("alerts --service nobody")).toBe("nothing of nobody fires");
    hear([alert({ name: "Down", severity: "critical", status: "resolved" })], { group: "down" });
    await pass(10_000);
    expect(await ask("alerts")).not.toContain("Down");
    expect(await ask("alerts --since 1h")).toMatch(/resolved +critical +Down/);
  });

  it("are history a while after they are over, and can still be shown", async () => {
    const { ask, hear, pass, incidents, texts, one } = await alertsRoom();
    hear([alert({ labels: payments })]);
    await pass(5000);
    const { id } = await one();
    hear([alert({ labels: payments, status: "resolved" })]);
    await pass(20 * MINUTE);
    expect(await incidents()).toEqual([]);
    expect(await ask("alerts")).toBe("nothing fires");
    expect(await ask("alerts --all")).toContain(id);
    expect(await ask("alerts --since 1m")).toContain("no alert is known of that time");
    expect(await ask(`alert show ${id}`)).toContain("RESOLVED after 6s: InstanceDown · go.micro.srv.payments");
    expect(await ask(`ack ${id}`)).toContain(`${id} is over`);
    // The same again is another incident, with a card of its own.
    hear([alert({ labels: payments, startsAt: NOON + 20 * MINUTE })]);
    await pass(5000);
    expect((await one()).id).not.toBe(id);
    expect(texts().filter((text) => text.startsWith("FIRING"))).toHaveLength(1);
  });
});

describe("alert demo", () => {
  it("shows a card where it is asked for, which is resolved after ten seconds", async () => {
    const { input, pass, texts, one } = await alertsRoom();
    input.say("alert demo");
    await pass(5000);
    const { id } = await one();
    expect(texts("room").join("\n")).toContain("fires for go.micro.srv.greeter: nothing is wrong");
    expect(texts("room").join("\n")).toContain(`FIRING warning: DemoAlert · go.micro.srv.greeter`);
    input.say(`ack ${id}`);
    await pass(12_000);
    expect(texts("room").join("\n")).toContain("ann acknowledged it");
    expect(texts("room").join("\n")).toContain("RESOLVED after 10s: DemoAlert · go.micro.srv.greeter");
    expect(texts()).toEqual([]);
  });

  it("is taken back when the bot stops", async () => {
    const { input, pass, stop, one, kv } = await alertsRoom();
    input.say("alert demo");
    await pass(2000);
    await stop();
    await kv.start();
    expect((await one()).status).toBe("resolved");
  });

  it("needs a grant", async () => {
    const { ask } = await alertsRoom({ rules: "members: ['alert:read', 'bot:talk']" });
    expect(await ask("alert demo")).toContain("alert:demo");
  });
});
