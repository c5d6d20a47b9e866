/** Zero or above, without a unit; undefined for anything else. */
export function parseNumber(text: string): number | undefined {
  return /^\+?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : undefined;
}
