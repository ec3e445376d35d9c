import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

interface Locked {
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
const path = new URL("../package-lock.json", import.meta.url);
const packages: Readonly<Record<string, Locked>> = JSON.parse(readFileSync(path, "utf8")).packages;

describe("the lock file", () => {
  it("holds every platform's part of what has one for each: npm drops those that a registry has not, and then refuses to install", () => {
    const held = new Set(Object.keys(packages).map((at) => at.split("node_modules/").at(-1)));
    const wanted = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
      Object.keys(optionalDependencies),
    );
    expect(wanted.length).toBeGreaterThan(20);
    expect(wanted.filter((name) => !held.has(name))).toEqual([]);
  });

  it("names no registry", () => {
    expect(Object.keys(packages).filter((at) => packages[at]?.resolved !== undefined)).toEqual([]);
  });
});
