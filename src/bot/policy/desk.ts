import type { Catalog } from "../../commands/catalog.ts";
import type { Asker, PolicyDesk, Verdict, WhoCan } from "../../commands/policy.ts";
import { MicroError } from "../../core/errors.ts";
import type { Decision, Known, Policy } from "../policy.ts";
import { carriedBy, withoutPipe } from "./carried.ts";
import { diffPolicies } from "./diff.ts";
import { readFileBeside } from "./files.ts";
import { runPolicyTests } from "./tests.ts";
import { requestOf, type Understood, understand } from "./understand.ts";

/** Answers what people ask about the policy that holds. @param catalog the commands that there are */
export function createPolicyDesk(policy: Policy, catalog: () => Catalog): PolicyDesk {
  const decide = (line: Understood, ids: readonly string[], asker: Omit<Asker, "caller">): Decision => {
    const decisions = ids.map((caller) => policy.decide(requestOf(line, { ...asker, caller })));
    return decisions.find(({ allowed }) => allowed) ?? (decisions[0] as Decision);
  };
  const known = (): readonly Known[] => {
    const named = policy.known?.() ?? [];
    return [...named, { name: named.length > 0 ? "every other member" : "every member", ids: ["member:"] }];
  };
  return {
    about: () => policy.about?.() ?? { rules: 0, people: 0 },
    verdict: async (line, asker, who) => {
      const understood = understand(line, catalog());
      const ids = who === undefined ? [asker.caller] : idsOf(who, asker, policy);
      const name = who ?? asker.caller;
      const as = who === undefined ? asker : { ...asker, guest: false };
      const lines = await carriedBy(understood, catalog(), asker);
      const carried = lines.map((one) => carriedVerdict(one, name, (inner) => decide(inner, ids, as), catalog()));
      return { ...verdict(line, name, decide(understood, ids, as)), ...(carried.length > 0 && { carried }) };
    },
    whoCan: (line, asker) => {
      const understood = understand(line, catalog());
      const here = new Map<string, string[]>();
      const elsewhere: string[] = [];
      for (const { name, ids } of known()) {
        const decision = decide(understood, ids, { ...asker, guest: false });
        if (decision.allowed) {
          const by = whoCanBy(decision);
          here.set(by, [...(here.get(by) ?? []), name]);
        } else if (ids.some((id) => policy.allows(id, false, understood.command))) elsewhere.push(name);
      }
      return { line, here: [...here].map(([by, names]) => ({ by, names })), elsewhere } satisfies WhoCan;
    },
    test: async (file, other) => {
      const path = policy.about?.().file;
      const read = readFileBeside(path);
      return runPolicyTests({ tests: file, policy: other ?? path, read, catalog: catalog() });
    },
    diff: async (file, other) => {
      const { file: path = "the policy that holds" } = policy.about?.() ?? {};
      const read = readFileBeside(policy.about?.().file);
      const before = other === undefined ? (policy.text?.() ?? "{}") : await read(other);
      return diffPolicies({
        before: { text: before, name: other ?? path },
        after: { text: await read(file), name: file },
        commands: catalog().commands,
      });
    },
  };
}

/** What somebody is called in the policy file, or their id; or as they stand in the asker's network: `@U02` in Slack. */
function idsOf(who: string, { caller }: Asker, policy: Policy): readonly string[] {
  const person = policy.known?.().find(({ name }) => name === who);
  if (person !== undefined) return person.ids;
  if (who.includes(":")) return [who];
  if (/^U[A-Z0-9]+$/.test(who) && caller.includes("/")) return [`${caller.slice(0, caller.lastIndexOf("/"))}/${who}`];
  if (/^\S+@\S+$/.test(who) || /^\d+$/.test(who)) return [`${caller.slice(0, caller.indexOf(":"))}:${who}`];
  throw new MicroError(
    "not_found",
    `the policy knows no ${who.slice(0, 60)}; say a person of its file or an id, as in slack:T01/U02`,
  );
}

function verdict(line: string, who: string, { allowed, rule, why, approvals }: Decision): Verdict {
  return { line, who, allowed, rule, why, ...(approvals && { approvals }) };
}

/** What is said of a line that nobody says: nobody is there to approve it, or to say what only a person does (`perform.ts`). */
function carriedVerdict(line: string, who: string, decide: (line: Understood) => Decision, catalog: Catalog): Verdict {
  const refused = (rule: string, why: string): Verdict => ({ line, who, allowed: false, rule, why });
  try {
    const understood = understand(withoutPipe(line), catalog);
    if (understood.command.inPerson) return refused("default", "only a person says it, in a message of their own");
    const decision = decide(understood);
    const { rule, approvals } = decision;
    if (!decision.allowed || approvals === undefined) return verdict(line, who, decision);
    return refused(
      rule,
      `${approvals.count} of role:${approvals.role} have to approve it, so it has to be said by itself`,
    );
  } catch (error) {
    return refused("default", MicroError.from(error).message);
  }
}

function whoCanBy({ rule, why, approvals }: Decision): string {
  const by = rule === "default" ? why : rule;
  return approvals ? `${by} (once ${approvals.count} of role:${approvals.role} say yes)` : by;
}
