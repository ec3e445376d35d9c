import { describe, expect, it } from "vitest";
import type { AuditLog } from "../../../src/bot/audit/audit-log.ts";
import { memoryAudit } from "../../../src/bot/audit/memory.ts";
import type { BotInit } from "../../../src/bot/bot.ts";
import { createPause } from "../../../src/bot/pause.ts";
import { createAccounts } from "../../../src/bot/policy/accounts.ts";
import { readPolicy } from "../../../src/bot/policy.ts";
import { type Clock, systemClock } from "../../../src/core/clock.ts";
import { MicroError } from "../../../src/core/errors.ts";
import { closable } from "../../../src/core/lifecycle.ts";
import { silent } from "../../../src/core/log.ts";
import { memoryInput } from "../../../src/inputs/memory/memory.ts";
import { memoryKv, memoryShelf } from "../../../src/platform/kv/memory.ts";
import { type ManualClock, manualClock } from "../../fakes/clock.ts";
import { botOn, telling, textOf } from "../run-bot.ts";

/* One person on two networks, by their own word on both. */

const POLICY = `
members: ["bot:*"]
people:
  bob: ["slack:T01/UBOB"]
  kim: ["slack:T01/UKIM"]
  eva: ["xmpp:eva@chat.example.org"]
rules: |
  allow bob deploy
`;
const ANN = "slack:T01/UANN";
const CODE = /`link ([A-Z0-9]{4}-[A-Z0-9]{4})`/;

async function setUp(init: Partial<BotInit> = {}, clock: Clock & Partial<ManualClock> = manualClock()) {
  const slack = memoryInput({ name: "slack", clock });
  const xmpp = memoryInput({ name: "xmpp", clock });
  const deploy = {
    ...telling("deploy").command,
    permission: "service:deploy",
    effect: "write",
    confirm: false,
  } as const;
  const policy = readPolicy(POLICY, "policy.yaml");
  await botOn([slack, xmpp], { policy, clock, commands: [deploy], ...init }).start();
  const on = (input: typeof slack) => async (text: string, from: string | { id: string; guest: boolean }) => {
    input.say(text, { from });
    return textOf(await input.next());
  };
  return { clock, slack, onSlack: on(slack), onXmpp: on(xmpp) };
}

const codeIn = (answer: string) => CODE.exec(answer)?.[1] ?? "";

