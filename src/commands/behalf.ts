import { z } from "zod";

/** A place as its input made it (`Behalf.place`), as it is read back from where it was kept. */
export const placeSchema = z.object({ room: z.string() }).catchall(z.string().optional());

/** A `Behalf` as it is read back from where it was kept. */
export const behalfSchema = z.object({
  input: z.string(),
  place: placeSchema,
  from: z.object({ id: z.string().optional(), name: z.string(), guest: z.boolean() }),
});

/** Where something is said instead of there: by its name, for people, and as its network knows it. */
export const answersSchema = z.object({ room: z.string(), place: placeSchema });
