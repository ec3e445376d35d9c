import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Form, FormField, IncomingMessage, InputConnection } from "../../../src/inputs/input.ts";
import { formView, submitted } from "../../../src/inputs/slack/form.ts";
import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { manualClock } from "../../fakes/clock.ts";
import { type FakeSlack, fakeSlack } from "../../fakes/slack.ts";
import { refusedView } from "../../fakes/slack-blocks.ts";
import { listener } from "./listener.ts";

const self = { team: "T1", user: "UBOT" };
const form: Form = {
  command: "call",
  summary: "Call an endpoint of a service & print the answer",
  fields: [
    { name: "service", kind: "line", required: true, hint: "go.micro.srv.<name>" },
    { name: "request", kind: "lines", required: false, value: "{}" },
    { name: "timeout", kind: "number", required: false, value: "5" },
    { name: "output", kind: "choice", required: false, options: ["text", "json", "<raw & more>"], value: "text" },
    { name: "all", kind: "flag", required: true },
  ],
};
const elsewhere = [{ kind: "text" as const, text: "usage: call <service>" }];

describe("forms in Slack", () => {
  const clock = manualClock();
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

  const asked = async (): Promise<IncomingMessage["place"]> => {
    slack.people.slash("call");
    return (await next())[0]!.place;
  };
  const open = async (what: Form = form) => {
    await link.send({ place: await asked(), parts: elsewhere, form: what });
    return slack.people.forms.at(-1);
  };

  it("open for who asked, each field as it is typed, and nothing is said", async () => {
    const view = await open();
    expect(view).toMatchObject({ user: "U1", title: { text: "call" }, submit: { text: "Run" } });
    expect(view?.blocks?.map(({ type }) => type)).toEqual(["section", "input", "input", "input", "input", "input"]);
    const inputs = view?.blocks?.slice(1);
    expect(inputs?.map(({ optional }) => optional)).toEqual([false, true, true, true, true]);
    expect(inputs?.map(({ element }) => element)).toMatchObject([
      { type: "plain_text_input", multiline: false },
      { type: "plain_text_input", multiline: true, initial_value: "{}" },
      { type: "number_input", initial_value: "5" },
      { type: "static_select", initial_option: { text: { text: "text" } } },
      { type: "checkboxes", options: [{ value: "true" }] },
    ]);
    expect(slack.posts).toEqual([]);
  });

  it("come back as the command and what was filled in, in the place they were opened from", async () => {
    await open();
    await clock.advance(5000);
    slack.people.submit({
      service: 'a "b" <c> & d',
      request: '{\n  "name": "x"\n}',
      timeout: "12.5",
      output: "<raw & more>",
      all: true,
    });
    const [message] = await next();
    expect(message).toMatchObject({
      from: { id: "T1/U1" },
      place: { room: "C1", channel: "C1", team: "T1", user: "U1" },
      text: "call",
      addressed: true,
      sentAt: clock.now(),
      filled: {
        service: 'a "b" <c> & d',
        request: '{\n  "name": "x"\n}',
        timeout: "12.5",
        output: "<raw & more>",
        all: "true",
      },
    });
    expect(message?.takesForm).toBeUndefined();
    expect(message?.place["trigger"]).toBeUndefined();
    await link.send({ place: message!.place, parts: elsewhere });
    expect(slack.posts).toMatchObject([{ channel: "C1", text: "usage: call <service>" }]);
  });

  it("leave out what was left empty", async () => {
    await open();
    slack.people.submit({ service: "greeter", request: "  " });
    expect((await next())[0]?.filled).toEqual({ service: "greeter" });
  });

  it("come back once, though they were sent off twice, and the view is closed when the bot has them", async () => {
    await open();
    const first = slack.people.submit({ service: "greeter" });
    slack.people.again();
    slack.say("the end");
    expect((await next(2)).map(({ text }) => text)).toEqual(["call", "the end"]);
    await vi.waitFor(() => expect(slack.sockets.answers.has(first)).toBe(true));
    expect(slack.sockets.answers.get(first) ?? {}).toEqual({});
  });

  it("open from a press as well, and belong to the thread of its message", async () => {
    slack.say("@micro help", { thread: "111.222" });
    const { place } = (await next())[0]!;
    await link.send({ place, parts: elsewhere, choices: [{ label: "Call…", line: "call" }] });
    slack.people.press("Call…", { user: "U2" });
    const [press] = await next();
    await link.send({ place: press!.place, parts: elsewhere, form });
    slack.people.submit({ service: "greeter" });
    expect((await next())[0]).toMatchObject({ from: { id: "T1/U2" }, place: { thread: "111.222", user: "U2" } });
  });

  it("carry what was filled in by whoever sent it off", async () => {
    await open();
    slack.people.submit({ service: "greeter" }, { user: "U2" });
    expect((await next())[0]).toMatchObject({ from: { id: "T1/U2" }, place: { user: "U2" } });
  });

  describe("are said instead, and never silence follows, when", () => {
    const spoken = () => slack.posts.map(({ text }) => text);

    it("three seconds have gone by", async () => {
      const place = await asked();
      slack.people.late();
      await link.send({ place, parts: elsewhere, form });
      expect(spoken()).toEqual(["usage: call <service>"]);
    });

    it("the trigger was used before", async () => {
      const place = await asked();
      await link.send({ place, parts: elsewhere, form });
      expect(spoken()).toEqual([]);
      await link.send({ place, parts: elsewhere, form });
      expect(spoken()).toEqual(["usage: call <service>"]);
    });

    it.each([
      ["Slack refuses the view", { error: "invalid_arguments" }],
      ["Slack asks to wait", { retryAfter: 30 }],
      ["Slack cannot be reached", { reset: true }],
    ] as const)("%s", async (_what, fault) => {
      const place = await asked();
      slack.fault("views.open", fault);
      await link.send({ place, parts: elsewhere, form });
      expect(spoken()).toEqual(["usage: call <service>"]);
    });

    it("the message was typed, so there is no trigger", async () => {
      slack.say("@micro call");
      const { place } = (await next())[0]!;
      await link.send({ place, parts: elsewhere, form });
      expect(spoken()).toEqual(["usage: call <service>"]);
      expect(slack.calls.filter(({ method }) => method === "views.open")).toEqual([]);
    });

    it.each([
      [
        "too many fields",
        { fields: Array.from({ length: 120 }, (_, i): FormField => ({ ...form.fields[0]!, name: `f${i}` })) },
      ],
      ["a command too long to be kept", { command: "x".repeat(3000) }],
    ])("it has %s", async (_what, facts) => {
      const place = await asked();
      await link.send({ place, parts: elsewhere, form: { ...form, ...facts } });
      expect(spoken()).toEqual(["usage: call <service>"]);
      expect(slack.calls.filter(({ method }) => method === "views.open")).toEqual([]);
    });
  });
});

