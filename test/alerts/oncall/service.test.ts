import { afterEach, describe, expect, it } from "vitest";
import { onCallService } from "../../../examples/oncall-service.ts";
import { createContacts } from "../../../src/alerts/oncall/contacts.ts";
import { createOwners } from "../../../src/alerts/oncall/owners.ts";
import { serviceRota } from "../../../src/alerts/oncall/rotas.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import { manualClock } from "../../fakes/clock.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function running() {
  const registry = memoryRegistry()();
  const service = onCallService(["ann", "bob"], { registry, address: "127.0.0.1:0" });
  await service.start();
  stops.push(() => service.stop());
  return { registry, client: service.client };
}

describe("a service that knows who is on call", () => {
  it("is asked who it is, and who is next", async () => {
    const { client } = await running();
    const rota = serviceRota(client, "go.micro.srv.oncall", "network");
    const at = Date.UTC(2026, 11, 24, 9);
    const until = Date.UTC(2026, 11, 25);
    const { shift, next } = await rota.at(at);
    expect(shift).toMatchObject({ until });
    expect(next).toMatchObject({ from: until });
    expect([shift?.person, next?.person].toSorted()).toEqual(["ann", "bob"]);
  });

  it("says so when it is not there, or says something else", async () => {
    const { client } = await running();
    await expect(serviceRota(client, "go.micro.srv.nobody", "network").at(0)).rejects.toThrow();
    const other = { request: async () => "ann" };
    await expect(serviceRota(other, "other", "network").at(0)).rejects.toThrow("something other than a person");
    expect(await serviceRota({ request: async () => ({}) }, "other", "network").at(0)).toEqual({});
  });
});

describe("the owner of a service", () => {
  it("is in its metadata, else in the file, else told by a service", async () => {
    const { registry, client } = await running();
    const node = { id: "orders-1", address: "127.0.0.1:1", metadata: {} };
    await registry.register({ name: "orders", version: "1", metadata: { team: "shop" }, endpoints: [], nodes: [node] });
    const owners = { "go.*.pay*": "payments", orders: "nobody" };
    const ownerOf = createOwners({ registry, client, clock: manualClock(), owners, service: "go.micro.srv.oncall" });
    expect(await ownerOf("orders")).toEqual({ team: "shop", by: "its metadata" });
    expect(await ownerOf("go.micro.srv.payments")).toEqual({ team: "payments", by: "the file" });
    expect(await ownerOf("go.micro.srv.users")).toEqual({ team: "users", by: "go.micro.srv.oncall" });
    const alone = createOwners({ registry, client, clock: manualClock(), owners: {} });
    expect(await alone("go.micro.srv.users")).toBeUndefined();
  });
});

describe("contacts", () => {
  it("are reached as they want first, and then as the policy knows them", () => {
    const others = {
      idsOf: (name: string) => (name === "ann" ? ["xmpp:ann@x", "slack:*"] : []),
      names: () => ["ann", "zoe"],
    };
    const contacts = createContacts({ ann: ["mailto:Ann@x", "slack:T1/U1"] }, others);
    expect(contacts.idsOf("ann")).toEqual(["slack:T1/U1", "xmpp:ann@x"]);
    expect(contacts.idsOf("slack:T9/U9")).toEqual(["slack:T9/U9"]);
    expect(contacts.idsOf("nobody")).toEqual([]);
    expect(contacts.nameOf(["mailto:ann@x"], "Primary")).toBe("ann");
    expect(contacts.nameOf([], "Primary")).toBe("Primary");
    expect(contacts.names()).toEqual(["ann", "zoe"]);
  });
});
