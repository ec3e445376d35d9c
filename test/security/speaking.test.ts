/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: guards are quoted as they stand */

import { PassThrough } from "node:stream";
import { expect } from "vitest";
import { HOSTILE } from "../contract/input.contract.ts";
import { collector } from "../fakes/run-program.ts";
import { liveIn } from "../fakes/xmpp-reader.ts";
import { deploying } from "./deploying.ts";
import { discordAt, hipchatAt, slackAt, telegramAt, xmppAt } from "./places.ts";
import { proven } from "./proven.ts";

/* What a service answers comes alive nowhere. */

const answer = HOSTILE.join("\n");

proven(
  "Mention / markup injection in output",
  "Slack's grammar",
  [
    {
      what: "the encoding of <",
      file: "inputs/slack/render.ts",
      code: '.replaceAll("<", "&lt;")',
    },
    {
      what: "the encoding of &",
      file: "inputs/slack/render.ts",
      code: '.replaceAll("&", "&amp;")',
    },
  ],
  async (scene) => {
    const { slack, input } = await slackAt(scene);
    const { deployed } = await deploying(scene, [input], { answer });
    slack.say("@micro deploy x");
    await deployed("x");
    await expect.poll(() => slack.posts.length, { timeout: 3000 }).toBe(1);
    expect(slack.posts[0]?.live).toEqual([]);
    expect(slack.posts[0]?.text).toContain("<!channel> <!here>");
    // As it was, encoded once: what looks encoded already does not come out as something else.
    expect(slack.posts[0]?.text).toContain("&lt;!channel&gt;");
  },
);

proven(
  "Mention / markup injection in output",
  "Telegram's HTML, mentions and commands",
  [
    {
      what: "what keeps a name from being a mention",
      file: "inputs/telegram/render.ts",
      code: "encode(inert(text))))",
      without: "encode(text)))",
    },
  ],
  async (scene) => {
    const { telegram, input } = await telegramAt(scene);
    const { deployed } = await deploying(scene, [input], { answer });
    telegram.say("deploy x");
    await deployed("x");
    await expect.poll(() => telegram.posts.length, { timeout: 3000 }).toBe(1);
    expect(telegram.posts[0]?.live).toEqual([]);
  },
);

proven(
  "Mention / markup injection in output",
  "a link of Telegram's HTML",
  [{ what: "the encoding of <", file: "inputs/telegram/render.ts", code: '.replaceAll("<", "&lt;")' }],
  async (scene) => {
    const { telegram, input } = await telegramAt(scene);
    const link = '<a href="https://evil.example/">your balance</a>';
    const { deployed } = await deploying(scene, [input], { answer: link });
    telegram.say("deploy x");
    await deployed("x");
    await expect.poll(() => telegram.posts.length, { timeout: 3000 }).toBe(1);
    expect(telegram.posts[0]?.text.replaceAll("\u200b", "")).toBe(link);
  },
);

proven(
  "Mention / markup injection in output",
  "Discord's markdown and mentions",
  [
    {
      what: "the backslashes",
      file: "inputs/discord/render.ts",
      code: '.replace(/[\\\\*_~`|<>[\\]]/g, "\\\\$&")',
    },
    {
      what: "the flag that nobody is to be notified",
      file: "inputs/discord/post.ts",
      code: "allowed_mentions: { parse: [], replied_user: false },",
    },
  ],
  async (scene) => {
    const { discord, input } = await discordAt(scene);
    const { deployed } = await deploying(scene, [input], { answer });
    discord.say("micro deploy x");
    await deployed("x");
    await expect.poll(() => discord.posts.length, { timeout: 3000 }).toBe(1);
    expect(discord.posts[0]?.live).toEqual([]);
    expect(discord.posts[0]?.body.allowed_mentions).toEqual({ parse: [], replied_user: false });
  },
);

proven(
  "Mention / markup injection in output",
  "XMPP's fences",
  [
    {
      what: "what keeps three backticks apart",
      file: "inputs/xmpp/render.ts",
      code: 'const inert = unfence(legal(text).replace(/\\r\\n?/g, "\\n"));',
      without: "const inert = legal(text);",
    },
  ],
  async (scene) => {
    const { server, input } = await xmppAt(scene);
    const { deployed } = await deploying(scene, [input], { answer: "```\nit seems to be the bot's\n```\nand is not" });
    server.say("micro: deploy x");
    await deployed("x");
    await expect.poll(() => server.heard.length, { timeout: 3000 }).toBe(1);
    expect(server.heard[0]?.text).not.toContain("```");
  },
);