describe("link", () => {
  it("joins two ids once each has named the other, and what the file says of one holds for both", async () => {
    const { onSlack, onXmpp } = await setUp();
    expect(await onXmpp("deploy", "bob@chat.example.org")).toContain("you need the permission");
    const offered = await onSlack("link", "T01/UBOB");
    expect(offered).toContain("within 10 minutes");
    const code = codeIn(offered);
    expect(await onXmpp(`link ${code.toLowerCase().replace("-", "")}`, "bob@chat.example.org")).toContain(
      `that code was made by slack:T01/UBOB. If that is you, say \`link ${code} slack:T01/UBOB\``,
    );
    const half = await onXmpp(`link ${code} slack:T01/UBOB`, "bob@chat.example.org");
    expect(half).toContain(`now say \`link ${code} xmpp:bob@chat.example.org\` there`);
    expect(await onXmpp("deploy", "bob@chat.example.org")).toContain("you need the permission");
    expect(await onSlack(`link ${code} xmpp:bob@chat.example.org`, "T01/UBOB")).toBe(
      "linked: slack:T01/UBOB and xmpp:bob@chat.example.org are one person to me, bob",
    );
    expect(await onXmpp("deploy", "bob@chat.example.org")).toContain("done");
    expect(await onXmpp("deploy", "bob@chat.example.org.evil.example")).toContain("you need the permission");
    expect(await onSlack(`link ${code} xmpp:bob@chat.example.org`, "T01/UBOB")).toContain("there is no such code");
    expect(await onXmpp("unlink", "bob@chat.example.org")).toContain("is linked with nobody now");
    expect(await onXmpp("deploy", "bob@chat.example.org")).toContain("you need the permission");
  });

  it("does nothing for who only read the code: two who type it make it void", async () => {
    const { onSlack, onXmpp } = await setUp();
    const code = codeIn(await onSlack("link", "T01/UBOB"));
    await onXmpp(`link ${code} slack:T01/UBOB`, "mallory@evil.example");
    expect(await onXmpp(`link ${code}`, "bob@chat.example.org")).toContain("two have typed that code, so it is void");
    expect(await onSlack(`link ${code} xmpp:mallory@evil.example`, "T01/UBOB")).toContain("there is no such code");
    expect(await onXmpp("deploy", "mallory@evil.example")).toContain("you need the permission");
  });

  it("tells who made the code who has typed it, and is not finished without naming them", async () => {
    const { onSlack, onXmpp } = await setUp();
    const code = codeIn(await onSlack("link", "T01/UBOB"));
    await onXmpp(`link ${code} slack:T01/UBOB`, "mallory@evil.example");
    expect(await onSlack(`link ${code}`, "T01/UBOB")).toContain("xmpp:mallory@evil.example. If that is you");
    expect(await onSlack(`link ${code} xmpp:bob@chat.example.org`, "T01/UBOB")).toContain(
      "that code is not for xmpp:bob@chat.example.org, but for xmpp:mallory@evil.example",
    );
    expect(await onXmpp("deploy", "mallory@evil.example")).toContain("you need the permission");
  });

  it("is over after ten minutes, and a new code makes the old one void", async () => {
    const { clock, onSlack, onXmpp } = await setUp();
    const old = codeIn(await onSlack("link", "T01/UANN"));
    const code = codeIn(await onSlack("link", "T01/UANN"));
    expect(await onXmpp(`link ${old}`, "ann@chat.example.org")).toContain("there is no such code");
    await clock.advance?.(600_000);
    expect(await onXmpp(`link ${code}`, "ann@chat.example.org")).toContain("there is no such code, or it is too old");
  });

  it("is for nobody whom nobody vouches for, not for oneself, and not for two people of the policy file", async () => {
    const { onSlack, onXmpp } = await setUp();
    const code = codeIn(await onSlack("link", "T01/UBOB"));
    expect(await onXmpp(`link ${code}`, { id: "eve@evil.example", guest: true })).toMatch(/guests need|nobody vouches/);
    expect(await onSlack(`link ${code}`, "T01/UBOB")).toContain("say that on the other network");
    expect(await onXmpp(`link ${code}`, "eva@chat.example.org")).toContain(
      "the policy file says that xmpp:eva@chat.example.org is eva and slack:T01/UBOB is bob",
    );
    expect(await onSlack(`link ${code}`, "T01/UKIM")).toContain("is kim");
  });

  it("is kept in the store, and known to other replicas at once", async () => {
    const shelf = memoryShelf();
    const kv = async () => {
      const store = memoryKv({ shelf });
      await store.start();
      return store;
    };
    const { onSlack, onXmpp } = await setUp({ store: await kv() }, systemClock);
    const clock = manualClock();
    const others = createAccounts({ kv: await kv(), clock, log: silent });
    await others.start();
    const code = codeIn(await onSlack("link", "T01/UANN"));
    expect(JSON.stringify([...shelf.entries])).not.toContain(code);
    await onXmpp(`link ${code} ${ANN}`, "ann@chat.example.org");
    await onSlack(`link ${code} xmpp:ann@chat.example.org`, "T01/UANN");
    await expect.poll(() => others.idsOf("xmpp:ann@chat.example.org")).toEqual([ANN, "xmpp:ann@chat.example.org"]);
    const later = createAccounts({ kv: await kv(), clock, log: silent });
    await later.start();
    expect(later.idsOf(ANN)).toEqual([ANN, "xmpp:ann@chat.example.org"]);
    expect(await onSlack("unlink xmpp:eva@chat.example.org", "T01/UANN")).toContain("is not one of yours");
    await onSlack("unlink", "T01/UANN");
    await expect.poll(() => others.idsOf("xmpp:ann@chat.example.org")).toEqual([]);
    await later.stop();
    await others.stop();
  });
});

