import { expect, it } from "vitest";
import { changesBetween } from "../../src/history/diff.ts";
import { registeredOf } from "../../src/history/registered.ts";

type Node = readonly [id: string, address: string, version?: string, metadata?: Record<string, string>];

const at = (nodes: readonly Node[], metadata: Record<string, string> = {}) =>
  registeredOf(
    "p",
    nodes.map(([id, address, version = "1.0", own = {}]) => ({
      ...{ name: "p", version, metadata, endpoints: [] },
      nodes: [{ id, address, metadata: own }],
    })),
  );

const A: Node = ["a", "10.0.0.1:1"];
const B: Node = ["b", "10.0.0.2:1"];

it.each<[string, readonly Node[], readonly Node[], readonly string[]]>([
  ["nothing", [A, B], [A, B], []],
  ["one that came", [A], [A, B], ["came: node b (1.0 at 10.0.0.2:1) came"]],
  ["the first", [], [A], ["came: node a (1.0 at 10.0.0.1:1) came"]],
  ["one that went", [A, B], [A], ["went: node b went (was 1.0 at 10.0.0.2:1)"]],
  ["the last two", [A, B], [], ["went: 2 nodes of 1.0 (a, b) went", "went: no node is left"]],
  [
    "one that was begun anew",
    [A, B],
    [A, ["b2", "10.0.0.2:7"]],
    ["came: node b2 came in the stead of b (1.0 at 10.0.0.2:7)"],
  ],
  [
    "several that were begun anew",
    [A, B],
    [
      ["a2", "10.0.0.1:7"],
      ["b2", "10.0.0.2:7"],
    ],
    ["came: 2 nodes of 1.0 were begun anew: a2, b2"],
  ],
  [
    "a version that takes the place of another",
    [A],
    [["a2", "10.0.0.1:1", "1.1"]],
    ["version: version 1.1 came with node a2 at 10.0.0.1:1", "version: version 1.0 is gone, with node a at 10.0.0.1:1"],
  ],
  ["a node of another version", [A], [["a", "10.0.0.1:1", "1.1"]], ["version: node a runs 1.1 now (was 1.0)"]],
  ["a node at another place", [A], [["a", "10.0.0.9:1"]], ["came: node a is at 10.0.0.9:1 now (was 10.0.0.1:1)"]],
  [
    "metadata, without its values",
    [["a", "10.0.0.1:1", "1.0", { zone: "x", token: "hush" }]],
    [["a", "10.0.0.1:1", "1.0", { zone: "y", token: "hush", rack: "1" }]],
    ["metadata: metadata of node a changed: rack, zone"],
  ],
])("tells of %s", (_what, before, after, words) => {
  expect(changesBetween(at(before), at(after)).map((one) => `${one.kind}: ${one.words}`)).toEqual(words);
});

it("tells of one that was away for a moment, and of the service's own metadata", () => {
  expect(changesBetween(at([A]), at([A], { owner: "x" }), new Set(["a"])).map(({ words }) => words)).toEqual([
    "node a was away for a moment (1.0 at 10.0.0.1:1)",
    "the service's metadata changed: owner",
  ]);
});
