import { exitCode3CountsAsFailed } from './exit-code-3-counts-as-failed.ts';
import type { WarningRule } from './warning.ts';

/** Every rule that warns. */
export const WARNING_RULES: readonly WarningRule[] = [exitCode3CountsAsFailed];
