/** A stretch of a text; `end` is exclusive. */
export type OnSpan = (start: number, end: number) => void;

/**
 * Tokens and keys that can be told by how they look. `has` is what stands in each: where it does not, nothing more is
 * looked at. The secret is the whole match, or its first group where there is one, which then ends the match but for `tail`.
 */
interface Pattern {
  readonly has: string;
  readonly like: RegExp;
  readonly tail?: number;
}

// None may begin where another one could have gone on, and none goes on without a bound: a text of beginnings is read once.
const PATTERNS: readonly Pattern[] = [
  { has: "xox", like: /(?<![\w-])xox[a-z](?:\.xox[a-z])?-[\w-]{8,512}/g },
  { has: "xapp-", like: /(?<![\w-])xapp-[\w-]{8,512}/g },
  { has: "hooks.slack", like: /hooks\.slack(?:-gov)?\.com(\/[\w/-]{8,512})/g },
  { has: "gh", like: /(?<![\w-])gh[pousr]_[A-Za-z0-9]{20,255}/g },
  { has: "github_pat_", like: /(?<![\w-])github_pat_\w{20,255}/g },
  { has: "glpat-", like: /(?<![\w-])glpat-[\w.-]{16,255}/g },
  { has: "npm_", like: /(?<![\w-])npm_[A-Za-z0-9]{30,255}/g },
  { has: "k_", like: /(?<![\w-])[srp]k_(?:live|test)_[A-Za-z0-9]{10,255}/g },
  { has: "AIza", like: /(?<![\w-])AIza[\w-]{30,60}/g },
  { has: "hvs.", like: /(?<![\w-])hv[sbr]\.[\w-]{20,512}/g },
  { has: ":AA", like: /(?<!\d)\d{6,12}:AA[\w-]{30,64}/g }, // Telegram
  { has: ".", like: /(?<![\w.-])[MNO][\w-]{22,31}\.[\w-]{5,8}\.[\w-]{25,64}(?![\w.-])/g }, // Discord
  { has: "micro_", like: /(?<![\w-])micro_[0-9a-f]{12}_[\w-]{20,64}/g },
  { has: "eyJ", like: /(?<![\w-])eyJ[\w-]{6,8192}\.[\w-]{2,16384}(?:\.[\w-]{0,4096}){0,3}/g },
  { has: "A", like: /(?<![A-Za-z0-9])(?:AKIA|ASIA|AIDA|AROA|AGPA|ANPA|ANVA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])/g },
  {
    has: "PRIVATE KEY",
    like: /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)/g,
  },
  { has: "://", like: /:\/\/[^\s/@:"'<>\\]{0,256}:([^\s/@"'<>\\]{1,256})@/g, tail: 1 },
  { has: ":\\", like: /:(?:\\{1,8}\/){2}[^\s/@:"'<>\\]{0,256}:([^\s/@"'<>\\]{1,256})@/g, tail: 1 },
];

export function findPatterns(text: string, onSpan: OnSpan): void {
  for (const { has, like, tail = 0 } of PATTERNS) {
    if (!text.includes(has)) continue;
    for (const match of text.matchAll(like)) {
      const end = match.index + match[0].length - tail;
      onSpan(match[1] === undefined ? match.index : end - match[1].length, end);
    }
  }
  findBearers(text, onSpan);
  findNamed(text, onSpan);
}

/** `Bearer …`; the word alone is also one of English, so what follows has to look like no word. */
function findBearers(text: string, onSpan: OnSpan): void {
  for (const match of text.matchAll(/\bbearer(?:\s|%20|\+){1,4}([\w.~+/=-]{8,4096})/gi)) {
    const value = match[1] as string;
    const end = match.index + match[0].length;
    if (/\d/.test(value) || value.length >= 24) onSpan(end - value.length, end);
  }
}

/** What things are called whose value is nobody's business. */
const WORDS =
  "pass(?:word|wd|phrase)|pwd|secret|token|credentials?|api[-_]?key|access[-_]?key|private[-_]?key|signing[-_]?key|encryption[-_]?key|authorization|cookie";

/** `password=`, `"client_secret": `, `\"token\":`, `API_KEY=>`. */
const NAME = new RegExp(`(${WORDS})([\\w.-]{0,32})(\\\\{0,8}["'\`]?)(\\s{0,4}(?:=>|:=|[:=])\\s{0,4})`, "gi");

/** What is said about a secret, and is none: `token_type`, `secretName`, `password_file`, `tokens`. */
const ABOUT =
  /^(?:[_.-]?(?:s$|names?|types?|ur[il]|files?|path|ids?|ttl|exp|count|len|limit|polic|addr|endpoint|version|method|kind|status|state|required|valid|store|engine|backend|manager|provider|ref|length)|less|iz|ed$|ing)/i;

const NAMED = new RegExp(`(?:${WORDS})([\\w.-]*)$`, "i");

/** A name whose value is a secret: of an environment variable, of a field. */
export function isSecretName(name: string): boolean {
  const match = NAMED.exec(name.slice(-200));
  return match !== null && !ABOUT.test(match[1] ?? "") && !/^(?:old)?pwd$/i.test(name);
}

function findNamed(text: string, onSpan: OnSpan): void {
  // What separates a name from its value; most texts have none, and are then not read for names.
  if (!text.includes("=") && !text.includes(":")) return;
  NAME.lastIndex = 0;
  for (let match = NAME.exec(text); match !== null; match = NAME.exec(text)) {
    const [name, word = "", rest = "", closing = "", separator = ""] = match;
    if (ABOUT.test(rest)) continue;
    const at = match.index + name.length;
    const whole = /^(?:authorization|cookie)$/i.test(word);
    const value = valueAt(text, at, whole);
    if (value === undefined) continue;
    const said = text.slice(value.start, value.end);
    if (whole && !value.quoted && !CREDENTIAL.test(said)) continue;
    const prose = closing === "" && !value.quoted && /:\s/.test(separator);
    if (!isTelling(said, prose, word)) continue;
    if (text[value.end] === "…" && value.end - value.start < 8) continue;
    onSpan(value.start, value.end);
    NAME.lastIndex = value.end;
  }
  NAME.lastIndex = 0;
}

/** What stands behind `Authorization:` and `Cookie:`, which are words of English, too. */
const CREDENTIAL = /^(?:basic|bearer|digest|negotiate|token|apikey|aws4|hmac|bot)\b|=/i;

/** The longest value that is looked at; a longer one is taken out up to there. */
const VALUE_MAX = 8192;

interface Value {
  readonly start: number;
  readonly end: number;
  readonly quoted: boolean;
}

/** @param whole with the words behind it, as in `Basic dXNlcg==` and `a=1; b=2` */
function valueAt(text: string, at: number, whole: boolean): Value | undefined {
  const open = /^\\{0,8}["'`]/.exec(text.slice(at, at + 9))?.[0];
  if (open !== undefined) {
    const start = at + open.length;
    const end = closingOf(text, start, open);
    if (end !== -1) return end === start ? undefined : { start, end, quoted: true };
  }
  const from = at + (open?.length ?? 0);
  const some = text.slice(from, from + VALUE_MAX);
  const length = (whole ? /^[^\r\n"'`\\…]+/ : /^[^\s"'`,;&<>(){}[\]|\\…]+/).exec(some)?.[0].length ?? 0;
  return length === 0 ? undefined : { start: from, end: from + length, quoted: false };
}

/** Where the quotes end that were opened so: with as many backslashes before them. -1: not soon. */
function closingOf(text: string, from: number, open: string): number {
  const quote = open.at(-1) as string;
  const most = Math.min(text.length, from + VALUE_MAX);
  for (let at = from; at < most; at++) {
    let slashes = 0;
    while (text[at] === "\\") {
      slashes++;
      at++;
    }
    if (text[at] === "\n" && open.length === 1 && quote !== "`") return -1;
    if (text[at] === quote && slashes <= open.length - 1) return at - slashes;
  }
  return -1;
}

const NOTHING =
  /^(?:true|false|null|nil|none|undefined|nan|string|bytes?|bool(?:ean)?|u?int\d*|float\d*|double|number|any|value)$/i;

/** References to where a secret is are none, nor is what stands for one. */
const STANDS_FOR = /^(?:(?:file|env|vault):|\$|\*+$|x+$|\[secret|%[sdvq]$)/i;

function isTelling(value: string, prose: boolean, word: string): boolean {
  if (value.length < 3 || NOTHING.test(value) || STANDS_FOR.test(value)) return false;
  if (/^pwd$/i.test(word) && value.startsWith("/")) return false;
  // "the token: missing" is a sentence.
  return !prose || (value.length >= 5 && /\d|[^A-Za-z.'!?-]/.test(value));
}
