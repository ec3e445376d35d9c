export const ERAS: Readonly<Record<string, string | undefined>>;
export function programOf(era: string): string;
export function reasonOf(era: string): string | undefined;
