import { marked } from "../../core/look-alike.ts";
import { cut } from "./merge.ts";

/** A text of a stranger in one line, of so many characters at most, without what nobody sees. */
export function inLine(text: string, most: number): string {
  return cut(
    text
      .slice(0, most * 8)
      .replace(/[\s\p{Cc}\p{Cf}]+/gu, " ")
      .trim(),
    most,
  );
}

/** A name that a stranger gave, marked where it looks like another one. */
export function nameIn(text: string, most = 80): string {
  return marked(inLine(text, most));
}

/** How long something took or lasts: `45s`, `12m`, `3h 5m`, `2d 4h`. */
export function spanOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours}h` : `${hours}h ${minutes % 60}m`;
  return hours % 24 === 0 ? `${Math.floor(hours / 24)}d` : `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** `02:41 UTC`; with its day where that is not the one of `beside`. */
export function timeOf(at: number, beside: number): string {
  const text = new Date(at).toISOString();
  const day = text.slice(0, 10) === new Date(beside).toISOString().slice(0, 10) ? "" : `${text.slice(0, 10)} `;
  return `${day}${text.slice(11, 16)} UTC`;
}
