// May somebody run a line? 1,000 rules over 1,000 people, each decision about another person, command and service; beside
// casbin, which looks at every rule, and which an index would have to stand in front of.
import { contest, nsPerCall, row } from "./rounds.mjs";

const PEOPLE = 1000;
const RULES = 1000;
const ROLES = 100;
const SERVICES = 250;
const COMMANDS = ["call", "restart", "scale", "drain"];

const roleOf = (person) => `role${person % ROLES}`;
/** A tenth of them deny; a third are for one room, half for one environment. */
const rules = Array.from({ length: RULES }, (_, i) => ({
  effect: i % 10 === 0 ? "deny" : "allow",
  role: roleOf(i),
  command: COMMANDS[(i >> 2) % COMMANDS.length],
  service: `svc${i % SERVICES}`,
  room: i % 3 === 0 ? "slack:C1" : undefined,
  env: i % 2 === 0 ? "staging" : undefined,
}));

/** The same requests for everybody; every second is one that a rule is about. */
function asked(step) {
  const person = (step * 7919) % PEOPLE;
  const rule = rules[(person % ROLES) + ROLES * (step % (RULES / ROLES))];
  const aimed = step % 2 === 0;
  const command = aimed ? rule.command : COMMANDS[step % COMMANDS.length];
  return { person, command, service: aimed ? rule.service : `svc${step % SERVICES}`, env: "staging", room: "slack:C1" };
}

/** @param broad rules that all name everybody, so that no index by person helps */
export async function ours({ broad = false } = {}) {
  const { readPolicy } = await import("../dist/src/bot/policy.js");
  const lines = rules.map(({ effect, role, command, service, room, env }) => {
    const [where, when] = [room && ` in ${room}`, env && ` when env in [${env}]`];
    const denies = broad ? "allow" : effect;
    return `  ${denies} ${broad ? "members" : `role:${role}`} ${command} ${service}/*${where ?? ""}${when ?? ""}`;
  });
  const people = Array.from({ length: PEOPLE }, (_, i) => `  ann${i}: ["slack:T1/U${i}"]`);
  const roles = Array.from({ length: ROLES }, (_, role) => {
    const members = Array.from({ length: PEOPLE / ROLES }, (_, i) => `ann${role + i * ROLES}`);
    return `  role${role}: { members: [${members}] }`;
  });
  const text = `people:\n${people.join("\n")}\nroles:\n${roles.join("\n")}\nrules: |\n${lines.join("\n")}\n`;
  const policy = readPolicy(text, "bench");
  const commands = Object.fromEntries(
    COMMANDS.map((name) => [name, { name, permission: `service:${name}`, effect: "write", rest: "request" }]),
  );
  const requests = Array.from({ length: 4096 }, (_, step) => {
    const { person, command, service, env, room } = asked(step);
    const input = { service, endpoint: "Order.Get", request: JSON.stringify({ env, amount: step }) };
    return {
      caller: `slack:T1/U${person}`,
      guest: false,
      command: commands[command],
      target: service,
      input,
      room,
      at: 0,
    };
  });
  return sample((i) => policy.decide(requests[i % requests.length]).allowed);
}

export const broad = () => ours({ broad: true });

/** @param first only these many rules, as an index would leave */
export async function casbin({ first = RULES } = {}) {
  const { newEnforcer, newModelFromString } = await import("casbin");
  const enforcer = await newEnforcer(
    newModelFromString(`
[request_definition]
r = sub, act, obj, room, env
[policy_definition]
p = sub, act, obj, room, env, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = g(r.sub, p.sub) && r.act == p.act && keyMatch(r.obj, p.obj) && keyMatch(r.room, p.room) && keyMatch(r.env, p.env)
`),
  );
  const lines = rules
    .slice(0, first)
    .map(({ effect, role, command, service, room, env }) => [
      role,
      command,
      `${service}/*`,
      room ?? "*",
      env ?? "*",
      effect,
    ]);
  await enforcer.addPolicies(lines);
  await enforcer.addGroupingPolicies(Array.from({ length: PEOPLE }, (_, i) => [`ann${i}`, roleOf(i)]));
  const requests = Array.from({ length: 4096 }, (_, step) => asked(step));
  return sample((i) => {
    const { person, command, service, room, env } = requests[i % requests.length];
    return enforcer.enforceSync(`ann${person}`, command, `${service}/Order.Get`, room, env);
  }, first === RULES);
}

export const casbinBehindIndex = () => casbin({ first: 10 });

/** @param mixed some are allowed and some are not, or the rules are not what they seem */
async function sample(decide, mixed = true) {
  const outcomes = { true: 0, false: 0 };
  const work = (i) => {
    outcomes[decide(i)]++;
  };
  await nsPerCall(work, 1000);
  if (mixed && (!outcomes.true || !outcomes.false)) throw new Error(`that is no mixture: ${JSON.stringify(outcomes)}`);
  return () => nsPerCall(work);
}

export async function run() {
  const peers = { ours: {}, casbin: {}, casbinBehindIndex: {} };
  const { ours, casbin, casbinBehindIndex } = await contest(import.meta.url, peers);
  const { broad } = await contest(import.meta.url, { broad: {} });
  const what = "a decision, 1,000 rules and 1,000 people";
  return [
    row({ what, ours, peer: casbin, peerName: "casbin", atLeast: 100 }),
    row({ what, ours, peer: casbinBehindIndex, peerName: "casbin, 10 rules", atLeast: 1 }),
    row({ what: `${what} (10,000 a second)`, ours, atMost: 100_000 }),
    row({ what: "the same where every rule names everybody", ours: broad, atMost: 100_000 }),
  ];
}
