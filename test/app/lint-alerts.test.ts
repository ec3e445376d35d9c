import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { lint } from "../../src/app/lint.ts";

const folder = mkdtempSync(join(tmpdir(), "micro-lint-alerts-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What is wrong with a file, a line each. */
async function wrongWith(text: string, ...options: readonly string[]): Promise<readonly string[]> {
  writeFileSync(join(folder, "alerts.yaml"), text);
  return lint([...options, "alerts.yaml"], folder).then(
    () => [],
    (error: Error) => error.message.split("\n"),
  );
}

const FULL_OF_MISTAKES = `routes:
  - match: { severity: bad }
    rooms: [slakc:C02]
    oncall: pya
    escalate:
      - { after: soon, to: ann }
      - { after: 20m, to: bbo }
  - match: { severity: [info, warning] }
    rooms: [slack:C03]
    quiet: night
    escalte: []
  - { rooms: [slack:C04], oncall: pay, escalate: [{ after: 1m, to: cid }] }
quiet_hours:
  nights: { times: "22-7" }
oncall:
  pay: { rotation: { people: [ann, bob, dan], start: 2026-11-31, every: 7d } }
contacts:
  ann: slack:nobody
  cid: [telegram:12, discord:@cid]
  dan: terminal:root
`;

describe("micro lint of a configuration of alerts", () => {
  it("tells all mistakes at once, with line and column, in the order of the file", async () => {
    const all = await wrongWith(FULL_OF_MISTAKES);
    expect(all.map((line) => line.replace(/^(alerts\.yaml:\d+):\d+: /, "$1 "))).toEqual([
      expect.stringContaining("alerts.yaml:2 routes[1].match.severity: severity is critical, warning or info"),
      expect.stringContaining("alerts.yaml:3 routes[1].rooms[1]: there is no input slakc"),
      expect.stringContaining('alerts.yaml:4 routes[1].oncall: unknown schedule "pya". Did you mean pay? There is pay'),
      expect.stringContaining("alerts.yaml:6 routes[1].escalate[1].after: after is a length of time"),
      expect.stringContaining(
        'alerts.yaml:10 routes[2].quiet: unknown name of quiet_hours "night". Did you mean nights?',
      ),
      expect.stringContaining('alerts.yaml:11 routes[2]: unknown key "escalte". Did you mean escalate?'),
      expect.stringContaining("alerts.yaml:14 quiet_hours.nights.times: a time of quiet is written like"),
      expect.stringContaining("alerts.yaml:16 oncall.pay.rotation.start: start is a day"),
      expect.stringContaining("alerts.yaml:18 contacts.ann[1]: nobody is nobody's id in slack"),
      expect.stringContaining("alerts.yaml:19 contacts.cid[2]: @cid is nobody's id in discord"),
      expect.stringContaining("alerts.yaml:20 contacts.dan[1]: terminal cannot write to one person alone"),
    ]);
    // Which of them are told first is no matter, as long as none is missed when those are mended.
    const mended = FULL_OF_MISTAKES.replace("soon", "10m").replace("11-31", "11-30");
    const more = await wrongWith(mended);
    expect(more.filter((line) => /after|start/.test(line))).toEqual([]);
    expect(more.filter((line) => line.includes("nobody is called"))).toEqual([
      expect.stringMatching(/^alerts\.yaml:7:.* called bbo: name them under contacts, .* --policy=policy\.yaml knows$/),
      expect.stringMatching(/^alerts\.yaml:16:.* called bob: /),
    ]);
  });

  it("tells of a route that is never come to beside what is wrong elsewhere", async () => {
    const all = await wrongWith("routes:\n  - { rooms: [slack:C1] }\n  - { rooms: [slack:C2] }\n  - { rooms: 7 }\n");
    expect(all).toEqual([
      expect.stringMatching(/^alerts\.yaml:3:.*no alert comes here/),
      expect.stringMatching(/^alerts\.yaml:4:.*rooms is a list of rooms/),
    ]);
  });

  it("tells of the order of routes and steps beside what is wrong elsewhere in them", async () => {
    const steps = "[{ after: 9m, to: room }, { after: 5m, to: anne }]";
    const [late, name, next, ...others] = await wrongWith(
      `routes:\n  - { rooms: [slack:C1], escalate: ${steps} }\n  - { quiet: night }\n`,
    );
    expect(late).toMatch(/^alerts\.yaml:2:.* this step comes before the one above it/);
    expect(name).toMatch(/^alerts\.yaml:2:.* nobody is called anne/);
    expect(next).toMatch(/^alerts\.yaml:3:.*no alert comes here/);
    expect(others).toEqual([expect.stringMatching(/^alerts\.yaml:3:.* unknown name of quiet_hours "night"/)]);
  });

  it("says nothing of routes below one whose match cannot be read", async () => {
    for (const wrong of ["match: 7", "continue: yes please"]) {
      const all = await wrongWith(`routes:\n  - { ${wrong}, rooms: [slack:C1] }\n  - { rooms: [slack:C2] }\n`);
      expect(all).toEqual([expect.stringMatching(/^alerts\.yaml:2:/)]);
    }
  });

  it("knows people of the policy where it is given", async () => {
    const text = "routes:\n  - { rooms: [slack:C1], escalate: [{ after: 1m, to: zoe }] }\n";
    expect(await wrongWith(text)).toEqual([expect.stringContaining("alerts.yaml:2:54: ")]);
    writeFileSync(join(folder, "policy.yaml"), "people: { zoe: [slack:T01/U02] }\n");
    expect(await wrongWith(text, "--policy=policy.yaml")).toEqual([]);
    expect(await wrongWith(text, "--polcy=policy.yaml")).toEqual([expect.stringContaining("lint has no option")]);
  });

  it("finds nothing wrong with what the documentation shows", async () => {
    const page = readFileSync(new URL("../../docs/oncall.md", import.meta.url), "utf8");
    const [, shown = ""] = /```yaml\n(.*?)```/s.exec(page) ?? [];
    expect(await wrongWith(shown)).toEqual([]);
  });
});
