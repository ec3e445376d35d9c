import fc from "fast-check";
import { expect, it } from "vitest";
import { MicroError } from "../../../src/core/errors.ts";
import { objects, readNews, readPair } from "../../../src/core/registry/etcd-json.ts";

const SEED = 20_261_121;

async function* pieces(text: string, at: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  yield bytes.subarray(0, at);
  yield bytes.subarray(at);
}

it(`whatever JSON etcd's gateway gives is read or a MicroError (seed ${SEED})`, async () => {
  const odd = { toString: 1, valueOf: 1 };
  expect(readPair({ key: odd, value: [odd], lease: odd })).toEqual({ key: "", value: "", lease: "0" });
  expect(readPair({ key: "YQ==", value: "Yg==", lease: 7 })).toEqual({ key: "a", value: "b", lease: "7" });
  expect(readNews({ canceled: true, cancel_reason: odd }).canceled).toBe("without a reason");
  const text = fc
    .array(fc.constantFrom("{", "}", '"', "\\", "a", ":", ",", "[", "]", " ", "1"))
    .map((all) => all.join(""));
  await fc.assert(
    fc.asyncProperty(text, fc.nat(9), fc.jsonValue(), async (given, at, json) => {
      readNews(json);
      readPair(json);
      try {
        for await (const found of objects(pieces(given, at), "etcd")) expect(typeof found).toBe("object");
      } catch (error) {
        expect(error).toBeInstanceOf(MicroError);
      }
    }),
    { seed: SEED, numRuns: 300 },
  );
});
