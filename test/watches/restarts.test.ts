import { describe, expect, it } from "vitest";
import type { Asked } from "../fakes/mortal-kv.ts";
import { behave, idIn, PAY, version, WELL, watching } from "./room.ts";

/* One message per change, whatever happens to who says it. */

const AGREES = ({ what, value = "" }: Asked) => what === "update" && value.includes('"saying":{');
const NOTES = ({ what, key, value = "" }: Asked) =>
  what === "update" && key.startsWith("watch.") && !value.includes('"saying":{') && value.includes('"key":"down"');

describe("a bot that is killed while something changes", () => {
  it.each([
    { where: "before it has agreed to say it", when: "before", so: AGREES, first: 0, told: /^While I was away: / },
    { where: "after it has agreed to", when: "after", so: AGREES, first: 0, told: /^I was stopped while I said this/ },
    {
      where: "before it noted that it was said",
      when: "before",
      so: NOTES,
      first: 1,
      told: /^I was stopped while I said this/,
    },
    { where: "after it noted that", when: "after", so: NOTES, first: 1, told: undefined },
  ] as const)("$where", async ({ when, so, first, told }) => {
    const { world, registry, ask, pass, heard, kv } = await watching();
    await registry.register(version(PAY, "1.4.0", 1));
    const id = idIn(await ask("watch health payments"));
    kv.dieAt(when, so);
    behave(world, "fail", 1);
    await pass(60_000);
    expect(kv.dead).toBe(true);
    expect(heard()).toHaveLength(first);
    const next = await watching({ world });
    await next.pass(90_000);
    const again = next.heard();
    if (told === undefined) expect(again).toEqual([]);
    else {
      expect(again).toEqual([expect.stringMatching(told)]);
      expect(again[0]).toContain(`is not well: its only node fails`);
      expect(again[0]).toContain(`watch ${id} of ann`);
    }
    const third = await watching({ world });
    await third.pass(90_000);
    expect([...next.heard(), ...third.heard()]).toEqual([]);
  });

  it("says once what changed while it was away, and nothing of what was as before when it came back", async () => {
    const { world, registry, ask, leave } = await watching();
    await registry.register(version(PAY, "1.4.0", 1));
    await registry.register(version("orders", "1.0.0", 2));
    await ask("watch health payments");
    await ask("watch health orders");
    await ask("watch service orders");
    await leave();
    behave(world, "fail", 1);
    await registry.deregister(version("orders", "1.0.0", 2));
    await world.clock.advance(60_000);
    await registry.register(version("orders", "1.0.0", 2));
    const next = await watching({ world });
    await next.pass(120_000);
    expect(next.heard()).toEqual([
      expect.stringMatching(
        /^While I was away: go\.micro\.srv\.payments is not well: its only node fails; it was well for/,
      ),
    ]);
  });

  it("gives services that begin together with it half a minute to come", async () => {
    const { world, registry, ask, leave } = await watching();
    await registry.register(version(PAY, "1.4.0", 1));
    await ask("watch health payments");
    await ask("watch version payments");
    await leave();
    await registry.deregister(version(PAY, "1.4.0", 1));
    const next = await watching({ world });
    await next.pass(20_000);
    await registry.register(version(PAY, "1.4.0", 2));
    await next.pass(60_000);
    expect(next.heard()).toEqual([]);
    await next.leave();
    await registry.deregister(version(PAY, "1.4.0", 2));
    const last = await watching({ world });
    await last.pass(60_000);
    const gone = expect.stringMatching(/^While I was away: go\.micro\.srv\.payments has no nodes any more/);
    expect(last.heard()).toEqual([gone, gone]);
  });

  it.each(["before", "after"] as const)(
    "%s it took an ended watch away: its last word is said, once more if need be",
    async (when) => {
      const { world, registry, ask, pass, heard, kv, kept } = await watching();
      await registry.register(version(PAY, "1.4.0", 1));
      await ask("watch health payments --for 1m");
      kv.dieAt(when, ({ what, key }) => what === "delete" && key.startsWith("watch."));
      await pass(70_000);
      expect(heard()).toEqual([expect.stringContaining("the watch ends after 60 s")]);
      const next = await watching({ world });
      await next.pass(90_000);
      const again = [expect.stringMatching(/^I was stopped while I said this, so you may know it: .*the watch ends/)];
      expect(next.heard()).toEqual(when === "before" ? again : []);
      expect(await kept()).toEqual([]);
    },
  );

  it("goes on counting turns, so that what flapped before flaps still", async () => {
    const { world, registry, ask, pass, heard, leave } = await watching();
    await registry.register(version(PAY, "1.4.0", 1));
    await ask("watch health payments --every 10s");
    for (const how of ["fail", WELL, "fail", WELL] as const) {
      behave(world, how, 1);
      await pass(40_000);
    }
    expect(heard()).toHaveLength(4);
    await leave();
    const next = await watching({ world });
    behave(world, "fail", 1);
    await next.pass(60_000);
    expect(next.heard()).toEqual([expect.stringContaining("is flapping")]);
  });
});

describe("two replicas", () => {
  it("say each change once, and the other goes on when one is killed", { timeout: 30_000 }, async () => {
    const one = await watching({ replica: "one" });
    const { world, registry, ask } = one;
    await registry.register(version(PAY, "1.4.0", 1));
    const two = await watching({ world, replica: "two" });
    await ask("watch health payments --every 10s");
    const both = () => [...one.heard(), ...two.heard()];
    both();
    behave(world, "fail", 1);
    await two.pass(60_000);
    expect(both()).toEqual([expect.stringContaining("is not well")]);
    // Whoever leads is the first that came.
    one.die();
    behave(world, WELL, 1);
    await two.pass(60_000);
    expect(one.heard()).toEqual([]);
    expect(two.heard()).toEqual([expect.stringMatching(/is well: its node answers/)]);
    expect(world.nodes.asked.length).toBeLessThan(30);
  });
});
