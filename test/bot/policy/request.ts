import type { Policy, Request } from "../../../src/bot/policy.ts";
import { readPolicy } from "../../../src/bot/policy.ts";
import { call } from "../../../src/commands/call.ts";

/** Monday, 12:00 UTC. */
export const MONDAY_NOON = Date.UTC(2026, 2, 2, 12);

const RESTART = { name: "restart", permission: "service:restart", effect: "write" } as const;

/** A request of ann's for `restart payments` in a room, at Monday noon. */
export function restart(init: Partial<Request> = {}): Request {
  return {
    caller: "slack:T01/U02",
    guest: false,
    command: RESTART,
    target: "payments",
    room: "slack:C02",
    at: MONDAY_NOON,
    ...init,
  };
}

/** The same for a call. */
export function calling(endpoint: string, request: string, init: Partial<Request> = {}): Request {
  const { input, ...rest } = init;
  return {
    ...restart({ command: call, ...rest }),
    input: { service: rest.target ?? "payments", endpoint, request, ...input },
  };
}

/** A policy of the rules, with people and rooms to speak of. */
export function ruled(...rules: readonly string[]): Policy {
  return readPolicy(
    `people:
  ann: [slack:T01/U02, "xmpp:ann@chat.example.org"]
  bob: [slack:T01/U03]
groups:
  sre: [bob, "group:leads"]
  leads: [ann]
roles:
  oncall: { members: ["group:sre"] }
  lead: { members: [ann] }
  operators: { members: [bob], grants: ["topic:*"] }
rooms:
  ops: [slack:C02, "xmpp:ops@conference.example.org"]
rules: ${rules.length === 0 ? "[]" : ""}
${rules.map((rule) => `  - ${JSON.stringify(rule)}`).join("\n")}
`,
    "policy.yaml",
  );
}
