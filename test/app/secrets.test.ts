import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { list, referring, secret, text } from "../../src/app/options.ts";
import { policyText } from "../../src/app/secret-policy.ts";
import { isReference } from "../../src/app/secret-references.ts";
import { openSecrets, secretsBefore, secretsOf } from "../../src/app/secrets.ts";
import { MicroError } from "../../src/core/errors.ts";
import { manualClock } from "../fakes/clock.ts";
import { type FakeVault, fakeVault } from "../fakes/vault.ts";

const said = { env: undefined, description: "" };
const TABLE = {
  token: secret(said),
  user: referring(text(said, "")),
  addresses: referring(list(said)),
  plain: text(said, ""),
  vault_address: text(said, ""),
  vault_token: secret(said),
};

const NOTHING = { token: undefined, user: "", addresses: [], plain: "", vault_address: "", vault_token: undefined };

type Given = Partial<Record<keyof typeof TABLE, unknown>>;

function open(given: Given, env: Record<string, string> = {}, clock = manualClock()) {
  const settings = { ...NOTHING, ...given } as typeof NOTHING & {
    vault_address: string;
    vault_token: string | undefined;
  };
  return openSecrets(settings, TABLE, { env, signal: new AbortController().signal, clock });
}

async function file(content: string): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), "micro-secret-")), "it");
  await writeFile(path, content);
  return path;
}

describe("references", () => {
  it("lead to files, variables, and in lists each by itself", async () => {
    const path = await file("xoxb-from-a-file\n");
    const given = { token: `file:${path}`, user: "env:WHO", addresses: ["env:MQ", "mq:5672"], plain: `file:${path}` };
    const { settings } = await open(given, { WHO: "bot@example.org", MQ: "amqp://bot:pa55word@mq" });
    expect(settings).toMatchObject({
      token: "xoxb-from-a-file",
      user: "bot@example.org",
      addresses: ["amqp://bot:pa55word@mq", "mq:5672"],
      plain: `file:${path}`,
    });
  });

  it("are those alone that look like one", () => {
    for (const one of ["file:/a", "file:./a", "file:../a", "env:A_1", "vault:secret/a#b"])
      expect(isReference(one)).toBe(true);
    for (const one of [
      "env:8500",
      "vault:8200",
      "file:",
      "file:a",
      "consul@env:8500",
      "vault:a",
      "xenv:A",
      "env:A B",
    ]) {
      expect([one, isReference(one)]).toEqual([one, false]);
    }
  });

  it("stop the start where they lead nowhere, and say at which option, not what is there", async () => {
    const empty = await file("\n");
    const large = await file("x".repeat(70_000));
    const cases: readonly (readonly [Given, RegExp])[] = [
      [{ token: "file:/nowhere/at/all" }, /^--token: the file \/nowhere\/at\/all cannot be read: it does not exist$/],
      [{ token: "file:/etc/" }, /^--token: the file \/etc\/ cannot be read: it is a folder$/],
      [{ token: `file:${empty}` }, /^--token: .* the file is empty$/],
      [{ token: `file:${large}` }, /^--token: .* larger than a secret/],
      [{ user: "env:NOT_THERE" }, /^--user: .* there is no variable NOT_THERE/],
      [{ addresses: ["env:EMPTY"] }, /^--addresses: .* EMPTY/],
      [{ token: "vault:secret/a#b" }, /^--token: .* give --vault_address and --vault_token/],
      [{ vault_token: "vault:secret/a#b" }, /^--vault_token: /],
      [{ token: "vault:secret/a#b", vault_address: "vault:8200", vault_token: "t" }, /^--vault_address is no address/],
    ];
    for (const [given, words] of cases) await expect(open(given, { EMPTY: "" })).rejects.toThrow(words);
  });
});

describe("a policy file", () => {
  it("may say where its values are, and is else left as it is", async () => {
    const { resolve } = await open({}, { ONCALL: "slack:T01/U02" });
    const policy = "roles:\n  oncall:\n    members: [env:ONCALL, local:ann] # env:NOT\n    grants: ['service:call']\n";
    expect(await policyText(await file(policy), resolve)).toContain("members: [ slack:T01/U02, local:ann ]");
    const without = policy.replace("env:ONCALL", "slack:T01/U03");
    expect(await policyText(await file(without), resolve)).toBe(without);
    const missing = await file(policy.replace("ONCALL", "NOT_THERE"));
    await expect(policyText(missing, resolve)).rejects.toThrow(/no variable NOT_THERE/);
  });
});

