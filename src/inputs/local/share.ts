import { MicroError } from "../../core/errors.ts";

/** We and root can always come: whoever has to end sessions needs one. */
export function isForeign(uid: number): boolean {
  return uid !== 0 && uid !== process.getuid?.();
}

/** @param here the users of the sessions there are @throws MicroError `exhausted`, told whose sessions are too many */
export function checkShare(uid: number, here: readonly number[], most: number): void {
  // Four have to agree to keep everybody else out.
  const share = Math.max(1, Math.floor(most / 4));
  const own = here.filter((other) => other === uid).length;
  const whose = own >= share ? `${own} sessions of yours` : `${here.length} sessions`;
  if (own < share && here.length < most) return;
  throw new MicroError("exhausted", `${whose} of \`micro chat\` are open already; end one of them`);
}
