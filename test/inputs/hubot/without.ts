import type { InputSetup } from "../../contract/input/suite.ts";

/** What no Hubot adapter can do. */
export const WITHOUT = {
  taken: "an adapter acknowledges by itself, before it hands a message on",
  redeliver: "the same: Hubot has no way to say that a message was taken",
  whispered: "an adapter can send to a room or a person, not to one person in a room",
  press: "an adapter sends text only",
  pressAsStranger: "an adapter sends text only",
  sayForForm: "an adapter sends text only",
  fill: "an adapter sends text only",
  failForm: "an adapter sends text only",
  marks: "Hubot has no reactions",
  failMark: "Hubot has no reactions",
  remove: "an adapter changes nothing that it said",
  under: "an adapter sends to a room or a person",
  alone: "an adapter answers; whom it could write to, and how they are called, each knows by itself",
} as const satisfies InputSetup["without"];
