import { describe, expect, it } from "vitest";
import { MicroError } from "../../src/core/errors.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { like, versionLike } from "../../src/watches/like.ts";
import { behave, idIn, PAY, version, watching } from "./room.ts";

/* Who may have what watched, and how much of it. */

describe("a watch", () => {
  it.each([
    ["watch health nothing.here", "no service nothing.here is registered"],
    ["watch node n77", "no node n77 is registered"],
    ["watch version payments until", "until what?"],
    ["watch version payments until 2.3.*;x", '"2.3.*;x" is no version'],
    ["watch service payments until healthy", "only `watch version` and `watch health` wait"],
    ["watch health payments until tomorrow", "health is watched until healthy"],
    ["watch health payments at noon", 'what is "at"?'],
    ["watch health payments --for 31d", "a watch lasts from 1s to 30d"],
    ["watch health payments --for soon", '"soon" is no duration'],
    ["watch health payments --every 1s", "nodes are asked every 5s to 1h: --every 30s"],
    ["watch health payments in", "in which room?"],
  ])("is not made of %s, with the reason", async (line, reason) => {
    const { registry, ask, kept } = await watching();
    await registry.register(version(PAY, "1.4.0", 1));
    expect(await ask(line)).toContain(reason);
    expect(await kept()).toEqual([]);
  });

  it("said twice is one, and of others another", async () => {
    const { registry, ask, kept } = await watching();
    await registry.register(version(PAY, "1.4.0", 1));
    const id = idIn(await ask("watch health payments"));
    expect(await ask("watch health go.micro.srv.payments --for 2h")).toContain(
      `you watch that already, as watch ${id}`,
    );
    expect(await kept()).toHaveLength(1);
    await ask("watch health payments", "bob");
    await ask("watch service payments");
    expect(await kept()).toHaveLength(3);
  });

  it("is one of so many of a person, and so many in all", async () => {
    const { registry, ask } = await watching({ maxOwn: 2, max: 3 });
    for (const name of ["a", "b", "c"]) await registry.register(version(name, "1", 1));
    for (const name of ["a", "b"]) expect(await ask(`watch service ${name}`)).toContain("watch ");
    expect(await ask("watch service c")).toContain("you have 2 watches, and no more are kept: `unwatch` ends one");
    await ask("watch service a", "bob");
    expect(await ask("watch service b", "bob")).toContain("there are 3 watches");
  });

  it("is told in another room, which hears who wants that", async () => {
    const { registry, input, ask, pass } = await watching({ rules: "members: ['service:read', 'bot:talk']" });
    await registry.register(version(PAY, "1.4.0", 1));
    const made = input.sent.length;
    input.say("watch service payments in #ops", { from: "ann", room: "room", id: "elsewhere" });
    await expect.poll(() => input.sent.length).toBe(made + 2);
    const inOps = () => input.sent.filter(({ place }) => place.room === "ops").map(({ parts }) => parts[0]?.text);
    expect(inOps()).toEqual([expect.stringMatching(/^ann wants to be told here: nodes of go\.micro\.srv\.payments/)]);
    await registry.register(version(PAY, "1.4.0", 2));
    await pass(20_000);
    expect(inOps()).toEqual([expect.anything(), expect.stringContaining("node came: n2")]);
    expect(await ask("watch list", "bob", "ops")).toContain("memory:ann");
    expect(await ask("watch list", "bob", "elsewhere")).toContain("nothing is watched");
  });

  it("says once in a conversation that nothing of it outlives a bot without a store", async () => {
    const { registry, ask } = await watching();
    await registry.register(version(PAY, "1.4.0", 1));
    const gone = "I have no store, so it is gone when I stop";
    expect(await ask("watch health payments")).toContain(gone);
    expect(await ask("watch service payments")).not.toContain("no store");
    expect(await ask("watch health payments")).not.toContain("no store");
    expect(await ask("watch list")).toContain("I have no store, so they are gone when I stop");
    expect(await ask("watch version payments", "ann", "elsewhere")).toContain(gone);
    expect(await ask("watch service payments", "bob")).toContain(gone);
  });

  it("ends when its owner may not ask for that any more, without a word of how it is", async () => {
    const { world, registry, ask, leave, kept } = await watching();
    await registry.register(version(PAY, "1.4.0", 1));
    await ask("watch health payments");
    await leave();
    behave(world, "fail", 1);
    const rules = `{ members: ["*:*"], rules: ["deny memory:ann health ${PAY}"] }`;
    const next = await watching({ world, rules });
    await next.pass(90_000);
    expect(next.heard()).toEqual([
      expect.stringMatching(/health of go\.micro\.srv\.payments is watched no more: ann may not ask that here now/),
    ]);
    expect(next.heard().join()).not.toContain("not well");
    expect(await kept()).toEqual([]);
  });

  it("waits while its network is away, and tells then how it is", async () => {
    const { world, registry, ask, input, pass, heard } = await watching();
    await registry.register(version(PAY, "1.4.0", 1));
    await ask("watch health payments");
    input.failConnects(new MicroError("unavailable", "the network is away"), 14);
    input.lose();
    behave(world, "fail", 1);
    await pass(45_000);
    expect(heard()).toEqual([]);
    await pass(600_000);
    const told = heard();
    expect(told).toEqual([expect.stringContaining("is not well: its only node fails")]);
  });

  it("says nothing of what its store cannot agree to", async () => {
    const input = memoryInput();
    const { registry, ask, heard, pass, kv, world } = await watching({ input });
    await registry.register(version(PAY, "1.4.0", 1));
    await ask("watch health payments");
    kv.die();
    behave(world, "fail", 1);
    await pass(60_000);
    expect(heard()).toEqual([]);
  });
});

describe("patterns", () => {
  it.each([
    ["2.3.1", "2.3.*", true],
    ["2.3.1-rc1", "2.3.*", true],
    ["v2.3.1", "2.3.x", true],
    ["2.3.1", "v2.3.1", true],
    ["2.31.0", "2.3.*", false],
    ["2.3", "2.3.*", false],
    ["12.3.1", "2.3.*", false],
    ["2.3.1", "2.3", false],
    ["2.4.7", "2.x.7", true],
    ["", "*", true],
  ])("%s is like %s: %s", (which, pattern, so) => {
    expect(versionLike(which, pattern)).toBe(so);
  });

  it("take their time by length alone", () => {
    const began = performance.now();
    expect(like("a".repeat(20_000), `${"*a".repeat(5000)}b`)).toBe(false);
    expect(performance.now() - began).toBeLessThan(2000);
  });
});
