/**
 * Why a name may be taken for another one than it is; `undefined`: it may not. Names of commands and services are what
 * people read before they say yes, so a name that looks like another is a way to have them say yes to something else.
 *
 * Refused are characters that nobody sees, spellings that Unicode holds for the same (NFKC), several scripts in one word, and
 * words of one foreign script whose letters all look Latin. A name in one script of its own is a name like any other.
 */
export function lookAlike(name: string): string | undefined {
  if (PLAIN.test(name)) return undefined;
  const unseen = UNSEEN.exec(name)?.[0];
  if (unseen !== undefined) return `it has a character that nobody sees, ${codeOf(unseen)}`;
  if (/\s/u.test(name.replaceAll(" ", ""))) return "it has a blank that is none";
  const same = name.normalize("NFKC");
  if (same !== name && same !== name.normalize("NFC")) return `it is another spelling of "${same}"`;
  for (const word of same.split(/[^\p{L}\p{M}\p{N}]+/u)) {
    const scripts = scriptsOf(word);
    if (scripts.length > 1 && !TOGETHER.some((set) => scripts.every((script) => set.has(script)))) {
      return `"${word}" mixes letters of ${scripts.join(" and ")}`;
    }
    const latin = scripts[0] === "Latin" ? undefined : inLatin(word);
    if (latin !== undefined) return `"${word}" is written in ${scripts[0]} letters that look like "${latin}"`;
  }
  const sign = SIGNS.exec(same)?.[0];
  return sign === undefined ? undefined : `it has ${codeOf(sign)}, which looks like a plain sign`;
}

/** The name as it may be shown: marked, where it may be taken for another one. */
export function marked(name: string): string {
  const why = lookAlike(name);
  return why === undefined ? name : `${name} (careful: ${why})`;
}

/** Nearly all names. */
const PLAIN = /^[\x20-\x7e]*$/;

const UNSEEN = /\u034f|\u17b4|\u17b5|[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\u115f\u1160\u3164\uffa0]|\p{Variation_Selector}/u;

/** Signs that stand in names and have doubles: dots, dashes, slashes, colons, quotes. */
const SIGNS =
  /[\u00b7\u02d0\u0589\u05be\u05c3\u06d4\u0701\u0702\u2010-\u2015\u2018-\u201f\u2024\u2027\u2044\u2212\u2215\u2236\u2571\u2cba\u3002\ua789\uff0e]/u;

const SCRIPTS = [
  "Latin",
  "Cyrillic",
  "Greek",
  "Armenian",
  "Hebrew",
  "Arabic",
  "Devanagari",
  "Thai",
  "Georgian",
  "Cherokee",
  "Coptic",
  "Han",
  "Hiragana",
  "Katakana",
  "Hangul",
  "Bopomofo",
] as const;
const OF = SCRIPTS.map((script) => [script, new RegExp(`\\p{Script=${script}}`, "u")] as const);
const LETTER = /\p{L}/u;

/** Scripts that are written together (Unicode TR39, "highly restrictive"). */
const TOGETHER: readonly ReadonlySet<string>[] = [
  new Set(["Latin", "Han", "Hiragana", "Katakana"]),
  new Set(["Latin", "Han", "Bopomofo"]),
  new Set(["Latin", "Han", "Hangul"]),
];

function scriptsOf(word: string): readonly string[] {
  const found = new Set<string>();
  for (const letter of word) {
    if (LETTER.test(letter)) found.add(OF.find(([, of]) => of.test(letter))?.[0] ?? "another script");
  }
  return [...found];
}

/** Letters that look like Latin ones in most fonts (Unicode TR39, confusables), by the Latin letter. */
const DOUBLES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    a: "аɑα",
    b: "ЬвΒВ",
    c: "сϲᴄ",
    d: "ԁɗ",
    e: "еҽε",
    g: "ɡց",
    h: "һհН",
    i: "іıιΙ",
    j: "јϳ",
    k: "кκКΚ",
    l: "ӏⅼا",
    m: "мМΜ",
    n: "пոηΝ",
    o: "оοօסഠ",
    p: "рρРΡ",
    q: "ԛգ",
    r: "гᴦ",
    s: "ѕꜱ",
    t: "тτТΤ",
    u: "սυц",
    v: "ѵνט",
    w: "ԝաѡ",
    x: "хχХΧ",
    y: "уүγУΥ",
    z: "ᴢΖ",
    A: "АΑ",
    C: "СϹ",
    E: "ЕΕ",
    O: "ОΟՕ",
    S: "ЅՏ",
    I: "ІӀ",
    J: "Ј",
  }).flatMap(([latin, doubles]) => [...doubles].map((double) => [double, latin] as const)),
);

/** What a foreign word looks like in Latin letters, if all of it does. */
function inLatin(word: string): string | undefined {
  let latin = "";
  for (const letter of word) {
    const double = DOUBLES.get(letter) ?? (LETTER.test(letter) ? undefined : letter);
    if (double === undefined) return undefined;
    latin += double;
  }
  return /[a-z]/i.test(latin) ? latin : undefined;
}

function codeOf(char: string): string {
  return `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