describe("a secret store", () => {
  const SECRETS = { "secret/micro": { slack: "xoxb-from-vault", n: 12345678 }, "old/micro": { slack: "xoxb-of-old" } };

  async function withVault<T>(use: (vault: FakeVault) => Promise<T>): Promise<T> {
    await using vault = await fakeVault("s.right", SECRETS);
    return await use(vault);
  }
  const asking = (vault: FakeVault, token: string, more: Given = {}) =>
    open({ token, vault_address: vault.address, vault_token: "env:VT", ...more }, { VT: "s.right" });

  it("is read in both versions of its engine, whether it tells which or not", async () => {
    await withVault(async (vault) => {
      for (const hidden of [false, true]) {
        vault.hidesMounts = hidden;
        expect((await asking(vault, "vault:secret/micro#slack")).settings.token).toBe("xoxb-from-vault");
        expect((await asking(vault, "vault:/secret/data/micro/#n")).settings.token).toBe("12345678");
        expect((await asking(vault, "vault:old/micro#slack")).settings.token).toBe("xoxb-of-old");
      }
    });
  });

  it("is asked once for a path", async () => {
    await withVault(async (vault) => {
      await asking(vault, "vault:secret/micro#slack", { user: "vault:secret/micro#n" });
      expect(vault.asked.filter((path) => path === "secret/data/micro")).toHaveLength(1);
    });
  });

  it("is asked again while it is away, sealed or busy", async () => {
    await withVault(async (vault) => {
      const clock = manualClock();
      const sealed = { status: 503, body: '{"errors":["Vault is sealed"]}' };
      vault.mischief.push(sealed, "hang up", { status: 429 }, { status: 500, body: "<html>" });
      const reading = open(
        { token: "vault:secret/micro#slack", vault_address: vault.address, vault_token: "s.right" },
        {},
        clock,
      );
      let done = false;
      const all = reading.finally(() => {
        done = true;
      });
      while (!done) {
        await new Promise(setImmediate);
        await clock.advance(100);
      }
      expect((await all).settings.token).toBe("xoxb-from-vault");
    });
  });

  it("says what is wrong with it, and never a value or the token", async () => {
    await withVault(async (vault) => {
      const moved = { status: 307, headers: { location: "http://evil.example/v1/secret/data/micro" } };
      const cases: readonly (readonly [string, readonly FakeVault["mischief"][number][], RegExp, string?])[] = [
        ["vault:secret/none#slack", [], /--token: the secret store has nothing at secret\/none/],
        ["vault:secret/micro#none", [], /has no text under none at secret\/micro/],
        ["vault:secret/denied#a", [], /does not let this token read secret\/data\/denied/],
        ["vault:secret/micro#slack", [], /does not let this token read/, "s.wrong"],
        ["vault:secret/micro#slack", [moved], /sends elsewhere/],
        ["vault:secret/micro#slack", [{ status: 200, body: "<html>" }], /says no JSON/],
        ["vault:secret/micro#slack", ["endless"], /says more than a secret/],
        ["vault:secret/micro#slack", [{ status: 400 }], /answers 400/],
      ];
      for (const [token, mischief, words, vault_token = "s.right"] of cases) {
        vault.mischief.splice(0, vault.mischief.length, ...mischief);
        const error = await open({ token, vault_address: vault.address, vault_token }).then(
          () => new MicroError("internal", "it was read"),
          MicroError.from,
        );
        expect(error.message).toMatch(words);
        expect(JSON.stringify([error.message, error.details])).not.toMatch(/xoxb|s\.right|s\.wrong/);
      }
    });
  });

  it("is given up when nobody is there", async () => {
    const clock = manualClock();
    const address = await withVault(async (vault) => vault.address);
    const reading = open({ token: "vault:secret/a#b", vault_address: address, vault_token: "s.right" }, {}, clock);
    let error: unknown;
    void reading.catch((thrown) => {
      error = thrown;
    });
    while (error === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      await clock.advance(500);
    }
    expect(String(error)).toMatch(/--token: the secret store at 127\.0\.0\.1:\d+ cannot be reached/);
  });
});

describe("what is known to be secret", () => {
  it("are options marked so, passwords in addresses, and variables that are called so", () => {
    const settings = {
      token: "xoxb-one-1,xoxb-two-2",
      addresses: ["amqp://bot:pa55w%2Ford@mq"],
      plain: "not this one",
    };
    const env = { MY_PASSWORD: "quite-hidden", HOME: "/home/someone", TOKEN_FILE: "/run/token", SOME_TOKEN: "ab" };
    const { redactor, tooShort } = secretsOf(settings, TABLE, env);
    expect(redactor.text("one-1 xoxb-two-2 quite-hidden pa55w/ord not this one /home/someone /run/token")).toBe(
      "one-1 [secret] [secret] [secret] not this one /home/someone /run/token",
    );
    expect(tooShort).toEqual(["SOME_TOKEN"]);
  });

  it("are arguments too, before anything of them is understood", () => {
    const redactor = secretsBefore(["--slack_token=zq-9912-aa", "--xmpp-password", "pwpwpw99", "--name=visible1"], {});
    expect(redactor.text("zq-9912-aa pwpwpw99 visible1")).toBe("[secret] [secret] visible1");
  });
});
