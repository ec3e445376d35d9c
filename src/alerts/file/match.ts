import { z } from "zod";
import { shape } from "./shape.ts";

const word = (what: string) =>
  z
    .string({ error: `${what} is a text` })
    .min(1, { error: `${what} is empty` })
    .max(200);

/** `match`: how alerts tell which service they are about (`incidents/match.ts`). */
export const matchSection = shape("match", {
  labels: z.array(word("a label"), { error: "labels is a list of names of labels" }).max(20).optional(),
  address: word("address").optional(),
  rules: z
    .array(
      shape("a rule", {
        labels: z.record(z.string(), word("the value of a label"), {
          error: "labels is a map from names to values, in which * stands for any letters",
        }),
        service: word("service"),
      }),
      { error: "rules is a list of rules, each with labels and service" },
    )
    .max(500)
    .optional(),
}).optional();
