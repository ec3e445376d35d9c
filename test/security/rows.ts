/**
 * The classes of `chat.md §6`, what went wrong elsewhere, in its words. Each has a test here whose title begins with it and which
 * fails when its guard is taken out (`proven.ts`). StackStorm's platform CVEs, the last row, give no rule to hold.
 */
export const ROWS = [
  "Slack HTTP endpoint unsigned",
  "Identity confusion",
  "Outsiders in the room",
  "Edit and unfurl tricks",
  "Approval buttons",
  "Command / argument injection",
  "Slash trigger hijack",
  "Mention / markup injection in output",
  "Unfurl exfiltration",
  "XMPP stanza injection",
  "History replay = command replay",
  "Leaked tokens",
  "Weak transport",
  "Docs say, code does not",
] as const;

export type Row = (typeof ROWS)[number];