describe("the view of a form", () => {
  const place = { room: "C1", channel: "C1", team: "T1", user: "U1", trigger: "1.T1.a" };
  const view = (facts: Partial<FormField>) =>
    formView({ ...form, fields: [{ name: "x", kind: "choice", required: true, ...facts }] }, place);

  it.each<[string, Partial<FormField>]>([
    ["a menu without options", { options: [] }],
    ["a menu with too many", { options: Array.from({ length: 101 }, (_, i) => `o${i}`) }],
    ["a menu with one that is too long", { options: ["a", "b".repeat(76)] }],
    ["a menu with a blank one", { options: ["a", " "] }],
  ])("makes %s a line to type, with what there is in the hint", (_what, facts) => {
    const made = view({ hint: "which", ...facts });
    expect(refusedView(made as never)).toBeUndefined();
    expect(made?.blocks.at(-1)).toMatchObject({ element: { type: "plain_text_input" } });
    const hint = JSON.stringify(made?.blocks.at(-1));
    if (facts.options?.length) expect(hint).toContain(`which: one of ${facts.options[0]}`);
  });

  it.each<[string, Partial<FormField>]>([
    ["a number that is none", { kind: "number", value: "many" }],
    ["an option that is none", { options: ["a"], value: "b" }],
    ["a text that is too long", { kind: "lines", value: "x".repeat(3001) }],
    ["nothing", { kind: "line", value: "" }],
    ["a flag that is down", { kind: "flag", value: "false" }],
  ])("does not begin with %s", (_what, facts) => {
    const made = view(facts);
    expect(refusedView(made as never)).toBeUndefined();
    expect(JSON.stringify(made)).not.toMatch(/"initial_/);
  });

  it("shortens what is too long to be shown", () => {
    const made = formView(
      {
        command: "a very long command name indeed",
        summary: "s".repeat(5000),
        fields: [{ ...form.fields[0]!, hint: "h".repeat(5000) }],
      },
      place,
    );
    expect(refusedView(made as never)).toBeUndefined();
    expect(made?.title.text).toBe("a very long command nam…");
  });
});

describe("what is no form of ours", () => {
  const place = { room: "C1", channel: "C1", team: "T1" };
  const metadata = (kept: unknown) => JSON.stringify(kept);
  const view = {
    id: "V1",
    callback_id: "micro-form",
    private_metadata: metadata({ place, command: "call", names: ["service", "__proto__"] }),
    state: { values: { "field-0": { value: { value: "greeter" } }, "field-1": { value: { value: "x" } } } },
  };
  const submission = { type: "view_submission", user: { id: "U1", team_id: "T1" }, team: { id: "T1" }, view };

  it("is one as it should be, and no name in it means anything to us", () => {
    const message = submitted(submission, self, 5);
    expect(message).toMatchObject({ id: "T1/form/V1", text: "call", sentAt: 5 });
    expect(Object.entries(message?.filled ?? {})).toEqual([
      ["service", "greeter"],
      ["__proto__", "x"],
    ]);
  });

  it.each<[string, object]>([
    ["another form", { view: { ...view, callback_id: "vote" } }],
    ["nothing kept", { view: { ...view, private_metadata: "" } }],
    ["something else kept", { view: { ...view, private_metadata: "[1" } }],
    ["no place kept", { view: { ...view, private_metadata: metadata({ command: "call", names: [] }) } }],
    [
      "a place of another workspace",
      {
        view: { ...view, private_metadata: metadata({ place: { ...place, team: "T2" }, command: "call", names: [] }) },
      },
    ],
    ["nobody", { user: undefined }],
    ["the bot", { user: { id: "UBOT" } }],
    ["no view", { view: undefined }],
  ])("%s", (_what, facts) => {
    expect(submitted({ ...submission, ...facts } as typeof submission, self, 5)).toBeUndefined();
  });

  it("a field whose answer is missing is left empty", () => {
    expect(submitted({ ...submission, view: { ...view, state: {} as never } }, self, 5)?.filled).toEqual({});
  });
});
