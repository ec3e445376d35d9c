import { MicroError } from "../../../src/core/errors.ts";
import type { IncomingMessage } from "../../../src/inputs/input.ts";
import { memoryInput } from "../../../src/inputs/memory/memory.ts";
import { inputContract } from "../../contract/input.contract.ts";

inputContract("memory", {
  create: async () => {
    const input = memoryInput({ limits: { buttons: true } });
    let last: IncomingMessage;
    const say = (...args: Parameters<typeof input.say>) => {
      last = input.say(...args);
    };
    const textOf = ({ parts }: (typeof input.sent)[number]) => parts.map((part) => part.text).join("\n");
    return {
      input,
      say,
      heard: () =>
        input.sent.map((message) => ({
          text: textOf(message),
          where: message.place.room,
          file: message.file,
          live: [],
          choices: message.choices?.map(({ label }) => label) ?? [],
        })),
      sayElsewhere: (text) => say(text, { room: "elsewhere" }),
      sayDirect: (text) => say(text, { room: "ann alone" }),
      overhear: (text) => say(text, { addressed: false }),
      sayAsStranger: (text) => say(text, { from: { id: "eve", guest: true } }),
      spoof: (text) => say(text, { from: { id: "eve", name: "ann" } }),
      deliverAgain: () => say(last.text, { id: last.id, sentAt: last.sentAt }),
      flood: (length) => say("x".repeat(length)),
      taken: () => input.taken.length,
      redeliver: () => {},
      lose: input.lose,
      refuse: () => input.failConnects(new MicroError("unauthenticated", "who are you?"), 10),
      unreachable: () => input.failConnects(new MicroError("unavailable", "nobody there")),
      failSend: (code) => input.failSends(new MicroError(code, "no", { details: { retryAfterMs: 1000 } })),
      hold: input.holdSends,
      press: (index) => void input.press(index),
      pressAsStranger: (index) => void input.press(index, { from: { id: "eve", guest: true } }),
      sayForForm: (text) => say(text, { takesForm: true }),
      fill: (values) => void input.fill(values),
      failForm: () => input.failForms(),
      marks: () => [input.markOn(last)].filter((mark) => mark !== undefined),
      failMark: () => input.failMarks(new MicroError("unavailable", "no signs today"), 10),
      remove: () => {
        const last = input.sent.at(-1);
        if (last) input.remove(last);
      },
      under: () => input.sent.map(({ place }) => (place["under"] ? textOf(input.sent[0]!) : undefined)),
      alone: () => input.sent.filter(({ place }) => place.room === "@ann").map(textOf),
      whispered: () => input.sent.filter(({ whisper }) => whisper).map(textOf),
      close: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
  },
  without: { noise: "nobody but people speaks in memory", alive: "a program reads it, and nothing acts there" },
});
