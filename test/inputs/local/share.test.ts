import { describe, expect, it } from "vitest";
import { checkShare } from "../../../src/inputs/local/share.ts";

const of = (uid: number, count: number) => Array.from({ length: count }, () => uid);

describe("sessions of `micro chat` for other users", () => {
  it("are a quarter of all for each, so that one cannot keep the others out", () => {
    expect(() => checkShare(1001, of(1001, 15), 64)).not.toThrow();
    expect(() => checkShare(1001, of(1001, 16), 64)).toThrow("16 sessions of yours of `micro chat` are open already");
    expect(() => checkShare(1002, of(1001, 16), 64)).not.toThrow();
  });

  it("are no more than all together", () => {
    const here = [1001, 1002, 1003, 1004].flatMap((uid) => of(uid, 16));
    expect(() => checkShare(1005, here, 64)).toThrow("64 sessions of `micro chat` are open already");
  });

  it("are one at least, however few there are", () => {
    expect(() => checkShare(1001, [], 2)).not.toThrow();
    expect(() => checkShare(1001, [1001], 2)).toThrow("1 sessions of yours");
  });
});
