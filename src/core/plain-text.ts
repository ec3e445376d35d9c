/* biome-ignore-all lint/suspicious/noControlCharactersInRegex: control characters are what this file is about */

/** Escape sequences of terminals: CSI, OSC and the like, and the short ones. */
const ESCAPES =
  /\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|[ -/]*[0-~])|\x9b[0-?]*[ -/]*[@-~]/g;

/** Control characters except newline and tab, C1 included; and the marks that turn the direction of writing around. */
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text that only shows itself. What a service answers is not to move the cursor, clear the screen or set the clipboard of
 * whoever asked.
 */
export function plainText(text: string): string {
  // Nearly no text has any of it; what begins a sequence is a control character itself.
  if (text.search(CONTROLS) === -1) return text;
  return text.replace(/\r\n?/g, "\n").replace(ESCAPES, "").replace(CONTROLS, "");
}
