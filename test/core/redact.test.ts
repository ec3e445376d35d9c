import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRedactor } from "../../src/core/redact.ts";
import { isSecretName } from "../../src/core/redact-patterns.ts";
import { formsOf, givesAway } from "../fakes/secret-forms.ts";

const SECRETS = {
  "a plain word with digits": "hunter2hunter7quantum",
  "a token": "zq4-Kp_88sdfKJH3jh2KLm90",
  "one with signs": 'p%ss/w"o\\rd&<x>+=9;{q}7',
  "one with umlauts": "schlüsselwörtchen-Ñ9",
  "one with signs beyond the plane": "clé🔑secrète-9912-abc",
  "one with a blank": "correct horse battery staple",
  "one that begins like an escape": "rabbit-hole-9944-xyz-12",
};

describe("a redactor of known values", () => {
  for (const [what, secret] of Object.entries(SECRETS)) {
    const redactor = createRedactor([secret]);
    for (const [how, text] of Object.entries(formsOf(secret))) {
      it(`crosses out ${what}, ${how}`, () => {
        const said = redactor.text(`before ${text}`);
        expect(said).toContain("[secret]");
        expect(said).toMatch(/^before /);
        expect(givesAway(said, secret)).toBe(false);
      });
    }
  }

  it("has a hundred forms, each of which the secret can be read from", () => {
    const forms = Object.entries(formsOf(SECRETS["a token"]));
    expect(forms.length).toBeGreaterThanOrEqual(100);
    const unread = forms.filter(([, text]) => !givesAway(text, SECRETS["a token"])).map(([how]) => how);
    // These take more to be undone than the test knows of.
    expect(unread.length).toBeLessThan(16);
  });

  it("leaves what is around it as it was", () => {
    const redactor = createRedactor(["zq4-Kp_88sdfKJH"]);
    expect(redactor.text("a  zq4-Kp_88sdfKJH \n b")).toBe("a  [secret] \n b");
    expect(redactor.text('{"a":"zq4-Kp_88sdfKJH","b":[1]}')).toBe('{"a":"[secret]","b":[1]}');
    expect(redactor.text("zq4-Kp_88sdfKJHzq4-Kp_88sdfKJH")).toBe("[secret]");
  });

  it("lets everything else be", () => {
    const redactor = createRedactor(Object.values(SECRETS));
    const text = 'call go.micro.srv.greeter Say.Hello {"name":"John"} \\ % & %zz \\u12 &#x; \ud800 é 🔑';
    expect(redactor.text(text)).toBe(text);
  });

  it("does not look for what is too short, nor for nothing", () => {
    const redactor = createRedactor(["", "a", "abcde", "  a b  "]);
    expect(redactor.text("abcde a b all is well")).toBe("abcde a b all is well");
  });

  it("is done after once", () => {
    const redactor = createRedactor(["secret", "[secret]", "password"]);
    const once = redactor.text("the secret password=hunter22 is secret");
    expect(redactor.text(once)).toBe(once);
  });

  it("forgets what it is told to forget, and not what somebody else has added, too", () => {
    const redactor = createRedactor();
    const forget = redactor.add(["zq4-Kp_88sdfKJH"]);
    const other = redactor.add(["zq4-Kp_88sdfKJH"]);
    forget();
    forget();
    expect(redactor.text("zq4-Kp_88sdfKJH")).toBe("[secret]");
    other();
    expect(redactor.text("zq4-Kp_88sdfKJH")).toBe("zq4-Kp_88sdfKJH");
  });

  it("takes 2000 values and says when there are more", () => {
    const values = (count: number) => Array.from({ length: count }, () => randomBytes(12).toString("hex"));
    const redactor = createRedactor(values(2000));
    expect(() => redactor.add(["one-more-of-them"])).toThrow(/more than 2000/);
    expect(redactor.text("one-more-of-them")).toBe("one-more-of-them");
  });

  it("crosses out any part of a long one", () => {
    const key = randomBytes(1600)
      .toString("base64")
      .replace(/(.{64})/g, "$1\n");
    const redactor = createRedactor([key]);
    const lines = key.split("\n").filter((line) => line.length === 64);
    for (const line of lines) expect(redactor.text(line)).toContain("[secret]");
    expect(redactor.text(`a\n${key}\nb`)).not.toMatch(/\w{12}/);
  });

  it("finds it wherever a long text has it, and however the text is split up", () => {
    const secret = "zq4-Kp_88sdfKJH3jh2KLm90";
    const redactor = createRedactor([secret]);
    for (const fill of ["x", "é", "\\n", "%41", " "]) {
      // Where the pieces of reading meet, too.
      for (let shift = 32_700; shift < 32_790; shift += 3) {
        const text = fill.repeat(Math.ceil(shift / fill.length)) + secret + fill.repeat(2000);
        expect(redactor.text(text).includes(secret)).toBe(false);
      }
    }
  });

  it("makes JSON of JSON", () => {
    const redactor = createRedactor(["84213377", "zq4-Kp_88sdfKJH"]);
    const value = {
      pin: 84_213_377,
      "zq4-Kp_88sdfKJH": [{ password: "abc", token: 7, tokens: 3, deep: "x 84213377" }],
      when: new Date(0),
    };
    const expected = {
      pin: "[secret]",
      "[secret]": [{ password: "[secret]", token: "[secret]", tokens: 3, deep: "x [secret]" }],
      when: "1970-01-01T00:00:00.000Z",
    };
    expect(redactor.json(value)).toEqual(expected);
    expect(JSON.parse(redactor.jsonText(JSON.stringify(value)))).toEqual(expected);
  });
});

