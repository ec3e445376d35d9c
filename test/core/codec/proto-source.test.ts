import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseProto } from "../../../src/core/codec/proto.ts";
import { protoSource } from "../../../src/core/codec/proto-source.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const PROTO = `
  syntax = "proto3";
  package shop;
  enum Mood { CALM = 0; GLAD = 1; }
  message Order {
    message Line { string article = 1; int32 pieces = 2; }
    int64 id = 1;
    repeated Line lines = 2;
    map<string, int64> prices = 3;
    Mood mood = 4;
    bytes note = 5;
    Line gift = 6;
  }
  message Empty {}
  service Shop {
    rpc Buy(Order) returns (Empty);
    rpc Follow(Empty) returns (stream Order);
  }
`;
const USE = `
import { createService } from "micro-chatops";
import { Mood, shopClient, shopEndpoints } from "./shop.ts";
export const service = createService({ name: "shop" });
service.handle(shopEndpoints("shop").Buy, (order) => { const id: bigint = order.id; return id > 1n ? {} : {}; });
service.handleStream(shopEndpoints("shop").Follow, async (stream) => { await stream.send({ id: 1n, mood: Mood.GLAD }); });
export const shop = shopClient(service.client, "shop");
export async function buy(): Promise<string | undefined> {
  await shop.buy({ id: 1n, lines: [{ article: "tea", pieces: 2 }], prices: { tea: 3n } });
  const stream = await shop.follow();
  for await (const order of stream) return order.gift?.article;
  return undefined;
}
`;

describe("what `micro generate` writes", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(ROOT, "node_modules", ".generated-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const check = async (use: string) => {
    await writeFile(join(folder, "shop.ts"), protoSource(parseProto(PROTO), "shop.proto"));
    await writeFile(join(folder, "use.ts"), use);
    const options = {
      extends: join(ROOT, "tsconfig.json"),
      compilerOptions: { noEmit: true, paths: { "micro-chatops": [join(ROOT, "src/index.ts")] }, types: ["node"] },
      include: ["*.ts"],
    };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(options));
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    const { stdout } = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
    return stdout.split("\n").filter((line) => /(shop|use)\.ts\(/.test(line));
  };

  it("compiles under our flags, for a service and for its callers", async () => {
    expect(await check(USE)).toEqual([]);
  }, 60_000);

  it("does not let a wrong field through", async () => {
    const wrong = await check(USE.replace("{ id: 1n, lines", "{ id: 1, lines"));
    expect(wrong.join()).toContain("use.ts");
  }, 60_000);
});
