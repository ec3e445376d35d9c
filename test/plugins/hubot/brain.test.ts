import { describe, expect, it } from "vitest";
import { silent } from "../../../src/core/log.ts";
import { memoryKv } from "../../../src/platform/kv/memory.ts";
import { type BrainStore, createBrainStore } from "../../../src/plugins/hubot/brain-store.ts";
import { host, scriptFolder } from "./script-folder.ts";

const COUNT = `module.exports = (robot) => {
  robot.respond(/count/i, (res) => {
    robot.brain.set("count", (robot.brain.get("count") || 0) + 1);
    robot.brain.data.own = { of: "an old script" };
    res.message.user.likes = "tea";
    res.send(robot.brain.get("count") + " times, " + robot.brain.userForId("memory:ann").likes);
  });
  robot.respond(/grow/i, (res) => { robot.brain.set("big", "é😀".repeat(400000)); robot.brain.save(); res.send("grown"); });
  robot.respond(/how large/i, (res) => res.send(String((robot.brain.get("big") || "").length) + " " + robot.brain.data.own.of));
  robot.respond(/exit/i, () => { robot.brain.save(); setTimeout(() => process.exit(1), 20); });
};`;

describe("robot.brain", () => {
  it("is kept in the bot's store, over the end of the thread and of the bot", async () => {
    const cwd = scriptFolder({ "scripts/count.js": COUNT });
    const store = memoryKv();
    await store.start();
    const first = await host(cwd, { bot: { store } });
    expect(await first.ask("count")).toBe("1 times, tea");
    await first.until("exit", /was ended/);
    await first.until("count", /^2 times, tea$/m);
    await first.until("grow", /grown/);
    await first.bot.stop();

    const second = await host(cwd, { bot: { store } });
    expect(await second.ask("count")).toBe("3 times, tea");
    expect(await second.ask("how large")).toBe("1200000 an old script");
    await second.bot.stop();
    await store.stop();
  }, 60_000);

  it("is kept as it was when it has grown out of bounds, and again once it has not", async () => {
    const cwd = scriptFolder({
      "scripts/fill.js": `module.exports = (robot) => {
        robot.respond(/keep (\\d+)/i, (res) => {
          robot.brain.set("big", "y".repeat(Number(res.match[1])));
          robot.brain.save();
          res.send("kept");
        });
      };`,
    });
    const store = memoryKv();
    await store.start();
    const { ask, bot, logged } = await host(cwd, { bot: { store } });
    const kept = async () => {
      const brain = createBrainStore(store, silent);
      await brain.load();
      return (jsonOf(brain, "_private/big") ?? "").length;
    };
    await ask("keep 100");
    await expect.poll(kept).toBe(102);
    await ask("keep 20000000");
    await expect.poll(() => logged.join("\n")).toMatch(/robot\.brain has 2\d{7} characters, more than the 10000000/);
    expect(await kept()).toBe(102);
    await ask("keep 200");
    await expect.poll(kept).toBe(202);
    await bot.stop();
    await store.stop();
  }, 60_000);

  it("is whole or as it was, whatever a large value's writing comes to", async () => {
    const kv = memoryKv();
    await kv.start();
    const brain = createBrainStore(kv, silent);
    brain.save([["_private/big", JSON.stringify("a".repeat(500_000))]]);
    brain.save([["_private/small", "1"]]);
    await brain.settled();
    // Half of it is written, and then the store is gone.
    let left = 2;
    const cut = new Proxy(kv, {
      get: (target, name) => {
        if (name !== "put") return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name);
        return async (...given: [string, string]) => {
          if (left-- <= 0) throw new Error("away");
          return target.put(...given);
        };
      },
    });
    const cutOff = createBrainStore(cut, silent);
    await cutOff.load();
    cutOff.save([["_private/big", JSON.stringify("b".repeat(500_000))]]);
    await cutOff.settled();

    const again = createBrainStore(kv, silent);
    await again.load();
    expect(jsonOf(again, "_private/big")).toBe(JSON.stringify("a".repeat(500_000)));
    // With the next change it is tried again.
    left = 100;
    cutOff.save([["_private/small"]]);
    await cutOff.settled();
    const last = createBrainStore(kv, silent);
    await last.load();
    expect(jsonOf(last, "_private/big")).toBe(JSON.stringify("b".repeat(500_000)));
    expect(jsonOf(last, "_private/small")).toBeUndefined();
    expect((await kv.list("hubot-brain.piece.")).length).toBe(5);
    await kv.stop();
  });
});

function jsonOf(store: BrainStore, name: string): string | undefined {
  return store.current().find(([one]) => one === name)?.[1];
}
