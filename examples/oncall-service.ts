import { z } from "zod";
import { createService, defineEndpoint, type ServiceInit } from "../src/index.ts";

const NAME = "go.micro.srv.oncall";

/** Who is on call by a schedule at a time; without a person nobody is. Times are as RFC 3339 writes them. */
export const who = defineEndpoint({
  service: NAME,
  name: "OnCall.Who",
  input: z.object({ schedule: z.string(), at: z.string() }),
  output: z.object({ person: z.string().optional(), from: z.string().optional(), until: z.string().optional() }),
});

/** Which team a service belongs to; without an owner nobody knows. */
export const owner = defineEndpoint({
  service: NAME,
  name: "OnCall.Owner",
  input: z.object({ service: z.string() }),
  output: z.object({ owner: z.string().optional() }),
});

const DAY_MS = 86_400_000;

/** People who take turns by the day, as `docs/oncall.md` wants it of a service. */
export function onCallService(people: readonly string[], init: Partial<ServiceInit> = {}) {
  const service = createService({ name: NAME, version: "1.0.0", ...init });
  service.handle(who, ({ at }) => {
    const day = Math.floor(Date.parse(at) / DAY_MS);
    const person = people[day % people.length];
    return { ...(person !== undefined && { person }), until: new Date((day + 1) * DAY_MS).toISOString() };
  });
  service.handle(owner, ({ service: name }) => ({ owner: name.split(".").at(-1) }));
  return service;
}
