import { expect } from "vitest";
import type { Log } from "../../src/core/log.ts";
import { DOMAIN } from "../fakes/xmpp.ts";
import { makeCertificate } from "../fakes/xmpp-certificate.ts";
import { slackAt, xmppAt } from "./places.ts";
import { proven } from "./proven.ts";

/* What the bot is trusted with, and the links that it goes over. */

proven(
  "Weak transport",
  "no token goes to an address without TLS",
  [
    {
      what: "Slack's look at the address",
      file: "inputs/slack/tokens.ts",
      code: 'if (url?.protocol === "https:" || (url?.protocol === "http:" && local)) return apiUrl;',
      without: "return apiUrl;",
    },
    {
      what: "Telegram's look at the address",
      file: "inputs/telegram/settings.ts",
      code: 'if (url?.protocol === "https:" || (url?.protocol === "http:" && local)) return apiUrl.replace(/\\/+$/, "");',
      without: "return apiUrl;",
    },
  ],
  async ({ kit }) => {
    for (const apiUrl of ["http://slack.example/api/", "http://127.0.0.1.evil.example/", "ftp://localhost/"]) {
      const slack = { token: "xoxb-1-2-3", appToken: "xapp-1-2", apiUrl };
      expect(() => kit.slackInput(slack), apiUrl).toThrow(/no https address/);
      expect(() => kit.telegramInput({ token: "1:AA", apiUrl }), apiUrl).toThrow(/no https address/);
    }
  },
);

proven(
  "Weak transport",
  "in XMPP no password is said without TLS, nor to whom an unknown authority vouches for",
  [
    {
      what: "what verifies the server",
      file: "inputs/xmpp/stream.ts",
      code: "...(init.ca !== undefined && { ca: init.ca }),",
      without: "rejectUnauthorized: false,",
    },
    {
      what: "what wants TLS",
      file: "inputs/xmpp/session.ts",
      code: 'if (!offers(first, "starttls", NS.tls)) {',
      without:
        'if (!offers(first, "starttls", NS.tls)) {\n    return (await init.authenticate(stream, first, signal)) ?? "";',
    },
  ],
  async (scene) => {
    const { server } = await xmppAt(scene);
    const another = await makeCertificate(DOMAIN);
    scene.later(another.remove);
    const connect = async (ca: string) => {
      const init = { username: `bot@${DOMAIN}`, password: "botpw", server: server.address, ca };
      const link = await scene.kit.xmppInput(init)().connect({ timeoutMs: 3000 });
      await link.close();
    };
    await expect(connect(another.file)).rejects.toThrow(/authority/);
    server.faults.noTls = true;
    await expect(connect(another.file)).rejects.toThrow(/TLS/);
    expect(server.attempts).toEqual([]);
  },
);

proven(
  "Leaked tokens",
  "an error of Slack's shows no token, however it came into it",
  [
    {
      what: "what crosses them out, by value and by looks",
      file: "inputs/slack/logger.ts",
      code: '.reduce((left, secret) => left.replaceAll(secret, "***"), text);',
      without: ".reduce((left) => left, text);",
      and: [
        {
          file: "inputs/slack/logger.ts",
          code: 'return known.replace(TOKEN, "***").replace(TICKET, "$1***");',
          without: "return known;",
        },
      ],
    },
  ],
  async (scene) => {
    const lines: string[] = [];
    const write = (fields: object, message: string) => void lines.push(`${JSON.stringify(fields)} ${message}`);
    const log: Log = { debug: write, info: write, warn: write, error: write };
    const { slack } = await slackAt(scene);
    const { token, appToken, apiUrl } = slack;
    const input = scene.kit.slackInput({ token, appToken, apiUrl })({ log });
    slack.fault("auth.test", { error: `not with ${token}`, times: 20 });
    const error: unknown = await input.connect({ timeoutMs: 3000 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(`${(error as Error).message} ${JSON.stringify(error)} ${lines.join()}`).not.toContain(token);
  },
);
