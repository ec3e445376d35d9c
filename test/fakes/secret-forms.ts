/** A secret as programs and people spell it: by name, how it would stand in a text. */
export function formsOf(secret: string): Readonly<Record<string, string>> {
  const bytes = Buffer.from(secret);
  const base64 = bytes.toString("base64");
  const base64url = bytes.toString("base64url");
  const hex = bytes.toString("hex");
  const json = JSON.stringify(secret);
  const percent = encodeURIComponent(secret);
  const each = (between: string) => [...secret].join(between);
  const middle = (between: string, text = secret) =>
    `${text.slice(0, text.length >> 1)}${between}${text.slice(text.length >> 1)}`;
  const within = (before: string, after: string) => Buffer.from(`${before}${secret}${after}`);
  const unicode = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const allPercent = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  return {
    "as it is": secret,
    "in upper case": secret.toUpperCase(),
    "in lower case": secret.toLowerCase(),
    "in double quotes": `"${secret}"`,
    "in single quotes": `'${secret}'`,
    "in backticks": `\`${secret}\``,
    "in brackets": `<${secret}>`,
    "at the end of a sentence": `it was ${secret}.`,
    "right behind a word": `token is:${secret},next`,
    "in the middle of a word": `abc${secret}def`,
    twice: `${secret} ${secret}`,
    "three times without a gap": secret.repeat(3),
    "split by a space": middle(" "),
    "split by a newline": middle("\n"),
    "split by a carriage return": middle("\r\n"),
    "split by a tab": middle("\t"),
    "split by many blanks": middle("   \n\t  "),
    "with a space between all": each(" "),
    "with a newline between all": each("\n"),
    "split by a no-break space": middle("\u00a0"),
    "split by an em space": middle("\u2003"),
    "split by a zero-width space": middle("\u200b"),
    "with zero-width spaces between all": each("\u200b"),
    "split by a zero-width joiner": middle("\u200d"),
    "split by a zero-width non-joiner": middle("\u200c"),
    "split by a word joiner": middle("\u2060"),
    "split by a byte order mark": middle("\ufeff"),
    "split by a soft hyphen": middle("\u00ad"),
    "split by a direction mark": middle("\u200f"),
    "split by a direction override": middle("\u202e"),
    "split by an isolate": middle("\u2067"),
    "split by a variation selector": middle("\ufe0f"),
    "split by a Hangul filler": middle("\u3164"),
    "split by a control character": middle("\u0007"),
    "split by a null": middle("\0"),
    "split by a colour": middle("\x1b[31m"),
    "split by several colours": middle("\x1b[0m\x1b[1;32m"),
    "split by an escaped newline": middle("\\n"),
    "split by an escaped newline, twice escaped": middle("\\\\n"),
    "split by an escaped zero-width space": middle("\\u200b"),
    "split by an escaped colour": middle("\\u001b[31m"),
    "split by a line's end with a backslash": middle("\\\n"),
    "as JSON": json,
    "as JSON in JSON": JSON.stringify(json),
    "as JSON in JSON in JSON": JSON.stringify(JSON.stringify(json)),
    "as a value in JSON": JSON.stringify({ note: secret }),
    "as a key in JSON": JSON.stringify({ [secret]: 1 }),
    "in a list in JSON": JSON.stringify(["a", secret, "b"]),
    "in JSON as a text in JSON": JSON.stringify({ body: JSON.stringify({ inner: secret }) }),
    "as JSON with all characters escaped": [...secret].map((_, at) => unicode(secret[at] as string)).join(""),
    "as JSON with one character escaped": `${unicode(secret)}${secret.slice(1)}`,
    "as JSON with escapes in upper case": [...secret]
      .map((_, at) =>
        unicode(secret[at] as string)
          .toUpperCase()
          .replace("U", "u"),
      )
      .join(""),
    "as JSON with escaped slashes": json.replaceAll("/", "\\/"),
    "with escapes of two digits": [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join(""),
    "in a URL": percent,
    "in a URL, in lower case": percent.replace(/%../g, (one) => one.toLowerCase()),
    "in a URL, everything encoded": allPercent,
    "in a URL, everything encoded in upper case": allPercent.toUpperCase(),
    "in a URL, twice encoded": encodeURIComponent(percent),
    "in a URL, three times encoded": encodeURIComponent(encodeURIComponent(percent)),
    "in a form": new URLSearchParams({ q: secret }).toString(),
    "in a query": `https://example.org/?a=1&q=${percent}&b=2`,
    "in a path": `https://example.org/x/${percent}/y`,
    "as a password in an address": `amqp://bot:${percent}@broker:5672/`,
    "as a user in an address": `nats://${percent}@broker:4222`,
    "in HTML": secret.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`),
    "in HTML, with names": secret
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;"),
    "in HTML, twice": secret.replaceAll("&", "&amp;amp;"),
    "in HTML, all in decimals": [...secret].map((one) => `&#${one.codePointAt(0)};`).join(""),
    "in HTML, all in hex": [...secret].map((one) => `&#x${one.codePointAt(0)?.toString(16)};`).join(""),
    "in base64": base64,
    "in base64 without padding": base64.replaceAll("=", ""),
    "in base64 of URLs": base64url,
    "in base64 over lines": base64.replace(/(.{10})/g, "$1\n"),
    "in base64 over lines of Windows": base64.replace(/(.{10})/g, "$1\r\n"),
    "in base64 with zero-width spaces": base64.replace(/(.{5})/g, "$1\u200b"),
    "in base64 in a URL": encodeURIComponent(base64),
    "in base64 in JSON": JSON.stringify({ a: base64 }).replaceAll("/", "\\/"),
    "in base64 behind one byte": within("a", "").toString("base64"),
    "in base64 behind two bytes": within("ab", "").toString("base64"),
    "in base64 behind three bytes": within("abc", "").toString("base64"),
    "in base64 before one byte": within("", "z").toString("base64"),
    "in base64 before two bytes": within("", "zz").toString("base64"),
    "in base64 between bytes": within("a", "z").toString("base64"),
    "in base64 of URLs between bytes": within("ab", "zz").toString("base64url"),
    "in a header for basic authorization": `Authorization: Basic ${within("bot:", "").toString("base64")}`,
    "in base64 with a newline": Buffer.from(`${secret}\n`).toString("base64"),
    "in base64 of JSON": within('{"pass":"', '"}').toString("base64"),
    "in base64 of base64": Buffer.from(base64).toString("base64"),
    "in a data address": `data:text/plain;base64,${base64}`,
    "in hex": hex,
    "in hex, in upper case": hex.toUpperCase(),
    "in hex with spaces": hex.replace(/(..)/g, "$1 "),
    "in hex over lines": hex.replace(/(.{16})/g, "$1\n"),
    "in hex with a prefix": `0x${hex}`,
    "in hex between bytes": within("ab", "yz").toString("hex"),
    "in a header": `X-Custom: ${secret}`,
    "as a bearer": `Bearer ${secret}`,
    "as a variable": `export THING=${secret}`,
    "in YAML": `thing: ${secret}\nother: 1`,
    "in XML": `<thing>${secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</thing>`,
    "in a stack": `Error: no ${secret}\n    at login (/app/${secret}.js:1:2)`,
    "in a table": `a\t${secret}\tb`,
    "cut off at the end": secret.slice(0, Math.max(9, secret.length - 3)),
    "cut off with a mark": `${secret.slice(0, Math.max(9, secret.length - 3))}…`,
    "in wide letters": [...secret]
      .map((one) => (/[!-~]/.test(one) ? String.fromCodePoint((one.codePointAt(0) ?? 0) + 0xfee0) : one))
      .join(""),
  };
}

/** Whether a text gives a secret away to somebody who undoes what programs do to characters. */
export function givesAway(text: string, secret: string): boolean {
  const undo: readonly ((text: string) => string)[] = [
    (one) => one,
    (one) => one.replace(/\ufe0f|\u3164|[\s\p{Cf}\p{Cc}]/gu, ""),
    (one) => one.replace(/\\u([\da-f]{4})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
    (one) => one.replace(/%([\da-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
    (one) => one.replaceAll("\\", ""),
    (one) => Buffer.from(one.replace(/\s/g, ""), "hex").toString(),
    ...[0, 1, 2, 3].map((skip) => (one: string) => Buffer.from(one.slice(skip), "base64").toString("latin1")),
  ];
  // What is left of a secret of 20 characters or more counts from eight on.
  const tells = secret.length >= 20 ? secret.slice(0, 9).toLowerCase() : secret.toLowerCase();
  const seen = (one: string) => one.toLowerCase().includes(tells);
  const words = text.split(/[^\w+/=%\\-]+/);
  return (
    undo.some((first) => seen(first(text)) || words.some((word) => seen(first(word)))) ||
    undo.some((first) => undo.some((second) => seen(second(first(text)))))
  );
}
