import { describe, expect, it } from "vitest";
import type { Override } from "../../../src/alerts/oncall/overrides.ts";
import { rotationRota } from "../../../src/alerts/oncall/rotas.ts";
import { type Rotation, turnAt } from "../../../src/alerts/oncall/rotation.ts";
import { createSchedules } from "../../../src/alerts/oncall/schedules.ts";
import { readMoment, wallOf } from "../../../src/core/zone.ts";

const zone = "Europe/Berlin";
const weekly: Rotation = {
  people: ["ann", "bob", "cid"],
  zone,
  start: { year: 2026, month: 3, day: 2 },
  handover: 540,
  every: { days: 7 },
};
const at = (text: string) => readMoment(text, zone) as number;

describe("a rotation", () => {
  it.each([
    ["2026-03-02 08:59", undefined],
    ["2026-03-02 09:00", "ann"],
    ["2026-03-09 08:59", "ann"],
    ["2026-03-09 09:00", "bob"],
    ["2026-03-16 09:00", "cid"],
    // Clocks are set on the 29th: the handover stays at nine.
    ["2026-03-30 08:59", "bob", "ann"],
    ["2026-03-30 09:00", "bob"],
    ["2026-10-26 08:59", "ann"],
    ["2026-10-26 09:00", "bob"],
  ])("at %s it is the turn of %s", (text, ...people) => {
    const expected = text === "2026-03-30 08:59" ? "ann" : people[0];
    expect(turnAt(weekly, at(text)).shift?.person).toBe(expected);
  });

  it("hands over at nine by the wall, through a whole year", () => {
    let turns = 0;
    for (let now = at("2026-03-02 09:00"); now < at("2027-03-02 09:00"); turns++) {
      const { shift } = turnAt(weekly, now);
      expect(shift?.from).toBe(now);
      expect(shift?.person).toBe(weekly.people[turns % 3]);
      const end = shift?.until as number;
      expect(wallOf(end, zone)).toMatchObject({ hour: 9, minute: 0 });
      expect(turnAt(weekly, end - 1).shift?.person).toBe(shift?.person);
      now = end;
    }
    expect(turns).toBe(53);
  });

  it("takes turns by the hour", () => {
    const shifts: Rotation = { ...weekly, every: { ms: 12 * 3_600_000 } };
    expect(turnAt(shifts, at("2026-03-02 20:59")).shift?.person).toBe("ann");
    expect(turnAt(shifts, at("2026-03-02 21:00")).shift?.person).toBe("bob");
    expect(turnAt(shifts, at("2026-03-02 21:00")).next?.person).toBe("cid");
  });
});

describe("a schedule with overrides", () => {
  const schedules = (...made: readonly Override[]) =>
    createSchedules(
      [
        {
          name: "pay",
          zone,
          rota: rotationRota(weekly),
          overrides: [{ person: "dan", from: at("2026-03-03 09:00"), until: at("2026-03-04 09:00") }],
        },
      ],
      {
        list: async () => made,
      },
    );

  it("is somebody else's for that time, and ends early before it", async () => {
    const all = schedules();
    expect(await all.who("pay", at("2026-03-02 10:00"))).toMatchObject({
      person: "ann",
      until: at("2026-03-03 09:00"),
      next: { person: "dan" },
    });
    expect(await all.who("pay", at("2026-03-03 10:00"))).toMatchObject({
      person: "dan",
      until: at("2026-03-04 09:00"),
      instead: { of: "ann", by: "the file" },
      next: { person: "ann" },
    });
    expect(await all.who("pay", at("2026-03-04 09:00"))).toMatchObject({
      person: "ann",
      until: at("2026-03-09 09:00"),
      next: { person: "bob" },
    });
  });

  it("counts the override that was made last", async () => {
    const made = {
      id: "4f1c",
      schedule: "pay",
      person: "eve",
      from: at("2026-03-03 12:00"),
      until: at("2026-03-03 14:00"),
      by: "bob",
    };
    const all = schedules(made);
    expect(await all.who("pay", at("2026-03-03 10:00"))).toMatchObject({
      person: "dan",
      until: made.from,
      next: { person: "eve" },
    });
    expect(await all.who("pay", at("2026-03-03 13:00"))).toMatchObject({
      person: "eve",
      instead: { id: "4f1c", by: "bob" },
      next: { person: "dan" },
    });
    await expect(all.who("pya", at("2026-03-03 13:00"))).rejects.toThrow("did you mean pay?");
  });

  it("knows who stands in though nobody knows for whom", async () => {
    const rota = { kind: "service", at: () => Promise.reject(new Error("away")) };
    const made = { id: "1", schedule: "pay", person: "eve", from: 0, until: 2000, by: "bob" };
    const all = createSchedules([{ name: "pay", zone, rota, overrides: [] }], { list: async () => [made] });
    expect(await all.who("pay", 1000)).toMatchObject({ person: "eve" });
    await expect(all.who("pay", 3000)).rejects.toThrow("away");
  });
});
