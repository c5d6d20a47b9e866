/** The samples of a scrape in Prometheus' text format: `name{label="value"}` as it is written, and its value. */
export type Samples = ReadonlyMap<string, number>;

/** @throws Error at a line that is neither a comment nor a sample, or at a sample that is there twice */
export function readSamples(text: string): Samples {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, series = '', value = ''] = /^(\S+?(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
    if (series === '') throw new Error(`not a sample: ${line}`);
    if (samples.has(series)) throw new Error(`there twice: ${series}`);
    samples.set(series, Number(value));
  }
  return samples;
}

/** Only the samples of this metric, by what stands in the braces; the empty text where there are none. */
export function samplesOf(samples: Samples, name: string): Readonly<Record<string, number>> {
  const found = [...samples].flatMap(([series, value]) => {
    if (series === name) return [['', value] as const];
    return series.startsWith(`${name}{`) ? [[series.slice(name.length + 1, -1), value] as const] : [];
  });
  return Object.fromEntries(found);
}
