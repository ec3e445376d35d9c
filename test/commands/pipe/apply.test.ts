import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chatLine } from "../../../src/commands/line.ts";
import { applyStages, checkStages } from "../../../src/commands/pipe/apply.ts";
import { compare, quantityOf } from "../../../src/commands/pipe/quantity.ts";
import { recordsOf } from "../../../src/commands/pipe/records.ts";
import { pipedIn, stageWords } from "../../../src/commands/pipe/split.ts";
import { readStages } from "../../../src/commands/pipe/stages.ts";
import { tableView } from "../../../src/commands/pipe/table.ts";
import { RawJson } from "../../../src/core/codec/json.ts";

/* Stages over rows, without a bot. */

const NODES = [
  { node: "n1", status: "ok", uptime: "2h3m0s", memory: "9.50mb", threads: 7 },
  { node: "n2", status: "failed", uptime: "59m59s", memory: "1.20gb", threads: 70 },
  { node: "n3", status: "ok", uptime: "900ms", memory: "10.00mb", threads: 8 },
  { node: "n4", status: "ok", error: "slow" },
];
const records = recordsOf({}, NODES) ?? { fields: [], rows: [] };
const stages = (text: string) => readStages(stageWords(chatLine(text).words));
const apply = (text: string) => applyStages(records, stages(text));
const nodes = (text: string) => apply(text).rows.map(({ node }) => node);
const refusal = (work: () => unknown) => {
  try {
    work();
    return "nothing was refused";
  } catch (error) {
    return (error as Error).message;
  }
};

describe("a line is split", () => {
  it("at a pipe between blanks, outside of quotes and JSON", () => {
    expect(pipedIn(chatLine("stats orders | top 3 | json"))).toMatchObject({
      head: { text: "stats orders" },
      text: "top 3 | json",
      stages: [[{ text: "top" }, { text: "3" }], [{ text: "json" }]],
    });
    for (const whole of ['echo "a | b"', 'call a b {"x": "1 | 2"}', "echo a|b", "call a b [1, | 2]", "echo ||"]) {
      expect(pipedIn(chatLine(whole))).toBeUndefined();
    }
    expect(pipedIn(chatLine("| top 3"))?.head.words).toEqual([]);
  });

  it("never within JSON, whatever stands in it", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, text) => {
        const json = JSON.stringify({ value, "a | b": `${text} | ${text}` });
        const piped = pipedIn(chatLine(`call shop Cart.Add ${json} | top 1`));
        expect(piped?.head.words[3]?.text).toBe(json);
        expect(piped?.text).toBe("top 1");
      }),
    );
  });
});

