import { z } from "zod";
import { shape } from "./shape.ts";

/** `alertmanager`: where silences are made. The secret may be a reference still. */
export const alertmanagerSection = shape("alertmanager", {
  address: z.string({ error: "address is host:port, or http://… or https://…" }).min(1),
  secret: z.string({ error: "secret is a token, or user:password" }).min(1).optional(),
}).optional();
