import { describe, expect, it } from "vitest";
import { type QuietTime, readQuietTime } from "../../../src/alerts/oncall/quiet.ts";
import { type Facts, type Route, routeOf } from "../../../src/alerts/oncall/routing.ts";

const night = Date.UTC(2026, 10, 2, 23);
const morning = Date.UTC(2026, 10, 3, 7);
const quiet = { nights: { zone: "UTC", times: [readQuietTime("22:00-07:00") as QuietTime] } };
const usual = [{ input: "slack", room: "C00" }];
const facts: Facts = {
  severity: "warning",
  services: ["go.micro.srv.payments"],
  owners: ["pay"],
  source: "alertmanager",
  labels: { env: "prod" },
};

const rooms = (routes: readonly Partial<Route>[], more: Partial<Facts> = {}, now = morning) =>
  routeOf(
    { ...facts, ...more },
    { routes: routes.map((route) => ({ continue: false, ...route })), quiet, usual },
    now,
  ).rooms.map(
    ({ input, room, held }) =>
      `${input}:${room}${held === undefined ? "" : ` held until ${new Date(held).toISOString().slice(11, 16)}`}`,
  );

describe("a route", () => {
  it.each([
    [{ severity: ["critical"] as const }, false],
    [{ severity: ["critical", "warning"] as const }, true],
    [{ service: ["go.micro.srv.pay*"] }, true],
    [{ service: ["go.micro.srv.pay"] }, false],
    [{ owner: ["ops", "pay"] }, true],
    [{ owner: ["ops"] }, false],
    [{ source: ["grafana"] }, false],
    [{ labels: { env: "p*d" } }, true],
    [{ labels: { env: "prod", zone: "*" } }, false],
    [{ owner: ["pay"], labels: { env: "dev" } }, false],
  ])("with %j fits: %s", (match, fits) => {
    expect(rooms([{ match, rooms: ["slack:C02"] }])).toEqual(fits ? ["slack:C02"] : ["slack:C00"]);
  });

  it("is the first that fits, unless it lets others be looked at", () => {
    expect(rooms([{ rooms: ["slack:C01"] }, { rooms: ["slack:C02"] }])).toEqual(["slack:C01"]);
    expect(rooms([{ rooms: ["slack:C01"], continue: true }, { rooms: ["slack:C02", "slack:C01"] }])).toEqual([
      "slack:C01",
      "slack:C02",
    ]);
    expect(rooms([{ quiet: "nights" }])).toEqual(["slack:C00"]);
    expect(rooms([])).toEqual(["slack:C00"]);
  });

  it("holds what can wait until its quiet hours end", () => {
    const routes = [{ rooms: ["slack:C01"], quiet: "nights" }];
    expect(rooms(routes, {}, night)).toEqual(["slack:C01 held until 07:00"]);
    expect(rooms(routes, { severity: "critical" }, night)).toEqual(["slack:C01"]);
    // One of two routes to the same room may say it now.
    expect(rooms([{ ...routes[0], continue: true }, { rooms: ["slack:C01"] }], {}, night)).toEqual(["slack:C01"]);
  });
});