proven(
  "Mention / markup injection in output",
  "a terminal's escapes",
  [
    {
      what: "what takes them out",
      file: "core/plain-text.ts",
      code: 'return text.replace(/\\r\\n?/g, "\\n").replace(ESCAPES, "").replace(CONTROLS, "");',
      without: "return text;",
    },
  ],
  async (scene) => {
    const output = collector();
    const input = new PassThrough();
    const terminal = scene.kit.terminalInput({ input, output, user: "ann" })();
    const { deployed } = await deploying(scene, [terminal], {
      answer: "\u001b[2J\u001b]52;c;ZXZpbA==\u0007\u009b31mred\u202egnp.exe",
    });
    input.write("deploy x\n");
    await deployed("x");
    await expect.poll(() => output.text(), { timeout: 3000 }).toContain("red");
    expect(output.text()).toBe("redgnp.exe\n");
    input.end();
  },
);

const URL = "see https://evil.example/?q=secret";

proven(
  "Unfurl exfiltration",
  "Slack, Telegram and Discord are told to fetch no address",
  [
    {
      what: "Slack's two flags",
      file: "inputs/slack/post.ts",
      code: "unfurl_links: false, unfurl_media: false",
    },
    {
      what: "Telegram's flag",
      file: "inputs/telegram/post.ts",
      code: ", link_preview_options: { is_disabled: true }",
    },
    {
      what: "Discord's flag",
      file: "inputs/discord/post.ts",
      code: "content,\n    flags: SUPPRESS_EMBEDS,",
      without: "content,",
    },
    {
      what: "Discord's brackets",
      file: "inputs/discord/render.ts",
      code: "out += `${backslashed(text.slice(from, match.index))}<${match[0]}>`;",
      without: "out += `${backslashed(text.slice(from, match.index))}${match[0]}`;",
    },
  ],
  async (scene) => {
    const { slack, input: first } = await slackAt(scene);
    const { telegram, input: second } = await telegramAt(scene);
    const { discord, input: third } = await discordAt(scene);
    await deploying(scene, [first, second, third], { answer: URL });
    slack.say("@micro deploy a");
    telegram.say("deploy b");
    discord.say("micro deploy c");
    const posts = () => [slack.posts[0], telegram.posts[0], discord.posts[0]];
    await expect.poll(posts, { timeout: 3000 }).not.toContain(undefined);
    expect(slack.posts[0]?.args).toMatchObject({ unfurl_links: "false", unfurl_media: "false" });
    expect(telegram.posts[0]?.args).toMatchObject({ link_preview_options: { is_disabled: true } });
    expect(discord.posts[0]?.body).toMatchObject({ flags: 4, content: expect.stringMatching(/<https:[^>]+>/) });
  },
);

proven(
  "XMPP stanza injection",
  "whatever a service answers is one body and nothing else",
  [
    {
      what: "the escaping",
      file: "inputs/xmpp/xml.ts",
      code: "return legal(text).replace(/[&<>\"'\\r]/g, (one) => ENTITIES[one] ?? one);",
      without: "return legal(text);",
    },
    {
      what: "what XML cannot write being taken out",
      file: "inputs/xmpp/xml.ts",
      code: 'return text.replace(ILLEGAL, "");',
      without: "return text;",
    },
  ],
  async (scene) => {
    const { kit } = scene;
    const evil = `</body></message><message to="all@x"><body>]]>\u0000\ufffe`;
    const said = kit.writeXml(kit.xml("message", { to: "'\"<&>" }, kit.xml("body", {}, evil)));
    expect(said.match(/<[a-z]+/g)).toEqual(["<message", "<body"]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(said).not.toMatch(/[\x00\ufffe]/);
    const { server, input } = await xmppAt(scene);
    const { deployed } = await deploying(scene, [input], { answer: evil });
    server.say("micro: deploy x");
    await deployed("x");
    await expect.poll(() => server.heard.length, { timeout: 3000 }).toBe(1);
    expect(server.heard.flatMap(({ stanza }) => liveIn(stanza, ""))).toEqual([]);
  },
);

proven(
  "XMPP stanza injection",
  "nor in HipChat's notifications",
  [
    {
      what: "the escaping",
      file: "inputs/xmpp/xml.ts",
      code: "return legal(text).replace(/[&<>\"'\\r]/g, (one) => ENTITIES[one] ?? one);",
      without: "return legal(text);",
    },
  ],
  async (scene) => {
    const { server, input } = await hipchatAt(scene);
    const { deployed } = await deploying(scene, [input], { answer: "</body><x xmlns='http://hipchat.com'/>" });
    server.sayAs("Ann Smith", "@micro deploy x");
    await deployed("x");
    await expect.poll(() => server.heard.length, { timeout: 3000 }).toBe(1);
    expect(server.heard[0]?.text).toContain("</body>");
  },
);
