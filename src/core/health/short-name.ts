/**
 * The registered names that somebody may mean: that very one, or those that end so (`payments`: `go.micro.srv.payments`). What it
 * begins with ends in a dot, so nothing is met in the middle of a word.
 */
export function meant(said: string, names: readonly string[]): readonly string[] {
  if (names.includes(said)) return [said];
  const end = `.${said.toLowerCase()}`;
  return names.filter((name) => name.toLowerCase().endsWith(end));
}
