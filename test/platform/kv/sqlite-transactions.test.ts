import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import { deadline } from "../../../src/core/deadline.ts";
import { createTransactions } from "../../../src/platform/kv/sqlite-transactions.ts";

/** A file whose disk says when it has kept something. */
function setUp() {
  const did: string[] = [];
  const syncs: Later[] = [];
  const transactions = createTransactions({
    clock: systemClock,
    begin: () => void did.push("begin"),
    commit: () => void did.push("commit"),
    rollback: () => void did.push("rollback"),
    sync: () => {
      did.push("sync");
      const sync = later();
      syncs.push(sync);
      return sync.promise;
    },
    onWritten: () => void did.push("told"),
  });
  const answered: unknown[] = [];
  const write = (value: number | undefined, timeoutMs = 5000) => {
    const limit = deadline({ timeoutMs }, 0, "the store");
    transactions
      .run(limit, () => value)
      .then(
        (result) => answered.push(result),
        (error: Error) => answered.push(error.message),
      );
    return limit;
  };
  return { did, syncs, answered, write };
}

describe("transactions of SQLite", () => {
  it("answer when the disk has it, and not before; what comes meanwhile goes with the next", async () => {
    const { did, syncs, answered, write } = setUp();
    write(1);
    write(2);
    await turns();
    write(3);
    await turns();
    expect(did).toEqual(["begin", "commit", "sync"]);
    expect(answered).toEqual([]);
    syncs[0]?.resolve();
    await turns();
    expect(answered).toEqual([1, 2]);
    expect(did).toEqual(["begin", "commit", "sync", "told", "begin", "commit", "sync"]);
    syncs[1]?.resolve();
    await turns();
    expect(answered).toEqual([1, 2, 3]);
  });

  it("sync nothing when nothing was changed", async () => {
    const { did, answered, write } = setUp();
    write(undefined);
    await turns();
    expect(did).toEqual(["begin", "rollback"]);
    expect(answered).toEqual([undefined]);
  });

  it("tell all of them when the disk did not take it", async () => {
    const { did, syncs, answered, write } = setUp();
    write(1);
    write(2);
    await turns();
    syncs[0]?.reject(new Error("input/output error"));
    await turns();
    expect(answered).toEqual(["input/output error", "input/output error"]);
    expect(did).not.toContain("told");
  });

  it("do not begin what nobody waits for any more", async () => {
    const { did, syncs, answered, write } = setUp();
    write(1);
    await turns();
    write(2).cancel();
    syncs[0]?.resolve();
    await turns();
    expect(answered).toEqual([1, "the store: cancelled"]);
    expect(did.filter((what) => what === "begin")).toHaveLength(1);
  });
});

interface Later {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: Error): void;
}

function later(): Later {
  let [resolve, reject] = [() => {}, (_: Error) => {}];
  const promise = new Promise<void>((yes, no) => {
    [resolve, reject] = [yes, no];
  });
  return { promise, resolve: () => resolve(), reject: (error) => reject(error) };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
