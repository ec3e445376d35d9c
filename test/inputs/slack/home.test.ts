import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { IncomingMessage, InputConnection } from "../../../src/inputs/input.ts";
import { homeOpened } from "../../../src/inputs/slack/home.ts";
import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { HOSTILE } from "../../contract/input.contract.ts";
import { manualClock } from "../../fakes/clock.ts";
import { type FakeSlack, fakeSlack } from "../../fakes/slack.ts";
import { listener } from "./listener.ts";

const self = { team: "T1", user: "UBOT" };
const opened = (event: object) =>
  homeOpened(
    { team_id: "T1", event: { type: "app_home_opened", tab: "home", user: "U1", event_ts: "120.5", ...event } },
    self,
  );

describe("the home tab in Slack", () => {
  const clock = manualClock(); // a press that waits too long is dropped, and this machine may be slow
  let slack: FakeSlack;
  let link: InputConnection;
  let next: (count?: number) => Promise<IncomingMessage[]>;

  beforeEach(async () => {
    slack = await fakeSlack();
    link = await slackInput(slack)({ clock }).connect();
    next = listener(link);
  });

  afterEach(async () => {
    await link.close();
    await slack.close();
  });

  it("opened, is somebody asking for help, whose answer stands in it and nowhere else", async () => {
    slack.people.openHome("U2");
    const [message] = await next();
    expect(message).toMatchObject({
      from: { id: "T1/U2", guest: false },
      text: "help",
      addressed: true,
      place: { room: "home/U2", home: "U2", team: "T1", user: "U2" },
    });
    await link.send({
      place: JSON.parse(JSON.stringify(message?.place)),
      parts: [
        { kind: "text", text: "what I can do" },
        { kind: "code", text: "list services\nhealth <service>" },
      ],
    });
    const tab = slack.people.homes.get("U2");
    expect(tab?.text).toBe("what I can do\n```\nlist services\nhealth <service>\n```");
    expect(tab?.live).toEqual([]);
    expect(slack.posts).toEqual([]);
  });

  it("costs one help a minute for each person, however often it is opened", async () => {
    const ids = ["120.5", "121.000001", "179.9", "180", "1515449522000016", "1515449522.000016"].map(
      (event_ts) => opened({ event_ts })?.id,
    );
    expect(ids).toEqual(["2", "2", "2", "3", "25257492", "25257492"].map((minute) => `T1/home/U1/${minute}`));
    expect(opened({ user: "U2" })?.id).not.toBe(opened({})?.id);
    expect(opened({ event_ts: "1515449522000016" })?.sentAt).toBe(1515449522000);
  });

  it.each([
    ["the messages tab", { tab: "messages" }],
    ["no tab", { tab: undefined }],
    ["nobody", { user: "" }],
    ["no time", { event_ts: "" }],
    ["a time that is none", { event_ts: "soon" }],
  ])("is not opened by %s", (_what, event) => {
    expect(opened(event)).toBeUndefined();
  });

  it("has buttons that say their line, and shows what comes of it", async () => {
    slack.people.openHome();
    const { place } = (await next())[0]!;
    await link.send({
      place,
      parts: [{ kind: "text", text: "help" }],
      choices: [{ label: "Services", line: "list services" }],
    });
    slack.people.press("Services");
    const [press] = await next();
    expect(press).toMatchObject({
      text: "list services",
      from: { id: "T1/U1" },
      place: { home: "U1" },
      takesForm: true,
    });
    await link.send({ place: press!.place, parts: [{ kind: "text", text: "1 service" }] });
    expect(slack.people.homes.get("U1")?.text).toBe("1 service");
  });

  it("shows what grows as it grows, and tells of a file that there is one", async () => {
    slack.people.openHome();
    const { place } = (await next())[0]!;
    for (const text of ["one", "two"]) {
      await link.send({ place, parts: [{ kind: "text", text }], progress: { key: "k", last: text === "two" } });
      expect(slack.people.homes.get("U1")?.text).toBe(text);
    }
    await link.send({ place, parts: [{ kind: "text", text: "many" }], file: { name: "answer.txt", text: "x" } });
    expect(slack.people.homes.get("U1")?.text).toMatch(/^many\nanswer\.txt does not fit here/);
  });

  it("cuts what is too long at the end of a line, and says how much", async () => {
    slack.people.openHome();
    const { place } = (await next())[0]!;
    const lines = Array.from({ length: 20_000 }, (_, index) => `${index} <service>`);
    await link.send({ place, parts: [{ kind: "code", text: lines.join("\n") }] });
    const { text = "", live } = slack.people.homes.get("U1") ?? {};
    const shown = text.split("\n").filter((line) => line.endsWith("<service>"));
    expect(shown).toEqual(lines.slice(0, shown.length));
    expect(shown.length).toBeGreaterThan(300);
    expect(text).toContain(`in ${20_000 - shown.length} lines do not fit`);
    expect(live).toEqual([]);
  });

  it("Mention / markup injection in output (chat.md §6): nothing comes alive in it", async () => {
    slack.people.openHome();
    const { place } = (await next())[0]!;
    for (const text of HOSTILE) {
      await link.send({ place, parts: [{ kind: "text", text }], choices: [{ label: text, line: text }] });
      const tab = slack.people.homes.get("U1");
      expect(tab?.live).toEqual([]);
      expect(tab?.text.replaceAll("\u200b", "")).toBe(text);
    }
  });
});
