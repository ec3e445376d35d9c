import assert from "node:assert/strict";
import { test } from "node:test";
import { kit } from "micro-chatops/kit";
import scale from "./scale.ts";

test("asks the scaler, once", async () => {
  await using bot = kit({
    commands: [scale],
    services: ["go.micro.srv.scaler", { name: "orders", nodes: 3 }],
    answers: { "Scaler.Scale": (request: { nodes: number }) => ({ before: 3, after: request.nodes }) },
  });
  await bot.says("scale orders 5").expect(/orders/);
  await bot.says("yes").expect("orders had 3 nodes and gets 5");
  assert.deepEqual(bot.calls, [
    { service: "go.micro.srv.scaler", endpoint: "Scaler.Scale", body: { service: "orders", nodes: 5 } },
  ]);
});

test("takes no number that cannot be", async () => {
  await using bot = kit({ commands: [scale], services: ["orders"] });
  await bot.says("scale orders 500").expect(/nodes/);
  await bot.says("scale orders many").expect(/nodes/);
  assert.deepEqual(bot.calls, []);
});
