import emulator from "telegram-test-api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { InputConnection } from "../../../src/inputs/input.ts";
import { telegramInput } from "../../../src/inputs/telegram/telegram.ts";
import { freePort } from "../../fakes/free-port.ts";

/** The package exports the class itself and says that it does not. */
const TelegramServer = emulator as unknown as typeof emulator.default;

/**
 * The same over a Bot API server that is not ours, `telegram-test-api`. It has no waiting, no acknowledgements (what was asked
 * for is gone), no documents, no reactions, no rate limits, no refusals and no groups; for those there is our own.
 */
describe("Telegram, over telegram-test-api", () => {
  const token = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";
  let server: InstanceType<typeof TelegramServer>;
  let client: ReturnType<typeof server.getClient>;
  let link: InputConnection;
  let heard: AsyncIterator<{ text: string; id: string; place: { room: string } }>;

  beforeEach(async () => {
    server = new TelegramServer({ port: await freePort(), host: "127.0.0.1" });
    await server.start();
    client = server.getClient(token, { timeout: 5000, userId: 77, chatId: 77, firstName: "Ann" });
    link = await telegramInput({ token, apiUrl: server.config.apiURL, pollMs: 1000 })().connect();
    heard = link[Symbol.asyncIterator]();
  });

  afterEach(async () => {
    await link.close();
    await server.stop();
  });

  const next = async () => (await heard.next()).value;

  it("hears what is said, and answers, so that people see what was meant", async () => {
    await client.sendMessage(client.makeMessage("list services"));
    const message = await next();
    expect(message).toMatchObject({
      text: "list services",
      addressed: true,
      from: { id: "77", name: "Ann", guest: false },
    });
    await link.send({ place: message.place, parts: [{ kind: "code", text: "<greeter>" }] });
    const { result } = await client.getUpdates();
    expect(result).toMatchObject([
      { message: { chat_id: 77, text: "<pre>&lt;greeter&gt;</pre>", parse_mode: "HTML" } },
    ]);
  });

  it("hears commands as Telegram writes them", async () => {
    await client.sendCommand(client.makeCommand("/help"));
    expect(await next()).toMatchObject({ text: "help" });
  });

  it("hears what is pressed, under what it said, and changes that", async () => {
    await client.sendMessage(client.makeMessage("hello"));
    const { place } = await next();
    const parts = [{ kind: "text" as const, text: "sure?" }];
    const choices = [{ label: "Yes", line: "yes 1f" }];
    await link.send({ place, parts, choices, progress: { key: "k", last: false } });
    const { result } = await client.getUpdates();
    const asked = result[0]?.message as unknown as Asked;
    const data = asked.reply_markup.inline_keyboard[0]?.[0]?.callback_data ?? "";
    const message = { message_id: result[0]?.messageId, chat: { id: 77, type: "private" } };
    await client.sendCallback(client.makeCallbackQuery(data, { message } as object));
    expect(await next()).toMatchObject({ text: "yes 1f", from: { id: "77" }, place: { room: place.room } });
    await link.send({ place, parts: [{ kind: "text", text: "done" }], progress: { key: "k", last: true } });
    const history = await client.getUpdatesHistory();
    expect(JSON.stringify(history)).toContain('"text":"done"');
  });

  it("takes each of many messages once, in order", async () => {
    const texts = Array.from({ length: 20 }, (_, index) => `echo ${index}`);
    for (const text of texts) await client.sendMessage(client.makeMessage(text));
    const got: string[] = [];
    for (let index = 0; index < texts.length; index += 1) got.push((await next()).text);
    expect(got).toEqual(texts);
  });
});

interface Asked {
  readonly reply_markup: { readonly inline_keyboard: readonly (readonly { readonly callback_data: string }[])[] };
}
