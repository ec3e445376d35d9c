/** Variables whose values are nobody's business, by their names. */
const SECRET = /TOKEN|SECRET|PASS|KEY|AUTH|CREDENTIAL|COOKIE|WEBHOOK/i;

/**
 * Takes what an adapter was trusted with out of a text, by value (`chat.md §6`, "Leaked tokens"): values of variables
 * with telling names, and passwords within addresses.
 */
export function redactor(env: Readonly<Record<string, string>>): (text: string) => string {
  const known = secretsIn(env);
  return (text) => known.reduce((left, secret) => left.replaceAll(secret, "***"), text);
}

/** Those values, the longest first: one may be part of another. */
export function secretsIn(env: Readonly<Record<string, string>>): readonly string[] {
  const secrets = new Set<string>();
  for (const [name, value] of Object.entries(env)) {
    if (SECRET.test(name)) secrets.add(value);
    for (const [, password = ""] of value.matchAll(/:\/\/[^\s/:@]*:([^\s/@]+)@/g)) secrets.add(password);
  }
  // What is shorter is no secret, and would tear holes into every word.
  return [...secrets].filter((secret) => secret.length >= 6).sort((a, b) => b.length - a.length);
}
