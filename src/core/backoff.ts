/**
 * Milliseconds to wait after so many failures: `firstMs`, doubled with every `attempt` (from 0) up to `mostMs`; and up to half
 * of that less, so that those who lost the same thing do not come back for it together.
 */
export function backoff(attempt: number, firstMs: number, mostMs: number): number {
  return Math.min(mostMs, firstMs * 2 ** attempt) * (0.5 + Math.random() / 2);
}
