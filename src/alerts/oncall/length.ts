const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** `10m`, `1h30m`, `7d` in ms; `undefined`: that is no length of time. */
export function readLength(text: string): number | undefined {
  const said = text.trim();
  if (!/^(\d{1,6}[smhdw])+$/.test(said)) return undefined;
  let ms = 0;
  for (const [, count, unit = ""] of said.matchAll(/(\d+)([smhdw])/g)) ms += Number(count) * (UNITS[unit] ?? 0);
  return ms > 0 ? ms : undefined;
}