describe("a redactor (property, seeded)", () => {
  const secret = fc.string({ unit: "grapheme", minLength: 8, maxLength: 80 }).filter((text) => /[\w]{6}/.test(text));
  const around = fc.string({ unit: "binary", maxLength: 40 });
  const spellings: readonly ((text: string) => string)[] = [
    (text) => text,
    (text) => JSON.stringify(text),
    (text) => JSON.stringify(JSON.stringify(text)),
    (text) => encodeURIComponent(text.replace(/\p{Surrogate}/gu, "")),
    (text) => Buffer.from(text).toString("hex"),
    (text) => Buffer.from(text).toString("base64"),
    (text) => Buffer.from(`x${text}yz`).toString("base64url"),
    (text) => [...text].join("\u200b"),
    (text) => [...text].join("\n"),
  ];

  it("leaves none of the spellings of a secret, whatever stands around it", () => {
    fc.assert(
      fc.property(secret, around, around, fc.constantFrom(...spellings), (value, before, after, spell) => {
        const said = createRedactor([value]).text(`${before} ${spell(value)} ${after}`);
        expect(said).toContain("[secret]");
        expect(said).not.toContain(spell(value));
      }),
      { seed: 20_260_102, numRuns: 2000 },
    );
  });

  it("changes nothing where there is none, and nothing twice", () => {
    const redactor = createRedactor(["zq4-Kp_88sdfKJH3jh2KLm90"]);
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        const once = redactor.text(text);
        expect(redactor.text(once)).toBe(once);
        if (!/[:=@]/.test(text)) expect(once).toBe(text);
      }),
      { seed: 20_260_103, numRuns: 2000 },
    );
  });
});

