import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { CALENDAR_BYTES, readCalendar, shiftAt } from "../../../src/alerts/oncall/calendar.ts";
import { createContacts } from "../../../src/alerts/oncall/contacts.ts";
import { calendarRota } from "../../../src/alerts/oncall/rotas.ts";
import { readMoment } from "../../../src/core/zone.ts";
import { memoryKv, memoryShelf } from "../../../src/platform/kv/memory.ts";
import { manualClock } from "../../fakes/clock.ts";

// Each calendar is read in a thread of its own.
vi.setConfig({ testTimeout: 30_000 });

const window = { from: Date.UTC(2026, 2, 1), until: Date.UTC(2026, 4, 1) };
const nameOf = (mails: readonly string[], summary: string) =>
  mails.includes("mailto:bob@example.org") ? "bob" : summary;

function calendar(...events: readonly string[]): string {
  const body = events.map((event) => `BEGIN:VEVENT\n${event}\nEND:VEVENT`).join("\n");
  return `BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n${body}\nEND:VCALENDAR\n`.replaceAll("\n", "\r\n");
}

const read = async (text: string) =>
  (await readCalendar(text, "Europe/Berlin", window, nameOf)).map(({ person, from = 0, until = 0 }) =>
    [person, ...[from, until].map((at) => new Date(at).toISOString().slice(0, 16))].join(" "),
  );

describe("a calendar", () => {
  it("recurs by the wall through the day on which clocks are set, without its exceptions", async () => {
    const weekly = [
      "UID:1",
      "SUMMARY:ann",
      "DTSTART;TZID=Europe/Berlin:20260316T090000",
      "DTEND;TZID=Europe/Berlin:20260317T090000",
      "RRULE:FREQ=WEEKLY;COUNT=4",
      "EXDATE;TZID=Europe/Berlin:20260323T090000",
    ];
    const moved = [
      "UID:1",
      "SUMMARY:ann",
      "ATTENDEE;CN=Bob:mailto:Bob@example.org",
      "RECURRENCE-ID;TZID=Europe/Berlin:20260406T090000",
      "DTSTART;TZID=Europe/Berlin:20260407T100000",
      "DTEND;TZID=Europe/Berlin:20260408T100000",
    ];
    expect(await read(calendar(weekly.join("\n"), moved.join("\n")))).toEqual([
      "ann 2026-03-16T08:00 2026-03-17T08:00",
      "ann 2026-03-30T07:00 2026-03-31T07:00",
      "bob 2026-04-07T08:00 2026-04-08T08:00",
    ]);
  });

  it("has whole days from midnight to midnight of its zone, and times of other zones and of UTC", async () => {
    expect(
      await read(
        calendar(
          "UID:1\nSUMMARY:ann\nDTSTART;VALUE=DATE:20260329\nDTEND;VALUE=DATE:20260330",
          "UID:2\nSUMMARY:bob\nDTSTART;TZID=America/New_York:20260310T090000\nDURATION:PT8H",
          "UID:3\nSUMMARY:cid\nDTSTART:20260320T090000Z\nDTEND:20260320T100000Z",
          "UID:4\nSUMMARY:dan\nSTATUS:CANCELLED\nDTSTART:20260321T090000Z\nDTEND:20260321T100000Z",
          "UID:5\nSUMMARY:eve\nDTSTART:20250321T090000Z\nDTEND:20250321T100000Z",
        ),
      ),
    ).toEqual([
      "bob 2026-03-10T13:00 2026-03-10T21:00",
      "cid 2026-03-20T09:00 2026-03-20T10:00",
      // A day of 23 hours.
      "ann 2026-03-28T23:00 2026-03-29T22:00",
    ]);
  });

  it("goes by its own word on a zone that nobody else knows", async () => {
    const zone = [
      "BEGIN:VTIMEZONE\nTZID:Office\nBEGIN:STANDARD\nDTSTART:19700101T000000",
      "TZOFFSETFROM:+0530\nTZOFFSETTO:+0530\nEND:STANDARD\nEND:VTIMEZONE",
    ].join("\n");
    const text = calendar("UID:1\nSUMMARY:ann\nDTSTART;TZID=Office:20260310T090000\nDTEND;TZID=Office:20260310T100000");
    const whole = text.replace("BEGIN:VEVENT", `${zone.replaceAll("\n", "\r\n")}\r\nBEGIN:VEVENT`);
    expect(await read(whole)).toEqual(["ann 2026-03-10T03:30 2026-03-10T04:30"]);
  });

  it.each([
    ["<html>no</html>", "that is no iCalendar"],
    ["BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", "the calendar cannot be read"],
    [calendar("UID:1\nDTSTART:yesterday\nDTEND:today"), "the calendar cannot be read"],
    [calendar("UID:1\nDTSTART:19700101T000000Z\nDURATION:PT1S\nRRULE:FREQ=SECONDLY"), "it recurs too often"],
    [`BEGIN:VCALENDAR\r\n${"X".repeat(5 << 20)}`, "the calendar is larger than 2 MB"],
  ])("is refused when it is broken: %.30s", async (text, words) => {
    await expect(read(text)).rejects.toThrow(words);
  });

  it("is read though it is as large as it may be", async () => {
    const events = Array.from(
      { length: 5000 },
      (_, at) =>
        `UID:${at}\nSUMMARY:ann\nDTSTART:20260310T0900${String(at % 60).padStart(2, "0")}Z\nDURATION:PT1H\nDESCRIPTION:${"x".repeat(200)}`,
    );
    const text = calendar(...events);
    expect(Buffer.byteLength(text)).toBeLessThan(CALENDAR_BYTES);
    expect(await read(text)).toHaveLength(1400);
  });

  it("gives a time to who began last, and says who comes next", () => {
    const at = (text: string) => readMoment(text, "UTC") as number;
    const shifts = [
      { person: "ann", from: at("2026-03-01"), until: at("2026-03-08") },
      { person: "bob", from: at("2026-03-03"), until: at("2026-03-04") },
      { person: "cid", from: at("2026-03-10"), until: at("2026-03-11") },
    ];
    expect(shiftAt(shifts, at("2026-03-02"))).toMatchObject({
      shift: { person: "ann", until: at("2026-03-03") },
      next: { person: "bob" },
    });
    expect(shiftAt(shifts, at("2026-03-03 12:00"))).toMatchObject({
      shift: { person: "bob", until: at("2026-03-04") },
      next: { person: "ann", from: at("2026-03-04") },
    });
    expect(shiftAt(shifts, at("2026-03-09"))).toEqual({ next: shifts[2] });
    expect(shiftAt(shifts, at("2026-04-09"))).toEqual({});
  });
});

