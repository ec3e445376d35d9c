import { describe, expect, it } from "vitest";
import { behave, PAY, version, WELL, type World, watching, world } from "./room.ts";

/* The bot's own probes, without anybody who watches. */

const told = ({ raised }: World) =>
  raised.map(({ group, alerts }) => [
    group,
    ...alerts.map(({ name, status, labels }) => `${name} ${labels["node"] ?? "-"} ${status}`),
  ]);

describe("alerts of the bot's own probes", () => {
  it("fire per node after two bad answers in a row, and are over when it answers", async () => {
    const around = await world();
    await around.registry.register(version(PAY, "1.4.0", 1, 2));
    const { pass, heard } = await watching({ world: around, raise: {} });
    await pass(60_000);
    expect(told(around)).toEqual([]);
    behave(around, "fail", 2);
    await pass(29_000);
    behave(around, WELL, 2);
    await pass(60_000);
    expect(told(around)).toEqual([]);
    behave(around, "fail", 2);
    await pass(90_000);
    expect(told(around)).toEqual([[PAY, "NodeUnhealthy n2 firing"]]);
    const [notification] = around.raised;
    expect(notification).toMatchObject({ kind: "watch", source: "watch", group: PAY });
    expect(notification?.alerts[0]).toMatchObject({
      severity: "warning",
      summary: `node n2 of ${PAY} (1.4.0 at 10.0.0.2:1) refuses connections`,
      labels: { service: PAY, node: "n2", instance: "10.0.0.2:1", version: "1.4.0", cause: "refused" },
    });
    await pass(300_000);
    behave(around, WELL, 2);
    await pass(60_000);
    expect(told(around).slice(1)).toEqual([[PAY, "NodeUnhealthy n2 resolved"]]);
    expect(around.raised[1]?.alerts[0]?.startsAt).toBe(notification?.alerts[0]?.startsAt);
    expect(heard()).toEqual([]);
  });

  it("are of the services that are named, also of one that comes later", async () => {
    const around = await world();
    await around.registry.register(version(PAY, "1.4.0", 1));
    const { pass, registry } = await watching({ world: around, raise: { services: ["go.micro.srv.*"] } });
    await registry.register(version("go.micro.web.shop", "1", 2));
    await registry.register(version("go.micro.srv.late", "1", 3));
    behave(around, "fail", 1, 2, 3);
    await pass(120_000);
    expect(told(around).sort()).toEqual([
      ["go.micro.srv.late", "NodeUnhealthy n3 firing"],
      [PAY, "NodeUnhealthy n1 firing"],
    ]);
    expect(around.nodes.asked.some((asked) => asked.includes("10.0.0.2:1"))).toBe(false);
  });

  it("say that a service is gone when its nodes died, and not when they deregistered while they answered", async () => {
    const around = await world();
    const { registry } = around;
    await registry.register(version(PAY, "1.4.0", 1, 2));
    await registry.register(version("orders", "1.0.0", 3));
    const { pass } = await watching({ world: around, raise: {} });
    await pass(60_000);
    await registry.deregister(version("orders", "1.0.0", 3));
    await pass(60_000);
    expect(told(around)).toEqual([]);
    behave(around, "fail", 1, 2);
    await pass(90_000);
    expect(told(around)).toEqual([[PAY, "NodeUnhealthy n1 firing", "NodeUnhealthy n2 firing"]]);
    expect(around.raised[0]?.alerts[0]?.severity).toBe("critical");
    await registry.deregister(version(PAY, "1.4.0", 1, 2));
    await pass(60_000);
    expect(told(around).slice(1)).toEqual([
      [PAY, "NodeUnhealthy n1 resolved", "NodeUnhealthy n2 resolved", "ServiceGone - firing"],
    ]);
    await registry.register(version(PAY, "1.4.0", 7));
    await pass(60_000);
    expect(told(around).slice(2)).toEqual([[PAY, "ServiceGone - resolved"]]);
  });

  it("are over when a node that died was replaced", async () => {
    const around = await world();
    const { registry } = around;
    await registry.register(version(PAY, "1.4.0", 1, 2));
    behave(around, "fail", 2);
    const { pass } = await watching({ world: around, raise: {} });
    await pass(90_000);
    await registry.register(version(PAY, "1.4.0", 3));
    await registry.deregister(version(PAY, "1.4.0", 2));
    await pass(60_000);
    expect(told(around)).toEqual([
      [PAY, "NodeUnhealthy n2 firing"],
      [PAY, "NodeUnhealthy n2 resolved"],
    ]);
  });

  it("go on over a kill: what fires is not raised anew, and is over when it is", async () => {
    const around = await world();
    await around.registry.register(version(PAY, "1.4.0", 1));
    behave(around, "fail", 1);
    const one = await watching({ world: around, raise: {} });
    await one.pass(90_000);
    one.die();
    const two = await watching({ world: around, raise: {} });
    await two.pass(120_000);
    expect(told(around)).toEqual([[PAY, "NodeUnhealthy n1 firing"]]);
    behave(around, WELL, 1);
    await two.pass(60_000);
    expect(told(around).slice(1)).toEqual([[PAY, "NodeUnhealthy n1 resolved"]]);
    await two.leave();
    // It died while nobody looked.
    behave(around, "fail", 1);
    const three = await watching({ world: around, raise: {} });
    await three.pass(90_000);
    await three.leave();
    await around.registry.deregister(version(PAY, "1.4.0", 1));
    const four = await watching({ world: around, raise: {} });
    await four.pass(60_000);
    expect(told(around).slice(2)).toEqual([
      [PAY, "NodeUnhealthy n1 firing"],
      [PAY, "NodeUnhealthy n1 resolved", "ServiceGone - firing"],
    ]);
  });

  it("share the asking with who watches", async () => {
    const around = await world();
    await around.registry.register(version(PAY, "1.4.0", 1));
    const { pass, ask } = await watching({ world: around, raise: { everyMs: 10_000 } });
    await ask("watch health payments");
    const before = around.nodes.asked.length;
    await pass(100_000);
    expect(around.nodes.asked.length - before).toBe(10);
  });
});
