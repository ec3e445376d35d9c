import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readAlertsFile } from "../../../src/alerts/file/read.ts";
import { reachOf } from "../../../src/app/oncall.ts";
import { memoryInput } from "../../../src/inputs/memory/memory.ts";

const reach = reachOf([memoryInput({})], { names: () => ["zoe"] });
const read = (text: string) => readAlertsFile(text, "alerts.yaml", reach);

const GOOD = `
routes:
  - match: { severity: critical, owner: pay }
    rooms: [memory:ops]
    oncall: pay
    escalate:
      - { after: 10m, to: oncall }
      - { after: 20m, to: "oncall boss" }
      - { after: 30m, to: room memory:all }
  - rooms: memory:ops
    quiet: nights
quiet_hours:
  nights: { times: "22:00-07:00", zone: Europe/Berlin }
oncall:
  pay:
    zone: Europe/Berlin
    rotation: { people: [ann, zoe], start: 2026-11-02, every: 7d }
    overrides: [{ person: zoe, from: "2026-12-24 09:00", until: "2026-12-27 09:00" }]
  boss: { ical: boss.ics, every: 30m }
contacts:
  ann: [memory:ann, "mailto:ann@example.org"]
owners: { "go.micro.srv.pay*": pay }
`;

describe("the file of alerts", () => {
  it("says who is told, where, and who is woken", () => {
    const { routes, oncall, quiet_hours } = read(GOOD);
    expect(routes[0]?.escalate?.map(({ after, to }) => [after, to])).toEqual([
      [600_000, { kind: "oncall" }],
      [1_200_000, { kind: "oncall", schedule: "boss" }],
      [1_800_000, { kind: "room", room: "memory:all" }],
    ]);
    expect(oncall["pay"]?.rotation).toMatchObject({ handover: 540, every: { days: 7 } });
    expect(oncall["pay"]?.overrides[0]?.from).toBe(Date.UTC(2026, 11, 24, 8));
    expect(quiet_hours["nights"]?.zone).toBe("Europe/Berlin");
  });

  it("is as the documentation has it", () => {
    const page = readFileSync(new URL("../../../docs/oncall.md", import.meta.url), "utf8");
    const [, shown = ""] = /```yaml\n(.*?)```/s.exec(page) ?? [];
    expect(readAlertsFile(shown, "alerts.yaml").routes).toHaveLength(2);
  });

  it.each([
    ["oncall: pay", "oncall: pya", 5, 'unknown schedule "pya". Did you mean pay? There is pay, boss'],
    ["oncall boss", "oncall bos", 8, 'unknown schedule "bos". Did you mean boss?'],
    ["quiet: nights", "quiet: night", 11, 'unknown name of quiet_hours "night". Did you mean nights?'],
    ["[memory:ops]", "[slack:C02]", 4, "I am not in slack: I am in memory"],
    ["memory:all", "slakc:C02", 9, "I am not in slakc"],
    ["[ann, zoe]", "[ann, bob]", 17, "nobody is called bob"],
    ["memory:ann", "xmpp:ann@example.org", 21, "I am not in xmpp"],
    ["10m", "soon", 7, "after is a length of time, as 10m, 8h or 7d"],
    ["after: 20m", "after: 5m", 8, "this step comes before the one above it"],
    ["22:00-07:00", "22-7", 13, "a time of quiet is written like 22:00-07:00"],
    ["22:00-07:00", "00:00-24:00", 13, "that is quiet at all times"],
    ['times: "22:00-07:00"', "times: []", 13, "a time of quiet is written like 22:00-07:00"],
    ["boss.ics", "htp://calendar.example/boss.ics", 19, "ical is a URL that begins with https:// or http://, a file"],
    ["contacts:\n", "contacts:\n  me: memory:zoe\n", 21, "a person is called by one word, other than me, oncall, room"],
    ["zone: Europe/Berlin }", "zone: Europe/Berlni }", 13, "there is no such time zone"],
    ["every: 7d", "every: 7x", 17, "every is a length of time"],
    ["2026-11-02", "2026-11-31", 17, "start is a day"],
    [
      "ical: boss.ics, ",
      "ical: boss.ics, service: x, ",
      19,
      "a schedule has one of rotation, ical and service; it has ical and service",
    ],
    ['until: "2026-12-27', 'until: "2026-12-23', 18, "from and until are times"],
    ["escalate:", "escalte:", 6, 'unknown key "escalte". Did you mean escalate?'],
    ["severity: critical", "severity: bad", 3, "severity is critical, warning or info"],
    ["  - match: { severity: critical, owner: pay }\n    rooms", "  - rooms", 9, "no alert comes here"],
  ])("with %s as %s is refused at line %s", (from, to, line, words) => {
    expect(GOOD).toContain(from);
    expect(() => read(GOOD.replace(from, to))).toThrow(
      new RegExp(`^alerts\\.yaml, line ${line}, column \\d+: .*${words.replace(/[.*+?^$()[\]{}|]/g, "\\$&")}`, "s"),
    );
  });
});
