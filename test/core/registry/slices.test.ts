import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { memo } from "../../../src/core/registry/memo.ts";
import { createPause, eachAtMost } from "../../../src/core/registry/slices.ts";
import { changes, sortedNames, withoutRecord, withRecord } from "../../../src/core/registry/versions.ts";
import { record } from "../../contract/registry.contract.ts";

describe("eachAtMost", () => {
  it("does each once, and never more than the limit at a time", async () => {
    let now = 0;
    let most = 0;
    const done: number[] = [];
    await eachAtMost(3, [1, 2, 3, 4, 5, 6, 7], async (n) => {
      now += 1;
      most = Math.max(most, now);
      await turn();
      now -= 1;
      done.push(n);
    });
    expect(done.sort()).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(most).toBe(3);
  });

  it("begins nothing more after an error, and throws it", async () => {
    const begun: number[] = [];
    const work = eachAtMost(1, [1, 2, 3], async (n) => {
      begun.push(n);
      if (n === 2) throw new Error("two");
    });
    await expect(work).rejects.toThrow("two");
    expect(begun).toEqual([1, 2]);
  });
});

describe("createPause", () => {
  it("lets others run when the slice is used up, and only then", async () => {
    const pause = createPause();
    expect(pause()).toBeUndefined();
    const until = performance.now() + 10;
    while (performance.now() < until);
    expect(pause()).toBeInstanceOf(Promise);
  });
});

describe("memo", () => {
  it("makes each answer once, remembers undefined too, and forgets the oldest", () => {
    const made: string[] = [];
    const get = memo(2, (key) => {
      made.push(key);
      return key === "none" ? undefined : key;
    });
    for (const key of ["a", "a", "none", "none", "b", "a"]) get(key);
    expect(made).toEqual(["a", "none", "b", "a"]);
  });
});

describe("versions of a service", () => {
  it("come and go node by node, and stay the same list when nothing changes", () => {
    const one = withRecord([], record("foo", "1", 1));
    const two = withRecord(one, record("foo", "1", 2));
    expect(withRecord(two, record("foo", "1", 2))).toBe(two);
    expect(two[0]?.nodes.map(({ id }) => id)).toEqual(["foo-1", "foo-2"]);
    expect(withoutRecord(two, record("foo", "1", 3))).toBe(two);
    expect(withoutRecord(two, record("foo", "2", 1))).toBe(two);
    expect(withoutRecord(withoutRecord(two, record("foo", "1", 1)), record("foo", "1", 2))).toEqual([]);
    expect(withoutRecord(two, { ...record("foo", "1", 1), nodes: [] })).toEqual([]);
  });

  it("tell what changed as wire.md §2.1 orders it: the nodes that went, then all that are there", () => {
    const before = [record("foo", "1", 1), record("foo", "2", 2), record("foo", "3", 3)].reduce(withRecord, []);
    const after = withRecord(
      withoutRecord(withoutRecord(before, record("foo", "1", 1)), record("foo", "3", 3)),
      record("foo", "2", 4),
    );
    const swapped = withRecord(withoutRecord(after, record("foo", "2", 2)), record("foo", "1", 5));
    const told = (events: ReturnType<typeof changes>) =>
      events.map(({ action, service }) => [action, service.version, ...service.nodes.map(({ id }) => id)].join(" "));
    expect(told(changes(before, after))).toEqual(["update 2 foo-2 foo-4", "delete 1 foo-1", "delete 3 foo-3"]);
    expect(told(changes(after, swapped))).toEqual(["delete 2 foo-2", "create 1 foo-5"]);
    expect(changes(after, after)).toEqual([]);
  });

  it("are listed by code point, not by UTF-16 unit", () => {
    expect(sortedNames(["\u{1f600}", "\uffee", "b", "B"])).toEqual(["B", "b", "\uffee", "\u{1f600}"]);
  });
});