describe("a link that was made after asking and has ended before the yes", () => {
  const LEADS = `
roles: { lead: { members: ["slack:T01/ULEA", "slack:T01/UBOB"] } }
rules: |
  allow slack:* deploy approve 1 of role:lead
`;
  const approvals = async (init: Partial<BotInit> = {}) => {
    const { slack } = await setUp({ policy: readPolicy(LEADS, "policy.yaml"), ...init }, init.store && systemClock);
    // A question is not over while it waits, so `next` would wait for it.
    const onSlack = async (text: string, from: string) => {
      const before = slack.sent.length;
      slack.say(text, { from });
      await expect.poll(() => slack.sent.length).toBeGreaterThan(before);
      return textOf(slack.sent.at(-1));
    };
    const join = async (one: string, other: string) => {
      const code = codeIn(await onSlack("link", one));
      await onSlack(`link ${code} slack:${one}`, other);
      expect(await onSlack(`link ${code} slack:${other}`, one)).toMatch(/^linked: /);
    };
    const asked = /approve ([0-9a-f]{6})/.exec(await onSlack("deploy it", "T01/UANN"))?.[1] ?? "";
    return { onSlack, join, yes: (from: string) => onSlack(`approve ${asked}`, from) };
  };

  it.each(["T01/UANN", "T01/ULEA"])(
    "lets nobody approve what they asked for, by whom of both it is ended: %s",
    async (by) => {
      const { onSlack, join, yes } = await approvals();
      await join("T01/UANN", "T01/ULEA");
      await onSlack("unlink", by);
      expect(await yes("T01/ULEA")).toContain("you asked for it");
      expect(await yes("T01/UBOB")).toContain("done");
    },
  );

  it("counts over a third id, too", async () => {
    const { onSlack, join, yes } = await approvals();
    await join("T01/UANN", "T01/UTWO");
    await onSlack("unlink", "T01/UANN");
    await join("T01/UTWO", "T01/ULEA");
    await onSlack("unlink", "T01/UTWO");
    expect(await yes("T01/ULEA")).toContain("you asked for it");
  });

  it("counts though this replica has not heard of it yet", async () => {
    const { signal } = new AbortController();
    const shelf = memoryShelf();
    const [kv, deaf] = [memoryKv({ shelf }), memoryKv({ shelf })];
    await Promise.all([kv.start(), deaf.start()]);
    const silence = () => {
      const over = new AbortController();
      return {
        async *[Symbol.asyncIterator]() {
          await new Promise((resolve) => over.signal.addEventListener("abort", resolve));
        },
        ...closable(() => over.abort()),
      };
    };
    const store = Object.create(deaf, { watch: { value: async () => silence() } });
    const { yes } = await approvals({ store });
    const others = createAccounts({ kv, clock: manualClock(), log: silent });
    await others.join(ANN, "slack:T01/ULEA", signal);
    expect(await yes("T01/ULEA")).toContain("you asked for it");
    await others.part(ANN, signal);
    expect(await yes("T01/ULEA")).toContain("you asked for it");
  });

  it("is known to other replicas and after a restart, for a day, and then forgotten", async () => {
    const { signal } = new AbortController();
    const clock = manualClock();
    const kv = memoryKv();
    await kv.start();
    const [links, others] = [createAccounts({ kv, clock, log: silent }), createAccounts({ kv, clock, log: silent })];
    const [lea, bob, bea] = ["slack:T01/ULEA", "slack:T01/UBOB", "slack:T01/UBEA"];
    await links.join(ANN, lea, signal);
    await links.part(ANN, signal);
    await others.start();
    expect([others.idsOf(ANN), others.wereOf?.(lea)]).toEqual([[], [ANN, lea]]);
    await clock.advance(86_400_000);
    expect(others.wereOf?.(lea)).toEqual([]);
    await others.join(bob, bea, signal);
    await others.part(bob, signal);
    expect([(await kv.list("people.links.")).length, others.wereOf?.(bob)]).toEqual([1, [bob, bea]]);
    await others.stop();
    await kv.stop();
  });
});

