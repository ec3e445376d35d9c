import { test } from "node:test";
import { MicroError } from "micro-chatops";
import { kit } from "micro-chatops/kit";
import restart from "./restart.ts";

test("restarts each node once somebody has said yes", async () => {
  await using bot = kit({
    commands: [restart],
    services: [{ name: "orders", nodes: 2 }],
    answers: { "Admin.Restart": { ok: true } },
  });
  await bot.says("restart orders").expect(/orders/);
  if (bot.calls.length > 0) throw new Error("it did not wait for the yes");
  await bot.says("yes").expect("orders was restarted: 2 nodes");
});

test("stops at the first node that does not come back", async () => {
  await using bot = kit({
    commands: [restart],
    services: [{ name: "orders", nodes: 3 }],
    answers: {
      "Admin.Restart": (request: { node: string }) => ({ ok: request.node !== "orders-2" }),
    },
  });
  await bot.says("restart orders --pause 60").expect(/orders/);
  await bot.says("yes").expect("orders-2 did not restart; 1 of 3 were done");
});

test("is refused to who may not", async () => {
  await using bot = kit({ commands: [restart], services: ["orders"], policy: "members: ['bot:talk']" });
  await bot.says("restart orders").expect(/orders:restart/);
});

test("tells what the service says", async () => {
  await using bot = kit({
    commands: [restart],
    services: ["orders"],
    answers: { "Admin.Restart": new MicroError("unavailable", "orders is draining") },
  });
  await bot.says("restart orders").expect(/orders/);
  await bot.says("yes").expect("orders is draining");
});
