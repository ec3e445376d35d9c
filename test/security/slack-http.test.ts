import { expect } from "vitest";
import { silent } from "../../src/core/log.ts";
import type { Arrived } from "../../src/inputs/slack/arrivals.ts";
import { manualClock } from "../fakes/clock.ts";
import { type Manner, slackRequests } from "../fakes/slack-http.ts";
import { proven, type Scene } from "./proven.ts";

/* Requests that claim to be Slack's. */

const EVENT = JSON.stringify({
  type: "event_callback",
  event_id: "Ev1",
  team_id: "T1",
  event: { type: "message", channel: "C1", user: "U1", ts: "1.1", text: "deploy it" },
});
const CHALLENGE = JSON.stringify({ type: "url_verification", challenge: "echo me" });

/** Sends a request to a bot that listens; what it is answered, and whether the bot heard anything. */
async function listening({ kit, later }: Scene) {
  const clock = manualClock(Date.UTC(2026, 0, 1));
  const heard: Arrived[] = [];
  const { signingSecret } = slackRequests({ port: 0 });
  const receiver = await kit.openHttp(
    { signingSecret, address: { host: "127.0.0.1", port: 0 }, path: "/slack/events" },
    { clock, log: silent },
    (envelope) => {
      heard.push(envelope);
      envelope.ack().catch(() => {});
    },
  );
  later(receiver.close);
  const now = Math.floor(clock.now() / 1000);
  const slack = slackRequests({ port: receiver.port, now: () => now, patienceMs: 2000 });
  return {
    now,
    sent: async (body: string, how: Manner = {}) => {
      const { status, body: answer } = await slack.send(body, how);
      return { status, answer, heard: heard.length };
    },
  };
}

const REFUSED = { status: 401, answer: "", heard: 0 };
const SIGNATURE = {
  what: "the comparison of signatures",
  file: "inputs/slack/http.ts",
  code: `if (!isSigned(body, stamp, init.signingSecret)) return refuse(response, 401, "forged");`,
};

proven(
  "Slack HTTP endpoint unsigned",
  "what was signed with another secret, or changed on its way, is refused unread",
  [SIGNATURE],
  async (scene) => {
    const { sent } = await listening(scene);
    expect(await sent(EVENT, { secret: "another" })).toEqual(REFUSED);
    expect(await sent(EVENT, { secret: " " })).toEqual(REFUSED);
    expect(await sent(EVENT, { tamper: (body) => body.replace("deploy it", "deploy evil") })).toEqual(REFUSED);
    expect((await sent(EVENT)).heard).toBe(1);
  },
);

proven(
  "Slack HTTP endpoint unsigned",
  "not even url_verification is answered to a stranger",
  [SIGNATURE],
  async (scene) => {
    const { sent } = await listening(scene);
    expect(await sent(CHALLENGE, { secret: "another" })).toEqual(REFUSED);
    expect(await sent(CHALLENGE)).toEqual({ status: 200, answer: "echo me", heard: 0 });
  },
);

proven(
  "Slack HTTP endpoint unsigned",
  "without a signature, or with half of one, it is refused",
  [
    {
      what: "the look at the headers",
      file: "inputs/slack/signature.ts",
      code: 'if (typeof signature !== "string" || !/^v0=[0-9a-f]{64}$/.test(signature)) return "unsigned";',
      without: 'if (typeof signature !== "string") return { timestamp, signature: "" };',
      and: [
        {
          file: "inputs/slack/signature.ts",
          code: 'return timingSafeEqual(expected, Buffer.from(signature.slice(3), "hex"));',
          without:
            'const given = Buffer.from(signature.slice(3), "hex"); return given.equals(expected.subarray(0, given.length));',
        },
      ],
    },
  ],
  async (scene) => {
    const { sent } = await listening(scene);
    expect(await sent(EVENT, { headers: { "x-slack-signature": undefined } })).toEqual(REFUSED);
    expect(await sent(EVENT, { headers: { "x-slack-signature": "v0=" } })).toEqual(REFUSED);
    expect(await sent(EVENT, { headers: { "x-slack-request-timestamp": undefined } })).toEqual(REFUSED);
  },
);

proven(
  "Slack HTTP endpoint unsigned",
  "a request of yesterday, and one of tomorrow, is refused though it is signed",
  [
    {
      what: "the oldest that is taken",
      file: "inputs/slack/signature.ts",
      code: 'if (agoMs > OLDEST_MS) return "stale";',
    },
    {
      what: "the latest that is taken",
      file: "inputs/slack/signature.ts",
      code: 'if (agoMs < -AHEAD_MS) return "future";',
    },
  ],
  async (scene) => {
    const { sent, now } = await listening(scene);
    expect(await sent(EVENT, { timestamp: now - 301 })).toEqual(REFUSED);
    expect(await sent(EVENT, { timestamp: now + 61 })).toEqual(REFUSED);
    expect((await sent(EVENT, { timestamp: now - 299 })).heard).toBe(1);
  },
);

proven(
  "Slack HTTP endpoint unsigned",
  "no secret, or a blank one, and the bot does not start",
  [
    {
      what: "the question for the secret",
      file: "inputs/slack/tokens.ts",
      code: 'if (address !== "" || (appToken === "" && given.signingSecret !== undefined))',
      without: 'if (address !== "") return { kind: "http", signingSecret, ...whereTo(given) };\n  if (false)',
    },
  ],
  async ({ kit }) => {
    for (const signingSecret of [undefined, "", "  \n"]) {
      const settings = { token: "xoxb-1-2-3", address: "127.0.0.1:0", signingSecret };
      expect(() => kit.slackInput(settings), JSON.stringify(signingSecret)).toThrow(/missing slack signing secret/);
    }
  },
);