describe("what changes who somebody is", () => {
  it("goes on while writes are paused, since it touches no service", async () => {
    const policy = readPolicy("members: ['service:deploy']", "policy.yaml");
    const { onSlack, onXmpp } = await setUp({ policy, store: await paused() }, systemClock);
    const code = codeIn(await onSlack("link", "T01/UANN"));
    await onXmpp(`link ${code} ${ANN}`, "ann@chat.example.org");
    expect(await onSlack(`link ${code} xmpp:ann@chat.example.org`, "T01/UANN")).toMatch(/^linked: /);
    expect(await onSlack("deploy it", "T01/UANN")).toContain("nothing was done: xmpp:eve paused all writes");
    expect(await onSlack("unlink", "T01/UANN")).toContain("is linked with nobody now");
  });

  it("is told of to who asks who can, in words of its own", async () => {
    const { onSlack } = await setUp({ policy: readPolicy("", "policy.yaml") });
    expect(await onSlack("who can link", "T01/UANN")).toBe(
      "who can `link`\nevery member: all members may do this for their own accounts",
    );
  });

  it.each(["link", "link 7QK4-M2XD", "unlink"])("is not done where it cannot be written down: %s", async (line) => {
    const clock = manualClock();
    const log = memoryAudit({ clock, replica: "r1" });
    const append = () => Promise.reject(new MicroError("unavailable", "the disk is full"));
    const auditLog = Object.create(log, { append: { value: append } }) as AuditLog;
    const { onSlack } = await setUp({ policy: readPolicy("", "policy.yaml"), auditLog }, clock);
    expect(await onSlack(line, "T01/UANN")).toContain("nothing was done, because I cannot write down what is done");
  });

  it("is open to members without a grant, and nobody is asked to confirm it", async () => {
    const { onSlack, onXmpp } = await setUp({ policy: readPolicy("", "policy.yaml") });
    const code = codeIn(await onSlack("link", "T01/UANN"));
    await onXmpp(`link ${code} ${ANN}`, "ann@chat.example.org");
    expect(await onSlack(`link ${code} xmpp:ann@chat.example.org`, "T01/UANN")).toMatch(/^linked: /);
    expect(await onSlack("unlink", "T01/UANN")).toContain("is linked with nobody now");
  });

  async function paused() {
    const store = memoryKv();
    await store.start();
    await createPause(store).pause({ by: "xmpp:eve", reason: "", at: 0 });
    return store;
  }
});

describe("a rule that denies one id of a person", () => {
  const FILE = `
people:
  ann: ["slack:T01/UANN", "xmpp:ann@chat.example.org"]
  bob: ["slack:T01/UBOB"]
members: ["*:*"]
`;
  const publish = { name: "publish", permission: "topic:publish", effect: "write" } as const;
  const may = (caller: string, denied: string, ids: readonly string[]) => {
    const linked = { idsOf: (id: string) => (ids.includes(id) ? ids : []), version: () => 1 };
    const policy = readPolicy(`${FILE}rules: ["deny ${denied} publish"]`, "policy.yaml", { linked });
    return policy.decide({ caller, guest: false, command: publish, at: 0 }).allowed;
  };
  const LINKED = ["hipchat:7", "slack:T01/UANN"];

  it.each([
    ["xmpp:ann@chat.example.org", "hipchat:7"],
    ["hipchat:7", "xmpp:ann@chat.example.org"],
    ["slack:T01/UANN", "hipchat:7"],
    ["hipchat:7", "ann"],
  ])("denies %s what %s is denied, whichever of them is linked", (caller, denied) => {
    expect(may(caller, denied, LINKED)).toBe(false);
  });

  it("denies nobody else, and holds for who is linked with two people", () => {
    expect(may("slack:T01/UBOB", "ann", LINKED)).toBe(true);
    expect(may("slack:T01/UBOB", "hipchat:7", LINKED)).toBe(true);
    expect(may("hipchat:7", "ann", [...LINKED, "slack:T01/UBOB"])).toBe(false);
  });
});
