import { describe, expect, it } from "vitest";
import { type MatchRules, servicesOf } from "../../../src/alerts/incidents/match.ts";
import { merge } from "../../../src/alerts/incidents/merge.ts";
import { MicroError } from "../../../src/core/errors.ts";
import type { ServiceRecord } from "../../../src/core/registry/registry.ts";
import { alert, NOON, notification } from "./notifications.ts";

const NODES: Readonly<Record<string, string>> = {
  "go.micro.srv.payments": "10.0.0.1:8080",
  "go.micro.srv.orders": "10.0.0.2:8080",
  "go.micro.api.orders": "10.0.0.3:8080",
  mailer: "[fd00::4]:8080",
};

const registry = {
  list: async () => Object.keys(NODES),
  get: async (name: string): Promise<readonly ServiceRecord[]> => {
    const address = NODES[name];
    if (address === undefined) throw new MicroError("not_found", "none");
    const nodes = [{ id: `${name}-1`, address, metadata: {} }];
    return [{ name, version: "1", metadata: {}, endpoints: [], nodes }];
  },
};

function named(labels: Readonly<Record<string, string>>, rules?: MatchRules) {
  const incident = merge(undefined, notification([alert({ labels })]), NOON, "a7f3");
  return servicesOf(incident, registry, rules);
}

describe("the services that an alert names", () => {
  it.each([
    ["its whole name", { service: "go.micro.srv.payments" }, ["go.micro.srv.payments"]],
    ["the end of its name", { service: "payments" }, ["go.micro.srv.payments"]],
    ["more of the end of its name", { service: "srv.orders" }, ["go.micro.srv.orders"]],
    ["an end that two names have", { service: "orders" }, []],
    ["a part that is no word of it", { service: "ments" }, []],
    ["a job", { job: "mailer" }, ["mailer"]],
    ["an app", { app: "mailer" }, ["mailer"]],
    ["a label of ours", { micro_service: "mailer" }, ["mailer"]],
    ["a label that holds none, and another that does", { service: "nobody", job: "mailer" }, ["mailer"]],
    ["the address of a node", { instance: "10.0.0.2:8080" }, ["go.micro.srv.orders"]],
    ["the address of a node of version six", { instance: "[fd00::4]:8080" }, ["mailer"]],
    ["an address of nobody", { instance: "10.9.9.9:8080" }, []],
    ["a name and another's address", { service: "mailer", instance: "10.0.0.2:8080" }, ["mailer"]],
    ["nothing", {}, []],
    ["an empty name", { service: "" }, []],
    ["a name of every object", { service: "constructor" }, []],
  ])("are known by %s", async (_what, labels, services) => {
    expect(await named(labels)).toEqual(services);
  });

  it("are told by a rule, before anything else", async () => {
    const rules = {
      rules: [
        { labels: { job: "node-*", zone: "eu" }, service: "payments" },
        { labels: { job: "*-exporter-*" }, service: "legacy" },
      ],
    };
    expect(await named({ job: "node-7", zone: "eu", service: "mailer" }, rules)).toEqual(["go.micro.srv.payments"]);
    expect(await named({ job: "node-7", zone: "us", service: "mailer" }, rules)).toEqual(["mailer"]);
    // Somebody has written it down, so it is told though the registry does not know it.
    expect(await named({ job: "db-exporter-1" }, rules)).toEqual(["legacy"]);
    expect(await named({ job: "-exporter" }, rules)).toEqual([]);
  });

  it("are looked for in the labels that are said to hold them", async () => {
    const rules = { labels: ["component"], address: "host" };
    expect(await named({ service: "mailer", component: "payments" }, rules)).toEqual(["go.micro.srv.payments"]);
    expect(await named({ service: "mailer", host: "10.0.0.2:8080" }, rules)).toEqual(["go.micro.srv.orders"]);
  });

  it("are those of all its alerts, each once, and of those that fire while some do", async () => {
    const of = (fingerprint: string, service: string, status: "firing" | "resolved" = "firing") =>
      alert({ fingerprint, status, labels: { service } });
    const all = [of("a", "payments"), of("b", "mailer"), of("c", "payments"), of("d", "srv.orders", "resolved")];
    const incident = merge(undefined, notification(all), NOON, "a7f3");
    expect(await servicesOf(incident, registry)).toEqual(["go.micro.srv.payments", "mailer"]);
  });

  it("are unknown while the registry is away", async () => {
    const incident = merge(undefined, notification([alert()]), NOON, "a7f3");
    const away = { ...registry, list: () => Promise.reject(new MicroError("unavailable", "away")) };
    await expect(servicesOf(incident, away)).rejects.toMatchObject({ code: "unavailable" });
  });
});
