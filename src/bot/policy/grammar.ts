import { type Hours, isZone, readDays, readSpan } from "./hours.ts";
import type { Pattern, Rule, Target, Test } from "./rule.ts";
import { type Token, tokens, wrong } from "./words.ts";

/** The names that a policy file gives. */
export interface Names {
  readonly people: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
  readonly roles: ReadonlySet<string>;
  /** By name, without the `#`: rooms among those of all networks. */
  readonly rooms: ReadonlyMap<string, readonly string[]>;
}

/** Words that mean many people. */
export const EVERYBODY: ReadonlySet<string> = new Set(["members", "guests", "anyone"]);
const CLAUSES: ReadonlySet<string> = new Set(["in", "on", "when", "approve"]);

/**
 * One rule:
 *
 *     (allow | deny) who what [target] [in room] [on days hours zone] [when tests] [approve N of role:name]
 *
 * Each of who, what, target and room may be several with commas. `docs/policy.md` shows all of it.
 * @throws MicroError `invalid_argument` whose `details.at` is where in the text the trouble stands, from 0
 */
export function parseRule(text: string, line: number, names: Names): Rule {
  const all = tokens(text);
  let next = 0;
  const peek = () => all[next];
  const end = text.trimEnd().length;
  const isClause = (token: Token | undefined) => token?.kind === "word" && CLAUSES.has(token.text);
  const isSign = (token: Token | undefined, sign: string) => token?.kind === "sign" && token.text === sign;
  const take = (wanted: string): Token => {
    const token = all[next];
    if (token === undefined) throw wrong(end, `the rule ends where ${wanted} should stand`);
    if (token.kind === "sign") throw wrong(token.at, `here should stand ${wanted}, not ${token.text}`);
    next += 1;
    return token;
  };
  const expect = (word: string, wanted: string) => {
    const token = take(wanted);
    if (token.text !== word) throw wrong(token.at, `here should stand ${wanted}, not ${token.text}`);
  };
  const several = <T>(wanted: string, read: (token: Token) => T): T[] => {
    const found: T[] = [];
    do {
      const token = peek();
      if (token !== undefined && isClause(token)) throw wrong(token.at, `${wanted} is missing before ${token.text}`);
      found.push(read(take(wanted)));
    } while (isSign(peek(), ",") && ++next);
    return found;
  };

  const verb = take("allow or deny");
  if (verb.text !== "allow" && verb.text !== "deny") {
    throw wrong(verb.at, `a rule begins with allow or deny, not ${verb.text}`);
  }
  const effect = verb.text;
  const who = several("who it is for (role:oncall, ann, members)", (token) => subject(token, names));
  const what = several("a command or a permission (call, service:*)", command);
  const follows = peek();
  const targets = follows && !isClause(follows) ? several("a service (payments, payments/*)", target) : [];

  let rooms: readonly string[] | undefined;
  let hours: Hours | undefined;
  let tests: readonly Test[] | undefined;
  for (let clause = peek(); clause !== undefined; clause = peek()) {
    const twice = { in: rooms, on: hours, when: tests }[clause.text];
    if (isClause(clause) && twice !== undefined) throw wrong(clause.at, `${clause.text} stands twice: use commas`);
    if (!isClause(clause)) throw wrong(clause.at, unexpected(clause, what));
    if (clause.text === "approve") break;
    next += 1;
    if (clause.text === "in") rooms = several("a room (#ops, slack:C02)", (token) => room(token, names)).flat();
    else if (clause.text === "on") hours = when(clause);
    else tests = conditions();
  }
  const clause = peek();
  const approvals = clause === undefined ? undefined : approval();
  if (approvals && what.some((one) => one === "break-glass" || one === "bot:break-glass")) {
    throw wrong(
      clause?.at ?? end,
      "break-glass goes without approvers, so none can be wanted for it: deny it, or allow it",
    );
  }
  const left = peek();
  if (left !== undefined) throw wrong(left.at, `the rule should end before ${left.text}`);
  return {
    effect,
    text: text.trim(),
    line,
    who,
    what,
    targets,
    rooms: rooms ?? [],
    ...(hours && { hours }),
    tests: tests ?? [],
    ...(approvals && { approvals }),
  };

  function when(clause: Token): Hours {
    let days: boolean[] | undefined;
    let span: ReturnType<typeof readSpan>;
    let zone: string | undefined;
    for (let token = peek(); token !== undefined && !isClause(token); token = peek()) {
      next += 1;
      if (isSign(token, ",")) continue;
      const said = readDays(token.text);
      if (said !== undefined) {
        days = said.map((on, day) => on || (days?.[day] ?? false));
        continue;
      }
      const hours = readSpan(token.text);
      if (hours !== undefined) {
        if (span !== undefined) throw wrong(token.at, "a rule has one span of hours; write another rule");
        span = hours;
        continue;
      }
      if (!isZone(token.text)) {
        throw wrong(token.at, `${token.text} is no day (mon-fri), span of hours (08:00-18:00) or zone (Europe/London)`);
      }
      if (zone !== undefined) throw wrong(token.at, "a rule has one time zone");
      zone = token.text;
    }
    if (days === undefined && span === undefined) {
      throw wrong(clause.at, "on wants days or hours: on mon-fri 08:00-18:00 Europe/London");
    }
    if (zone === undefined)
      throw wrong(clause.at, "say whose clock it is: on mon-fri 08:00-18:00 Europe/London, or UTC");
    const after = peek()?.at ?? text.length;
    return { ...(days && { days }), ...span, zone, text: text.slice(clause.at, after).trim() };
  }

  function conditions(): readonly Test[] {
    const found: Test[] = [];
    do {
      const field = take("an argument (env)");
      if (field.kind === "quoted" || !/^[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*$/.test(field.text)) {
        throw wrong(field.at, `${field.text} is no argument's name, as env or order.env is`);
      }
      const { is, values } = comparison();
      const after = peek()?.at ?? text.length;
      found.push({ field: field.text, is, values, text: text.slice(field.at, after).trim() });
    } while (peek()?.kind === "word" && peek()?.text === "and" && ++next);
    return found;
  }

  function comparison(): Pick<Test, "is" | "values"> {
    const token = peek();
    const wanted = "in […], not in […], =, !=, <, <=, > or >=";
    if (token === undefined) throw wrong(end, `the rule ends where ${wanted} should stand`);
    next += 1;
    if (token.kind === "sign") {
      if (token.text === "=") return { is: "in", values: [pattern(take("a value"))] };
      if (token.text === "!=") return { is: "not in", values: [pattern(take("a value"))] };
      if (/^[<>]=?$/.test(token.text)) {
        const value = take("a number");
        if (!/^-?\d+(\.\d+)?$/.test(value.text))
          throw wrong(value.at, `${token.text} wants a number, not ${value.text}`);
        return { is: token.text as Test["is"], values: [{ text: value.text, glob: false }] };
      }
    } else if (token.text === "in") return { is: "in", values: list() };
    else if (token.text === "not") {
      expect("in", "in");
      return { is: "not in", values: list() };
    }
    throw wrong(token.at, `here should stand ${wanted}, not ${token.text}`);
  }

  function list(): readonly Pattern[] {
    const open = peek();
    if (!isSign(open, "[")) throw wrong(open?.at ?? end, "values stand in brackets: in [staging, test]");
    next += 1;
    const values = several("a value", pattern);
    const close = peek();
    if (!isSign(close, "]")) throw wrong(close?.at ?? end, "the bracket [ is not closed");
    next += 1;
    return values;
  }

  function approval(): { readonly count: number; readonly role: string } {
    const { at } = take("approve");
    if (effect === "deny") throw wrong(at, "what is denied cannot be approved: write allow");
    const count = take("how many (approve 2 of role:lead)");
    if (!/^[1-9]\d?$/.test(count.text)) throw wrong(count.at, `${count.text} is no number of approvers from 1 to 99`);
    expect("of", "of (approve 2 of role:lead)");
    const role = take("a role (role:lead)");
    const key = role.text.startsWith("role:") ? subject(role, names) : undefined;
    if (key === undefined) throw wrong(role.at, `approvers are a role, as role:lead, not ${role.text}`);
    return { count: Number(count.text), role: key.slice("role:".length) };
  }
}

function unexpected(token: Token, what: readonly string[]): string {
  if (token.kind === "sign") return `${token.text} means nothing here`;
  const hint = `a command of several words stands in quotes, as in "${what.at(-1)} …"`;
  return `${token.text} is one word too many: behind the service stand in, on, when or approve; ${hint}`;
}

/** @throws MicroError `invalid_argument`: nobody is called that */
export function subject({ text, at }: Pick<Token, "text" | "at">, names: Names): string {
  const known = (kind: string, among: ReadonlySet<string>) => {
    const name = text.slice(kind.length + 1);
    if (!among.has(name)) throw wrong(at, `there is no ${kind} ${name} under ${kind}s`);
    return text;
  };
  if (EVERYBODY.has(text) || names.people.has(text)) return text;
  if (text.startsWith("role:")) return known("role", names.roles);
  if (text.startsWith("group:")) return known("group", names.groups);
  if (/^[a-z][\w-]*:([^*]+|([^*]+:)?\*)$/.test(text)) return text;
  const kinds = "a person under people, role:…, group:…, an id (slack:T01/U02), slack:*, members, guests or anyone";
  throw wrong(at, `nobody is called ${text}: here stands ${kinds}`);
}

function command({ kind, text, at }: Token): string {
  const name = text.trim().replace(/\s+/g, " ").toLowerCase();
  if (name === "" || (kind === "word" && name.includes("/"))) {
    throw wrong(
      at,
      `here should stand a command or a permission, not ${text || "nothing"}; the service stands behind it`,
    );
  }
  if (name.includes(":") && !/^[a-z*][\w-]*:[a-z*][\w-]*$/.test(name)) {
    throw wrong(at, `${text} is no permission: that is area:verb, either may be *, as in service:*`);
  }
  return name;
}

/** What is quoted is a service's whole name, whatever it holds. */
function target({ kind, text, at }: Token): Target {
  const slash = kind === "quoted" ? -1 : text.indexOf("/");
  if (slash === -1) return { service: text };
  const [service, endpoint] = [text.slice(0, slash), text.slice(slash + 1)];
  if (service === "" || endpoint === "")
    throw wrong(at, `${text} is no target, as payments/* or payments/Order.Get is`);
  return endpoint === "*" ? { service } : { service, endpoint };
}

function room({ text, at }: Token, names: Names): readonly string[] {
  if (!text.startsWith("#")) {
    if (/^[a-z][\w-]*:.+$/.test(text)) return [text];
    throw wrong(at, `${text} is no room: that is #name, named under rooms, or an id, as in slack:C02`);
  }
  const known = names.rooms.get(text.slice(1));
  if (known === undefined) throw wrong(at, `there is no room ${text.slice(1)} under rooms`);
  return known;
}

function pattern({ kind, text }: Token): Pattern {
  return { text, glob: kind === "word" && text.includes("*") };
}