describe("a redactor's patterns", () => {
  const redactor = createRedactor();
  const planted: readonly (readonly [string, string])[] = [
    ["xoxb-123456789012-abcdefghij", "xoxb-123456789012-abcdefghij"],
    ["xoxe.xoxp-1-Mi0yLTEyMzQ1Njc4", "xoxe.xoxp-1-Mi0yLTEyMzQ1Njc4"],
    ["xapp-1-A0123-456-abcdef", "xapp-1-A0123-456-abcdef"],
    ["see https://hooks.slack.com/services/T000/B000/XXXXXXXX now", "T000/B000/XXXXXXXX"],
    ["ghp_16C7e42F292c6912E7710c838347Ae178B4a", "16C7e42F292c"],
    ["github_pat_11ABCDEFG0123456789_abcdefghijk", "11ABCDEFG"],
    ["glpat-abcdefghij0123456789", "abcdefghij0123456789"],
    ["AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"],
    ["aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "wJalrXUtnFEMI"],
    ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N", "eyJzdWIi"],
    ["-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----", "MIIEpAIBAAKCAQEA"],
    ['"-----BEGIN PRIVATE KEY-----\\nMIIEpAIBAAKCAQEA\\n-----END PRIVATE KEY-----\\n"', "MIIEpAIBAAKCAQEA"],
    ["-----BEGIN EC PRIVATE KEY-----\nMIIEpAIBAAKCAQEA", "MIIEpAIBAAKCAQEA"],
    ["Authorization: Bearer abcdef0123456789", "abcdef0123456789"],
    ["authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"],
    ['{"Authorization":"Digest username=x"}', "username"],
    ["bearer k3jh4kj3h4kj3h4", "k3jh4kj3h4kj3h4"],
    ["postgres://bot:hunter2@db:5432/x", "hunter2"],
    ['"amqp:\\/\\/bot:hunter2@mq"', "hunter2"],
    ["password=hunter2", "hunter2"],
    ["DB_PASSWORD='hun ter2'", "hun ter2"],
    ["client_secret: s3cr3tvalue", "s3cr3tvalue"],
    ['{"token":"abcdef"}', "abcdef"],
    ['"{\\"api_key\\":\\"abcdef\\",\\"n\\":1}"', "abcdef"],
    ["--slack_token=abcdef-1", "abcdef-1"],
    ["?access_token=abcdef&x=1", "abcdef"],
    ["X-Api-Key: abcdef0123", "abcdef0123"],
    ["passwd => 'abcdef'", "abcdef"],
    ["Cookie: session=abcdef; a=b", "abcdef"],
    ["secretKey=abcdef", "abcdef"],
    ["123456789:AAF0123456789abcdefghijklmnopqrstuv", "AAF0123456789"],
    ["hvs.CAESIJlWh1234567890abcdefghij", "CAESIJlWh"],
    ["sk_live_4eC39HqLyjWDarjtT1zdp7dc", "4eC39HqLyjWDarjtT1zdp7dc"],
    ["micro_0123456789ab_abcdefghijklmnopqrstuvwxyz0123456789abcdefg", "abcdefghijkl"],
  ];
  for (const [text, secret] of planted) {
    it(`cross out ${secret} in ${JSON.stringify(text)}`, () => {
      const said = redactor.text(text);
      expect(said).toContain("[secret]");
      expect(said).not.toContain(secret);
    });
  }

  const plain: readonly string[] = [
    "the token: missing",
    "a password: none was given",
    "give --slack_token=xoxb-… or MICRO_SLACK_TOKEN",
    "--vault_token=env:VAULT_TOKEN --slack_token=file:/run/secrets/slack",
    "token string",
    '{"token_type":"bearer","max_tokens":4096,"secretName":"db"}',
    "bearer authentication is needed",
    "basic understanding",
    "password_file=/run/x",
    "PWD=/work/here",
    "http://example.org:8080/a@b",
    "user@example.org: hello",
    "authorization: you need the permission service:call",
    "token=<token>",
    '{"password":null,"token":true}',
    "cookies: 5",
  ];
  for (const text of plain) it(`leave ${text}`, () => expect(redactor.text(text)).toBe(text));

  it("keep JSON JSON", () => {
    const text = JSON.stringify({ a: 'password="x y z"', token: 'q"u\\ote', url: "http://u:p4ss@h/" });
    expect(JSON.parse(redactor.text(text))).toEqual({
      a: 'password="[secret]"',
      token: "[secret]",
      url: "http://u:[secret]@h/",
    });
  });

  it("know names of variables and fields", () => {
    for (const name of ["DB_PASSWORD", "token", "apiKey", "client-secret", "AWS_SECRET_ACCESS_KEY"]) {
      expect([name, isSecretName(name)]).toEqual([name, true]);
    }
    for (const name of ["PATH", "PWD", "OLDPWD", "token_type", "SECRET_FILE", "tokens", "TOKEN_URL", "monkey"]) {
      expect([name, isSecretName(name)]).toEqual([name, false]);
    }
  });
});

describe("a redactor's time", () => {
  it("grows with the text alone, whatever stands there", () => {
    const secrets = Array.from({ length: 10 }, () => randomBytes(24).toString("base64url"));
    const redactor = createRedactor(secrets);
    const first = secrets[0] as string;
    const seeds = [
      "token='",
      'token=\\"',
      "://a:",
      "eyJ-",
      "\\",
      "%25",
      "&amp;",
      "xoxb-",
      "a",
      "-----BEGIN PRIVATE KEY-----",
    ];
    for (const seed of [...seeds, first.slice(0, 20), `${first.slice(0, 12)}…`, `${first} `, "password", "bearer "]) {
      const time = (length: number) => {
        const text = seed.repeat(Math.ceil(length / seed.length));
        const before = process.cpuUsage();
        redactor.text(text);
        const { user, system } = process.cpuUsage(before);
        return user + system;
      };
      time(50_000);
      const small = Math.max(time(50_000), 1000);
      // Twenty times the text would take four hundred times as long if it were looked at over and over.
      expect([seed, time(1_000_000) / small < 200]).toEqual([seed, true]);
    }
  });
});