describe("stages", () => {
  it("compare numbers, durations and sizes as such", () => {
    expect(nodes("where uptime > 1h")).toEqual(["n1"]);
    expect(nodes("where memory >= 10mb")).toEqual(["n2", "n3"]);
    expect(nodes("where threads > 8")).toEqual(["n2"]);
    expect(nodes("where uptime < 1s and threads != 7")).toEqual(["n3"]);
    expect(compare(quantityOf("1h"), quantityOf("1mb"))).toBeUndefined();
    expect(compare(quantityOf("0"), quantityOf("1mb"))).toBeLessThan(0);
    expect(compare(quantityOf("1.5h"), quantityOf("90m"))).toBe(0);
    for (const text of ["", "-", ".", "1constructor", "1.2.3", "1h x", "10.0.0.1:9000", "1h2", "e9", "-h", "1 h"]) {
      expect(quantityOf(text), text).toEqual({ kind: "text", text });
    }
    expect(quantityOf("-1m30s")).toEqual({ kind: "duration", amount: -90e9 });
    expect(quantityOf("1.5e3")).toEqual({ kind: "number", amount: 1500 });
    expect(quantityOf("1 kB")).toEqual({ kind: "size", amount: 1024 });
  });

  it("compare texts, also in one word and with the signs that phones make", () => {
    expect(nodes("where status != ok")).toEqual(["n2"]);
    expect(nodes("where status!=ok")).toEqual(["n2"]);
    expect(nodes("where status ≠ ok")).toEqual(["n2"]);
    expect(nodes('where error = "slow"')).toEqual(["n4"]);
    expect(nodes("where NODE ~ N3")).toEqual(["n3"]);
    expect(nodes("where error = ''")).toEqual(["n1", "n2", "n3"]);
  });

  it("sort by what values are, both ways, and leave what is not there at the end", () => {
    expect(nodes("sort uptime")).toEqual(["n3", "n2", "n1", "n4"]);
    expect(nodes("sort -uptime")).toEqual(["n1", "n2", "n3", "n4"]);
    expect(nodes("sort -memory | top 1")).toEqual(["n2"]);
    expect(nodes("sort status -threads")).toEqual(["n2", "n3", "n1", "n4"]);
  });

  it("sort and cut as sorting alone and cutting then do", () => {
    const row = fc.record({ a: fc.constantFrom("1h", "2m", 3, 4, "x", "y", null, "5kb"), b: fc.nat(5) });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60 }), fc.integer({ min: 1, max: 8 }), (rows, count) => {
        const all = { fields: ["a", "b"], rows };
        const whole = applyStages(all, stages("sort -a b")).rows.slice(0, count);
        expect(applyStages(all, stages(`sort -a b | top ${count}`)).rows).toEqual(whole);
      }),
    );
  });

  it("select, cut, count and show", () => {
    expect(apply("select node, threads | top 2").rows).toEqual([
      { node: "n1", threads: 7 },
      { node: "n2", threads: 70 },
    ]);
    expect(apply("count").rows).toEqual([{ count: 4 }]);
    expect(apply("count by status").rows).toEqual([
      { status: "ok", count: 3 },
      { status: "failed", count: 1 },
    ]);
    expect(tableView(apply("where status = ok | select node uptime"))).toEqual({
      kind: "report",
      text: "Node\tUptime\nn1\t2h3m0s\nn3\t900ms\nn4\t-",
      note: "3 of 4",
    });
    expect(tableView(apply("select node | top 1 | json"))).toEqual({ kind: "json", text: '[{"node":"n1"}]' });
    expect(tableView(apply("where node = x"))).toEqual({ kind: "text", text: "none of 4 is left" });
  });

  it("name the nearest stage or field, and those there are", () => {
    expect(refusal(() => stages("srot uptime"))).toContain("the nearest is `sort`");
    expect(refusal(() => stages("where status"))).toContain("where <field> = <value>");
    expect(refusal(() => stages("json | top 1"))).toContain("stands last");
    expect(refusal(() => stages("top many"))).toContain("top <number>");
    expect(refusal(() => stages("top 1 |"))).toContain("nothing behind");
    expect(refusal(() => apply("sort uptme"))).toMatch(/the nearest is `uptime`.*node, status, uptime/);
    expect(refusal(() => apply("select node | where status = ok"))).toContain('no field "status"');
    expect(refusal(() => checkStages(stages("count by node | sort -cuont"), ["node"]))).toContain("`count`");
  });

  it("work on no rows at all", () => {
    const none = applyStages({ rows: [], fields: [] }, stages("where a = b | sort -c | select d | top 1"));
    expect(tableView(none)).toEqual({ kind: "text", text: "there is none" });
  });
});

describe("rows", () => {
  it("are the objects in a result, laid flat", () => {
    expect(recordsOf({}, { note: "x", items: [{ a: { b: 1, c: { d: true } }, tags: ["x", "y"] }] })).toEqual({
      fields: ["a.b", "a.c.d", "tags"],
      rows: [{ "a.b": 1, "a.c.d": true, tags: "x, y" }],
    });
    expect(recordsOf({}, new RawJson('{"orders":[{"id":9007199254740993}]}'))?.rows).toEqual([
      { id: "9007199254740993" },
    ]);
    expect(recordsOf({}, ["a", "b"])?.rows).toEqual([{ value: "a" }, { value: "b" }]);
    expect(recordsOf({}, { time: 1 })?.rows).toEqual([{ time: 1 }]);
    expect(recordsOf({}, "text")).toBeUndefined();
    expect(recordsOf({}, new RawJson("{"))).toBeUndefined();
  });

  it("take what a command makes of its result first", () => {
    const made = { records: { fields: ["b", "a"], rows: () => [{ a: 1, b: 2, c: 3 }] } };
    expect(recordsOf(made, "anything")?.fields).toEqual(["b", "a", "c"]);
  });
});
