import assert from "node:assert/strict";
import { test } from "node:test";
import { kit } from "micro-chatops/kit";
import { list, open } from "./incident.ts";

const given = {
  commands: [open, list],
  secrets: { CHAT_TOKEN: "a-token-of-the-chat" },
  now: new Date("2026-03-01T02:00:00Z"),
};
const created = { "POST https://chat.example/api/channels": { status: 201, body: { ok: true } } };

test("opens a channel and remembers it", async () => {
  await using bot = kit({ ...given, http: created });
  await bot.says("incident open orders are stuck!").expect("#inc-2026-03-01-orders-are-stuck is open");
  await bot
    .says("incident list", { by: "bob" })
    .expect("#inc-2026-03-01-orders-are-stuck: orders are stuck! (chat:ann)");
});

test("opens it once", async () => {
  await using bot = kit({ ...given, http: created });
  await bot.says("incident open orders are stuck").expect("is open: orders are stuck");
  await bot.says("incident open orders are stuck").expect("is open already");
  assert.equal(bot.requests.length, 1);
});

test("remembers nothing that the chat has refused", async () => {
  await using bot = kit({ ...given, http: { "POST https://chat.example/api/channels": { status: 403 } } });
  await bot.says("incident open orders are stuck").expect("answers with 403");
  await bot.says("incident list").expect("0 open");
});
