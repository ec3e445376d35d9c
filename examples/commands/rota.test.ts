import { test } from "node:test";
import { kit } from "micro-chatops/kit";
import whoNow from "./rota.ts";

const rota = [
  { team: "orders", person: "ann", until: "2026-03-02T08:00:00Z" },
  { team: "payments", person: "bob", until: "2026-03-02T08:00:00Z" },
];

test("tells who it is", async () => {
  await using bot = kit({ commands: [whoNow], http: { "GET https://rota.example/api/now": { body: rota } } });
  await bot.says("who has the rota").expect(/orders +ann +until 2026-03-02 08:00/);
  await bot.says("rota payments").expect(/^payments +bob/m);
  await bot.says("rota sales").expect('the rota knows no team "sales"; there are orders, payments');
});

test("says so when the rota is away, or says something else", async () => {
  await using away = kit({ commands: [whoNow] });
  await away.says("rota").expect(/no answer is recorded/);
  await using odd = kit({ commands: [whoNow], http: { "GET https://rota.example/api/now": { body: { error: "?" } } } });
  await odd.says("rota").expect("the rota gives no rota (200)");
});
