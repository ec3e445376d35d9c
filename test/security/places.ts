import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fakeDiscord } from "../fakes/discord.ts";
import { BOT, CHAT, fakeHipChat } from "../fakes/hipchat.ts";
import { fakeSlack } from "../fakes/slack.ts";
import { fakeTelegram } from "../fakes/telegram.ts";
import { DOMAIN, fakeXmpp, OPS } from "../fakes/xmpp.ts";
import { makeCertificate } from "../fakes/xmpp-certificate.ts";
import type { Scene } from "./proven.ts";

/* Networks with a bot's input to each, for as long as a proof runs. */

export async function slackAt({ kit, later }: Scene) {
  const slack = await fakeSlack();
  later(slack.close);
  const { token, appToken, apiUrl } = slack;
  return { slack, input: kit.slackInput({ token, appToken, apiUrl })() };
}

export async function xmppAt({ kit, later }: Scene) {
  const certificate = await makeCertificate(DOMAIN);
  later(certificate.remove);
  const server = await fakeXmpp(certificate);
  later(server.close);
  const input = kit.xmppInput({
    username: `bot@${DOMAIN}`,
    password: "botpw",
    server: server.address,
    ca: certificate.file,
    rooms: [OPS],
  })();
  return { server, certificate, input };
}

export async function hipchatAt({ kit, later }: Scene) {
  const certificate = await makeCertificate(CHAT);
  later(certificate.remove);
  const server = await fakeHipChat(certificate);
  later(server.close);
  const input = kit.hipchatInput({
    username: BOT,
    password: "botpw",
    server: server.address,
    ca: certificate.file,
  })();
  return { server, input };
}

export async function telegramAt({ kit, later }: Scene, whitelist: readonly string[] = []) {
  const telegram = await fakeTelegram();
  later(telegram.close);
  const { token, apiUrl } = telegram;
  return { telegram, input: kit.telegramInput({ token, apiUrl, pollMs: 1000, whitelist })() };
}

export async function discordAt({ kit, later }: Scene, whitelist: readonly string[] = []) {
  const discord = await fakeDiscord();
  later(discord.close);
  const { token, apiUrl } = discord;
  return { discord, input: kit.discordInput({ token, apiUrl, whitelist })() };
}

/** A folder of its own. */
export function folderAt({ later }: Scene): string {
  const folder = mkdtempSync(join(tmpdir(), "micro-proof-"));
  later(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
