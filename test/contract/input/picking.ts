import type { Choice, Form } from "../../../src/inputs/input.ts";
import type { Session } from "./session.ts";
import { plain } from "./session.ts";

const CHOICES: readonly Choice[] = [
  { label: "Yes", line: "yes 1f", weight: "primary" },
  { label: '<!channel> & "No" `now`', line: 'echo “a” <!channel> &amp; {"b": "c\'d"}', weight: "danger" },
];

const FORM: Form = {
  command: "call",
  summary: "Call a service <!channel>",
  fields: [
    { name: "service", kind: "line", required: true, hint: "its name & <more>", value: "greeter" },
    { name: "request", kind: "lines", required: false },
    { name: "timeout", kind: "number", required: false },
    { name: "output", kind: "choice", required: false, options: ["text", "json"] },
    { name: "raw", kind: "flag", required: false },
  ],
};

/** What people do with what the bot shows: buttons, forms; and the signs that it puts on what they said. */
export function picking(session: Session): void {
  const { it, needs, expect, eventually, placed } = session;
  const shown = () => session.chat.heard().map(({ choices = [] }) => choices.length);

  it("says what it says, with choices beside it or without", async () => {
    const { chat } = session;
    const { link, place } = await placed();
    await link.send({ ...plain(place, "sure?"), choices: CHOICES });
    await eventually(() => expect(chat.heard()).toHaveLength(1), "the question");
    expect(chat.heard()[0]?.text).toContain("sure?");
    expect(chat.heard()[0]?.live).toEqual([]);
    expect(shown()).toEqual([chat.input.limits.buttons ? CHOICES.length : 0]);
  });

  needs("press", "says the line of a choice, by who pressed it, where it was shown", async () => {
    const { chat } = session;
    const { link, hear, first, place } = await placed();
    await link.send({ ...plain(place, "sure?"), choices: CHOICES });
    await eventually(() => expect(shown()).toEqual([CHOICES.length]), "the choices");
    let before = first.id;
    for (const [index, { line }] of CHOICES.entries()) {
      await chat.press?.(index);
      const message = await hear.unlike(before);
      expect(message).toMatchObject({ text: line, addressed: true, from: first.from });
      expect(message.place.room).toBe(place.room);
      expect(Math.abs(Date.now() - message.sentAt)).toBeLessThan(60_000);
      before = message.id;
      await link.send(plain(message.place, `heard ${index}`));
    }
    await eventually(() => expect(chat.heard()).toHaveLength(1 + CHOICES.length), "the answers");
    expect(new Set(chat.heard().map(({ where }) => where)).size).toBe(1);
  });

  needs("press", "gives every press an id of its own", async () => {
    const { chat } = session;
    const { link, hear, first, place } = await placed();
    await link.send({ ...plain(place, "again?"), choices: CHOICES });
    await eventually(() => expect(shown()).toEqual([CHOICES.length]), "the choices");
    await chat.press?.(0);
    const one = await hear.unlike(first.id);
    await chat.press?.(0);
    const two = await hear.unlike(one.id);
    expect([one.text, two.text]).toEqual([CHOICES[0]?.line, CHOICES[0]?.line]);
  });

  needs("pressAsStranger", "knows a stranger who presses", async () => {
    const { chat } = session;
    const { link, hear, first, place } = await placed();
    await link.send({ ...plain(place, "sure?"), choices: CHOICES });
    await eventually(() => expect(shown()).toEqual([CHOICES.length]), "the choices");
    await chat.pressAsStranger?.(0);
    const { from } = await hear.unlike(first.id);
    expect(from.guest || from.id === undefined).toBe(true);
    expect(from.id).not.toBe(first.from.id);
  });

  needs("press", "takes choices away when a message that grew ends without them", async () => {
    const { chat } = session;
    const { link, place } = await placed();
    if (!chat.input.limits.edits) return;
    await link.send({ ...plain(place, "sure?"), choices: CHOICES, progress: { key: "k", last: false } });
    await eventually(() => expect(shown()).toEqual([CHOICES.length]), "the choices");
    await link.send({ ...plain(place, "done"), progress: { key: "k", last: true } });
    await eventually(() => expect(shown()).toEqual([0]), "no choices");
    expect(chat.heard()[0]?.text).toBe("done");
  });

  it("says the parts of a form that cannot be opened", async () => {
    const { chat } = session;
    const { link, place, first } = await placed();
    if (first.takesForm) return;
    await link.send({ ...plain(place, "require service"), form: FORM });
    await eventually(() => expect(chat.heard().map(({ text }) => text)).toEqual(["require service"]), "the words");
  });

  needs(["fill", "sayForForm"], "opens a form, and gives what was filled in, under its command", async () => {
    const { chat } = session;
    const { link, hear, first } = await placed();
    await chat.sayForForm?.("call");
    const asking = await hear.unlike(first.id);
    expect(asking).toMatchObject({ text: "call", takesForm: true, addressed: true });
    await link.send({ ...plain(asking.place, "require service"), form: FORM });
    const values = { service: "a “b” <!channel>", request: '{"a":\n1}', timeout: "1.5", output: "json", raw: "true" };
    await chat.fill?.(values);
    const filled = await hear.unlike(asking.id);
    expect(filled).toMatchObject({ text: "call", addressed: true });
    expect(filled.filled).toEqual(values);
    expect(filled.from.id).toBe(asking.from.id);
    await link.send(plain(filled.place, "done"));
    await eventually(() => expect(chat.heard().map(({ text }) => text)).toEqual(["done"]), "the answer alone");
    expect(chat.heard()[0]?.where).not.toBe("");
  });

  needs(["fill", "sayForForm"], "leaves out what was left empty in a form", async () => {
    const { chat } = session;
    const { link, hear, first } = await placed();
    await chat.sayForForm?.("call");
    const asking = await hear.unlike(first.id);
    await link.send({ ...plain(asking.place, "require service"), form: FORM });
    await chat.fill?.({ service: "greeter" });
    expect((await hear.unlike(asking.id)).filled).toEqual({ service: "greeter" });
  });

  needs(["failForm", "sayForForm"], "says the words when a form could not be opened after all", async () => {
    const { chat } = session;
    const { link, hear, first } = await placed();
    await chat.sayForForm?.("call");
    const asking = await hear.unlike(first.id);
    await chat.failForm?.();
    await link.send({ ...plain(asking.place, "require service"), form: FORM });
    await eventually(() => expect(chat.heard().map(({ text }) => text)).toEqual(["require service"]), "the words");
  });

  needs("marks", "puts a sign on what was said, in the stead of the one before", async () => {
    const { chat } = session;
    const { link, place } = await placed();
    await link.mark?.(place, "taken");
    await eventually(() => expect(chat.marks?.()).toHaveLength(1), "a sign");
    const [taken] = chat.marks?.() ?? [];
    await link.mark?.(JSON.parse(JSON.stringify(place)), "done");
    await eventually(() => expect(chat.marks?.().filter((sign) => sign !== taken)).toHaveLength(1), "another sign");
    await eventually(() => expect(chat.marks?.()).toHaveLength(1), "only the last sign");
    expect(chat.heard()).toEqual([]);
  });

  needs(["marks", "failMark"], "goes on when a sign is refused", async () => {
    const { chat } = session;
    const { link, place } = await placed();
    await chat.failMark?.();
    const failed = await link.mark?.(place, "taken").catch((error: unknown) => error);
    if (failed !== undefined) expect(failed).toMatchObject({ code: expect.stringMatching(/^[a-z_]+$/) });
    await link.send(plain(place, "said"));
    await eventually(() => expect(chat.heard().map(({ text }) => text)).toEqual(["said"]), "the answer");
  });
}
