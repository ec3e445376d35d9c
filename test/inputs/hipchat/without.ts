import type { Feature } from "../../contract/input/suite.ts";

/** What HipChat has not, wherever it runs. */
export const WITHOUT: Partial<Record<Feature, string>> = {
  taken: "HipChat has no acknowledgement of what a client has read",
  redeliver: "a server keeps nothing for a client that was there",
  press: "HipChat has no buttons",
  pressAsStranger: "HipChat has no buttons",
  sayForForm: "HipChat has no forms",
  fill: "HipChat has no forms",
  failForm: "HipChat has no forms",
  marks: "HipChat has no reactions",
  failMark: "HipChat has no reactions",
  remove: "HipChat deletes nothing, and changes nothing",
  under: "HipChat has no threads",
};