describe("a calendar on a server", () => {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  async function server() {
    const self = {
      text: calendar("UID:1\nSUMMARY:ann\nDTSTART:20260310T090000Z\nDTEND:20260310T210000Z"),
      status: 200,
      asked: [] as (string | undefined)[],
    };
    const http = createServer((request, response) => {
      const tag = `"${self.text.length}"`;
      self.asked.push(request.headers["if-none-match"]);
      const same = self.status === 200 && request.headers["if-none-match"] === tag;
      response.writeHead(same ? 304 : self.status, { etag: tag }).end(same ? undefined : self.text);
    });
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    stops.push(() => new Promise((resolve) => http.close(() => resolve())));
    const where = `http://127.0.0.1:${(http.address() as AddressInfo).port}/secret-path.ics`;
    return { self, where };
  }

  it("is asked once in a while, and its last good copy is kept over a restart, with its age", async () => {
    const { self, where } = await server();
    const clock = manualClock(Date.UTC(2026, 2, 10, 10));
    const kv = memoryKv({ shelf: memoryShelf() });
    await kv.start();
    const make = () => {
      const rota = calendarRota({ name: "ops", where, zone: "UTC", nameOf, kv, clock });
      stops.unshift(() => rota.close());
      return rota;
    };
    const rota = make();
    expect((await rota.at(clock.now())).shift?.person).toBe("ann");
    expect((await rota.at(clock.now())).note).toBeUndefined();
    expect(self.asked).toEqual([undefined]);
    await clock.advance(900_000);
    await rota.at(clock.now());
    expect(self.asked).toHaveLength(2);
    expect(self.asked[1]).toMatch(/^"\d+"$/);

    self.status = 500;
    await clock.advance(3_600_000);
    const after = await make().at(clock.now());
    expect(after.shift?.person).toBe("ann");
    expect(after.note).toMatch(
      /^the calendar cannot be read \(127\.0\.0\.1:\d+ answered 500\); this is as it was 1h ago$/,
    );
    expect(after.note).not.toContain("secret");
    const stored = (await kv.list("oncall.calendar.")).map(({ value }) => value).join();
    expect(stored).toContain("ann");
    expect(stored).not.toContain("secret");

    self.status = 200;
    self.text = `${self.text}${"X".repeat(5 << 20)}`;
    await clock.advance(60_000);
    expect((await rota.at(clock.now())).note).toContain("larger than 2 MB");
  });

  it("names people and never ids, since whoever writes into it could have anybody written to", async () => {
    const clock = manualClock(Date.UTC(2026, 2, 20, 12));
    const kv = memoryKv({ shelf: memoryShelf() });
    await kv.start();
    const event = "UID:1\nSUMMARY:slack:T01/U02\nDTSTART:20260320T090000Z\nDTEND:20260320T180000Z";
    const folder = mkdtempSync(join(tmpdir(), "micro-calendar-"));
    const where = join(folder, "team.ics");
    writeFileSync(where, calendar(event));
    const contacts = createContacts({}, { idsOf: (name) => (name === "ann" ? ["memory:ann"] : []), names: () => [] });
    const rota = calendarRota({ name: "ops", where, zone: "UTC", nameOf: contacts.nameOf, kv, clock });
    try {
      const person = async () => (await rota.at(clock.now())).shift?.person ?? "";
      expect(await person()).toBe('"slack:T01/U02"');
      expect(contacts.idsOf(await person())).toEqual([]);
      expect(contacts.idsOf("slack:T01/U02")).toEqual(["slack:T01/U02"]);
      writeFileSync(where, calendar(event.replace("slack:T01/U02", "ann")));
      await clock.advance(3_600_000);
      expect(contacts.idsOf(await person())).toEqual(["memory:ann"]);
    } finally {
      await rota.close();
      await kv.stop();
      rmSync(folder, { recursive: true });
    }
  });

  it("says so when it was never read", async () => {
    const { self, where } = await server();
    self.status = 404;
    const kv = memoryKv({ shelf: memoryShelf() });
    await kv.start();
    const rota = calendarRota({ name: "ops", where, zone: "UTC", nameOf, kv, clock: manualClock() });
    stops.unshift(() => rota.close());
    await expect(rota.at(0)).rejects.toThrow(/^the calendar of ops cannot be read: 127\.0\.0\.1:\d+ answered 404$/);
  });
});
