import { writeFileSync } from 'node:fs';
import { readDashboard } from '../test/monitoring/dashboard.ts';
import { collect } from './picture/collect.ts';
import { drawDashboard } from './picture/draw.ts';
import { playStory, SCRAPE_SECONDS } from './picture/story.ts';

/**
 * Draws docs/dashboard.svg: real agents on a real API server have a few bad minutes, a real Prometheus scrapes them, and
 * the panels show what the dashboard's own queries find there. It needs KUBEBUILDER_ASSETS, the built agent, and ECharts,
 * which nothing else does: `npm install --no-save echarts@6.1.0`.
 */
const OUTPUT = new URL('dashboard.svg', import.meta.url);

// Agents end with this process only when it exits by itself.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const dashboard = readDashboard();
const { scene, startSeconds } = await playStory(console.log);
try {
  const range = { startSeconds, endSeconds: Math.floor(Date.now() / 1000), stepSeconds: SCRAPE_SECONDS * 2 };
  const svg = drawDashboard(dashboard, await collect(dashboard, scene.prometheus, range), range);
  writeFileSync(OUTPUT, svg);
  console.log(`${OUTPUT.pathname}: ${Math.ceil(svg.length / 1024)} KiB`);
} finally {
  await scene.stop();
}
