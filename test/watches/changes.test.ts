import { describe, expect, it } from "vitest";
import { behave, idIn, inStore, PAY, version, WELL, watching } from "./room.ts";

/* From what changes to what is said, by a clock that goes when it is told to. */

describe("watch health", () => {
  it("says once that a service is not well, and once that it is again", async () => {
    const { registry, nodes, ask, pass, heard } = await watching();
    await registry.register(version(PAY, "1.4.0", 1, 2));
    const made = await ask("watch health payments");
    expect(made).toMatch(/^watch [0-9a-f]{6}: health of go\.micro\.srv\.payments\. I tell here what changes, for 24 h/);
    expect(made).toContain("now: go.micro.srv.payments is well: all 2 nodes answer");
    await pass(120_000);
    expect(heard()).toEqual([]);
    behave({ nodes }, "fail", 2);
    await pass(120_000);
    expect(heard()).toEqual([
      expect.stringMatching(
        /^go\.micro\.srv\.payments: 1 of 2 nodes is not well; it was well for \d+ (s|min) \(watch [0-9a-f]{6} of ann\)\n- 1 node refuses connections.*n2 at 10\.0\.0\.2:1/,
      ),
    ]);
    behave({ nodes }, WELL, 2);
    await pass(120_000);
    expect(heard()).toEqual([expect.stringMatching(/is well: all 2 nodes answer; it was partly well for 2 min/)]);
  });

  it("says nothing of one bad answer, and asks again soon to know", async () => {
    const { registry, nodes, ask, pass, heard } = await watching();
    await registry.register(version(PAY, "1.4.0", 1));
    await ask("watch health payments");
    behave({ nodes }, "fail", 1);
    const asked = nodes.asked.length;
    while (nodes.asked.length === asked) await pass(1000);
    behave({ nodes }, WELL, 1);
    await pass(6000);
    expect(nodes.asked.length).toBe(asked + 2);
    await pass(120_000);
    expect(heard()).toEqual([]);
  });

  it("says nothing when a service is gone for less than ten seconds, and once when for more", async () => {
    const { registry, ask, pass, heard } = await watching();
    await registry.register(version(PAY, "1.4.0", 1));
    await ask("watch health payments");
    await registry.deregister(version(PAY, "1.4.0", 1));
    await pass(8000);
    await registry.register(version(PAY, "1.4.0", 1));
    await pass(60_000);
    expect(heard()).toEqual([]);
    await registry.deregister(version(PAY, "1.4.0", 1));
    await pass(60_000);
    expect(heard()).toEqual([
      expect.stringMatching(/^go\.micro\.srv\.payments has no nodes any more; it was well for/),
    ]);
    await registry.register(version(PAY, "1.4.0", 2));
    await pass(60_000);
    expect(heard()).toEqual([expect.stringMatching(/is well: its node answers; it had been gone for 60 s/)]);
  });

  it("asks each service once per interval, whoever watches it", async () => {
    const { registry, nodes, ask, pass } = await watching();
    await registry.register(version(PAY, "1.4.0", 1));
    for (const from of ["ann", "bob", "cid"]) await ask("watch health payments --every 10s", from);
    const before = nodes.asked.length;
    await pass(100_000);
    expect(nodes.asked.length - before).toBe(10);
  });

  it("ends when it is healthy, and says how long that took; and says so at once where it is", async () => {
    const { registry, nodes, ask, pass, heard, kept } = await watching();
    await registry.register(version(PAY, "1.4.0", 1));
    expect(await ask("watch health payments until healthy")).toBe(
      "go.micro.srv.payments is well: its node answers already: there is nothing to wait for",
    );
    behave({ nodes }, "fail", 1);
    await pass(2000);
    expect(await ask("watch health payments until healthy")).toContain("until healthy. I tell here");
    await pass(120_000);
    expect(heard()).toEqual([]);
    behave({ nodes }, WELL, 1);
    await pass(60_000);
    expect(heard()).toEqual([
      expect.stringMatching(
        /^go\.micro\.srv\.payments is well: its node answers, after 1\d\d s|[23] min; the watch has ended/,
      ),
    ]);
    expect(await kept()).toEqual([]);
  });
});

