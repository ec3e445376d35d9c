import type { Attachment } from "../commands/command.ts";
import type { Input, OutgoingMessage, Part } from "../inputs/input.ts";

/** The largest picture that is shown, in bytes. */
export const PICTURE_BYTES = 1024 * 1024;

/** A picture, be it that its bytes are gone: with a secret in its words, or with a process. */
export function isPicture({ name, png }: Attachment): boolean {
  return png !== undefined || name.toLowerCase().endsWith(".png");
}

/** Whether there is something to be shown there; else its words are said. */
export function isShown({ png }: Attachment, { pictures }: Pick<Input["limits"], "pictures">): boolean {
  return pictures && png !== undefined && png.length > 0 && png.length <= PICTURE_BYTES;
}

/** What is said in a picture's stead: its words as they are, since they are made to be read in a line. */
export function wordsOf({ text }: Attachment): readonly Part[] {
  return text.trim() === "" ? [] : [{ kind: "text", text }];
}

/** A message whose picture is not shown after all. */
export function inWords(message: OutgoingMessage): OutgoingMessage {
  const { file, ...rest } = message;
  return file === undefined ? message : { ...rest, parts: [...message.parts, ...wordsOf(file)] };
}
