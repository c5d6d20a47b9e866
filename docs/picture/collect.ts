import type { Prometheus, QueryRange, Series } from '../../test/harness/prometheus.ts';
import { type Dashboard, type Panel, panelsOf, substitute, type Target } from '../../test/monitoring/dashboard.ts';
import { JOB } from '../../test/monitoring/scene.ts';

/** What a panel's queries found. */
export interface PanelData {
  readonly panel: Panel;
  readonly results: readonly { readonly target: Target; readonly series: readonly Series[] }[];
}

/** Asks Prometheus what every panel would show of a range. */
export function collect(dashboard: Dashboard, prometheus: Prometheus, range: QueryRange): Promise<PanelData[]> {
  const { startSeconds, endSeconds, stepSeconds } = range;
  const variables = {
    job: JOB,
    node: '.*',
    policy: '.*',
    range: `${endSeconds - startSeconds}s`,
    rateInterval: `${stepSeconds * 5}s`,
  };
  const ask = async (target: Target) => {
    const expression = substitute(target.expr, variables);
    const series = target.instant
      ? await prometheus.query(expression, endSeconds)
      : await prometheus.queryRange(expression, range);
    return { target, series };
  };
  return Promise.all(
    panelsOf(dashboard).map(async (panel) => ({ panel, results: await Promise.all((panel.targets ?? []).map(ask)) })),
  );
}