describe("watch version", () => {
  it("tells which versions come and go, and not each node of them", async () => {
    const { registry, ask, pass, heard } = await watching();
    await registry.register(version(PAY, "1.4.0", 1, 2, 3));
    expect(await ask("watch version payments")).toContain("now: go.micro.srv.payments: all 3 nodes run 1.4.0");
    for (const n of [1, 2, 3]) {
      await registry.deregister(version(PAY, "1.4.0", n));
      await registry.register(version(PAY, "1.5.0", n + 10));
      await pass(20_000);
    }
    expect(heard().map((text) => text.replace(/ \(watch.*/, ""))).toEqual([
      "go.micro.srv.payments: version 1.5.0 came; 1.4.0 on 2 nodes, 1.5.0 on 1 node",
      "go.micro.srv.payments: version 1.4.0 went; all 3 nodes run 1.5.0",
    ]);
  });

  it("shows how far a rollout is in one card, and ends when every node has come", async () => {
    const { registry, input, ask, pass, kept } = await watching();
    const all = Array.from({ length: 4 }, (_, at) => at + 1);
    await registry.register(version(PAY, "v2.2.9", ...all));
    expect(await ask("watch version payments until 2.3.x")).toContain(
      "now: 0 of 4 nodes of go.micro.srv.payments run 2.3.x",
    );
    const before = input.sent.length;
    for (const n of all) {
      await registry.deregister(version(PAY, "v2.2.9", n));
      await registry.register(version(PAY, "v2.3.1", n + 10));
      await pass(20_000);
      if (n === 2)
        expect(input.sent.at(-1)?.parts[0]?.text).toContain("2 of 4 nodes of go.micro.srv.payments run 2.3.x");
    }
    const said = input.sent.slice(before).map(({ parts }) => parts[0]?.text);
    expect(said).toEqual([
      expect.stringContaining("all 4 nodes of go.micro.srv.payments run 2.3.x (watch"),
      expect.stringMatching(/^all 4 nodes of go\.micro\.srv\.payments run 2\.3\.x, after \d+ s; the watch has ended/),
    ]);
    expect(await kept()).toEqual([]);
  });
});

describe("watch service and watch node", () => {
  it("tell which nodes come and go", async () => {
    const { registry, ask, pass, heard } = await watching();
    await registry.register(version(PAY, "1.4.0", 1, 2));
    expect(await ask("watch service payments")).toContain("now: go.micro.srv.payments has 2 nodes");
    await registry.deregister(version(PAY, "1.4.0", 1));
    await registry.register(version(PAY, "1.4.0", 3, 4));
    await pass(30_000);
    expect(heard()).toEqual([
      expect.stringMatching(
        /^go\.micro\.srv\.payments: 2 nodes came: n3 \(1\.4\.0 at 10\.0\.0\.3:1\), n4 .*; node went: n1; it has 3 nodes now/,
      ),
    ]);
  });

  it("tell of one node that it is not well, that it went, and that it is back", async () => {
    const { registry, nodes, ask, pass, heard } = await watching();
    await registry.register(version(PAY, "1.4.0", 1, 2));
    expect(await ask("watch node n2")).toContain("now: node n2 (1.4.0 at 10.0.0.2:1) is well");
    behave({ nodes }, "fail", 1, 2);
    await pass(60_000);
    expect(heard()).toEqual([
      expect.stringMatching(/^node n2 .* is not well: it refuses connections; it was well for/),
    ]);
    await registry.deregister(version(PAY, "1.4.0", 2));
    await pass(60_000);
    expect(heard()).toEqual([expect.stringMatching(/^node n2 of go\.micro\.srv\.payments is not registered any more/)]);
    behave({ nodes }, WELL, 2);
    await registry.register(version(PAY, "1.4.0", 2));
    await pass(60_000);
    expect(heard()).toEqual([expect.stringMatching(/^node n2 .* is well; it had been gone for/)]);
  });
});

describe("what changes all the time", () => {
  it("is told four times, then once that it flaps, and once when it has been quiet for ten minutes", async () => {
    const { registry, nodes, ask, pass, heard } = await watching();
    await registry.register(version(PAY, "1.4.0", 1));
    await ask("watch health payments --every 10s");
    const told: string[] = [];
    for (let turn = 0; turn < 10; turn++) {
      behave({ nodes }, turn % 2 === 0 ? "fail" : WELL, 1);
      await pass(45_000);
      told.push(...heard());
    }
    expect(told).toHaveLength(5);
    expect(told.slice(0, 4).some((text) => text.includes("flapping"))).toBe(false);
    expect(told[4]).toMatch(/^health of go\.micro\.srv\.payments is flapping: it changed 5 times within 10 min/);
    await pass(500_000);
    expect(heard()).toEqual([]);
    await pass(120_000);
    expect(heard()).toEqual([
      expect.stringMatching(/is well: its node answers; it has been so for 10 min and flaps no more/),
    ]);
    behave({ nodes }, "fail", 1);
    await pass(60_000);
    expect(heard()).toEqual([expect.stringMatching(/is not well: its only node fails; it was well/)]);
  });
});

describe("the end of a watch", () => {
  it("comes by time, with a last word", async () => {
    const { registry, ask, pass, heard, kept } = await watching();
    await registry.register(version(PAY, "1.4.0", 1));
    await ask("watch health payments --for 10m");
    await pass(590_000);
    expect(heard()).toEqual([]);
    await pass(20_000);
    expect(heard()).toEqual([expect.stringMatching(/is well: its node answers; the watch ends after 10 min/)]);
    expect(await kept()).toEqual([]);
  });

  it("comes when its service has been gone for a day", async () => {
    const { world, registry, ask, pass, heard, kept, leave, clock } = await watching();
    await registry.register(version(PAY, "1.4.0", 1));
    await ask("watch version payments --for 30d");
    await registry.deregister(version(PAY, "1.4.0", 1));
    await pass(20_000);
    expect(heard()).toEqual([expect.stringContaining("has no nodes any more")]);
    await leave();
    const [watch] = await kept();
    const said = { key: "gone", at: clock.now() - 86_400_000 + 60_000 };
    await inStore(world, (kv) => kv.put(`watch.${watch?.id}`, JSON.stringify({ ...watch, said })));
    const again = await watching({ world });
    await again.pass(40_000);
    expect(again.heard()).toEqual([]);
    await again.pass(30_000);
    expect(again.heard()).toEqual([expect.stringContaining("it has been gone for a day, and the watch ends")]);
    expect(await kept()).toEqual([]);
  });

  it("comes when somebody ends it, its owner or who may", async () => {
    const { registry, ask, kept } = await watching({ rules: "members: ['service:read', 'bot:talk']" });
    await registry.register(version(PAY, "1.4.0", 1));
    const id = idIn(await ask("watch health payments"));
    expect(await ask(`unwatch ${id}`, "bob")).toContain(`${id} is memory:ann's; they can end it`);
    expect(await kept()).toHaveLength(1);
    expect(await ask("watch list")).toMatch(
      new RegExp(`${id}\\s+health of go\\.micro\\.srv\\.payments\\s+here\\s+memory:ann\\s+well for`),
    );
    expect(await ask(`unwatch ${id}`)).toBe(`watch ${id} has ended: health of go.micro.srv.payments`);
    expect(await ask("watches")).toContain("nothing is watched");
    expect(await ask(`unwatch ${id}`)).toContain(`there is no watch ${id}`);
  });
});
